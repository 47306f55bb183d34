"""Who is next: first come, first served, and whoever has several starts waiting takes turns with the others."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class _Waiting:
    turn: int
    owner: str
    run: str


class Turns:
    """Waiting runs in the order in which they start.

    Each start (the runs of a group) gets a turn: the one after the owner's last waiting start, or after the turn that
    is being served. Within a turn the order is that of arrival. So a queue of one start per owner is FIFO, and nobody
    waits for more than one start of anybody else's before their own first one.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._served = 0  # turn of the start that was taken last

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[str]:
        return (waiting.run for waiting in self._waiting)

    def __contains__(self, run: str) -> bool:
        return any(waiting.run == run for waiting in self._waiting)

    def add(self, owner: str, runs: Sequence[str]) -> None:
        """Let runs wait, one start of `owner`."""
        turn = 1 + max((each.turn for each in self._waiting if each.owner == owner), default=self._served)
        place = bisect_right(self._waiting, turn, key=attrgetter("turn"))
        self._waiting[place:place] = [_Waiting(turn, owner, run) for run in runs]

    def take(self) -> str:
        """Remove and return the next run. Raises IndexError when none waits."""
        first = self._waiting.pop(0)
        self._served = first.turn
        return first.run

    def remove(self, run: str) -> None:
        """Take a run out of the queue, if it is there."""
        self._waiting = [waiting for waiting in self._waiting if waiting.run != run]
