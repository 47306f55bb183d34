"""Who asks for much at once waits for themselves alone."""

import asyncio
from typing import Any

import pytest

from dashboard.api import reading
from dashboard.server.http import ApiError
from dashboard.server.turns import Turns


def test_one_at_a_time_for_a_key_and_any_number_of_keys() -> None:
    async def main() -> list[str]:
        turns, seen, together = Turns(), [], asyncio.Event()

        async def ask(key: str, number: int) -> None:
            async with turns.of(key):
                seen.append(f"{key}{number} begins")
                if key == "b":
                    together.set()
                await together.wait()
                await asyncio.sleep(0)
                seen.append(f"{key}{number} ends")

        await asyncio.gather(ask("a", 1), ask("a", 2), ask("b", 1))
        assert not turns._locks, "nothing is left of them"
        return seen

    seen = asyncio.run(main())
    assert seen[:2] == ["a1 begins", "b1 begins"]
    assert seen.index("a1 ends") < seen.index("a2 begins")


def test_a_turn_that_does_not_come_is_given_up() -> None:
    async def main() -> None:
        turns = Turns()
        async with turns.of("a"):
            with pytest.raises(TimeoutError):
                async with turns.of("a", 0.01):
                    raise AssertionError
        async with turns.of("a", 0.01):
            pass

    asyncio.run(main())


def test_many_slow_readings_of_one_owner_keep_nobody_else_waiting(monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "WAIT_S", 0.2)

    async def main() -> None:
        import threading

        over = threading.Event()
        many = [asyncio.create_task(reading.in_reading_thread("greedy", over.wait, 5.0)) for _ in range(100)]
        await asyncio.sleep(0.05)
        others = [reading.in_reading_thread(f"other {n}", lambda: "read") for n in range(10)]
        assert await asyncio.wait_for(asyncio.gather(*others), 2.0) == ["read"] * 10
        await asyncio.sleep(0.3)
        over.set()
        ends = await asyncio.gather(*many, return_exceptions=True)
        assert ends[0] is True
        assert all(isinstance(end, ApiError) and end.status == 429 for end in ends[1:])

    asyncio.run(main())
