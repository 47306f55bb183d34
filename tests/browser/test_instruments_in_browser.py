"""Instruments in Chromium: nothing is asked before a card is opened, and then it follows the pinned step."""

import json
from typing import Any

import numpy as np
import pytest

from rnncore.reading import Axis, Layer, Panel, Reading
from rnncore.runs.watched_forms import WatchedReading
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


def test_a_card_of_a_watched_run_asks_its_program_and_shows_what_it_sends(page: Any, app_server: AppServer) -> None:
    begun = app_server.api(
        "watched", {"name": "mine", "modules": [{"cell": "lstm", "hidden_size": 4, "num_layers": 1}]}
    )
    run = begun["runs"][0]["id"]
    steps = [{"step": step, "elapsed_s": step / 10, "loss": 1 / step} for step in range(1, 10)]
    app_server.api(f"watched/{run}/records", {"records": steps})
    page.goto(f"{app_server.url}/board?run={begun['group_watch']}")
    page.wait_for_function("() => document.querySelector('[data-figure=loss].js-plotly-plot')")
    page.locator(".rgl-instruments > summary").click()
    page.locator("[data-instrument=cliff] > summary").click()
    said = "([key, words]) => document.querySelector(`[data-instrument=${key}]`).textContent.includes(words)"
    page.wait_for_function(said, arg=["cliff", "Not read of a model that is watched"])
    app_server.api(f"watched/{run}/alive", {})  # it trains, however long this page took
    card = page.locator("[data-instrument=contributions]")
    card.locator("> summary").click()
    page.wait_for_function(said, arg=["contributions", "The program "])  # has been asked, or was so long ago
    asked = {"run": run, "instrument": "contributions", "chosen": {}}
    wait(lambda: app_server.api(f"watched/{run}/alive", {})["asks"] == [asked])
    t = np.arange(1.0, 5.0)
    panel = Panel(
        key="steps", title="‖C<sub>t</sub>‖", help="Bars", x=Axis(title="timestep t"), y=Axis(title="‖C‖"),
        layers=(Layer(kind="bars", x="t", y="norm"),),
    )  # fmt: skip
    reading = Reading(
        instrument="contributions", step=9, arrays={"t": t, "norm": t}, panels=(panel,), said=("Timestep 4 adds most.",)
    )
    app_server.api(f"watched/{run}/readings", json.loads(WatchedReading.of(reading).model_dump_json()))
    page.wait_for_function("() => document.querySelector('[data-instrument=contributions] .js-plotly-plot')")
    heading = card.locator(".rgl-instrument-run h4").first.inner_text()
    assert "at step 9" in heading
    assert "Timestep 4 adds most." in card.inner_text()
    app_server.api(f"watched/{run}/end", {"status": "finished", "reason": ""})
