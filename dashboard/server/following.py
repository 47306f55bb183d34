"""Who follows a class: each holds one request, which is answered when something changes, all with the same bytes.

Whoever follows the teacher's runs asks for what is new of them with the same request.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache
from starlette.requests import Request

from dashboard.server.held import in_turns
from rnncore.classes.school import Classroom, School, UnknownClass

HOLD_S = 25.0  # after that a request is answered although nothing has changed
GAP_S = 0.2  # between two answers to the same people: a slider that is dragged is not a change for each pixel
GONE_S = 6.0  # whoever has not asked again for so long does not follow any more
COUNT_S = 1.0  # at which the teacher hears how many follow
LOOK_S = 1.0  # between two looks for classes whose time is over
TABS = 4  # requests that one workspace may hold at once


class TooManyTabs(Exception):  # noqa: N818 - it says what is wrong
    """One workspace holds more requests than it may."""


@dataclass(slots=True)
class Channel:
    """What the teacher, or all students, are told of a class: the newest answer, encoded once, and who waits.

    Versions begin with the time, so that those of a server before are never met again.
    """

    encode: Callable[[int], bytes]
    version: int = field(default_factory=lambda: int(time.time()) * 1000)
    body: bytes = b""
    waiting: set[asyncio.Future[None]] = field(default_factory=set)
    sent_at: float = 0.0
    due: asyncio.TimerHandle | None = None
    joined: tuple[bytes, bytes, bytes] = b"", b"", b""  # a state, news of runs, and both as one answer

    def newest(self) -> bytes:
        """Return the newest answer."""
        if not self.body:
            self.body = self.encode(self.version)
        return self.body

    def with_news(self, news: bytes | None) -> bytes:
        """Return the newest answer with what is new of runs in it."""
        state = self.newest()
        if news is None:
            return state
        if self.joined[0] is not state or self.joined[1] is not news:
            self.joined = state, news, state[:-1] + b',"records":' + news + b"}"
        return self.joined[2]

    def change(self) -> None:
        """Answer all who wait, a moment after the time before if that was just now."""
        if self.due is None:
            loop = asyncio.get_running_loop()
            self.due = loop.call_at(max(loop.time(), self.sent_at + GAP_S), self._send)

    def _send(self) -> None:
        self.due, self.sent_at = None, asyncio.get_running_loop().time()
        self.version, self.body = self.version + 1, b""
        self.release()

    def release(self) -> None:
        """Let all who wait look again."""
        in_turns(self.waiting, None)
        self.waiting.clear()


@dataclass(slots=True)
class Following:
    """The people of one class. seen: when each student who follows asked last. held: their requests that wait."""

    students: Channel
    teacher: Channel
    seen: dict[str, float] = field(default_factory=dict)
    held: Counter[str] = field(default_factory=Counter)
    told: int = 0  # followers, in the newest answer to the teacher
    addresses: LRUCache[str, bool] = field(default_factory=lambda: LRUCache(500))  # by which its people come

    def count(self) -> int:
        """Return how many students follow at this moment."""
        now = asyncio.get_running_loop().time()
        for student in [each for each, at in self.seen.items() if not self.held[each] and now - at > GONE_S]:
            del self.seen[student]
        return len(self.seen)


class Followers:
    """The followers of all classes, for one event loop."""

    def __init__(self, school: School) -> None:
        self._school = school
        self._of: dict[str, Following] = {}
        self._loop = asyncio.get_running_loop()
        self._looked_at = -LOOK_S
        school.on_change = self._from_any_thread

    def is_for(self, school: School) -> bool:
        """Whether these are the followers of a school, in the loop that runs."""
        return self._school is school and self._loop is asyncio.get_running_loop()

    def looks_for_old(self) -> bool:
        """Tell, once in a while, that it is time to look for classes whose time is over."""
        now = self._loop.time()
        due = now - self._looked_at >= LOOK_S
        if due:
            self._looked_at = now
        return due

    def came(self, room: Classroom, address: str) -> None:
        """Note a network address by which somebody of a class comes."""
        self._following(room).addresses[address] = True

    def come_by(self, room: Classroom, address: str) -> bool:
        """Tell whether somebody of a class comes by a network address."""
        return address in self._following(room).addresses

    def _from_any_thread(self, code: str, for_all: bool) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody follows any more
            self._loop.call_soon_threadsafe(self._changed, code, for_all)

    def _changed(self, code: str, for_all: bool) -> None:
        found = self._of.get(code)
        if found is None:
            return
        try:
            self._school.room(code)
        except UnknownClass:
            del self._of[code]
            found.students.release()
            found.teacher.release()
            return
        found.teacher.change()
        if for_all:
            found.students.change()

    def state(self, room: Classroom, own: bool) -> dict[str, Any]:
        """Return what a class shows at this moment, to its teacher (own) or to a student."""
        found = self._following(room)
        version = found.teacher.version if own else found.students.version
        return state_json(room, version, own, found.count())

    def _following(self, room: Classroom) -> Following:
        found = self._of.get(room.code)
        if found is None:
            students = Channel(lambda version: _bytes(state_json(room, version, False, self._of[room.code].count())))
            teacher = Channel(lambda version: _bytes(state_json(room, version, True, self._count_told(room.code))))
            found = self._of[room.code] = Following(students, teacher)
        return found

    def _count_told(self, code: str) -> int:
        found = self._of[code]
        found.told = found.count()
        return found.told

    async def next_answer(
        self,
        room: Classroom,
        workspace: str,
        version: int | None,
        follows: bool,
        request: Request,
        ask: Callable[[float], asyncio.Future[bytes]] | None = None,
    ) -> bytes:
        """Return the newest answer once it is another than `version`, or after a while.

        ask: asks for news of runs, for so many seconds; once there are some the answer has them as `records`. Raises
        UnknownClass where the class is closed meanwhile, TooManyTabs, and what asking for news raises.
        """
        found, own = self._following(room), workspace == room.teacher
        channel, loop = found.teacher if own else found.students, asyncio.get_running_loop()
        if found.held[workspace] >= TABS:
            raise TooManyTabs
        found.held[workspace] += 1
        if follows and not own:
            found.seen[workspace] = loop.time()
        elif not own:
            found.seen.pop(workspace, None)
        gone = loop.create_task(_has_gone(request))
        news = ask(2 * HOLD_S) if ask else loop.create_future()
        try:
            until = loop.time() + HOLD_S
            while channel.version == version and loop.time() < until and not (gone.done() or news.done()):
                waiting: asyncio.Future[None] = loop.create_future()
                channel.waiting.add(waiting)
                seconds = min(until - loop.time(), COUNT_S if own else HOLD_S)
                await asyncio.wait((waiting, gone, news), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                channel.waiting.discard(waiting)
                if self._of.get(room.code) is not found:
                    raise UnknownClass
                if own and found.count() != found.told:
                    channel.change()
            return channel.with_news(news.result() if news.done() else None)
        finally:
            gone.cancel()
            news.cancel()
            found.held[workspace] -= 1
            if not found.held[workspace]:
                del found.held[workspace]
            if workspace in found.seen:
                found.seen[workspace] = loop.time()


async def _has_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def state_json(room: Classroom, version: int, own: bool, followers: int) -> dict[str, Any]:
    """Return what the teacher (own) or a student is told of a class; only the teacher hears how many have answered."""
    state, poll = room.state, room.state.poll
    told = None
    if poll is not None:
        answers = len(room.answers) if own or not poll.open else None
        right = poll.poll.right if poll.told else None
        told = {
            "number": poll.number,
            "question": poll.poll.question,
            "choices": list(poll.poll.choices),
            "open": poll.open,
            "answers": answers,
            "counts": list(poll.counts) if poll.counts is not None else None,
            "right": right,
            "right_percent": _percent(poll.counts, right),
        }
    handout = state.handout
    return {
        "code": room.code,
        "version": version,
        "closes_at": round(room.closes_at),
        "teacher": own,
        "followers": followers,
        "students": len(room.members),
        "names": state.names,
        "shown": state.shown.model_dump(mode="json") if state.shown else None,
        "poll": told,
        "handout": {"number": handout.number} | handout.handout.model_dump(mode="json") if handout else None,
    }


def _percent(counts: tuple[int, ...] | None, right: int | None) -> float | None:
    """Return how many per cent chose what is right; None where that is not known, or nobody answered."""
    if counts is None or right is None or not sum(counts):
        return None
    return round(100 * counts[right] / sum(counts), 1)


def _bytes(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")
