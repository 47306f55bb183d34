"""What the real server does with clients that send what no well-behaved one would."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.server import AppServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    server = AppServer(Path(tmp_path_factory.mktemp("doors")), RNNLAB_WORKERS="1")
    server.start()
    yield server
    server.stop()


def exchange(server: AppServer, *pieces: bytes, pause: float = 0.0, patience: float = 1.0) -> bytes:
    """Send pieces on one connection; return all that comes back until it is closed or silent for so many seconds."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=patience) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            while piece := connection.recv(65_536):
                answer += piece
        except OSError:
            return answer
    return answer


GET = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize("piece", [b"X-More: " + b"a" * 4000 + b"\r\n", b"a" * 4000])
def test_headers_without_end_are_cut_off(server: AppServer, piece: bytes) -> None:
    answer = exchange(server, GET + b"X: ", *[piece] * 33)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"The headers of this request are too long." in answer


def test_long_bodies_and_many_requests_on_a_connection_are_no_long_headers(server: AppServer) -> None:
    upload = b"POST /api/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 300004\r\n\r\n"
    last = GET + b"Connection: close\r\n\r\n"
    answer = exchange(server, upload, b"a,b\n", b"1,2\n" * 75_000, *[GET + b"\r\n"] * 2, last, pause=0.1, patience=30)
    assert answer.count(b"HTTP/1.1 201 ") == 1
    assert answer.count(b"HTTP/1.1 200 ") == 3


def test_two_host_headers_are_refused(server: AppServer) -> None:
    assert exchange(server, GET + b"Host: evil.example\r\n\r\n").startswith(b"HTTP/1.1 403 ")


def test_nobody_may_claim_another_address(server: AppServer) -> None:
    start = (
        b"POST /api/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Forwarded-For: %s\r\n"
        b"X-Forwarded-Proto: https\r\nContent-Length: 24\r\n\r\n" + b'{"config": {"steps": 1}}'
    )
    answers = [exchange(server, start % claimed) for claimed in (b"10.0.0.1", b"10.0.0.2, 10.0.0.3")]
    assert all(b" 201 " in answer and b'"address":"http://localhost' in answer for answer in answers)


@pytest.mark.parametrize(
    "path",
    [
        b"/api/runs/..%2f..%2fetc", b"/api/%2e%2e/x", b"/api/runs/a/../b", b"/api/", b"/api/x", b"/%00", b"/api/%00",
        b"/a%0ab", b"/C:%5cwindows", b"/C:/windows", b"/x%5c..%5cy", b"//server/share", b"/%5c%5cserver%5cshare",
        b"/static/%2e%2e%2f%2e%2e/x", b"/lab_assets/%2e%2e/app.py", b"/_stcore/..%2fx",
    ],
)  # fmt: skip
def test_addresses_that_lead_nowhere_are_json(server: AppServer, path: bytes) -> None:
    answer = exchange(server, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.split(b" ", 2)[1][:1] == b"4"
    assert b'{"error":' in answer
