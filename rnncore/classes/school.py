"""The classes of a server: opening, joining, showing, asking, handing out; every change is in the store."""

import logging
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from rnncore.classes.codes import new_code, typed
from rnncore.classes.state import (
    MAX_NAME,
    ClassState,
    Handout,
    Poll,
    RunningHandout,
    RunningPoll,
    Shown,
    check_choice,
)
from rnncore.errors import ConfigError
from rnncore.runs.store.classes import Member, StoredClass, WallRun
from rnncore.runs.store.store import Store
from rnncore.words import visible

logger = logging.getLogger(__name__)

OPEN_S = 6 * 3600.0
MAX_CLASSES = 100  # open at once


class ClassError(Exception):
    """What cannot be done in a class as it stands; the message is one plain sentence."""


class UnknownClass(LookupError):  # noqa: N818 - it says what is wrong
    """No class has this code (any more)."""


class NotTheTeacher(Exception):  # noqa: N818
    """Somebody else has opened this class."""


class NotInClass(Exception):  # noqa: N818
    """Only who has joined may do that."""


class ClassIsFull(Exception):  # noqa: N818
    """No more students, or no more classes, fit."""


@dataclass(slots=True)
class Classroom:
    """One open class. teacher: a workspace. members, answers: by the students' workspaces.

    closes_at: by the calendar, in seconds since 1970; what counts is the time that a server works.
    """

    key: int
    code: str
    teacher: str
    opened_lived_s: float
    closes_at: float
    state: ClassState
    members: dict[str, Member] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)  # to the poll that is there

    def has(self, workspace: str | None) -> bool:
        """Whether a workspace teaches or takes part here."""
        return workspace is not None and (workspace == self.teacher or workspace in self.members)

    def label(self, workspace: str) -> str:
        """Return what a student is called on the wall."""
        member = self.members[workspace]
        return member.name if self.state.names and member.name else f"Student {member.number}"


