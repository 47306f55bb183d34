"""How often a watched step is recorded: every n-th one, or as often as a share of the time allows."""

import time


class Pace:
    """Decides before a step whether it is recorded.

    every: each n-th step, the first one included; None: as often as costs at most the share `budget` of the time, at
    most every step. What recording costs is measured as it is spent, and the first recorded step is paid back too.
    """

    def __init__(self, budget: float = 0.05, every: int | None = None) -> None:
        self.budget, self.every = budget, every
        self._steps = 0
        self._spent = self._last = self._cost = 0.0
        self._began = time.perf_counter()

    def begin(self) -> bool:
        """Start the clock; the first step is recorded."""
        self._began = time.perf_counter()
        self._steps = 0
        self._spent = self._last = 0.0
        return True

    def spend(self, seconds: float) -> None:
        """Count time that recording has taken."""
        self._spent += seconds
        self._last += seconds

    def next(self) -> bool:
        """Return, at the end of a step, whether the next one is to be recorded."""
        self._steps += 1
        if self.every is not None:
            return self._steps % self.every == 0
        if self._last:
            self._cost, self._last = self._last, 0.0
        training = time.perf_counter() - self._began - self._spent
        return self._spent + self._cost <= self.budget * training
