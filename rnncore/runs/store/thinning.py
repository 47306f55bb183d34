"""Which of a run's gradient profiles are kept: all at first, later the extremes of ever larger groups."""

from collections.abc import Iterable
from itertools import groupby


class Thinner:
    """Keeps at most `capacity` rows, every one of them as it was measured.

    Rows are numbered from 0 as they are recorded. While they fit, all are kept. When they do not, the stride doubles:
    of each `2 * stride` consecutive rows the one with the largest and the one with the smallest norm stay, so that
    no spike is lost. Row 0 and the newest row always stay.
    """

    def __init__(self, capacity: int, rows: Iterable[tuple[int, float]] = ()) -> None:
        self.capacity = max(8, capacity)
        self.rows = list(rows)  # (number, norm), ascending
        self.stride = 1
        while self.rows and (self.rows[-1][0] + 1) / self.stride > self.capacity:
            self.stride *= 2

    def add(self, number: int, norm: float) -> list[int]:
        """Take the next row and return the numbers of the rows to delete. A norm that is not finite is +inf."""
        self.rows.append((number, norm))
        deleted: list[int] = []
        if self.stride > 1:
            deleted += self._thin(max(0, len(self.rows) - 5))  # the group in progress and the one before have <= 5
        while len(self.rows) > self.capacity:
            self.stride *= 2
            deleted += self._thin(0)
        return deleted

    def _thin(self, start: int) -> list[int]:
        """Keep of each group in `rows[start:]` the extremes; return the numbers of the others."""
        kept, deleted = self.rows[:start], []
        newest = self.rows[-1]
        for _, group in groupby(self.rows[start:], key=lambda row: row[0] // (2 * self.stride)):
            rows = list(group)
            extremes = (max(rows, key=lambda row: row[1]), min(rows, key=lambda row: row[1]), newest)
            for row in rows:
                if row in extremes or row[0] == 0:
                    kept.append(row)
                else:
                    deleted.append(row[0])
        self.rows = kept
        return deleted
