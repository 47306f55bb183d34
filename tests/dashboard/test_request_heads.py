"""Connections whose request line and headers come too slowly are closed; bodies may take their time."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from dashboard.server import request_heads
from dashboard.server.request_heads import BoundedHeads

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
PATIENCE = 0.4


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer a request with its body."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with pytest.MonkeyPatch.context() as patch, socket.socket() as listener:
        patch.setattr(request_heads, "HEAD_SECONDS", PATIENCE)
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(echo, http=BoundedHeads, lifespan="off", log_config=None))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield int(listener.getsockname()[1])
        server.should_exit = True
        thread.join()


def exchange(port: int, *pieces: bytes, pause: float) -> bytes:
    """Send pieces with a pause after each; return all that comes back until the connection is closed or silent."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=2 * PATIENCE) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            while piece := connection.recv(65_536):
                answer += piece
        except TimeoutError:
            return answer + b"(still open)"
        except OSError:
            return answer
    return answer


def test_a_head_that_trickles_in_is_refused(port: int) -> None:
    answer = exchange(port, GET, *[b"X: 1\r\n"] * 4, pause=PATIENCE / 6)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b'{"error": "The headers of this request are too slow."}')


def test_who_says_nothing_is_sent_away_without_a_word(port: int) -> None:
    assert exchange(port, pause=0) == b""


def test_a_second_request_has_its_own_time(port: int) -> None:
    request = GET + b"\r\n"
    answer = exchange(port, request, request, GET, pause=0.7 * PATIENCE)
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert answer.endswith(b'{"error": "The headers of this request are too slow."}')


def test_a_body_may_take_its_time(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\n"
    answer = exchange(port, head, b"ab", b"cd", b"ef", pause=0.6 * PATIENCE)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"abcdef" in answer


NO_HTTP = (
    b"FOO / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"\x00" * 50,
    *(b"POST / HTTP/1.1\r\nContent-Length: %s\r\n\r\n" % size for size in (b"-1", b"abc", b"1e3", b"9" * 40)),
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
)  # fmt: skip


@pytest.mark.parametrize("sent", NO_HTTP)
def test_what_is_no_http_is_refused_in_json_as_all_else_is(port: int, sent: bytes) -> None:
    head, _, body = exchange(port, sent, pause=0).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in head
    assert json.loads(body)["error"].endswith(".")
