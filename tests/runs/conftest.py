"""Schedulers with toy workers, closed after the test."""

import pytest

from tests.support.scheduling import Server


@pytest.fixture
def serve(tmp_path):
    """A function that starts a server of one's own."""
    servers = []

    def start(**settings):
        servers.append(Server(tmp_path, **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with two workers that several tests share."""
    server = Server(tmp_path_factory.mktemp("shared"))
    server.wait_ready()
    yield server
    server.close()
