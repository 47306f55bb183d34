"""Instruments in Chromium: nothing is asked before a card is opened, and then it follows the pinned step."""

from typing import Any

import pytest

from tests.support.server import AppServer
from tests.support.waiting import wait

pytestmark = pytest.mark.browser

CONFIG = {
    "data": {"kind": "task", "task": "delayed_recall", "seq_len": 12, "delay": 2},
    "model": {"hidden_size": 4, "readout": "every_step"},
    "steps": 40,
    "batch_size": 2,
}
ANSWER = "() => document.querySelector('[data-instrument=flow] .rgl-instrument-run h4')?.textContent"
DRAWN = "() => document.querySelectorAll('[data-instrument=flow] .js-plotly-plot').length"


def test_a_card_loads_when_it_is_opened_and_follows_the_step(page: Any, app_server: AppServer) -> None:
    run = app_server.api("runs", {"config": CONFIG})["runs"][0]["id"]
    wait(lambda: app_server.api(f"runs/{run}")["status"] == "finished", 300)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "instruments" in request.url else None)
    page.goto(f"{app_server.url}/board?run={run}")
    page.wait_for_function("() => document.querySelector('[data-figure=loss].js-plotly-plot')")
    assert asked == []
    page.locator(".rgl-instruments > summary").click()
    page.wait_for_function("() => document.querySelectorAll('.rgl-instrument').length > 1")
    assert not any("/api/" in url for url in asked), "the list alone"
    page.locator("[data-instrument=flow] > summary").click()
    page.wait_for_function(f"() => ({ANSWER})()?.includes('after step 40')")
    page.wait_for_function(f"() => ({DRAWN})() === 2")  # the map, and its row and column
    page.locator(".rgl-scrubber").fill("7")
    page.wait_for_function(f"() => ({ANSWER})()?.includes('at step 7')")
    before = len(asked)
    page.locator("[data-instrument=flow] > summary").click()
    page.locator(".rgl-scrubber").fill("9")
    page.wait_for_function("() => document.querySelector('.rgl-when').textContent.includes('step 9')")
    page.wait_for_timeout(1500)  # longer than a step has to rest before an open card asks
    assert len(asked) == before, "a closed card asks for nothing"
