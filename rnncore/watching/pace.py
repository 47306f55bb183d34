"""How often a watched step is recorded: every n-th one, or as often as a share of the time allows."""

import time
from collections import deque
from statistics import median

AIM = 0.8  # of the budget: what recording costs is not measured to the last part
LATELY = 15  # plain steps whose median stands for one
MOST = 2.0  # times the measured cost that a recorded step may take longer before something else is to blame


class Pace:
    """Decides before a step whether it is recorded.

    every: each n-th step, the first one included; None: as often as costs at most the share `budget` of the time, at
    most every step. What a recorded step costs is how much longer it takes than a plain one, at least the time that
    was spent on recording; the first one is paid back too.
    """

    def __init__(self, budget: float = 0.05, every: int | None = None) -> None:
        self.budget, self.every = budget, every
        self._plain: deque[float] = deque(maxlen=LATELY)
        self.begin()

    def begin(self) -> bool:
        """Start the clock; the first step is recorded."""
        self._steps = 0
        self._spent = self._now = self._cost = 0.0  # in all, in this step, in the last recorded one
        self._began = self._last = time.perf_counter()
        self._recorded = True
        self._plain.clear()
        return True

    def spend(self, seconds: float) -> None:
        """Count time that recording has taken."""
        self._now += seconds

    def next(self) -> bool:
        """Return, at the end of a step, whether the next one is to be recorded."""
        self._steps += 1
        if self.every is not None:
            return self._steps % self.every == 0
        now = time.perf_counter()
        took, self._last = now - self._last, now
        cost, self._now = self._now, 0.0
        if self._recorded:
            if self._plain:
                cost = min(max(cost, took - median(self._plain)), MOST * cost)
            self._cost = cost
        else:
            self._plain.append(took - cost)
        self._spent += cost
        training = now - self._began - self._spent
        self._recorded = self._spent + self._cost <= AIM * self.budget * training
        return self._recorded
