"""How often a watched step is recorded: every n-th one, or as often as a share of the time allows."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

AIM = 0.7  # of the budget: the rest is for what is not counted, such as calls that do nothing in plain steps
LATELY = 15  # plain steps whose median stands for one
FIRST = 3  # plain steps from which it is known how long one takes
MOST = 2.0  # times the measured cost that a recorded step may take longer before something else is to blame
REST = 0.25  # of its cost that a recorded step may make the next one longer: what it needs is out of the caches
LONG = 10.0  # times a usual step: what lasts longer is an evaluation, or a pause between two cells of a notebook


class Pace:
    """Decides before a step whether it is recorded.

    every: each n-th step, the first one included; None: as often as costs at most the share `budget` of the time that
    the steps take, at most every step. What a recorded step costs is how much longer it takes than a plain one, at
    least the time that was spent on recording; the first one is paid back too. beside: processor seconds so far of what
    else belongs to watching, in other threads.
    """

    def __init__(self, budget: float = 0.05, every: int | None = None) -> None:
        self.budget, self.every = budget, every
        self.beside: Callable[[], float] | None = None
        self._plain: list[float] = []
        self.begin()

    def begin(self) -> bool:
        """Start the clock; the first step is recorded."""
        self._steps = 0
        self._spent = self._trained = 0.0  # in all
        self._now = self._aside = self._once = 0.0  # in this step
        self._cost = self._beside = 0.0  # of the last recorded step; of other threads when last asked
        self._last = time.perf_counter()
        self._recorded, self._after = True, False  # this step; the one before it
        self._plain.clear()
        self._usual: float | None = None  # how long a plain step takes
        self._first = (0.0, 0.0)  # how long the first step took, and what was spent in it
        return True

    def spend(self, seconds: float) -> None:
        """Count time that recording has taken."""
        self._now += seconds

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Count the time of a block as taken by recording."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._now += time.perf_counter() - begun

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the time of a block out: it belongs neither to the steps nor to recording."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._aside += time.perf_counter() - begun

    @contextmanager
    def once(self) -> Iterator[None]:
        """Count the time of a block as taken by recording, and not as what the next recorded step will cost."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._once += time.perf_counter() - begun

    def next(self, wanted: bool = False) -> bool:
        """Return, at the end of a step, whether the next one is to be recorded; it is where it is `wanted`."""
        self._steps += 1
        if self.every is not None:
            return wanted or self._steps % self.every == 0
        now = time.perf_counter()
        took, self._last, self._aside = now - self._last - self._aside - self._once, now, 0.0
        self._spent, self._once = self._spent + self._once, 0.0
        cost, self._now = self._now, 0.0
        usual = self._usual
        more = 0.0 if usual is None else took - usual
        if self._steps == 1:
            self._first = took, cost
        if self._recorded:
            self._cost = cost = min(max(cost, more), MOST * cost)
        else:
            if self._after:
                cost = max(cost, min(more, REST * self._cost))
            self._cost += cost  # what the last recorded step leaves for after its end
            self._plain.append(took - cost)
            if len(self._plain) == (FIRST if usual is None else LATELY):
                self._usual = median(self._plain)
                self._plain.clear()
                if usual is None:  # now it is known how much longer the first step took
                    first, spent = self._first
                    self._spent += min(max(0.0, first - self._usual - spent), (MOST - 1) * spent)
        self._after = self._recorded
        if usual is not None:
            self._trained += min(took - cost, LONG * usual)
        self._spent += cost + self._elsewhere()
        self._recorded = wanted or self._spent + self._cost <= AIM * self.budget * self._trained
        return self._recorded

    def _elsewhere(self) -> float:
        """Return the processor seconds of other threads since this was asked last."""
        if self.beside is None:
            return 0.0
        before, self._beside = self._beside, self.beside()
        return self._beside - before
