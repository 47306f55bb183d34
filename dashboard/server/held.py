"""Requests for news of runs that are held until there are some, and answered all at once with the same bytes."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cachetools import LRUCache

HOLD_S = 10.0  # after that a request is answered although there is no news
LOOK_S = 0.25  # between two looks for news
PER_WATCHER_S, MOST_S = 0.005, 2.0  # the more watch the same runs, the longer is the pause between two answers
MOST_ANSWERS = 8  # at once for the same runs; who is behind in yet another way gets what is new since the earliest step
AT_ONCE = 10  # who are answered in one turn of the event loop: others' requests come between

Names = tuple[str, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody knows of runs: newest step and key of what was said of each, and how all stand (`told`)."""

    names: Names
    since: tuple[int, ...]
    said: tuple[str, ...]
    told: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and what will be asked next by those who have it."""

    body: bytes
    then: Asked


@dataclass(slots=True)
class _Watched:
    """Runs that are watched together.

    waiting: who asked what, and until when they wait. last: what those ask next who have the last answer.
    """

    waiting: dict[asyncio.Future[bytes], tuple[Asked, float]] = field(default_factory=dict)
    last: Asked | None = None
    answered_at: float = float("-inf")
    task: asyncio.Task[None] | None = None


class Held:
    """For one event loop: all who watch the same runs are one task.

    stands: tells how the named runs stand, in a few characters. answer: makes the answer to what was asked. Who is at
    the step of the last answer, or beyond it, gets what is new since then: an answer may begin before what was asked.
    """

    def __init__(self, stands: Callable[[Names], Awaitable[str]], answer: Callable[[Asked], Awaitable[Answer]]) -> None:
        self._stands, self._answer = stands, answer
        self._loop = asyncio.get_running_loop()
        self._of: LRUCache[Names, _Watched] = LRUCache(1024)

    def is_for_this_loop(self) -> bool:
        """Whether the loop that runs is the one that this was made in."""
        return self._loop is asyncio.get_running_loop()

    async def news(self, asked: Asked) -> bytes:
        """Return the answer to `asked` once the runs stand otherwise than told, or after a while."""
        future = self.ask(asked, HOLD_S)
        try:
            return await future
        finally:
            future.cancel()

    def ask(self, asked: Asked, seconds: float) -> asyncio.Future[bytes]:
        """Return a future of the same; who does not want the answer any more cancels it."""
        watched = self._of.get(asked.names)
        if watched is None:
            watched = self._of[asked.names] = _Watched()
        future: asyncio.Future[bytes] = self._loop.create_future()
        watched.waiting[future] = asked, self._loop.time() + seconds
        future.add_done_callback(lambda done: watched.waiting.pop(done, None))
        if watched.task is None or watched.task.done():
            watched.task = self._loop.create_task(self._serve(watched, asked.names))
        return future

    async def _serve(self, watched: _Watched, names: Names) -> None:
        try:
            while watched.waiting:
                await self._pause(watched)
                stands, now = await self._stands(names), self._loop.time()
                due = {
                    future: asked
                    for future, (asked, until) in watched.waiting.items()
                    if not future.done() and (asked.told != stands or now >= until)
                }
                if due:
                    await self._tell(watched, due)
                else:
                    await asyncio.sleep(LOOK_S)
        except Exception as error:  # each of those who wait is told, as if they had asked alone
            for future in list(watched.waiting):
                if not future.done():
                    future.set_exception(error)

    async def _pause(self, watched: _Watched) -> None:
        while True:
            pause = min(MOST_S, max(LOOK_S, PER_WATCHER_S * len(watched.waiting)))
            if (early := watched.answered_at + pause - self._loop.time()) <= 0:
                return
            await asyncio.sleep(min(early, LOOK_S))

    async def _tell(self, watched: _Watched, due: dict[asyncio.Future[bytes], Asked]) -> None:
        alike: dict[Asked, list[asyncio.Future[bytes]]] = defaultdict(list)
        for future, asked in due.items():
            alike[_in_common(asked, watched.last)].append(future)
        then = []
        for asked, futures in _few(alike):
            answer = await self._answer(asked)
            then.append(answer.then)
            in_turns(futures, answer.body)
        lowest = tuple(min(steps) for steps in zip(*(each.since for each in then), strict=True))
        watched.last, watched.answered_at = replace(then[0], since=lowest), self._loop.time()


def _in_common(asked: Asked, last: Asked | None) -> Asked:
    """Return what is answered in place of `asked`: the same for all who have the last answer or a newer one."""
    if last is None or any(own < step for own, step in zip(asked.since, last.since, strict=True)):
        return replace(asked, told="")
    said = tuple(own if own == key else "" for own, key in zip(asked.said, last.said, strict=True))
    return Asked(asked.names, last.since, said)


def _few(alike: Mapping[Asked, list[T]]) -> list[tuple[Asked, list[T]]]:
    """Return the largest groups of those who ask alike, all others as the last one."""
    groups = sorted(alike.items(), key=lambda group: -len(group[1]))
    kept, others = groups[: MOST_ANSWERS - 1], groups[MOST_ANSWERS - 1 :]
    if len(others) > 1:
        first = tuple(min(steps) for steps in zip(*(asked.since for asked, _ in others), strict=True))
        names = others[0][0].names
        others = [(Asked(names, first, ("",) * len(names)), [each for _, futures in others for each in futures])]
    return kept + others


def in_turns(futures: Iterable[asyncio.Future[T]], result: T) -> None:
    """Give many futures their result, a few in each turn of the event loop."""
    waiting = list(futures)
    for future in waiting[:AT_ONCE]:
        if not future.done():
            future.set_result(result)
    if len(waiting) > AT_ONCE:
        asyncio.get_running_loop().call_soon(in_turns, waiting[AT_ONCE:], result)
