"""The queue: first come, first served, and whoever has several starts waiting alternates with the others."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class _Waiting:
    number: int
    owner: str
    run: str


class RunQueue:
    """Waiting runs in the order in which they will start.

    Each start (the runs of a group) gets a number: one more than that of its owner's last waiting start or, if the
    owner has none, than that of the start that was taken last. Lower numbers go first, equal ones in the order of their
    arrival. So a queue with one start per owner is first come, first served, and of everybody else's starts at most one
    each goes before an owner's first one.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._last_number = 0  # of the start that was taken last

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[str]:
        return (waiting.run for waiting in self._waiting)

    def __contains__(self, run: str) -> bool:
        return any(waiting.run == run for waiting in self._waiting)

    def add(self, owner: str, runs: Sequence[str]) -> None:
        """Let the runs of one start wait."""
        number = 1 + max((each.number for each in self._waiting if each.owner == owner), default=self._last_number)
        place = bisect_right(self._waiting, number, key=attrgetter("number"))
        self._waiting[place:place] = [_Waiting(number, owner, run) for run in runs]

    def take(self) -> str:
        """Remove and return the next run. Raises IndexError when none waits."""
        first = self._waiting.pop(0)
        self._last_number = first.number
        return first.run

    def remove(self, run: str) -> None:
        """Take a run out of the queue, if it is there."""
        self._waiting = [waiting for waiting in self._waiting if waiting.run != run]
