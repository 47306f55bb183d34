"""The first screen in Chromium: a recorded example, a click on a card that trains, Play with a speed that is chosen."""

import time
from typing import Any

import pytest

from tests.support.server import AppServer

pytestmark = pytest.mark.browser

DRAWN = """() => ['loss', 'profile'].every((name) => [0, 1].every((run) =>
  document.querySelector(`[data-figure=${name}]`)?.data?.some((t) => t.meta?.run === run && t.y?.length > 0)))"""


def test_an_example_is_shown_until_a_card_trains(page: Any, app_server: AppServer) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(app_server.url)
    page.wait_for_function(DRAWN, timeout=30_000)
    assert "Recorded example" in page.locator(".rgl-note").inner_text()
    for name in ("loss", "profile"):  # above the fold
        box = page.locator(f"[data-figure={name}]").bounding_box()
        assert box["y"] + box["height"] < 900

    page.locator("[data-preset=vanishing]").click()
    page.wait_for_function(
        "() => document.querySelector('.rgl-detail')?.textContent.startsWith('step')", timeout=30_000
    )
    clicked = time.monotonic()
    assert page.locator("[data-preset]").count() == 0
    assert page.locator(".rgl-note").is_hidden()
    page.wait_for_function("() => document.querySelector('.rgl-status').textContent === 'finished'", timeout=60_000)
    assert time.monotonic() - clicked > 2, "a slow start"

    page.get_by_label("speed of Play").select_option("0.25")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Stop playing").click()
    shown = page.locator(".rgl-scrubber").evaluate("(slider) => Number(slider.value)")
    assert 2 < shown < 80, "a quarter of a step a frame"
