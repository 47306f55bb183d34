"""Sequences as they were read, before any split or scaling: the one form that every layout ends in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Feature:
    """A column of the sequences: its name and, where it holds words, the words in the order of their codes."""

    name: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """One target per sequence: values (N, O) float64, or class codes (N, 1) where there are `classes`."""

    names: tuple[str, ...]
    values: NDArray[np.float64]
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """N sequences one after another.

    values: (M, C) float64, all timesteps of all sequences, NaN where missing, codes where a column has categories.
    offsets: (N + 1,) where each sequence begins and the last one ends. ids: what the file calls each sequence.
    inputs, targets: columns that the network sees, and columns that it predicts some steps ahead (none with labels).
    labels: the target of each whole sequence, or None. held_out: (N,) bool, a split that the files themselves make.
    """

    name: str
    columns: tuple[Feature, ...]
    values: NDArray[np.float64]
    offsets: NDArray[np.int64]
    ids: tuple[str, ...]
    inputs: tuple[int, ...]
    targets: tuple[int, ...] = ()
    labels: Labels | None = None
    held_out: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """The number of sequences N."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Timesteps of each sequence, (N,)."""
        return np.diff(self.offsets)

    def sequence(self, place: int) -> NDArray[np.float64]:
        """Return one sequence, (T, C)."""
        return self.values[self.offsets[place] : self.offsets[place + 1]]


def class_labels(name: str, answers: list[str]) -> Labels:
    """Return words, one per sequence, as class codes; classes that are numbers are in the order of the numbers."""
    classes = sorted(set(answers), key=_by_number)
    codes = {word: place for place, word in enumerate(classes)}
    return Labels((name,), np.array([[codes[answer]] for answer in answers], np.float64), tuple(classes))


def _by_number(word: str) -> tuple[float, str]:
    try:
        return float(word), word
    except ValueError:
        return np.inf, word


def whole(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the offsets of one single sequence."""
    return np.array([0, len(values)])


def offsets_of(lengths: NDArray[np.int64] | list[int]) -> NDArray[np.int64]:
    """Return the offsets (N + 1,) of sequences of the given lengths (N,)."""
    return np.concatenate([[0], np.cumsum(np.asarray(lengths, np.int64))])
