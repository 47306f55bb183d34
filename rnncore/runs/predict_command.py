"""`python -m rnncore predict RUN FILE`: a run's weights applied to a new file, as CSV."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from rnncore.config import TrainConfig, files_of
from rnncore.errors import ConfigError
from rnncore.words import many

Trained = tuple[TrainConfig, dict[str, NDArray[Any]], Callable[[str], bytes]]


def add_to(commands: Any) -> None:
    """Add `predict` to a parser's commands; it sets `run`, which returns the exit status."""
    summary = "apply a run's newest weights to a new file of the same columns; the predictions as CSV"
    parser = commands.add_parser("predict", help=summary, description=summary)
    parser.add_argument("of", metavar="RUN", help="the id of a run in the app's store, or a folder of `train --out`")
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE", help="a file like those that the run learned from, or several"
    )
    parser.add_argument("--out", type=Path, metavar="CSV", help="default: standard output")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="the store's folder (default: the app's own)")
    parser.set_defaults(run=_predict)


def _predict(options: argparse.Namespace) -> int:
    from rnncore.applying import apply_run
    from rnncore.data.predictable import check_can_predict

    folder = Path(options.of)
    config, weights, read_file = _of_folder(folder) if folder.is_dir() else _of_store(options)
    check_can_predict(config)
    prediction = apply_run(config, weights, read_file, [(path.name, _content(path)) for path in options.files])
    for note in prediction.notes:
        print(f"rnncore: {note}", file=sys.stderr)
    if options.out is None:
        sys.stdout.buffer.write(prediction.csv().encode())
        sys.stdout.buffer.flush()
    else:
        options.out.write_bytes(prediction.csv().encode())
        print(f"rnncore: wrote {many(prediction.rows, 'prediction')} to '{options.out}'", file=sys.stderr)
    return 0


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the file '{path}' cannot be read: {error.strerror}") from None


def _of_folder(folder: Path) -> Trained:
    """Return config, weights and reader of a folder that `train --out` wrote. Raises ConfigError."""
    from pydantic import ValidationError
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from rnncore.config import explain
    from rnncore.data import read_path

    try:
        config = TrainConfig.model_validate_json((folder / "config.json").read_text(encoding="utf-8"))
        return config, load_file(folder / "weights.safetensors"), read_path
    except ValidationError as error:
        raise ConfigError(explain(error)) from None
    except (OSError, SafetensorError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"the folder '{folder}' holds no run with weights: {why}") from None


def _of_store(options: argparse.Namespace) -> Trained:
    """Return config, newest weights and reader of a run in the store. Raises ConfigError."""
    from rnncore.data.dataset import DataError
    from rnncore.runs.commands import found, open_store
    from rnncore.runs.watched_forms import is_watched
    from rnncore.weights import checkpoint_weights

    with open_store(options) as (store, _):
        run = found(store, options.of)
        if is_watched(run.config):
            raise ConfigError(f"the run '{run.id}' trains in a program of its own, which has its weights")
        config = TrainConfig.model_validate(run.config)
        checkpoint = store.load_checkpoint(run.id)
        if checkpoint is None or run.info is None:
            raise ConfigError(f"the run '{run.id}' has no weights yet")
        info = run.info
        weights = checkpoint_weights(checkpoint[1], config.model, info["input_size"], info["output_size"])
        contents = {file: store.file(run.workspace, file) for file in files_of(config.data)}

    def read_file(file: str) -> bytes:
        content: bytes | None = contents[file]
        if content is None:
            raise DataError("The uploaded file of this run is no longer stored.")
        return content

    return config, weights, read_file
