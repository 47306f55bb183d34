"""Changes of unfinished runs, in memory and in the store together: all of a change or nothing."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from rnncore.runs.active import ActiveRun, Ending
from rnncore.runs.queue import QueueState, RunQueue
from rnncore.runs.store.database import is_everybodys, is_locked, may_pass
from rnncore.runs.store.store import Store
from rnncore.runs.trouble import Trouble

logger = logging.getLogger(__name__)

KEPT_RATES = 20  # of runs that ended, to estimate how long others will take
_FIELDS = tuple(field.name for field in fields(ActiveRun))
_state_of = attrgetter(*_FIELDS)


@dataclass(frozen=True, slots=True)
class _Memory:
    """All that a transaction may change outside the store, as it was before."""

    runs: dict[str, ActiveRun]
    states: Sequence[tuple[Any, ...]]
    queue: QueueState
    rates: tuple[float, ...]
    unsaved: dict[str, Ending]
    leaving: frozenset[str]


@dataclass(slots=True)
class Failures:
    """What could not be done: for which runs, and why. general: why hardly anything can be written at present."""

    of: dict[str, Exception] = field(default_factory=dict)
    general: Exception | None = None


class Transactions:
    """The unfinished runs of a scheduler; whoever reads them holds `lock`, whoever changes them has a `transaction`."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock = store, store.clock
        self.lock = threading.RLock()
        self.trouble = Trouble(self.clock)
        self.runs: dict[str, ActiveRun] = {}
        self.queue = RunQueue()
        self.rates: deque[float] = deque(maxlen=KEPT_RATES)  # steps per second of the latest runs
        self.leaving: set[str] = set()  # runs that were let go while they executed, until their last word comes
        self._unsaved: dict[str, Ending] = {}  # endings that the store does not have yet
        self._outbox: list[Callable[[], object]] | None = None  # what is to happen after the transaction
        self._recorded: set[str] = set()  # runs whose recorders this transaction has used

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Change runs in memory and in the store together: all of it or, on an exception, nothing.

        What the execution engine is told waits until it is written. Nested transactions join the outer one.
        """
        with self.lock:
            if self._outbox is not None:
                yield
                return
            before, self._outbox = self._remember(), []
            self._recorded.clear()
            try:
                with self.store.write() as db:
                    changes = db.total_changes
                    yield
                    wrote = db.total_changes > changes
            except BaseException:
                self._go_back(before)
                self._outbox = None
                raise
            outbox, self._outbox = self._outbox, None
            if wrote:
                self.trouble.over()
            for action in outbox:
                _do(action)

    def each_alone(self, runs: Collection[str], action: Callable[[str], object]) -> Failures:
        """Do something for each run, together in one transaction or, where that fails, in one for each of them.

        So what the store refuses for one run does not keep others from going on.
        """
        if not runs:
            return Failures()
        try:
            with self.transaction():
                for run in runs:
                    action(run)
        except Exception as error:
            return self._one_by_one(runs, action, error)
        return Failures()

    def _one_by_one(self, runs: Collection[str], action: Callable[[str], object], why: Exception) -> Failures:
        failures = Failures()
        left = list(runs)
        while left and not is_locked(why):
            try:
                with self.transaction():
                    action(left[0])
            except Exception as error:
                why = failures.of[left[0]] = error
            del left[0]
        failures.of |= dict.fromkeys(left, why)
        passing = sorted(filter(may_pass, failures.of.values()), key=is_everybodys)
        if passing and (is_everybodys(passing[-1]) or not self.store_works()):
            failures.general = passing[-1]
        return failures

    def store_works(self) -> bool:
        """Find out whether anything can be written."""
        try:
            with self.transaction():
                self.store.touch()
        except Exception as error:
            logger.debug("the store cannot be written: %s", error)
            return False
        return True

    def _remember(self) -> _Memory:
        states = [_state_of(run) for run in self.runs.values()]
        return _Memory(
            dict(self.runs), states, self.queue.state(), tuple(self.rates), dict(self._unsaved), frozenset(self.leaving)
        )

    def _go_back(self, memory: _Memory) -> None:
        self.runs = memory.runs
        for run, state in zip(memory.runs.values(), memory.states, strict=True):
            for name, value in zip(_FIELDS, state, strict=True):
                setattr(run, name, value)
            if run.id in self._recorded:
                run.recorder = None  # it remembers what the store has not kept
        self.queue.go_back(memory.queue)
        self.rates = deque(memory.rates, maxlen=KEPT_RATES)
        self._unsaved, self.leaving = memory.unsaved, set(memory.leaving)

    def _afterwards(self, action: Callable[[], object]) -> None:
        """Do something that cannot be undone once the transaction is written."""
        if self._outbox is None:
            _do(action)
        else:
            self._outbox.append(action)


def _do(action: Callable[[], object]) -> None:
    try:
        action()
    except Exception:  # what is written stays written, and the other actions are due
        logger.exception("something that was to follow a change of the runs went wrong")