class School:
    """All open classes. Every method may be called from any thread.

    on_change: is told which class has changed, and whether that is for everybody to see or for the teacher alone.
    """

    def __init__(self, store: Store, max_students: int) -> None:
        """Go on with the classes in the store. Raises StoreFault."""
        self._store, self.max_students = store, max_students
        self._lock = threading.RLock()
        self._rooms: dict[str, Classroom] = {}
        self.on_change: Callable[[str, bool], None] = lambda code, for_all: None
        for stored in store.classes():
            self._rooms[stored.code] = self._opened(stored)
        self.close_old()

    def _opened(self, stored: StoredClass) -> Classroom:
        try:
            state = ClassState.model_validate(stored.state)
        except ValidationError:
            logger.warning("a class is shown anew: its state in the store cannot be read")
            state = ClassState()
        closes_at = self._store.clock.wall() + self._seconds_left(stored.opened_lived_s)
        room = Classroom(stored.key, stored.code, stored.workspace, stored.opened_lived_s, closes_at, state)
        room.members = self._store.members(stored.key)
        room.answers = self._store.answers(stored.key, state.poll.number) if state.poll else {}
        return room

    # Opening and closing

    def open(self, teacher: str, names: bool = False) -> tuple[Classroom, bool]:
        """Return the class of a teacher, and whether it opens just now: each has one at a time.

        Where no more fit, the oldest one without students is closed. Raises ClassIsFull.
        """
        self.close_old()
        with self._lock:
            for room in self._rooms.values():
                if room.teacher == teacher:
                    return room, False
            empty = next((room for room in self._rooms.values() if not room.members), None)
            if len(self._rooms) >= MAX_CLASSES and empty:
                self._end(empty)
            elif len(self._rooms) >= MAX_CLASSES:
                raise ClassIsFull(f"There are {MAX_CLASSES} classes open on this server; no more can be opened now.")
            while (code := new_code()) in self._rooms:
                pass
            state = ClassState(names=names)
            room = self._opened(self._store.create_class(code, teacher, state.model_dump(mode="json")))
            self._rooms[code] = room
        logger.info("a class opens", extra={"event": "class_opened"})
        return room, True

    def room(self, code: str) -> Classroom:
        """Return the class with a code, as typed. Raises UnknownClass."""
        room = self._rooms.get(typed(code) or "")
        if room is None:
            raise UnknownClass
        return room

    def of_teacher(self, workspace: str) -> Classroom | None:
        """Return the class that a workspace teaches."""
        with self._lock:
            return next((room for room in self._rooms.values() if room.teacher == workspace), None)

    def of_student(self, workspace: str) -> list[Classroom]:
        """Return the classes in which a workspace takes part."""
        with self._lock:
            return [room for room in self._rooms.values() if workspace in room.members]

    def has(self, workspace: str) -> bool:
        """Tell whether a workspace teaches or takes part in a class."""
        with self._lock:
            return any(room.has(workspace) for room in self._rooms.values())

    def _seconds_left(self, opened_lived_s: float) -> float:
        return opened_lived_s + OPEN_S - self._store.life().lived_s

    def close(self, code: str, teacher: str) -> None:
        """Close a class. Raises UnknownClass, NotTheTeacher."""
        self._end(self._taught(code, teacher))

    def close_old(self) -> None:
        """Close the classes whose time is over."""
        with self._lock:
            old = [room for room in self._rooms.values() if self._seconds_left(room.opened_lived_s) <= 0]
        for room in old:
            self._end(room)

    def _end(self, room: Classroom) -> None:
        with self._lock:
            self._store.delete_class(room.key)
            self._rooms.pop(room.code, None)
        self.on_change(room.code, True)

    # Taking part

    def join(self, code: str, workspace: str, name: str | None = None) -> str:
        """Let a student take part, under a new name if one is given; return what the wall calls them.

        Raises UnknownClass, ClassIsFull, ConfigError (the name is too long), ClassError (it is the teacher).
        """
        name = None if name is None else visible(name).strip()
        if name is not None and len(name) > MAX_NAME:
            raise ConfigError(f"name: {len(name):,} characters are not allowed; allowed: up to {MAX_NAME}.")
        with self._lock:
            room = self.room(code)
            if workspace == room.teacher:
                raise ClassError("The teacher of a class cannot join it as a student.")
            known = room.members.get(workspace)
            if known is None and len(room.members) >= self.max_students:
                raise ClassIsFull(f"This class has {self.max_students} students, as many as the server allows.")
            number = known.number if known else _free_number(room)
            member = Member(number, (known.name if known else "") if name is None else name)
            if member != known:
                self._store.set_member(room.key, workspace, member)
                room.members[workspace] = member
                self.on_change(room.code, False)
            return room.label(workspace)

    def answer(self, code: str, workspace: str, choice: int) -> None:
        """Keep a student's answer to the open poll, in place of an earlier one.

        Raises UnknownClass, NotInClass, ClassError (nothing is asked), ConfigError (there is no such choice).
        """
        with self._lock:
            room = self._joined(code, workspace)
            poll = room.state.poll
            if poll is None or not poll.open:
                raise ClassError("There is no open question in this class.")
            check_choice("choice", choice, poll.poll.choices)
            self._store.set_answer(room.key, poll.number, workspace, choice)
            room.answers[workspace] = choice
            self.on_change(room.code, False)

    def put_on_wall(self, code: str, workspace: str, run_id: str) -> None:
        """Show a student's own run on the wall of the present hand-out. Raises as `answer` does."""
        with self._lock:
            room = self._joined(code, workspace)
            if not self._store.put_on_wall(room.key, room.state.handouts, workspace, run_id):
                raise ConfigError("run: there is no such run in your workspace.")
            self.on_change(room.code, False)

    def wall(self, room: Classroom) -> list[tuple[str, WallRun]]:
        """Return the newest run of each student for the present hand-out, each with the student's name on the wall."""
        runs = self._store.wall(room.key, room.state.handouts)
        return [(room.label(run.workspace), run) for run in runs if run.workspace in room.members]

    # Teaching

    def show(self, code: str, teacher: str, shown: Shown | None) -> None:
        """Let everybody see what the teacher sees. Raises UnknownClass, NotTheTeacher."""
        self._change(code, teacher, lambda room: {"shown": shown})

    def show_names(self, code: str, teacher: str, names: bool) -> None:
        """Choose whether the wall shows nicknames."""
        self._change(code, teacher, lambda room: {"names": names})

    def ask(self, code: str, teacher: str, poll: Poll | None) -> None:
        """Ask a question, in place of the one before; None takes it away."""

        def change(room: Classroom) -> dict[str, Any]:
            room.answers = {}
            number = room.state.polls + 1
            return {"polls": number, "poll": RunningPoll(number=number, poll=poll) if poll else None}

        self._change(code, teacher, change)

    def close_poll(self, code: str, teacher: str) -> None:
        """Take no more answers, and show how often each was given. Raises ClassError where nothing is asked."""

        def change(room: Classroom) -> dict[str, Any]:
            poll = _poll_of(room)
            tally = Counter(room.answers.values())
            counts = tuple(tally[choice] for choice in range(len(poll.poll.choices)))
            return {"poll": poll.model_copy(update={"open": False, "counts": counts})}

        self._change(code, teacher, change)

    def tell_answer(self, code: str, teacher: str, right: int | None = None) -> None:
        """Tell which answer to the closed poll was right, as it was said when it was asked or as is said now."""

        def change(room: Classroom) -> dict[str, Any]:
            poll = _poll_of(room)
            told = poll.poll.right if right is None else right
            if poll.open:
                raise ClassError("The question is still open; close it first.")
            if told is None:
                raise ConfigError("right: the number of the right answer is needed, from 0.")
            check_choice("right", told, poll.poll.choices)
            known = poll.poll.model_copy(update={"right": told})
            return {"poll": poll.model_copy(update={"poll": known, "told": True})}

        self._change(code, teacher, change)

    def hand_out(self, code: str, teacher: str, handout: Handout | None) -> None:
        """Give everybody a config, and begin an empty wall; None takes it away."""

        def change(room: Classroom) -> dict[str, Any]:
            number = room.state.handouts + 1
            given = RunningHandout(number=number, handout=handout.whole()) if handout else None
            return {"handouts": number, "handout": given}

        self._change(code, teacher, change)

    def students_of(self, teacher: str) -> Sequence[str]:
        """Return the workspaces of a teacher's students."""
        room = self.of_teacher(teacher)
        return list(room.members) if room else []

    def _change(self, code: str, teacher: str, change: Callable[[Classroom], dict[str, Any]]) -> None:
        with self._lock:
            room = self._taught(code, teacher)
            before = dict(room.answers)
            try:
                state = room.state.model_copy(update=change(room))
                self._store.set_class_state(room.key, state.model_dump(mode="json"))
            except Exception:
                room.answers = before
                raise
            room.state = state
        self.on_change(room.code, True)

    def _taught(self, code: str, teacher: str) -> Classroom:
        room = self.room(code)
        if room.teacher != teacher:
            raise NotTheTeacher
        return room

    def _joined(self, code: str, workspace: str) -> Classroom:
        room = self.room(code)
        if workspace not in room.members:
            raise NotInClass
        return room


def _poll_of(room: Classroom) -> RunningPoll:
    if room.state.poll is None:
        raise ClassError("Nothing is asked in this class.")
    return room.state.poll


def _free_number(room: Classroom) -> int:
    """Return a random number that no student of a class has, so that it does not tell who came first."""
    taken = {member.number for member in room.members.values()}
    most = 99 if len(taken) < 60 else 999 + len(taken)
    while (number := 1 + secrets.randbelow(most)) in taken:
        pass
    return number
