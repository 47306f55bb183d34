"""The first screen in Chromium: a recorded example, a click on a card that trains, Play with a speed that is chosen."""

from typing import Any

import pytest

from tests.support.server import AppServer

pytestmark = pytest.mark.browser

DRAWN = """() => ['loss', 'profile'].every((name) => [0, 1].every((run) =>
  document.querySelector(`[data-figure=${name}]`)?.data?.some((t) => t.meta?.run === run && t.y?.length > 0)))"""

SHOWN = "() => Number(document.querySelector('.rgl-scrubber').value)"
PRESSES = """() => {
  window.pressed = []
  window.addEventListener('click', () => window.pressed.push(performance.now()), true)
}"""


def test_an_example_is_shown_until_a_card_trains(page: Any, app_server: AppServer) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(app_server.url)
    page.wait_for_function(DRAWN)
    assert "Recorded example" in page.locator(".rgl-note").inner_text()
    for name in ("loss", "profile"):  # above the fold
        box = page.locator(f"[data-figure={name}]").bounding_box()
        assert box["y"] + box["height"] < 900

    page.locator("[data-preset=vanishing]").click()
    page.wait_for_function("() => document.querySelector('.rgl-detail')?.textContent.startsWith('step')")
    assert page.locator("[data-preset]").count() == 0
    assert page.locator(".rgl-note").is_hidden()
    page.wait_for_function("() => document.querySelector('.rgl-status').textContent === 'finished'")

    page.get_by_label("speed of Play").select_option("0.25")
    page.evaluate(PRESSES)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"() => 4 < ({SHOWN})() && ({SHOWN})() < 100")  # before it plays, the last one is shown
    page.get_by_role("button", name="Stop playing").click()
    began, ended = page.evaluate("() => window.pressed")
    frames = (ended - began) * 60 / 1000
    assert 4 < page.evaluate(SHOWN) <= 1 + frames / 4 + 1, "at most a quarter of a step a frame"
