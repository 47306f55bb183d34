"""The data file beside a script, where its data cannot be written as a few lines of code."""

import csv
import io
from importlib import resources
from typing import Any

import numpy as np

from rnncore.config import TrainConfig
from rnncore.data import SERIES, DataError, ReadFile
from rnncore.data.dataset import SequenceDataset

_TEXT = "shakespeare.txt"
MAX_NUMBERS = 25_000_000  # in a file of prepared sequences, 100 MB before compression


def is_one_column(config: TrainConfig) -> bool:
    """Tell whether the data are one long series of numbers, so that a script can cut its windows itself."""
    data: Any = config.data
    if data.kind == "bundled":
        return SERIES[data.name].layout == "series" and len(SERIES[data.name].columns) == 1
    return bool(data.kind == "csv")


def file_name(config: TrainConfig) -> str:
    """Return the name of the file that the script of `config` reads, '' for none."""
    data: Any = config.data
    if data.kind == "task":
        return _TEXT if data.task == "text" else ""
    if not is_one_column(config):
        return "data.npz"
    return SERIES[data.name].file if data.kind == "bundled" else "data.csv"


def files(config: TrainConfig, dataset: SequenceDataset, read_file: ReadFile) -> dict[str, bytes]:
    """Return name -> content of that file. Raises DataError."""
    name = file_name(config)
    if name == "data.npz":
        return {name: _arrays(config, dataset)}
    return {name: (_column if name == "data.csv" else _bundled)(config, read_file)} if name else {}


def check_size(dataset: SequenceDataset) -> None:
    """Raise DataError unless the prepared training set is finite and fits into a file."""
    if dataset.train_size is None:
        raise DataError("Data of this kind can only be trained on in the lab: a script cannot take them along.")
    numbers = dataset.train_size * dataset.seq_len * dataset.input_size
    if numbers > MAX_NUMBERS:
        raise DataError(
            f"The prepared sequences are {numbers:,} numbers, too many for a file beside a script (at most "
            f"{MAX_NUMBERS:,}); choose a shorter window or a larger stride."
        )


def _bundled(config: TrainConfig, read_file: ReadFile) -> bytes:
    return (resources.files("rnncore.data") / "bundled" / file_name(config)).read_bytes()


def _column(config: TrainConfig, read_file: ReadFile) -> bytes:
    """The one column that is needed, in plain form, whatever the dialect of the file."""
    from rnncore.data.csv import read_csv

    data: Any = config.data
    values = read_csv(read_file(data.file), "the file").numbers(data.target)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["value"])
    writer.writerows([["" if np.isnan(value) else repr(float(value))] for value in values])
    return text.getvalue().encode()


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
