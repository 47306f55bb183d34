"""Windows that were cut from one series and overlap: when each begins, also where they stand in another order."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rnncore.data.sequences import Sequences

_FIRST, _SHARE = 6, 0.7  # pairs that are tried, and the share of all windows that must overlap alike
_MOST = 5_000  # timesteps of a window that is looked at
_MOST_VALUES = 8_000_000  # of all windows, where their order has to be found
_PIECE = 0.3  # of a window, at least, which it has in common with the next one
_FEW = 0.2  # of all windows that are followed within half of their length, at least
_BASE = np.uint64(1_099_511_628_211)


@dataclass(frozen=True, slots=True)
class Overlap:
    """chains: (N,) the series that each window was cut from. starts: (N,) when it begins, in timesteps of its series.

    shift: timesteps from the beginning of a window to that of the next, as a rule. in_order: whether they stand so.
    """

    chains: NDArray[np.int64]
    starts: NDArray[np.int64]
    shift: int
    in_order: bool


def overlap_of(sequences: Sequences) -> Overlap | None:
    """Return how sequences overlap, None where they do not.

    All are of one length, and what windows share is the same in every column and not constant.
    """
    lengths = sequences.lengths
    count, length = sequences.count, int(lengths[0])
    if count < 4 or length < 2 or length > _MOST or (lengths != length).any():
        return None
    columns = [values.reshape(count, length) for values in sequences.values]
    ordered = _in_order(columns)
    if ordered is not None and not ordered.chains.any():
        return ordered
    other = _in_any_order(columns)
    linked = other is not None and (ordered is None or other.chains.max() < ordered.chains.max())
    return other if linked else ordered


def split_in_order(
    overlap: Overlap, length: int, val_fraction: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """Return which windows are held out, and which are kept at all, (N,) each.

    The last windows of each series are held out, and those that reach into them left out; series too short for that
    are held out as a whole, some at random.
    """
    held_out, kept = np.zeros(len(overlap.starts), bool), np.ones(len(overlap.starts), bool)
    short = []
    order = np.lexsort((overlap.starts, overlap.chains))
    for start, end in pairwise([0, *(np.flatnonzero(np.diff(overlap.chains[order])) + 1).tolist(), len(order)]):
        own = order[start:end]
        last = own[-max(1, round(len(own) * val_fraction)) :]
        first = overlap.starts[last[0]]
        before = overlap.starts[own] + length < first  # its answer may be the value that follows
        if not before.any():
            short.append(own)
            continue
        held_out[own] = overlap.starts[own] >= first
        kept[own] = before | held_out[own]
    drawn = np.random.default_rng((0, 0, len(short))).permutation(len(short))
    for place in drawn[: round(len(short) * val_fraction) or (0 if held_out.any() else 1)]:
        held_out[short[place]] = True
    return held_out, kept


def reaching_into(overlap: Overlap, length: int, held_out: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which windows for training have timesteps in common with one that is held out, (N,)."""
    apart = int(overlap.starts.max()) + 2 * length + 2  # so that no window reaches from one series into the next
    times = overlap.chains * apart + overlap.starts
    held = np.sort(times[held_out])
    after = np.searchsorted(held, times - length)  # the first that, with its answer, does not end before this one
    near = after < len(held)
    reaches = near.copy()
    reaches[near] = held[after[near]] <= times[near] + length
    return reaches & ~held_out


def _in_order(columns: list[NDArray[np.floating]]) -> Overlap | None:
    """Return how neighbours overlap, each by as much as the one before."""
    first = columns[0]
    count = len(first)
    for place in range(min(_FIRST, count - 1)):
        if shift := _shift(first[place], first[place + 1]):
            alike = np.ones(count - 1, bool)
            for column in columns:
                alike &= _equal(column[:-1, shift:], column[1:, :-shift])
            if alike.mean() >= _SHARE:
                chains = np.concatenate([[0], np.cumsum(~alike)])
                begins = np.concatenate([[0], np.flatnonzero(~alike) + 1])
                return Overlap(chains, shift * (np.arange(count) - begins[chains]), shift, in_order=True)
    return None


def _in_any_order(columns: list[NDArray[np.floating]]) -> Overlap | None:
    """Return how windows overlap wherever they stand: each is followed by the one whose beginning is in it first."""
    first = columns[0]
    count, length = first.shape
    piece = max(3, round(_PIECE * length))
    if first.size > _MOST_VALUES or piece >= length:
        return None
    following, shifts = _followers(first, piece)
    known = np.flatnonzero(following >= 0)
    for shift in np.unique(shifts[known]):
        own = known[shifts[known] == shift]
        for column in columns:
            fits = _equal(column[own, shift:], column[following[own], : length - shift])
            following[own[~fits]] = -1
            own = own[fits]
    known = np.flatnonzero(following >= 0)
    if len(known) < _SHARE * count or (first[known] == first[known, :1]).all(axis=1).any():
        return None
    if any(_recurs(first[place]) for place in known[:_FIRST]):
        return None
    return _positions(following, shifts)


def _followers(values: NDArray[np.floating], piece: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the window that begins first within each window, -1 for none, and after how many timesteps, (N,) each.

    Pieces of windows are compared by a sum of powers; two windows that begin alike are those of something that recurs,
    and followed by none.
    """
    count, length = values.shape
    power = np.uint64(pow(int(_BASE), piece, 1 << 64))
    sums = np.zeros(count, np.uint64)
    for step in range(piece):
        sums = sums * _BASE + _code(values[:, step])
    order = np.argsort(sums, kind="stable")
    heads = sums[order]
    unique = np.concatenate([[True], heads[1:] != heads[:-1]]) & np.concatenate([heads[1:] != heads[:-1], [True]])
    following, shifts = np.full(count, -1), np.zeros(count, np.int64)
    for step in range(piece, length):
        sums = sums * _BASE + _code(values[:, step]) - power * _code(values[:, step - piece])
        places = np.minimum(np.searchsorted(heads, sums), count - 1)
        found = (heads[places] == sums) & unique[places] & (following < 0)
        following[found], shifts[found] = order[places[found]], step - piece + 1
        if step == piece + (length - piece) // 2 and (following >= 0).sum() < _FEW * count:
            break  # most overlap by more than half, if they do at all
    return following, shifts


def _code(values: NDArray[np.floating]) -> NDArray[np.uint64]:
    """Return numbers (N,) as whole ones, the same for the same."""
    return (values.astype(np.float64) + 0.0).view(np.uint64)


def _positions(following: NDArray[np.int64], shifts: NDArray[np.int64]) -> Overlap:
    """Return when windows begin, from which one follows each and after how many timesteps."""
    count = len(following)
    chains, starts = np.full(count, -1), np.zeros(count, np.int64)
    followed = np.zeros(count, bool)
    followed[following[following >= 0]] = True
    begins = np.concatenate([np.flatnonzero(~followed), np.flatnonzero(followed)])
    for number, begin in enumerate(begins.tolist()):
        place, time = begin, 0
        path = []
        while place >= 0 and chains[place] < 0:
            chains[place], starts[place] = number, time
            path.append(place)
            time, place = time + int(shifts[place]), int(following[place])
        if place >= 0 and chains[place] != number:  # it joins a series that is known
            chain, late = chains[place], starts[place] - time
            chains[path], starts[path] = chain, starts[path] + late
    chains = np.unique(chains, return_inverse=True)[1]
    for chain in np.unique(chains[starts < 0]):
        starts[chains == chain] -= starts[chains == chain].min()
    usual = int(np.median(shifts[following >= 0]))
    return Overlap(chains.astype(np.int64), starts, max(1, usual), in_order=False)


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
