"""The time: what the calendar says, and how much of it has passed. Tests and benchmarks put other clocks in place."""

import time


class Clock:
    """The clocks of this machine, in seconds."""

    def wall(self) -> float:
        """Return the time since 1970; somebody may set it at any moment."""
        return time.time()

    def monotonic(self) -> float:
        """Return a time that only goes forward; where it begins means nothing."""
        return time.monotonic()


system = Clock()  # used where no other is given
