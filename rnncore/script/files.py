"""The data file beside a script, where its data cannot be written as a few lines of code."""

import csv
import io
from collections.abc import Callable
from importlib import resources
from typing import Any

import numpy as np

from rnncore.config import TrainConfig
from rnncore.data import SERIES, ReadFile
from rnncore.data.dataset import SequenceDataset

_TEXT = "shakespeare.txt"


def file_name(config: TrainConfig) -> str:
    """Return the name of the file that the script of `config` reads, '' for none."""
    data: Any = config.data
    names: dict[str, Callable[[], str]] = {
        "task": lambda: _TEXT if data.task == "text" else "",
        "bundled": lambda: SERIES[data.name].file,
        "csv": lambda: "data.csv",
    }
    return names.get(data.kind, lambda: "data.npz")()


def files(config: TrainConfig, dataset: SequenceDataset, read_file: ReadFile) -> dict[str, bytes]:
    """Return name -> content of that file. Raises DataError."""
    name = file_name(config)
    return {name: _CONTENTS[config.data.kind](config, dataset, read_file)} if name else {}


def _bundled(config: TrainConfig, dataset: SequenceDataset, read_file: ReadFile) -> bytes:
    return (resources.files("rnncore.data") / "bundled" / file_name(config)).read_bytes()


def _column(config: TrainConfig, dataset: SequenceDataset, read_file: ReadFile) -> bytes:
    """The one column that is needed, in plain form, whatever the dialect of the file."""
    from rnncore.data.csv import read_csv

    data: Any = config.data
    values = read_csv(read_file(data.file), "the file").numbers(data.target)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["value"])
    writer.writerows([["" if np.isnan(value) else repr(float(value))] for value in values])
    return text.getvalue().encode()


def _arrays(config: TrainConfig, dataset: SequenceDataset, read_file: ReadFile) -> bytes:
    """All sequences as the lab prepared them, in their original order."""
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


_CONTENTS: dict[str, Callable[[TrainConfig, SequenceDataset, ReadFile], bytes]] = {
    "task": _bundled,
    "bundled": _bundled,
    "csv": _column,
    "upload": _arrays,
}
