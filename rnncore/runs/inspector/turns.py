"""Questions of many askers, worked out at a few places: nobody holds two of them, and who asks much takes turns."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Protocol, Self

from rnncore.data.dataset import DataError
from rnncore.on_demand import text_of
from rnncore.reading import Reading

logger = logging.getLogger(__name__)

PLACES = 2  # so that one question that takes minutes does not keep all others waiting
WANTED_S = 20.0  # what nobody has asked for for so long is not worked out any more
IDLE_S = 300.0  # after so long without a question a place is given up
MOST_WAITING = 200
EACH_WAITING = 40  # of one asker
BUSY = "Many instruments are being read at this moment; try again in a few seconds."
FAILED = "This instrument could not be read; the server's log says more."


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for: an instrument of a run before the update of `step`, or over training up to it.

    chosen: what the reader chose beside it, by name. live: of a run that trains, so that a part now is more than all of
    it when training has gone on.
    """

    run: str
    instrument: str
    step: int
    course: bool
    changes: int
    chosen: tuple[tuple[str, int], ...] = ()
    live: bool = False

    @property
    def choice(self) -> str:
        """What was chosen, as the store has it."""
        return text_of(dict(self.chosen))


class Share(float):
    """How much of the work is done, 0 to 1. doing: what is done now, where that takes long, or ''."""

    doing: str

    def __new__(cls, share: float = 0.0, doing: str = "") -> Self:
        """Return a number that says what is done."""
        new = super().__new__(cls, share)
        new.doing = doing
        return new


@dataclass(slots=True)
class Task:
    """A question that is being worked out, or waits for it. share: how much of the work is done.

    newest: whether it was asked for as the newest step.
    """

    question: Question
    asker: str
    wanted: float  # when it was asked for last, monotonic seconds
    newest: bool = False
    taken: bool = False
    share: Share = field(default_factory=Share)
    found: Reading | None = None
    problem: str | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Seat(Protocol):
    """Where questions are worked out, one after another."""

    def read(self, task: Task) -> Reading:
        """Return the reading; raises DataError where there is none."""

    def close(self) -> None:
        """Give back what the place holds; it may be in the middle of a question."""


class Turns:
    """Safe for threads. Nothing is started before somebody asks."""

    def __init__(self, seat: Callable[[], Seat], places: int = PLACES) -> None:
        self._seat, self._places = seat, places
        self._tasks: dict[Question, Task] = {}
        self._served: dict[str, int] = {}  # of each asker who has tasks, the turn of the last one that was taken
        self._turn = count(1)
        self._changed = threading.Condition()
        self._seats: list[Seat] = []  # the first that is free takes what is due: it knows the runs of before
        self._at_work: list[Seat] = []
        self._closed = False

    def task(self, question: Question, asker: str, newest: bool = False) -> Task:
        """Return the task of a question, a new one where nobody has asked it yet. Raises DataError: too many wait."""
        with self._changed:
            if self._closed:
                raise DataError(BUSY)
            now = time.monotonic()
            self._forget_unwanted(now)
            task = self._tasks.get(question)
            if task is None:
                own = sum(each.asker == asker for each in self._tasks.values())
                if len(self._tasks) >= MOST_WAITING or own >= EACH_WAITING:
                    raise DataError(BUSY)
                task = self._tasks[question] = Task(question, asker, now, newest)
            task.wanted = now
            self._open()
            self._changed.notify_all()
            return task

    def underway(self, like: Question) -> Question | None:
        """Return the oldest question for the newest step that differs by its step alone; None where there is none.

        Of a run that trains the newest step is another one each time that somebody asks how far the work is.
        """
        with self._changed:
            self._forget_unwanted(time.monotonic())
            for each, task in self._tasks.items():
                if task.newest and replace(each, step=like.step, changes=like.changes) == like:
                    return each
            return None

    def answered(self, task: Task) -> None:
        """Forget a task: its asker has the answer."""
        with self._changed:
            if self._tasks.get(task.question) is task:
                del self._tasks[task.question]

    def found(self, question: Question) -> None:
        """Forget a question whose reading its asker has from where it is kept."""
        with self._changed:
            task = self._tasks.get(question)
            if task is not None and task.done.is_set():
                del self._tasks[question]

    def close(self) -> None:
        """Give back all places, and tell those who wait."""
        with self._changed:
            self._closed = True
            for task in self._tasks.values():
                task.problem = task.problem or BUSY
                task.done.set()
            seats = list(self._seats)
            self._changed.notify_all()
        for seat in seats:
            seat.close()

    def _work(self, seat: Seat) -> None:
        while (task := self._next(seat)) is not None:
            try:
                task.found = seat.read(task)
            except DataError as error:
                task.problem = str(error)
            except Exception:
                logger.exception("an instrument could not be read")
                task.problem = FAILED
            with self._changed:
                task.done.set()
                self._at_work.remove(seat)
                self._changed.notify_all()  # another question of this asker may have its turn
        seat.close()

    def _next(self, seat: Seat) -> Task | None:
        """Take the next task; None, and the place is given up, once there has been nothing to do for long."""
        with self._changed:
            while not self._closed:
                task = self._due(seat)
                if task is not None:
                    task.taken = True
                    self._served[task.asker] = next(self._turn)
                    self._at_work.append(seat)
                    self._open()
                    return task
                if not self._changed.wait(IDLE_S) and self._due(seat) is None:
                    break
            self._seats.remove(seat)
        return None

    def _due(self, seat: Seat) -> Task | None:
        """Return the task of whoever was served longest ago; who has a place already waits for it."""
        if next(each for each in self._seats if each not in self._at_work) is not seat:
            return None
        self._forget_unwanted(time.monotonic())
        return min(self._waiting(), key=lambda task: self._served.get(task.asker, 0), default=None)

    def _waiting(self) -> list[Task]:
        tasks = [task for task in self._tasks.values() if not task.done.is_set()]
        at_work = {task.asker for task in tasks if task.taken}
        return [task for task in tasks if not task.taken and task.asker not in at_work]

    def _open(self) -> None:
        """Open another place where none is free for a question that may be worked out now."""
        if len(self._at_work) == len(self._seats) < self._places and self._waiting():
            seat = self._seat()
            self._seats.append(seat)
            threading.Thread(target=self._work, args=(seat,), name="instruments", daemon=True).start()

    def _forget_unwanted(self, now: float) -> None:
        at_work = [task for task in self._tasks.values() if task.taken and not task.done.is_set()]
        for question, task in list(self._tasks.items()):
            if now - task.wanted > WANTED_S and task not in at_work:
                del self._tasks[question]
        askers = {task.asker for task in self._tasks.values()}
        self._served = {asker: turn for asker, turn in self._served.items() if asker in askers}
