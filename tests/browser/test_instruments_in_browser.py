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
    questions: list[str] = []
    page.on("request", lambda request: questions.append(request.url) if "/instruments/" in request.url else None)
    page.goto(f"{app_server.url}/board?run={begun['group_watch']}")
    page.wait_for_function("() => document.querySelector('[data-figure=loss].js-plotly-plot')")
    page.locator(".rgl-instruments > summary").click()
    said = "([key, words]) => document.querySelector(`[data-instrument=${key}]`).textContent.includes(words)"
    for key in ("cliff", "plane"):
        page.locator(f"[data-instrument={key}] > summary").click()
        page.wait_for_function(said, arg=[key, "Not read of a model that is watched"])
        card = page.locator(f"[data-instrument={key}]")
        assert (card.locator("[role=status]").inner_text(), card.locator(".rgl-instrument-runs a").count()) == ("", 0)
    assert not questions, "nobody is asked for what cannot be read"
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
    assert card.get_by_role("link", name="NPZ").count() == 1
    page.locator("[data-instrument=lyapunov] > summary").click()
    page.wait_for_function(said, arg=["lyapunov", "The program "])
    assert page.get_by_role("button", name="Over training").count() == 0, "it cannot be read so"
    page.locator("[data-instrument=lyapunov] > summary").click()
    app_server.api(f"watched/{run}/alive", {})
    page.wait_for_function(said, arg=["contributions", "Follows training"])
    app_server.api(f"watched/{run}/end", {"status": "finished", "reason": ""})
    page.wait_for_function(said, arg=["contributions", "The program has ended; this is the newest reading of it."])
    assert card.locator("[role=status]").inner_text() == ""


LONG = {
    "data": {"kind": "task", "task": "delayed_recall", "seq_len": 60, "delay": 2},
    "model": {"hidden_size": 8, "readout": "every_step"},
    "steps": 100_000,
    "eval_every": 50,
    "batch_size": 8,
}
CARD = "document.querySelector('[data-instrument=lyapunov] .rgl-instrument-run')"
STEP = f"Number({CARD}?.querySelector('h4')?.textContent.match(/at step ([0-9,]+)/)?.[1].replaceAll(',', '') ?? 0)"


def test_a_card_of_a_run_in_training_follows_it_and_its_figures_stay(page: Any, app_server: AppServer) -> None:
    """Choosing while a reading is under way asks once, not at every piece of news; the newest step is read again."""
    run = app_server.api("runs", {"config": LONG})["runs"][0]["id"]
    wait(lambda: app_server.api(f"runs/{run}")["step"] > 20, 300)
    page.goto(f"{app_server.url}/board?run={run}")
    page.locator(".rgl-instruments > summary").click()
    page.locator("[data-instrument=lyapunov] > summary").click()
    page.wait_for_function("() => document.querySelector('[data-instrument=lyapunov] [role=status]').textContent")
    page.locator("[data-instrument=lyapunov]").get_by_role("button", name="Over training").click()
    page.wait_for_function(f"() => {STEP} > 0", timeout=300_000)
    status = "document.querySelector('[data-instrument=lyapunov] [role=status]').textContent"
    page.wait_for_function(f"() => {status}.startsWith('Follows training')", timeout=300_000)
    first = page.evaluate(STEP)
    page.wait_for_function(f"() => {CARD}.querySelector('.js-plotly-plot')")
    page.evaluate(f"() => {{ window.plot = {CARD}.querySelector('.js-plotly-plot'); }}")
    page.wait_for_function(f"() => {STEP} > {first}", timeout=300_000)
    assert page.evaluate(f"() => window.plot === {CARD}.querySelector('.js-plotly-plot')")
    assert "try again" not in page.locator("[data-instrument=lyapunov]").inner_text()
    app_server.api(f"runs/{run}/stop", {})
    page.reload()
    page.locator(".rgl-instruments > summary").click()
    page.locator("[data-instrument=lyapunov] > summary").click()
    pressed = "[data-instrument=lyapunov] .rgl-instrument-bar button[aria-pressed=true]"
    page.wait_for_function(f"() => document.querySelector('{pressed}')")  # what was chosen is chosen still


def test_another_unit_has_headings_of_its_own_and_figures_fit_their_place(page: Any, app_server: AppServer) -> None:
    run = app_server.api("runs", {"config": CONFIG})["runs"][0]["id"]
    wait(lambda: app_server.api(f"runs/{run}")["status"] == "finished", 300)
    page.goto(f"{app_server.url}/board?run={run}")
    page.locator(".rgl-instruments > summary").click()
    page.locator("[data-instrument=unit] > summary").click()
    title = "document.querySelector('[data-instrument=unit] .rgl-picture .rgl-title')?.textContent"
    field = page.locator("[data-instrument=unit] .rgl-instrument-choice input").nth(1)
    page.wait_for_function(f"() => {title}?.startsWith('ht of unit')")
    page.wait_for_function("() => document.querySelectorAll('[data-instrument=unit] input')[1].max === '4'")
    assert field.get_attribute("placeholder") == "largest"
    for typed, unit in (("2", 2), ("3", 3), ("99", 4)):
        field.fill(typed)
        field.press("Enter")
        page.wait_for_function(f"() => {title} === 'ht of unit {unit}'")
        assert field.input_value() == str(unit)
        corner = page.locator("[data-instrument=unit] .rgl-picture .rgl-corner").first
        assert corner.get_attribute("aria-label") == f"ht of unit {unit} in full screen"
    whose = page.locator("[data-instrument=unit] .rgl-picture .rgl-whose").first
    assert (whose.text_content() or "").endswith("after step 40")
    page.evaluate("() => { document.querySelector('.rgl-instrument-cards').style.width = '400px' }")
    fits = (
        "() => [...document.querySelectorAll('[data-instrument=unit] .js-plotly-plot')]"
        ".every((plot) => plot.offsetWidth < 400 && plot.querySelector('.main-svg').clientWidth === plot.offsetWidth)"
    )
    page.wait_for_function(fits)
