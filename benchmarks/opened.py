"""The app and a browser for a benchmark: a server on localhost with a data folder of its own, and Chromium."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from tests.support import chromium
from tests.support.server import AppServer


@contextmanager
def opened() -> Iterator[tuple[Browser, AppServer]]:
    """Start both, and end both whatever happens."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = AppServer(Path(folder))
        server.start()
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.FLAGS)
        try:
            yield browser, server
        finally:
            browser.close()
            server.stop()
