"""Time travel in Chromium: at a pinned step figure and sentence speak of the same stored profile."""

from typing import Any

import pytest

from tests.support.server import AppServer
from tests.support.waiting import wait

pytestmark = pytest.mark.browser

STEPS = 1200  # each with a profile: four times as many as a board fetches
CONFIG = {
    "data": {"kind": "task", "seq_len": 6}, "model": {"hidden_size": 3}, "steps": STEPS, "batch_size": 2,
    "profile_every": 1, "eval_every": 600,
}  # fmt: skip
SAID = "() => document.querySelector('.rgl-verdict').textContent"
DRAWN = "() => document.querySelector('.rgl-card:has([data-figure=profile]) .rgl-subtitle').textContent"
Y = "() => document.querySelector('[data-figure=profile]')?.data?.find((trace) => trace.meta?.fill === 'profile')?.y"


@pytest.fixture
def run(app_server: AppServer) -> str:
    """The id of a run that has finished."""
    run_id: str = app_server.api("runs", {"config": CONFIG})["runs"][0]["id"]
    wait(lambda: app_server.api(f"runs/{run_id}")["status"] == "finished", 300)
    return run_id


def test_a_pinned_step_shows_exactly_its_profile_and_the_sentence_is_about_it(
    page: Any, app_server: AppServer, run: str
) -> None:
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "/profile?" in request.url else None)
    page.goto(f"{app_server.url}/?run={run}")
    page.wait_for_function(f"() => ({Y})()?.length > 0")
    columns = "() => document.querySelector('[data-figure=heatmap]').data?.[0].customdata?.[0]?.map(Number)"
    shown = set(page.wait_for_function(columns).json_value())  # the map is drawn after the profile
    lost = [step for step in range(300, 900) if step not in shown][::97]  # most of these the board has not got
    values = []
    for step in lost:
        page.locator(".rgl-scrubber").fill(str(step))
        page.wait_for_function(f"() => ({SAID})().startsWith('At step {step:,}:')")
        page.wait_for_function(f"() => ({DRAWN})().includes('step {step:,},') || ({DRAWN})().endsWith('step {step:,}')")
        values.append(tuple(page.evaluate(Y)))
    assert len(set(values)) == len(values), "each step has its own profile"
    assert len(fetched) >= len(lost) // 2


COUNT = """() => {
  const { react } = window.Plotly
  window.drawnAnew = []
  window.Plotly.react = (plot, ...rest) => { window.drawnAnew.push(plot.dataset.figure); return react(plot, ...rest) }
}"""
# What stands in the profile: lines, areas and numbers; and the same after plotly has drawn all of it anew.
TWICE = """async () => {
  const plot = document.querySelector('[data-figure=profile]')
  const nodes = '.js-line, .js-fill, .xtick text, .ytick text, .y2tick text'
  const stands = () => [...plot.querySelectorAll(nodes)]
    .map((node) => [node.getAttribute('d'), node.getAttribute('transform'), node.textContent].join())
  const moved = stands()
  await window.Plotly.react(plot, plot.data.map((trace) => ({ ...trace })), structuredClone(plot.layout))
  return [moved, stands()]
}"""


STEADY = CONFIG | {"steps": 60, "batch_size": 64, "optimizer": {"learning_rate": 1e-6}}


def test_lines_that_are_moved_alone_stand_where_plotly_would_draw_them(page: Any, app_server: AppServer) -> None:
    run = app_server.api("runs", {"config": STEADY})["runs"][0]["id"]
    wait(lambda: app_server.api(f"runs/{run}")["status"] == "finished", 300)
    page.goto(f"{app_server.url}/?run={run}")
    page.wait_for_function(f"() => ({Y})()?.length > 0")
    page.locator(".rgl-scrubber").fill("20")
    page.wait_for_function(f"() => ({DRAWN})().includes('step 20')")
    page.evaluate(COUNT)
    steps = range(21, 41)
    for step in steps:
        page.locator(".rgl-scrubber").fill(str(step))
        page.wait_for_function(f"() => ({DRAWN})().includes('step {step}')")
        moved, anew = page.evaluate(TWICE)
        assert moved == anew
    drawn = page.evaluate("() => window.drawnAnew.filter((name) => name === 'profile').length")
    assert drawn - len(steps) < len(steps), "most of them were moved alone"
