"""Which sockets are opened, and at what pace their messages are taken."""

import asyncio
import bisect
import itertools
import threading
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from streamlit.web.server.starlette import starlette_websocket

from dashboard.server.guard import SOCKETS_OF_ADDRESS, Guard
from dashboard.server.pace import OF_ADDRESS, OF_ALL, OF_SOCKET, Paces
from dashboard.server.script_turns import ScriptTurns
from tests.support import virtual_time
from tests.support.waiting import wait

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


# Pace


@dataclass
class Taken:
    """When the messages of each socket were taken: (address, number of the socket) -> seconds."""

    times: dict[tuple[str, int], list[float]]

    def of(self, address: str | None = None) -> list[float]:
        return sorted(at for key, times in self.times.items() if address in (None, key[0]) for at in times)


def take(sockets: list[tuple[str, float]], seconds: float, comes_again: bool = False) -> Taken:
    """Let sockets, (address, pause between two messages) each, send for so long; return what was taken when.

    comes_again: whoever has sent ten messages leaves and opens another socket.
    """
    taken = Taken({})

    async def send(paces: Paces, number: int, address: str, pause: float) -> None:
        sent = itertools.count()
        times = taken.times[address, number] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(pause)
            return {"type": "websocket.receive", "number": next(sent)}

        own = paces.of_socket(receive, address)  # type: ignore[arg-type]
        for wanted in itertools.count():
            if asyncio.get_running_loop().time() > seconds:
                return
            if comes_again and wanted % 10 == 9:
                own = paces.of_socket(receive, address)  # type: ignore[arg-type]
            assert (await own())["number"] == wanted, "in order"
            times.append(asyncio.get_running_loop().time())

    async def main() -> None:
        paces = Paces()
        await asyncio.gather(*(send(paces, number, *each) for number, each in enumerate(sockets)))

    virtual_time.run(main())
    return taken


def most_within(times: list[float], seconds: float) -> int:
    """Return how many fall into the fullest window of so many seconds."""
    return max((bisect.bisect(times, at + seconds) - number for number, at in enumerate(times)), default=0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("comes_again", [False, True])
def test_whoever_sends_how_much_from_where_the_pace_is_bounded_and_nobody_waits_for_the_greedy(
    seed: int, comes_again: bool
) -> None:
    dice = Random(seed)
    greedy = [(f"address {dice.randrange(4)}", dice.choice([0.0, 0.001, 0.03])) for _ in range(dice.randrange(2, 30))]
    modest = ("another", dice.uniform(0.5, 2.0))
    taken = take([*greedy, modest], 20.0, comes_again)
    for seconds in (0.5, 3.0, 10.0):
        rate, burst = OF_ALL
        assert most_within(taken.of(), seconds) <= rate * seconds + burst + 1
        for address in {address for address, _ in greedy}:
            rate, burst = OF_ADDRESS
            assert most_within(taken.of(address), seconds) <= rate * seconds + burst + 1
        if not comes_again:
            for times in taken.times.values():
                rate, burst = OF_SOCKET
                assert most_within(times, seconds) <= rate * seconds + burst + 1
    own = taken.of("another")
    gaps = [after - before for before, after in itertools.pairwise([0.0, *own])]
    assert max(gaps) <= modest[1] + 6 / OF_ALL[0], "one message of each other address at most comes before"


def test_what_is_sent_slowly_is_taken_at_once() -> None:
    taken = take([("a", 0.2), ("a", 0.3), ("b", 0.1)], 10.0)
    assert [len(times) for times in taken.times.values()] == [51, 34, 101]


def test_the_end_of_a_socket_is_not_kept_waiting() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "websocket.disconnect"}

    async def main() -> float:
        own = Paces().of_socket(receive, "a")  # type: ignore[arg-type]
        for _ in range(1000):
            await own()
        return asyncio.get_running_loop().time()

    assert virtual_time.run(main()) == 0.0


# How many


def test_an_address_may_have_so_many_sockets_open_and_others_have_theirs() -> None:
    closed: list[Any] = []

    async def main() -> None:
        leave = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await leave.wait()

        async def send(message: Any) -> None:
            closed.append(message)

        guard = Guard(app)
        headers = [(b"host", HOST.encode())]

        def opened(address: str) -> asyncio.Task[None]:
            scope = {"type": "websocket", "scheme": "ws", "headers": headers, "path": "/", "client": (address, 1)}
            return asyncio.ensure_future(guard(scope, None, send))  # type: ignore[arg-type]

        open_now = [opened("a") for _ in range(SOCKETS_OF_ADDRESS + 3)]
        open_now += [opened("b") for _ in range(10)]
        await asyncio.sleep(0)
        assert closed == [{"type": "websocket.close", "code": 1013}] * 3
        leave.set()
        await asyncio.gather(*open_now)
        await opened("a")
        assert len(closed) == 3

    asyncio.run(main())


# Scripts


@pytest.mark.parametrize("at_once", [1, 3])
def test_so_many_scripts_run_at_once_and_addresses_take_turns(at_once: int) -> None:
    turns = ScriptTurns(at_once, lease_s=1000)
    running, most, order, lock = 0, 0, [], threading.Lock()
    begin = threading.Event()

    def script(address: str) -> None:
        nonlocal running, most
        with turns.of(address):
            with lock:
                running += 1
                most = max(most, running)
                order.append(address)
            begin.wait(30)
            with lock:
                running -= 1

    def started(address: str, waiting: int) -> threading.Thread:
        thread = threading.Thread(target=script, args=(address,))
        thread.start()
        wait(lambda: len(order) == at_once and len(turns._waiting.get(address, ())) == waiting)
        return thread

    threads = [threading.Thread(target=script, args=("first",)) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    wait(lambda: len(order) == at_once)
    threads += [started("greedy", number) for number in range(1, 7)]
    threads += [started("modest", number) for number in range(1, 3)]
    begin.set()
    for thread in threads:
        thread.join(30)
    assert most == at_once
    assert len(order) == at_once + 8
    assert "modest" not in order[-4:], "the last ones are those of whoever has most"


def test_a_script_that_waits_for_something_keeps_nobody_waiting_for_long() -> None:
    turns = ScriptTurns(1, lease_s=0.05)
    with turns.of("a"):
        other = threading.Thread(target=lambda: turns.of("b").__enter__())
        other.start()
        other.join(30)
        assert not other.is_alive()


def test_the_next_script_begins_when_the_event_loop_has_done_what_the_last_one_asked_for() -> None:
    async def main() -> None:
        turns, done = ScriptTurns(1, lease_s=1000), []
        loop = asyncio.get_running_loop()
        turns.pass_on_through(loop)

        def script() -> None:
            with turns.of("a"):
                for number in range(100):
                    loop.call_soon_threadsafe(done.append, number)

        await asyncio.to_thread(script)
        entered = asyncio.to_thread(lambda: turns.of("b").__enter__() or len(done))
        assert await entered == 100

    asyncio.run(main())
