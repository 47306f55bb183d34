"""The pictures of README, taken anew of a running app: `python -m benchmarks.pictures`. Needs Chromium."""

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from playwright.sync_api import Browser, Page, TimeoutError

from benchmarks.opened import opened
from dashboard.experiment.opening import DEFAULT
from tests.support.browsing import arrived, still
from tests.support.server import ROOT, AppServer
from tests.support.waiting import wait

DOCS = ROOT / "docs"
PATIENCE_MS = 120_000
OPENING: Mapping[str, Any] = DEFAULT.model_dump(mode="json")
SUNSPOTS: Mapping[str, Any] = {
    "data": {"kind": "bundled", "name": "sunspots"}, "clip": {"method": "norm", "threshold": 1.0}, "steps": 600,
}  # fmt: skip


def main() -> int:
    """Take all pictures."""
    with opened() as (browser, server):
        twins = f"?run={trained(server, OPENING)}"
        sunspots = f"?run={trained(server, SUNSPOTS)}"
        for theme in ("light", "dark"):
            take(browser, server, f"board-{theme}", twins, lambda page: None, theme)
            take(browser, server, f"cells-{theme}", "", thirty_years, theme)
        take(browser, server, "projector", twins, project, size=(1280, 720))
        take(browser, server, "time-travel", sunspots, to_step_60)
        take(browser, server, "lesson-dark", "?lesson=vanishing", predict, "dark")
    return 0


def trained(server: AppServer, config: Mapping[str, Any]) -> str:
    """Train twins to their end; return their address."""
    answer = server.api("runs", {"config": config, "compare": True})
    wait(lambda: all(server.api(f"runs/{run['id']}")["status"] == "finished" for run in answer["runs"]), 300)
    address: str = answer["group"]
    return address


def take(
    browser: Browser,
    server: AppServer,
    name: str,
    query: str,
    prepare: Callable[[Page], None],
    theme: str = "light",
    size: tuple[int, int] = (1440, 900),
) -> None:
    """Open a page, prepare it, and write the picture of what is on the screen then."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{server.url}/{query}")
    arrived(page)
    prepare(page)
    page.mouse.move(5, size[1] - 5)
    still(page)
    page.screenshot(path=DOCS / f"{name}.png")
    context.close()


def project(page: Page) -> None:
    """Turn on projector mode."""
    page.get_by_role("button", name="Projector").click()
    page.locator(".rgl-projector").wait_for()


def choose(page: Page, name: str, option: str) -> None:
    """Choose in a list; a page that is still being drawn closes it, so it is opened until the option is there."""
    wanted = page.get_by_role("option", name=option)
    for _ in range(10):
        page.get_by_role("combobox", name=re.compile(name)).click()
        try:
            wanted.wait_for(timeout=10_000)
            break
        except TimeoutError:
            continue
    wanted.click()


def thirty_years(page: Page) -> None:
    """Put five cells on one board: open the list of comparisons, choose, train; then look at the first step."""
    choose(page, "Compare", "thirty years of cells")
    page.get_by_text("minGRU", exact=True).first.wait_for()
    page.get_by_role("button", name="Train", exact=True).first.click()
    page.wait_for_function("() => document.querySelectorAll('.rgl-status[data-status=finished]').length === 5")
    page.locator(".rgl-scrubber").fill("1")


def to_step_60(page: Page) -> None:
    """Go back to step 60, and wait until the sentences are about it."""
    page.locator(".rgl-scrubber").fill("60")
    page.wait_for_function("() => document.querySelector('.rgl-verdict').textContent.startsWith('At step 60')")


def predict(page: Page) -> None:
    """Answer a lesson's question rightly, train, and wait for its end."""
    page.get_by_text("Less than a billionth", exact=True).first.click()
    page.get_by_role("button", name="Commit and train").click()
    page.wait_for_function("() => document.querySelector('.rgl-status[data-status=finished]')")


if __name__ == "__main__":
    sys.exit(main())
