"""The one rule by which gradient profiles are thinned, in the store, in what a board fetches, in reports.

Of each bucket of consecutive profiles those stay that have the largest and the smallest norm, and the furthest reach up
and down; of several that are equal, the earliest. The first profile and the newest always stay, and those of the first
`WHOLE_STEPS` training steps as long as there is room. `dashboard/static/thinning.js` is the same rule for the
browser; both are tested with `tests/support/thinning_cases.json`.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

WHOLE_STEPS = 20
PER_BUCKET = 4  # profiles of a bucket that may stay
SMALLEST = 8  # the least capacity with which `Thinner` can keep its word


class Size(NamedTuple):
    """What the rule looks at. low, high: the extremes over the layers of the reach g[1] / g[T]."""

    norm: float
    low: float
    high: float


class Row(NamedTuple):
    """A profile as the rule sees it. number: counts the profiles as they were recorded, from 0."""

    number: int
    step: int
    norm: float
    low: float
    high: float


def size_of(profile: ArrayLike, counts: ArrayLike | None = None) -> Size:
    """Return the size of a profile (L, T) of `hidden_grad_norm`.

    counts: its `sequence_count`; columns that no sequence of the batch has do not count.

    norm: the root of the sum of squares, inf where a value is not finite. The reach of a layer is its gradient at the
    first timestep over that at the last timestep which has one (sequences of unequal length ended with zeros in earlier
    versions): 0 where nothing arrives at the first, inf where a value of the layer is not finite. A layer without any
    gradient has no reach; where none has one, it is 1.
    """
    values = np.atleast_2d(np.asarray(profile, np.float64))  # (L, T)
    if counts is not None:
        values = values[:, np.atleast_2d(np.asarray(counts))[0] > 0]
    norm = math.sqrt(float(np.vdot(values, values)))
    reaches = [reach for layer in values if (reach := _reach(layer)) is not None] or [1.0]
    return Size(norm if math.isfinite(norm) else math.inf, min(reaches), max(reaches))


def _reach(layer: NDArray[np.float64]) -> float | None:
    if not np.isfinite(layer).all():
        return math.inf
    last = float(layer[-1])
    if last == 0:
        with_gradient = np.flatnonzero(layer)
        if not with_gradient.size:
            return None
        last = float(layer[with_gradient[-1]])
    return float(layer[0]) / last


_norm, _low, _high = (itemgetter(Row._fields.index(name)) for name in Size._fields)  # faster than by name


def extremes(bucket: Sequence[Row]) -> list[Row]:
    """Return the rows of a bucket that stay, at most `PER_BUCKET`, the furthest up first; a row may come twice."""
    return [max(bucket, key=_high), max(bucket, key=_norm), min(bucket, key=_low), min(bucket, key=_norm)]


def thinned(rows: Sequence[Row], count: int) -> list[Row]:
    """Return at most `count` (at least 1) of the rows, in their order.

    Where there is hardly any room: the newest before the extremes of all, these before the first.
    """
    if len(rows) <= count:
        return list(rows)
    whole = [row for row in rows[: _room_for_whole(count)] if row.step <= WHOLE_STEPS]
    kept = dict.fromkeys([rows[-1], *extremes(rows), rows[0], *whole])
    rest = rows[len(whole) :]
    for share in range(2, PER_BUCKET + 1):  # as many buckets as the room allows: few need all of their places
        buckets = (count - len(kept)) // share
        if buckets > 0:
            size = math.ceil(len(rest) / buckets)
            starts = range(0, len(rest), size)
            more = kept | dict.fromkeys(row for start in starts for row in extremes(rest[start : start + size]))
            if len(more) <= count:
                return sorted(more)
    return sorted(list(kept)[:count])


def _room_for_whole(capacity: int) -> int:
    """Return how many rows at the beginning may stay as a whole: half of those that nothing else needs."""
    return min(WHOLE_STEPS, max(0, (capacity - PER_BUCKET - 1) // 2))


class Thinner:
    """Keeps at most `capacity` (at least `SMALLEST`) of the rows that come one by one, every one as it was measured.

    While they fit, all are kept. When they do not, the buckets of consecutive numbers double.
    """

    def __init__(self, capacity: int, rows: Iterable[Row] = ()) -> None:
        """Go on from the rows that were kept so far."""
        self.capacity = max(SMALLEST, capacity)
        self.rows = list(rows)  # ascending
        self._room = _room_for_whole(self.capacity)
        self.bucket = self._bucket_of_rows()

    def add(self, row: Row) -> list[int]:
        """Take the next row and return the numbers of the rows to delete."""
        self.rows.append(row)
        deleted: list[int] = []
        if self.bucket > 1:
            start = (row.number // self.bucket - 1) * self.bucket  # of the bucket before: it is complete now
            deleted += self._thin(bisect_left(self.rows, (start,)))
        while len(self.rows) > self.capacity:
            self.bucket = max(PER_BUCKET, 2 * self.bucket)
            deleted += self._thin(0)
        return deleted

    def _thin(self, start: int) -> list[int]:
        """Apply the rule to `rows[start:]`; return the numbers of those that go."""
        kept, deleted = self.rows[:start], []
        for _, rows in groupby(self.rows[start:], key=lambda row: row.number // self.bucket):
            bucket = list(rows)
            staying = {self.rows[-1], *extremes(bucket)}
            for row in bucket:
                if row in staying or row.number == 0 or (row.number < self._room and row.step <= WHOLE_STEPS):
                    kept.append(row)
                else:
                    deleted.append(row.number)
        self.rows = kept
        return deleted

    def _bucket_of_rows(self) -> int:
        """Return the smallest size of the buckets that can have left these rows: of each there is one at least."""
        numbers = [row.number for row in self.rows]
        if not numbers or numbers[-1] < len(numbers):
            return 1
        bucket = PER_BUCKET
        while len({number // bucket for number in numbers}) <= numbers[-1] // bucket:
            bucket *= 2
        return bucket
