"""Windows that were cut from one series and overlap: how far each begins after the one before."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rnncore.data.sequences import Sequences

_FIRST, _SHARE = 6, 0.7  # pairs that are tried, and the share of all pairs that must overlap alike
_MOST = 5_000  # timesteps of a window that is looked at


@dataclass(frozen=True, slots=True)
class Overlap:
    """shift: timesteps by which each window begins after the one before. chains: (C + 1,) where each series begins."""

    shift: int
    chains: NDArray[np.int64]


def overlap_of(sequences: Sequences) -> Overlap | None:
    """Return how sequences overlap, None where they do not.

    All are of one length, and what neighbours share is the same in every column and not constant.
    """
    lengths = sequences.lengths
    count, length = sequences.count, int(lengths[0])
    if count < 4 or length < 2 or length > _MOST or (lengths != length).any():
        return None
    columns = [values.reshape(count, length) for values in sequences.values]
    first = columns[0]
    for place in range(min(_FIRST, count - 1)):
        if shift := _shift(first[place], first[place + 1]):
            alike = np.ones(count - 1, bool)
            for column in columns:
                alike &= _equal(column[:-1, shift:], column[1:, :-shift])
            if alike.mean() >= _SHARE:
                return Overlap(shift, np.concatenate([[0], np.flatnonzero(~alike) + 1, [count]]))
    return None


def split_in_order(overlap: Overlap, length: int, val_fraction: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which windows are held out, and which are kept at all, (N,) each.

    The last windows of each series are held out, and those that reach into them left out; series too short for that
    are held out as a whole, some at random.
    """
    chains, gap = overlap.chains, -(-length // overlap.shift)
    held_out, kept = np.zeros(int(chains[-1]), bool), np.ones(int(chains[-1]), bool)
    short = []
    for start, end in pairwise(chains.tolist()):
        own = max(1, round((end - start) * val_fraction))
        if end - start - own - gap < 1:
            short.append(slice(start, end))
            continue
        held_out[end - own : end] = True
        kept[end - own - gap : end - own] = False
    order = np.random.default_rng((0, 0, len(short))).permutation(len(short))
    for place in order[: round(len(short) * val_fraction) or (0 if held_out.any() else 1)]:
        held_out[short[place]] = True
    return held_out, kept


def _shift(before: NDArray[np.floating], after: NDArray[np.floating]) -> int:
    """Return the smallest shift at which the end of one window is the beginning of the next, 0 for none."""
    for shift in range(1, len(before)):
        shared = before[shift:]
        if len(shared) < max(2, 0.1 * len(before)):
            return 0
        if before[shift] == after[0] and np.array_equal(shared, after[:-shift], equal_nan=True):
            return shift if (shared != shared[0]).any() and not _recurs(before) else 0
    return 0


def _recurs(window: NDArray[np.floating]) -> bool:
    """Whether a window repeats itself, so that windows of the same wave look as if they overlapped."""
    return any(
        np.array_equal(window[lag:], window[:-lag], equal_nan=True) for lag in range(1, 2 * len(window) // 3 + 1)
    )


def _equal(left: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which rows (N, T) are the same, missing values too."""
    same: NDArray[np.bool_] = ((left == right) | (np.isnan(left) & np.isnan(right))).all(axis=1)
    return same
