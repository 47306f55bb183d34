"""Requests that are held: one look and one answer for all who watch the same, when something is new."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from dashboard.server import held
from dashboard.server.held import Answer, Asked, Held


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "LOOK_S", 0.001)
    monkeypatch.setattr(held, "PER_WATCHER_S", 0.0)


class Runs:
    """Runs that train when a test says so; what is answered is told by the steps after which it begins."""

    def __init__(self, *steps: int) -> None:
        self.steps = list(steps)
        self.made: list[Asked] = []
        self.trouble: Exception | None = None
        self.waiting = Held(self.stands, self.answer)

    async def stands(self, names: Sequence[str]) -> str:
        if self.trouble:
            raise self.trouble
        return str(self.steps)

    async def answer(self, asked: Asked) -> Answer:
        self.made.append(asked)
        then = Asked(asked.names, tuple(self.steps), ("",) * len(self.steps), str(self.steps))
        return Answer(str(list(asked.since)).encode(), then)

    def knows(self, *since: int, told: str = "", said: str = "") -> Asked:
        return Asked(("a", "b")[: len(since)], since, (said,) * len(since), told)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def soon() -> None:
        await asyncio.wait_for(test(), 20)

    asyncio.run(soon())


def test_all_who_ask_the_same_get_the_same_bytes_when_something_is_new() -> None:
    async def watch() -> None:
        runs = Runs(1)
        assert await runs.waiting.news(runs.knows(0)) == b"[0]"  # how they stand was not told before
        tasks = [asyncio.create_task(runs.waiting.news(runs.knows(1, told="[1]"))) for _ in range(50)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in tasks)
        runs.steps = [2]
        bodies = await asyncio.gather(*tasks)
        assert len({id(body) for body in bodies}) == 1
        assert [asked.since for asked in runs.made] == [(0,), (1,)]

    run(watch)


def test_who_came_between_two_answers_gets_the_answer_of_all_and_who_is_behind_what_they_lack() -> None:
    async def watch() -> None:
        runs = Runs(10, 20)
        await runs.waiting.news(runs.knows(0, 0))
        runs.steps = [30, 40]
        known = [(10, 20), (10, 20), (12, 20), (30, 39), (9, 20), (5, 5)]
        bodies = await asyncio.gather(*(runs.waiting.news(runs.knows(*since, told="x")) for since in known))
        assert bodies == [b"[10, 20]"] * 4 + [b"[9, 20]", b"[5, 5]"]
        assert len({id(body) for body in bodies[:4]}) == 1
        runs.steps = [50, 60]
        assert await runs.waiting.news(runs.knows(30, 40)) == b"[30, 40]"

    run(watch)


def test_many_who_are_behind_in_ways_of_their_own_cost_a_few_answers() -> None:
    async def watch() -> None:
        runs = Runs(1000)
        await runs.waiting.news(runs.knows(0))
        runs.made.clear()
        bodies = await asyncio.gather(
            *(runs.waiting.news(runs.knows(since)) for since in [1000] * 3 + [*range(1, 200)])
        )
        assert len(runs.made) == held.MOST_ANSWERS
        assert bodies[:3] == [b"[1000]"] * 3
        starts = [int(body.strip(b"[]")) for body in bodies[3:]]
        assert all(start <= since for since, start in enumerate(starts, 1))  # nobody lacks anything

    run(watch)


def test_what_was_said_is_left_out_only_for_those_who_have_it() -> None:
    async def watch() -> None:
        runs = Runs(1)
        await runs.waiting.news(runs.knows(0))
        runs.steps = [2]
        await asyncio.gather(*(runs.waiting.news(runs.knows(1, said=said)) for said in ("", "x")))
        assert [asked.said for asked in runs.made] == [("",), ("",)]  # the last answer left nothing out

    run(watch)


def test_without_news_it_answers_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "HOLD_S", 0.0)

    async def watch() -> None:
        runs = Runs(0)
        for _ in range(3):
            assert await runs.waiting.news(runs.knows(0, told="[0]")) == b"[0]"

    run(watch)


def test_a_fault_is_told_to_all_who_wait_and_the_next_who_asks_is_answered() -> None:
    async def watch() -> None:
        runs = Runs(1)
        runs.trouble = ValueError("the store is locked")
        asking = [runs.waiting.news(runs.knows(1)) for _ in range(3)]
        answers = await asyncio.gather(*asking, return_exceptions=True)
        assert answers == [runs.trouble] * 3
        runs.trouble = None
        assert await runs.waiting.news(runs.knows(1)) == b"[1]"

    run(watch)


def test_who_gives_up_is_forgotten() -> None:
    async def watch() -> None:
        runs = Runs(1)
        future = runs.waiting.ask(runs.knows(1, told="[1]"), 60)
        await asyncio.sleep(0.01)
        future.cancel()
        runs.steps = [2]
        await asyncio.sleep(0.05)
        assert runs.made == []

    run(watch)


def test_many_are_answered_a_few_in_each_turn_so_that_others_come_between() -> None:
    async def watch() -> None:
        loop = asyncio.get_running_loop()
        waiting: list[asyncio.Future[None]] = [loop.create_future() for _ in range(3 * held.AT_ONCE)]
        held.in_turns(waiting, None)
        done = []
        while not waiting[-1].done():
            done.append(sum(each.done() for each in waiting))
            await asyncio.sleep(0)
        assert done == [held.AT_ONCE, 2 * held.AT_ONCE]

    run(watch)
