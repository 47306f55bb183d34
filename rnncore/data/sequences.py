"""Sequences as they were read, before any split or scaling: the one form that every layout ends in."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Feature:
    """A column of the sequences: its name and, where it holds words, the words in the order of their codes."""

    name: str
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Targets: values (N, O) float64, one row per sequence, or class codes (N, 1) where there are `classes`.

    every_step: a target at every timestep instead, a row for each row of the sequences' values, (M, O) or (M, 1).
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    classes: tuple[str, ...] = ()
    every_step: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """When each of M timesteps was: the name of the column that says so, values (M,), of `dates` seconds since 1970."""

    name: str
    values: Floats
    dates: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """N sequences one after another.

    values: C columns of (M,) floats of any size, all timesteps of all sequences, NaN where missing, codes where a
    column has categories; the prepared form is made from them one column at a time.
    offsets: (N + 1,) where each sequence begins and the last one ends. ids: what the file calls each sequence.
    inputs, targets: columns that the network sees, and columns that it predicts some steps ahead (none with labels).
    labels: the target of each whole sequence or of each of its timesteps, or None. held_out: (N,) bool, a split that
    the files themselves make. at_last_step: targets are those of a window's last timestep, not of one steps ahead.
    moments: when each timestep was, where that is known. unit: of the only target, in words.
    parts, part: as in `Table`.
    """

    name: str
    columns: tuple[Feature, ...]
    values: tuple[Floats, ...]
    offsets: NDArray[np.int64]
    ids: tuple[str, ...]
    inputs: tuple[int, ...]
    targets: tuple[int, ...] = ()
    labels: Labels | None = None
    held_out: NDArray[np.bool_] | None = None
    at_last_step: bool = False
    notes: tuple[str, ...] = ()
    moments: Moments | None = None
    unit: str = ""
    parts: tuple[str, ...] = ()
    part: str = ""

    @property
    def count(self) -> int:
        """The number of sequences N."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Timesteps of each sequence, (N,)."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> int:
        """Timesteps of all sequences together M."""
        return int(self.offsets[-1])

    def sequence(self, place: int, stride: int = 1, most: int | None = None) -> NDArray[np.float64]:
        """Return one sequence, (T, C): every stride-th timestep, the first `most` of them."""
        span = slice(self.offsets[place], self.offsets[place + 1], stride)
        return np.stack([column[span][:most].astype(np.float64) for column in self.values], 1)

    def moments_at(self, kept: NDArray[np.bool_] | slice) -> Moments | None:
        """Return when the timesteps that are kept were."""
        return self.moments and replace(self.moments, values=self.moments.values[kept])

    def select(self, kept: NDArray[np.bool_] | slice) -> tuple[Floats, ...]:
        """Return the columns at the timesteps that are kept; `kept` is (M,) or a slice."""
        return tuple(column[kept] for column in self.values)


def kept_steps(sequences: Sequences, kept: NDArray[np.bool_]) -> Sequences:
    """Return the sequences with only the timesteps `kept` (M,); one of which none is kept is left out."""
    counts = np.concatenate([[0], np.cumsum(kept)])
    offsets = counts[sequences.offsets]
    filled = np.diff(offsets) > 0
    labels, held_out = sequences.labels, sequences.held_out
    if labels is not None:
        labels = replace(labels, values=labels.values[kept if labels.every_step else filled])
    return replace(
        sequences,
        values=sequences.select(kept),
        offsets=np.concatenate([[0], offsets[1:][filled]]),
        ids=tuple(name for name, keep in zip(sequences.ids, filled, strict=True) if keep),
        labels=labels,
        held_out=None if held_out is None else held_out[filled],
        moments=sequences.moments_at(kept),
    )


def numbered_classes(labels: Labels) -> Labels:
    """Return labels that are numbers as classes, in the order of the numbers; missing ones stay NaN."""
    known = ~np.isnan(labels.values[:, 0])
    values, places = np.unique(labels.values[known, 0], return_inverse=True)
    codes = np.full((len(labels.values), 1), np.nan)
    codes[known, 0] = places
    return replace(labels, values=codes, classes=tuple(f"{value:g}" for value in values))


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


def columns_of(values: Floats) -> tuple[Floats, ...]:
    """Return the columns of a matrix (M, C)."""
    return tuple(values.T)


def offsets_of(lengths: NDArray[np.int64] | list[int]) -> NDArray[np.int64]:
    """Return the offsets (N + 1,) of sequences of the given lengths (N,)."""
    return np.concatenate([[0], np.cumsum(np.asarray(lengths, np.int64))])
