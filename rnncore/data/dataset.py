"""The form in which every kind of data reaches the engine: numpy arrays, batches addressed by step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from rnncore.mistakes import NONE
from rnncore.records import Answers, Baseline

if TYPE_CHECKING:
    from rnncore.data.coding import Coding

TargetKind = Literal["regression", "binary", "multiclass"]


TARGET_WORDS: dict[TargetKind, str] = {
    "regression": "a continuous target",
    "binary": "a yes/no target",
    "multiclass": "a target of several classes",
}


class Described(Protocol):
    """What a run is checked against: a `SequenceDataset`, or the summary of one."""

    @property
    def name(self) -> str:
        """What the data are called."""
        ...

    @property
    def target(self) -> TargetKind:
        """What kind of target they have."""
        ...

    @property
    def per_step(self) -> bool:
        """Whether there is a target at every timestep."""
        ...

    @property
    def seq_len(self) -> int:
        """Timesteps of the longest sequence."""
        ...

    @property
    def train_size(self) -> int | None:
        """Training sequences, None where batches are fresh in every step."""
        ...

    @property
    def metric(self) -> str | None:
        """The name of their evaluation metric; None where there is none."""
        ...

    @property
    def mistake(self) -> str:
        """The mistake that has been made with them already."""
        ...


class DataError(ValueError):
    """Data that cannot be used; the message is one plain sentence for the user."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of B sequences, padded to the same length.

    inputs: (B, T, F) float32. targets: regression and binary (B, O) float32, multiclass (B,) int64;
    where every step has a target, (B, T, O) float32 or (B, T) int64. lengths: (B,) int64 valid steps, None = all T.
    last: of forecasts, what the targets' own columns were at the last step that is seen, like `targets`, else None.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[Any]
    lengths: NDArray[np.int64] | None = None
    last: NDArray[Any] | None = None

    def rows(self, start: int, stop: int) -> "Batch":
        """Return some of the sequences."""
        part = slice(start, stop)
        lengths = None if self.lengths is None else self.lengths[part]
        return Batch(self.inputs[part], self.targets[part], lengths, None if self.last is None else self.last[part])


@dataclass(frozen=True, slots=True)
class Guess:
    """An answer that takes no training: what a network that has learned something must beat.

    answers: of a batch, what a network would have to give out, in the form of its outputs: numbers like the targets,
    logits of the classes. constant: the answer is the same for every sequence. echo: it is the last value again.
    knows: it knows a part of the solution, so that a network that beats the others has learned something already.
    """

    name: str
    answers: Callable[[Batch], NDArray[Any]]
    constant: bool = False
    echo: bool = False
    knows: bool = False


class BatchSource(Protocol):
    """Where training batches come from. Random access by step: a resumed run sees the same batches."""

    def __call__(self, step: int, batch_size: int, seed: int) -> Batch:
        """Return the batch of training step `step` (from 1)."""
        ...


@dataclass(frozen=True, slots=True)
class SequenceDataset:
    """A task or a table, ready to train on.

    target: what kind of target, hence which losses fit. per_step: a target at every timestep, not one per sequence.
    train_size: number of training sequences, None where batches are fresh each step. baselines: losses to beat,
    by the loss they belong to (`{"mse": (Baseline("predict 1", 1/6),)}`). metric: name of the evaluation metric
    and `metric_function(outputs, batch) -> float`, numpy in, or None. notes: what was found and done to the data.
    relevant: marks the inputs that decide the (last) target, `relevant(batch) -> (B, T) bool`, or None.
    class_names: of a binary or multiclass target, in the order of the classes, or None. input_names: of the F inputs,
    where they have any, else None. answers: what a number that is answered means in the data's own terms, or None.
    guesses: answers that take no training, beside those that all data have (`rnncore.data.guesses.guesses_of`).
    mistake: the one that has been made with them on purpose, a key of `MISTAKES`. coding: how columns of files became
    numbers (`rnncore.data.coding.Coding`), to do the same to other files; None where there are no columns.
    """

    name: str
    input_size: int
    output_size: int
    seq_len: int
    target: TargetKind
    per_step: bool
    train_batch: BatchSource
    validation: Batch
    train_size: int | None = None
    baselines: dict[str, tuple[Baseline, ...]] | None = None
    metric: str | None = None
    metric_function: Callable[[NDArray[Any], Batch], float] | None = None
    notes: tuple[str, ...] = ()
    relevant: Callable[[Batch], NDArray[np.bool_]] | None = None
    class_names: tuple[str, ...] | None = None
    input_names: tuple[str, ...] | None = None
    answers: Answers | None = None
    guesses: tuple[Guess, ...] = ()
    mistake: str = NONE
    coding: "Coding | None" = None

    def epoch(self, step: int, batch_size: int) -> int:
        """Return the pass over the training set that `step` belongs to, from 1; 0 where batches are fresh."""
        if self.train_size is None:
            return 0
        steps_per_epoch = -(-self.train_size // batch_size)
        return (step - 1) // steps_per_epoch + 1
