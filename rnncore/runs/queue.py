"""The queue: first come, first served, and whoever has several starts waiting alternates with the others."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

_number = attrgetter("number")


@dataclass(frozen=True, slots=True)
class _Waiting:
    number: int
    owner: str
    run: str


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue at one moment, to go back to."""

    waiting: tuple[_Waiting, ...]
    taken: dict[str, _Waiting]
    turn: int


class RunQueue:
    """Waiting runs in the order in which they will start.

    Each start (the runs of a group) gets the number of a turn: the turn that it is now or, if its owner has other
    starts that wait or execute, one more than the last of theirs. Lower numbers go first, equal ones in the order of
    their arrival. So a queue with one start per owner is first come, first served, and an owner with many starts
    alternates with everybody else from the first one on, which counts although it executes already.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._taken: dict[str, _Waiting] = {}  # what executes, by run
        self._turn = 0  # of the start that was taken last

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[str]:
        return (waiting.run for waiting in self._waiting)

    def __contains__(self, run: str) -> bool:
        return any(waiting.run == run for waiting in self._waiting)

    def add(self, owner: str, runs: Sequence[str], before: Collection[str] = ()) -> None:
        """Let the runs of one start wait. before: waiting runs that they go before, where they would come later."""
        own = [each.number for each in (*self._waiting, *self._taken.values()) if each.owner == owner]
        number = max(self._turn, 1 + max(own, default=-1))
        place = bisect_right(self._waiting, number, key=_number)
        first = next((place for place, each in enumerate(self._waiting) if each.run in before), place)
        if first < place:
            place, number = first, self._waiting[first].number
        self._waiting[place:place] = [_Waiting(number, owner, run) for run in runs]

    def take(self, run: str | None = None) -> str:
        """Take a run out to execute it, by default the next one, and return it. Raises IndexError when none waits."""
        place = 0 if run is None else list(self).index(run)
        taken = self._waiting.pop(place)
        self._taken[taken.run] = taken
        self._turn = max(self._turn, taken.number)
        return taken.run

    def put_back(self, run: str) -> None:
        """Let a run that was taken, but cannot be executed now, wait where it was."""
        taken = self._taken.pop(run)
        self._waiting.insert(bisect_left(self._waiting, taken.number, key=_number), taken)

    def remove(self, run: str) -> None:
        """Forget a run, whether it waits or executes or was never there."""
        self._taken.pop(run, None)
        self._waiting = [waiting for waiting in self._waiting if waiting.run != run]

    def state(self) -> QueueState:
        """Return how the queue stands."""
        return QueueState(tuple(self._waiting), dict(self._taken), self._turn)

    def go_back(self, state: QueueState) -> None:
        """Stand as at an earlier moment."""
        self._waiting, self._taken, self._turn = list(state.waiting), dict(state.taken), state.turn
