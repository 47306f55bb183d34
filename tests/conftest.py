"""Shared fixtures: the app as a real server on localhost, and a browser to drive it."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.support.chromium import FLAGS, executable
from tests.support.server import AppServer

# For `make mutants`: the same few examples every time.
settings.register_profile("mutants", max_examples=20, derandomize=True, database=None, deadline=None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps an event loop running, in which no other test can start its own."""
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def app_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    server = AppServer(tmp_path_factory.mktemp("data"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running Chromium; skipped with a reason where there is none, an error in CI."""
    path = executable()
    if path is None:
        reason = "no Chromium on this machine (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any, app_server: AppServer) -> Iterator[Any]:
    """A page of a new user (own cookies) at 1440 x 900; console errors fail the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("response", lambda answer: problems.append(answer.url) if answer.status >= 400 else None)
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((app_server.url, "blob:", "data:")) else problems.append(request.url)
        ),
    )
    yield page
    context.close()
    assert problems == []
