"""Which sockets are opened, and at what pace their messages are taken."""

import asyncio
import itertools
from typing import Any

import pytest
from streamlit.web.server.starlette import starlette_websocket

from dashboard.server.guard import Guard
from dashboard.server.pace import OF_ADDRESS, Pace

HOST = "lab.local:8501"
OWN = ("http://lab.local:8501", "https://lab.local:8501", "HTTP://LAB.local:8501".lower())
FOREIGN = (
    "http://lab.local:8502",  # another program of the same machine
    "http://lab.local",
    "http://evil.example:8501",
    "http://lab.local:8501.evil.example",
    "http://lab.local:8501@evil.example",
    "http://user@lab.local:8501",
    "null",
    "",
    "file://",
    "ws://lab.local:8501",
    "http://[::1",
    "http://lab.local:8501\x00",
)


async def open_socket(headers: list[tuple[str, str]]) -> tuple[list[Any], list[Any]]:
    """Return what Streamlit got to see of a handshake, and what was sent back."""
    seen: list[Any] = []
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found = dict(scope["headers"])
        seen.append(found.get(b"origin", b"").decode() or None)
        assert starlette_websocket._is_origin_allowed(seen[-1], found[b"host"].decode())

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode("latin-1")) for name, value in [("host", HOST), *headers]]
    scope = {"type": "websocket", "scheme": "ws", "headers": raw, "path": "/_stcore/stream"}
    await Guard(app)(scope, None, send)  # type: ignore[arg-type]
    return seen, sent


@pytest.fixture(autouse=True)
def _any_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.server.guard.host_is_allowed", lambda host: True)

    def asked() -> str:
        raise AssertionError("a public address service was asked inside the event loop")

    for name in ("get_external_ip", "get_internal_ip"):
        monkeypatch.setattr(f"streamlit.net_util.{name}", asked)


@pytest.mark.parametrize("origin", OWN)
def test_a_page_of_this_server_opens_its_socket(origin: str) -> None:
    seen, sent = asyncio.run(open_socket([("origin", origin)]))
    assert (len(seen), sent) == (1, [])


def test_a_program_without_an_origin_opens_a_socket() -> None:
    assert asyncio.run(open_socket([])) == ([None], [])


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_another_origin_gets_none_and_freezes_nobody(origin: str) -> None:
    seen, sent = asyncio.run(open_socket([("origin", origin)]))
    assert seen == []
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_two_origins_are_refused() -> None:
    seen, _ = asyncio.run(open_socket([("origin", OWN[0]), ("origin", FOREIGN[0])]))
    assert seen == []


def test_an_allowed_site_opens_a_socket_and_streamlit_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = {"server.corsAllowedOrigins": ["https://school.example"]}
    monkeypatch.setattr("dashboard.server.guard.config.get_option", lambda name: allowed.get(name))
    seen, sent = asyncio.run(open_socket([("origin", "https://school.example")]))
    assert (seen, sent) == ([f"http://{HOST}"], [])
    assert asyncio.run(open_socket([("origin", "http://school.example")]))[0] == []


def test_a_flood_of_messages_is_taken_at_a_bounded_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    numbers = itertools.count()

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.receive", "number": next(numbers)}

    async def flood() -> list[int]:
        pace = Pace(receive, "10.0.0.1")  # type: ignore[arg-type]
        real = asyncio.sleep

        async def sleep(seconds: float) -> None:
            waited.append(seconds)
            await real(0)

        monkeypatch.setattr(asyncio, "sleep", sleep)
        return [(await pace())["number"] for _ in range(200)]

    assert asyncio.run(flood()) == list(range(200))
    assert 130 <= len(waited) <= 140  # the first 60 at once


def test_many_sockets_of_one_address_share_a_pace_and_take_turns_with_its_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    taken: dict[str, list[float]] = {"greedy": [], "modest": [], "another": []}

    async def receive() -> dict[str, str]:
        return {"type": "websocket.receive"}

    async def main() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock[0], raising=False)
        waits: list[tuple[float, str, Pace]] = []

        async def sleep(seconds: float) -> None:
            delays.append(seconds)

        monkeypatch.setattr(asyncio, "sleep", sleep)
        for name, address, count in (("greedy", "a", 20), ("modest", "a", 1), ("another", "b", 1)):
            waits += [(0.0, name, Pace(receive, address)) for _ in range(count)]
        while clock[0] < 20.0:  # each asks anew as soon as it may
            waits.sort(key=lambda each: each[0])
            at, name, pace = waits.pop(0)
            clock[0] = max(clock[0], at)
            delays: list[float] = []
            await pace()
            due = clock[0] + sum(delays)
            taken[name].append(due)
            waits.append((max(due, clock[0] + (0.0 if name == "greedy" else 0.2)), name, pace))

    asyncio.run(main())
    rate, burst = OF_ADDRESS
    assert len(taken["greedy"]) + len(taken["modest"]) <= 20 * rate + burst + 25
    assert len(taken["another"]) >= 95, "five a second, as it asks"
    gaps = [after - before for before, after in itertools.pairwise(taken["modest"])]
    assert max(gaps) < 1.0, "nobody of the same address has to wait for all of them"
