"""Shared fixtures: the app as a real server on localhost, and a browser to drive it."""

import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.support.chromium import FLAGS, executable
from tests.support.server import AppServer

# For `make mutants`: the same few examples every time.
settings.register_profile("mutants", max_examples=20, derandomize=True, database=None, deadline=None)

BROWSER = pytest.StashKey[Any]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps an event loop running, in which no other test can start its own.

    In CI one that waited in vain is tried once more; docs/deploy.md says when and why.
    """
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))
    if os.environ.get("CI") == "true":
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=["TimeoutError"]))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute as workers do: for matrices so small a second thread only waits for the first."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def app_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    server = AppServer(tmp_path_factory.mktemp("data"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def running_chromium() -> Iterator[Any]:
    """Playwright's Chromium; skipped with a reason where there is none, an error in CI."""
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
def chromium(running_chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A `tests.support.browsing.Browser`; what a test has opened in it is closed with the test."""
    from tests.support.browsing import Browser

    browser = request.node.stash[BROWSER] = Browser(running_chromium)
    yield browser
    browser.close_pages()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say with a failed browser test what its pages looked like."""
    report = yield
    browser = item.stash.get(BROWSER, None)
    if report.failed and report.when != "teardown" and browser is not None:
        report.longrepr.addsection("pages of the browser", browser.report())
    return report


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
