"""Clocks that a test moves."""

from rnncore.runs.clock import Clock

DAY = 86_400.0


class MovedClock(Clock):
    """The machine's clocks, moved: `wall_by` is how wrong the calendar is, `both_by` how much has passed at once."""

    def __init__(self, wall_by: float = 0.0) -> None:
        self.wall_by, self.both_by = wall_by, 0.0

    def wall(self) -> float:
        return super().wall() + self.wall_by + self.both_by

    def monotonic(self) -> float:
        return super().monotonic() + self.both_by
