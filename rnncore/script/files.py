"""Where a script takes its data from: code of its own, or a file beside it, and what that file holds."""

import io
from typing import Any, Literal

import numpy as np

from rnncore.config import TrainConfig
from rnncore.data import SERIES, TASKS, DataError, ReadFile
from rnncore.data.bundled import bundled_file
from rnncore.data.dataset import SequenceDataset
from rnncore.data.tasks.text import BUNDLED_TEXT, MAX_CHARACTERS
from rnncore.mistakes import NONE

UNTOUCHED = (NONE, "swapped_batch_and_time")  # mistakes that leave the sequences as they are
MAX_NUMBERS = 25_000_000  # in a file of prepared sequences, 100 MB before compression


def source_of(config: TrainConfig, dataset: SequenceDataset) -> Literal["task", "text", "series", "arrays"]:
    """Tell what the data are to a script.

    task: a few lines of code. text: one long text, of which a script cuts windows; of uploads, only those are drawn
    anew at each step. series: one column of numbers, likewise. arrays: sequences as the lab prepared them.
    """
    data: Any = config.data
    if data.kind == "upload":
        return "text" if dataset.train_size is None else "arrays"
    if data.kind == "bundled":
        if data.scaling == "none" or config.mistake not in UNTOUCHED:
            return "arrays"
        one_column = SERIES[data.name].layout == "series" and len(SERIES[data.name].columns) == 1
        return "series" if one_column else "arrays"
    if data.task == "text":
        return "text"
    return "arrays" if TASKS[data.task].from_file else "task"


def file_name(config: TrainConfig, dataset: SequenceDataset) -> str:
    """Return the name of the file that the script of `config` reads, '' for none."""
    data: Any = config.data
    match source_of(config, dataset):
        case "task":
            return ""
        case "text":
            return BUNDLED_TEXT if data.kind == "task" else "text.txt"
        case "series":
            return SERIES[data.name].file
        case "arrays":
            return "data.npz"


def files(config: TrainConfig, dataset: SequenceDataset, read_file: ReadFile) -> dict[str, bytes]:
    """Return name -> content of that file. Raises DataError."""
    name = file_name(config, dataset)
    match name:
        case "":
            return {}
        case "data.npz":
            return {name: _arrays(config, dataset)}
        case "text.txt":
            return {name: _text(config, read_file)}
        case _:
            return {name: bundled_file(name)}


def check_size(dataset: SequenceDataset) -> None:
    """Raise DataError unless the prepared training set, a finite one, fits into a file."""
    assert dataset.train_size is not None
    numbers = dataset.train_size * dataset.seq_len * dataset.input_size
    if numbers > MAX_NUMBERS:
        raise DataError(
            f"The prepared sequences are {numbers:,} numbers, too many for a file beside a script (at most "
            f"{MAX_NUMBERS:,}); choose a shorter window or a larger stride."
        )


def _text(config: TrainConfig, read_file: ReadFile) -> bytes:
    """The characters that are used, in UTF-8, whatever the encoding of the files."""
    from rnncore.data.texts import Texts
    from rnncore.data.upload import read_upload

    data: Any = config.data
    text = read_upload(data, read_file)
    assert isinstance(text, Texts)
    return text.in_time(data.val_fraction)[:MAX_CHARACTERS].encode("utf-8", "replace")


def _arrays(config: TrainConfig, dataset: SequenceDataset) -> bytes:
    """All sequences as the lab prepared them, in their original order."""
    check_size(dataset)
    assert dataset.train_size is not None
    train = dataset.train_batch(1, dataset.train_size, config.seed)
    shuffled = np.random.default_rng((config.seed, 1)).permutation(dataset.train_size)  # the first epoch's order
    arrays: dict[str, Any] = {}
    for part, batch, rows in (("train", train, np.argsort(shuffled)), ("validation", dataset.validation, slice(None))):
        for name in ("inputs", "targets", "lengths"):
            values = getattr(batch, name)
            if values is not None:
                arrays[f"{part}_{name}"] = values[rows]
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()
