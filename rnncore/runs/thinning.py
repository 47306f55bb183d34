"""Which of a run's gradient profiles are kept: all at first, later the extremes of ever larger groups."""

from collections.abc import Iterable


class Thinner:
    """Keeps at most `capacity` rows (and the group in progress), every one of them as it was measured.

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
        previous = self.rows[-1][0] if self.rows else 0
        self.rows.append((number, norm))
        deleted: list[int] = []
        group = 2 * self.stride
        if self.stride > 1 and number // group > previous // group:
            start = next(i for i, (n, _) in enumerate(self.rows) if n // group == previous // group)
            deleted += self._thin(start)
        while len(self.rows) > self.capacity:
            self.stride *= 2
            deleted += self._thin(0)
        return deleted

    def _thin(self, start: int) -> list[int]:
        """Thin the whole groups among `rows[start:]`; the one that the newest row belongs to waits."""
        group = 2 * self.stride
        newest = self.rows[-1][0] // group
        groups: dict[int, list[tuple[int, float]]] = {}
        for row in self.rows[start:]:
            groups.setdefault(row[0] // group, []).append(row)
        kept, deleted = self.rows[:start], []
        for index, rows in groups.items():
            norms = [norm for _, norm in rows]
            extremes = {norms.index(max(norms)), norms.index(min(norms))}
            for i, row in enumerate(rows):
                if index == newest or i in extremes or row[0] == 0:
                    kept.append(row)
                else:
                    deleted.append(row[0])
        self.rows = kept
        return deleted
