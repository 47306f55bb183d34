"""Requests that are held: one look and one answer for all who ask the same, when something is new."""

import asyncio
from typing import Any

import pytest

from dashboard.server import held
from dashboard.server.held import Held


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "LOOK_S", 0.001)


def test_all_who_ask_the_same_get_the_same_bytes_when_something_is_new() -> None:
    stands, made = [0], []

    async def look(names: Any) -> list[int]:
        return list(stands)

    async def answer(asked: Any) -> bytes:
        made.append(asked)
        return b"news"

    async def watch() -> None:
        waiting = Held(look, answer)
        assert await waiting.news(("a",), ("a:1",)) == b"news"  # nothing was told before
        tasks = [asyncio.create_task(waiting.news(("a",), ("a:2",))) for _ in range(50)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in tasks)
        stands[0] = 1
        bodies = await asyncio.gather(*tasks)
        assert len({id(body) for body in bodies}) == 1
        assert made == [("a:1",), ("a:2",)]

    asyncio.run(asyncio.wait_for(watch(), 20))


def test_without_news_it_answers_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "HOLD_S", 0.0)

    async def look(names: Any) -> list[int]:
        return [0]

    async def answer(asked: Any) -> bytes:
        return b""

    async def watch() -> None:
        waiting = Held(look, answer)
        for _ in range(3):
            await waiting.news(("a",), ("a:1",))

    asyncio.run(asyncio.wait_for(watch(), 20))
