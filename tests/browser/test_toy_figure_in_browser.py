"""A figure from outside in Chromium: its plugin is named in the environment, and its curve is on the board."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import ROOT, AppServer
from tests.support.toy_plugin import write_toy

pytestmark = pytest.mark.browser

CURVES = """() => {
  const plot = document.querySelector('[data-figure="toy"]')
  return (plot?.data ?? []).map((trace) => (trace.y ?? []).filter(Number.isFinite).length)
}"""
OVER = """() => [...document.querySelectorAll('.rgl-status')].length === 2 &&
  [...document.querySelectorAll('.rgl-status')].every((status) => status.textContent === 'finished')"""


@pytest.fixture
def toy_server(tmp_path: Path) -> Iterator[AppServer]:
    write_toy(tmp_path)
    server = AppServer(tmp_path, RNNLAB_PLUGINS="toy", PYTHONPATH=f"{tmp_path}:{ROOT}")
    server.start()
    yield server
    server.stop()


def test_the_figure_of_a_plugin_is_on_the_board(chromium: Any, toy_server: AppServer) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 2400})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(toy_server.url)
    page.get_by_label("Steps", exact=True).fill("40")
    page.get_by_label("Steps", exact=True).press("Enter")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function(OVER)

    card = page.locator(".rgl-card:has([data-figure=toy])")
    card.scroll_into_view_if_needed()
    page.wait_for_function(f"() => ({CURVES})().length === 2 && ({CURVES})().every((points) => points === 35)")
    assert card.locator("h2").inner_text() == "Mean state"
    assert "at step 40" in card.inner_text()
    page.locator(".rgl-scrubber").fill("12")
    card.scroll_into_view_if_needed()  # drawn where it is seen
    page.wait_for_function(
        "() => document.querySelector('.rgl-card:has([data-figure=toy]) .rgl-subtitle').textContent === 'at step 1'"
    )
    context.close()
    assert problems == []
