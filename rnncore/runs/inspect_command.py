"""`python -m rnncore inspect RUN_OR_CONFIG --instrument NAME --step N`: an instrument read at one step of a run."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnncore.config import TrainConfig, files_of
from rnncore.errors import ConfigError, not_allowed
from rnncore.key_of import either

if TYPE_CHECKING:
    from rnncore.reading import Reading

Asked = tuple[TrainConfig, Any, Sequence[tuple[int, str, float]], bytes, int]


def add_to(commands: Any, read_config: Callable[[str], TrainConfig]) -> None:
    """Add `inspect` to a parser's commands; it sets `run`, which returns the exit status. read_config: of a file."""
    summary = "read an instrument at one step of a run: its numbers as JSON, or as a file"
    parser = commands.add_parser("inspect", help=summary, description=summary)
    parser.add_argument(
        "of", metavar="RUN_OR_CONFIG", help="a run's id in the app's store, a folder of `train --out`, or a config file"
    )
    parser.add_argument("--instrument", metavar="NAME", help="which one; without it, all are listed")
    parser.add_argument(
        "--step", type=_positive, metavar="N", help="before whose update (default: the one after the last)"
    )
    parser.add_argument("--layer", type=_positive, metavar="N", help="of the instrument 'unit' (default: the top one)")
    parser.add_argument(
        "--unit", type=_positive, metavar="N", help="of the instrument 'unit' (default: that with the largest gradient)"
    )
    parser.add_argument("--over-training", action="store_true", help="at several steps up to N instead")
    parser.add_argument("--every", type=_positive, metavar="N", help="of these: at every N evaluations")
    parser.add_argument("--json", action="store_true", help="print all numbers as JSON, not the sentences alone")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all numbers to a file .npz or .parquet")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="the store's folder (default: the app's own)")
    parser.set_defaults(run=_inspect, read_config=read_config)


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _inspect(options: argparse.Namespace) -> int:
    from rnncore.on_demand import ON_DEMAND
    from rnncore.reading_files import WRITERS

    if options.instrument is None:
        for key, entry in ON_DEMAND.items():
            print(f"{key:14} {entry.title}. {entry.help}")
        return 0
    if options.instrument not in ON_DEMAND:
        raise not_allowed("instrument", options.instrument, "", either(ON_DEMAND))
    writer = None if options.out is None else WRITERS.get(options.out.suffix.lower())
    if options.out is not None and writer is None:
        raise ConfigError(f"--out: '{options.out}' is not allowed; allowed: a file {either(WRITERS)}")
    if options.over_training and not ON_DEMAND[options.instrument].course:
        followed = either(key for key, entry in ON_DEMAND.items() if entry.course)
        raise ConfigError(f"--over-training: '{options.instrument}' is read at one step; followed are {followed}")

    found = _of_watched(options)
    if found is None:
        found = _worked_out(options)
    if writer is not None:
        options.out.write_bytes(writer(found))
        print(f"rnncore: wrote {options.instrument} at step {found.step:,} to '{options.out}'", file=sys.stderr)
    if options.json:
        print(json.dumps(found.to_json(), allow_nan=False))
    else:
        for sentence in (found.undefined, *found.said, *found.notes):
            print(sentence, end="\n" if sentence else "")
    return 0


def _of_watched(options: argparse.Namespace) -> Any:
    """Return what is kept of a run that trains in a program of its own; None of any other."""
    if not _is_in_store(Path(options.of)):
        return None
    from rnncore.runs.commands import found, open_store
    from rnncore.runs.inspector.programs import kept_reading
    from rnncore.runs.watched_forms import is_watched

    with open_store(options) as (store, _):
        run = found(store, options.of)
        if not is_watched(run.config):
            return None
        if options.over_training:
            raise ConfigError("--over-training: a model that is watched is read at the steps at which somebody asks")
        asked = {"layer": options.layer, "unit": options.unit}
        return kept_reading(store, run, options.instrument, options.step, asked)


def _worked_out(options: argparse.Namespace) -> Any:
    """Return a reading that is worked out here."""
    from rnncore.data import load_dataset
    from rnncore.engine.inspection import Inspection
    from rnncore.on_demand import EVERY, chosen
    from rnncore.runs.worker.main import TorchEngine

    config, read_file, changes, checkpoint, last = _asked(options)
    step = options.step or last
    if step > last:
        raise not_allowed("step", step, "", f"1 to {last:,}")
    asked = chosen(options.instrument, config, {"layer": options.layer, "unit": options.unit, EVERY: options.every})
    if options.every and not options.over_training:
        raise ConfigError("--every: it says at which evaluations an instrument is read with --over-training")
    if (found := _kept(options, step, asked)) is not None:
        return found
    inspection = Inspection(config, load_dataset(config.data, read_file, config.mistake), changes)
    if checkpoint:
        inspection.keep(TorchEngine().state(checkpoint))
    if options.over_training:
        return inspection.follow(options.instrument, step, _tell, asked.get(EVERY))
    return inspection.read(options.instrument, step, asked, _tell)


def _tell(share: float) -> None:
    """Say on a terminal how much of the work is done."""
    if sys.stderr.isatty():
        print(f"{100 * share:.0f} % ", end="\r", file=sys.stderr, flush=True)


def _kept(options: argparse.Namespace, step: int, asked: Mapping[str, int]) -> "Reading | None":
    """Return what the app has worked out already of a run in its store, None where there is nothing."""
    from rnncore.on_demand import text_of
    from rnncore.reading import Reading
    from rnncore.runs.commands import found, open_store

    if not _is_in_store(Path(options.of)):
        return None
    with open_store(options) as (store, _):
        run = found(store, options.of)
        changes = sum(first <= step for first, _, _ in store.events(run.id))
        place = (run.id, options.instrument, step, options.over_training, changes)
        content = store.reading(*place, text_of(asked))
    return None if content is None else Reading.from_bytes(content)


def _is_in_store(path: Path) -> bool:
    return not path.exists() and path.suffix != ".json"


def _asked(options: argparse.Namespace) -> Asked:
    """Return config, reader of files, changes, checkpoint (or b"") and the last step that can be asked for."""
    from rnncore.data import read_path

    path = Path(options.of)
    if _is_in_store(path):
        return _of_store(options)
    if path.is_dir():
        path = path / "config.json"
    config = options.read_config(str(path))
    return config, read_path, (), b"", config.steps + 1


def _of_store(options: argparse.Namespace) -> Asked:
    from rnncore.data.dataset import DataError
    from rnncore.runs.commands import found, open_store

    with open_store(options) as (store, _):
        run = found(store, options.of)
        config = TrainConfig.model_validate(run.config)
        kept = store.load_checkpoint(run.id)
        contents = {file: store.file(run.workspace, file) for file in files_of(config.data)}
        events = store.events(run.id)

    def read_file(file: str) -> bytes:
        content: bytes | None = contents[file]
        if content is None:
            raise DataError("The uploaded file of this run is no longer stored.")
        return content

    after = 0 if run.status == "diverged" else 1  # the last step of one that diverged was never done
    return config, read_file, events, kept[1] if kept else b"", run.step + after
