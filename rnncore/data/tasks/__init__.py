"""The registry of synthetic tasks, `TASKS`: each task is one function with the decorator `task`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.config import TaskData
from rnncore.data.dataset import Batch, DataError, SequenceDataset

KNOBS = ("seq_len", "delay", "symbols")


@dataclass(frozen=True, slots=True)
class Task:
    """A task: what the UI says about it, its difficulty knobs with their defaults, and the function that builds it.

    from_file: whether its sequences come from a file that ships with the product.
    """

    title: str
    description: str
    source: str
    knobs: dict[str, int]
    build: Callable[..., SequenceDataset]
    from_file: bool = False

    @property
    def default_length(self) -> int:
        """The length T that is used where the config names none."""
        return self.knobs["seq_len"]


TASKS: dict[str, Task] = {}


def task(
    *, title: str, description: str, source: str, from_file: bool = False, **knobs: int
) -> Callable[[Callable[..., SequenceDataset]], Callable[..., SequenceDataset]]:
    """Register a function under its own name as a task; it is called with the task's knobs by keyword.

    knobs: fields of `TaskData` (seq_len, delay, symbols) that the task has, with their defaults.
    """

    def register(build: Callable[..., SequenceDataset]) -> Callable[..., SequenceDataset]:
        TASKS[build.__name__] = Task(title, description, source, knobs, build, from_file)
        return build

    return register


def task_dataset(config: TaskData) -> SequenceDataset:
    """Build the data of a synthetic task.

    Raises:
        DataError: a knob is set that the task has not, or the knobs do not go together (a delay beyond the length).
    """
    chosen = TASKS[config.task]
    given = {name: value for name in KNOBS if (value := getattr(config, name)) is not None}
    for name in given.keys() - chosen.knobs.keys():
        raise DataError(
            f"{name}: {given[name]} is not allowed with the task '{config.task}', whose settings are "
            f"{' and '.join(chosen.knobs)}; leave it empty."
        )
    return chosen.build(**{**chosen.knobs, **given})


@dataclass(frozen=True, slots=True)
class Preview:
    """A few sequences to look at: a batch, and marks (B, T) bool of the inputs that decide the (last) target."""

    batch: Batch
    marks: NDArray[np.bool_]


def preview(dataset: SequenceDataset, count: int = 3, seed: int = 0) -> Preview:
    """Return the first `count` training sequences of a seed with their relevant timesteps."""
    batch = dataset.train_batch(1, count, seed)
    marks = np.zeros(batch.inputs.shape[:2], bool) if dataset.relevant is None else dataset.relevant(batch)
    return Preview(batch, marks)


def one_hot(symbols: NDArray[Any], width: int) -> NDArray[np.float32]:
    """Return `symbols` (...) as rows of an identity matrix, (..., width) float32."""
    rows: NDArray[np.float32] = np.eye(width, dtype=np.float32).take(symbols, axis=0)  # 5 times as fast as [symbols]
    return rows


def require(condition: bool, message: str) -> None:
    """Raise a DataError with `message` unless the condition holds."""
    if not condition:
        raise DataError(message)
