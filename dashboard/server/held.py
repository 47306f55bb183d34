"""Requests for news that are held until there are some, and answered all at once with the same bytes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from cachetools import LRUCache

HOLD_S = 10.0  # after that a request is answered although there is no news
LOOK_S = 0.25  # between two looks for news
PER_WATCHER_S, MOST_S = 0.005, 2.0  # the more watch the same runs, the longer is the pause between two answers

Names = tuple[str, ...]


class Held:
    """For one event loop: many who ask for the same are one task.

    stands: tells how the named runs stand, in whatever form. answer: makes the answer to what was asked.
    """

    def __init__(
        self, stands: Callable[[Names], Awaitable[Sequence[Any]]], answer: Callable[[Names], Awaitable[bytes]]
    ) -> None:
        self._stands, self._answer = stands, answer
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[Names, asyncio.Task[bytes]] = {}
        self._watching: Counter[Names] = Counter()
        self._told: LRUCache[Names, tuple[float, Sequence[Any]]] = LRUCache(1024)  # when, and how they stood

    def is_for_this_loop(self) -> bool:
        """Whether the loop that runs is the one that this was made in."""
        return self._loop is asyncio.get_running_loop()

    async def news(self, names: Names, asked: Names) -> bytes:
        """Return the answer to `asked`, of the runs with these names, once they stand otherwise than last told."""
        task = self._tasks.get(asked)
        if task is None:
            task = self._tasks[asked] = self._loop.create_task(self._await_news(names, asked))
            task.add_done_callback(lambda _: self._tasks.pop(asked, None))
        self._watching[names] += 1
        try:
            return await asyncio.shield(task)
        finally:
            self._watching[names] -= 1
            if not self._watching[names]:
                del self._watching[names]

    async def _await_news(self, names: Names, asked: Names) -> bytes:
        until = self._loop.time() + HOLD_S
        while True:
            told_at, told = self._told.get(names, (0.0, None))
            pause = min(MOST_S, max(LOOK_S, PER_WATCHER_S * self._watching[names]))
            if (early := told_at + pause - self._loop.time()) > 0:
                await asyncio.sleep(early)
            stands = await self._stands(names)
            if stands != told or self._loop.time() > until:
                break
            await asyncio.sleep(LOOK_S)
        body = await self._answer(asked)
        with suppress(ValueError):  # too large for the cache
            self._told[names] = self._loop.time(), stands
        return body
