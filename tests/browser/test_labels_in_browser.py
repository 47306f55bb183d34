"""Labels of the figures in Chromium: none lies on a curve or on another label, in the states that have most of them."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.browsing import eventually, still
from tests.support.server import AppServer
from tests.support.waiting import wait

pytestmark = pytest.mark.browser

BASE: Mapping[str, Any] = {
    "data": {"kind": "task", "seq_len": 30}, "model": {"cell": "rnn", "hidden_size": 8}, "batch_size": 4, "steps": 120,
    "eval_every": 20, "clip": {"method": "norm", "threshold": 1.0},
}  # fmt: skip
DEAD = {"model": {"cell": "rnn", "nonlinearity": "relu", "hidden_size": 3},
        "optimizer": {"name": "sgd", "learning_rate": 30.0}, "clip": {"method": "norm", "threshold": 5.0}}  # fmt: skip
SAME = {"clip": {"method": "norm", "threshold": 1e6}}
# Texts that lie on the area of the curves or on each other; ticks and titles of axes are texts too.
OVERLAPS = """() => [...document.querySelectorAll('.rgl-card:not([hidden]) .js-plotly-plot')].flatMap((plot) => {
  const name = plot.dataset.figure, box = (node) => node.getBoundingClientRect()
  const hit = (a, b, slack) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slack
  const seen = (node) => node.textContent.trim() && box(node).width > 0
  const labels = [...plot.querySelectorAll('.annotation-text-g text')].filter(seen)
  const axes = '.xtick text, .ytick text, .y2tick text, .g-xtitle text, .g-ytitle text, .g-y2title text'
  const texts = [...labels, ...[...plot.querySelectorAll(axes)].filter(seen)]
  const areas = [...plot.querySelectorAll('.nsewdrag')].map(box)
  const found = []
  for (const label of labels) {
    if (areas.some((area) => hit(box(label), area, 2))) found.push(`${name}: "${label.textContent}" on the curves`)
  }
  for (const [index, one] of texts.entries()) {
    for (const other of texts.slice(index + 1)) {
      if (hit(box(one), box(other), 3)) found.push(`${name}: "${one.textContent}" on "${other.textContent}"`)
    }
  }
  return found
})"""
DRAWN = "() => document.querySelectorAll('.js-plotly-plot').length >= 5"
LABELS = "() => [...document.querySelectorAll('.annotation-text-g text')].map((node) => node.textContent)"
AXIS = "() => [...document.querySelectorAll('[data-figure=profile] .ytick text')].map((node) => node.textContent)"
LEGENDS = "() => [...document.querySelectorAll('.rgl-legend')].map((node) => node.textContent).join('|')"


@pytest.fixture(scope="module")
def boards(app_server: AppServer) -> dict[str, str]:
    """Addresses of finished boards by state: twins that part, twins that are the same, gradients that are exactly 0."""
    settings: dict[str, Any] = {"part": {}, "same": SAME, "dead": DEAD}
    started = {
        state: app_server.api("runs", {"config": BASE | more, "compare": True}) for state, more in settings.items()
    }
    ids = [run["id"] for answer in started.values() for run in answer["runs"]]
    wait(lambda: all(app_server.api(f"runs/{each}")["status"] in {"finished", "diverged"} for each in ids), 300)
    return {state: answer["group"] for state, answer in started.items()}


@pytest.fixture(scope="module")
def several(app_server: AppServer) -> list[str]:
    """Ids of six finished runs that differ in so much that their names are long."""
    cells = [{"cell": cell, "hidden_size": 8} for cell in ("rnn", "lstm", "gru")]
    settings = [{"model": model, "optimizer": {"learning_rate": rate}} for rate in (0.01, 0.0025) for model in cells]
    ids = [app_server.api("runs", {"config": BASE | more})["runs"][0]["id"] for more in settings]
    wait(lambda: all(app_server.api(f"runs/{each}")["status"] == "finished" for each in ids), 300)
    return ids


@pytest.mark.parametrize("projector", [False, True])
@pytest.mark.parametrize("count", [1, 3, 6])
def test_names_of_many_runs_lie_on_nothing_either(
    page: Any, app_server: AppServer, several: list[str], count: int, projector: bool
) -> None:
    for width in (1280,) if projector else (390, 1440):
        page.set_viewport_size({"width": width, "height": 720 if projector else 1000})
        page.goto(f"{app_server.url}/?run={','.join(several[:count])}")
        page.wait_for_function(DRAWN)
        if projector:
            page.get_by_role("button", name="Projector").click()
            page.locator(".rgl-projector").wait_for()
            still(page)
        for figure in page.locator(".rgl-card:not([hidden]) .rgl-plot").locator("visible=true").all():
            figure.scroll_into_view_if_needed()
        still(page)
        eventually(page, OVERLAPS, [])


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("state", ["part", "same", "dead"])
def test_no_label_lies_on_a_curve_or_on_another(
    page: Any, app_server: AppServer, boards: dict[str, str], state: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(f"{app_server.url}/?run={boards[state]}")
    page.wait_for_function(DRAWN)
    for figure in page.locator(".rgl-card:not([hidden]) .rgl-plot").all():
        figure.scroll_into_view_if_needed()  # drawn where it is seen
    still(page)
    eventually(page, OVERLAPS, [])
    texts, legends = page.evaluate(LABELS), page.evaluate(LEGENDS)
    assert any("the gradient travels this way" in text for text in texts)
    assert "threshold: " in legends
    if state == "same":
        assert legends.count("the two runs are the same at every step") >= 2
    else:
        assert any(text.startswith("they part at step") for text in texts)
        assert "the same at every step" not in legends
    if state == "dead":
        page.locator(".rgl-scrubber").fill("100")
        page.wait_for_function(f"() => ({AXIS})().includes('exactly 0')")
        eventually(page, OVERLAPS, [])
