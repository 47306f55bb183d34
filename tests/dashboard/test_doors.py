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


def exchange(server: AppServer, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send pieces on one connection; return all that comes back until it is closed or silent for a second."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=1) as connection:
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
    answer = exchange(server, upload, b"a,b\n", b"1,2\n" * 75_000, *[GET + b"\r\n"] * 3, pause=0.1)
    assert answer.count(b"HTTP/1.1 201 ") == 1
    assert answer.count(b"HTTP/1.1 200 ") == 3


def test_two_host_headers_are_refused(server: AppServer) -> None:
    assert exchange(server, GET + b"Host: evil.example\r\n\r\n").startswith(b"HTTP/1.1 403 ")
