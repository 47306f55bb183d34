"""The app in Chromium: click Train, see measured points arrive, stop, reload, find the run again."""

import re
from typing import Any

import pytest

from tests.support.server import AppServer

pytestmark = pytest.mark.browser

POINTS = """() => {
  if (document.querySelector(".rgl-example, .rgl-waiting")) return false
  const filled = (name, test) => {
    const plot = document.querySelector(`[data-figure="${name}"]`)
    const traces = (plot?.data ?? []).filter((trace) => trace.meta?.run !== undefined)
    return [0, 1].every((run) => traces.some((trace) => trace.meta.run === run && test(trace)))
  }
  const line = (trace) => trace.y?.length > 0 && trace.y.some((value) => value > 0)
  return filled("loss", line) && filled("grad_norm", line) && filled("profile", line) &&
    filled("heatmap", (trace) => trace.z?.length > 0 && trace.z[0].length > 0)
}"""
PREDICTED = "() => document.querySelector('.rgl-card:has([data-figure=predictions]) .rgl-subtitle').textContent"
LAST_STEP = """() => Math.min(...[0, 1].map((run) => {
  const plot = document.querySelector('[data-figure="grad_norm"]')
  return plot.data.find((trace) => trace.meta?.run === run).x.at(-1) ?? 0
}))"""


# Whether the axes that change in steps reach as far as the lines.
IN_VIEW = """() => ["loss", "grad_norm"].every((name) => {
  const plot = document.querySelector(`[data-figure="${name}"]`)
  const ends = plot.data.filter((trace) => trace.meta?.run !== undefined).map((trace) => trace.x.at(-1) ?? 0)
  const last = Math.max(...ends)
  return plot._fullLayout.xaxis.range[1] >= last && last > 1
})"""


def open_app(page: Any, server: AppServer, query: str = "") -> None:
    page.goto(server.url + query)
    page.get_by_role("button", name="Train", exact=True).wait_for()
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length >= 4")


def test_train_watch_stop_and_reload(page: Any, app_server: AppServer) -> None:
    sizes: list[int] = []

    def note_size(response: Any) -> None:
        if "/api/records" in response.url:
            sizes.append(int(response.headers.get("content-length", 0)))

    page.on("response", note_size)
    open_app(page, app_server)
    page.get_by_label("Steps", exact=True).fill("200000")
    page.get_by_label("Steps", exact=True).press("Enter")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function(POINTS)

    # The plotted DOM stays the same through updates: no rebuild, so zoom and hover survive.
    page.evaluate("() => { document.querySelector('[data-figure=loss] .main-svg').dataset.marked = 'yes' }")
    before = page.evaluate(LAST_STEP)
    page.wait_for_function(f"() => ({LAST_STEP})() > {before + 20}")
    assert page.locator("[data-figure=loss] .main-svg[data-marked=yes]").count() == 1
    page.wait_for_function(IN_VIEW)

    # Zoom lasts through updates; a double click shows everything again, and the updates go on.
    plot = page.locator("[data-figure=grad_norm]").bounding_box()
    page.mouse.move(plot["x"] + 120, plot["y"] + 60)
    page.mouse.down()
    page.mouse.move(plot["x"] + 260, plot["y"] + 180, steps=5)
    page.mouse.up()
    shown = "() => document.querySelector('[data-figure=grad_norm]')._fullLayout.xaxis.range"
    page.wait_for_function(f"() => ({shown})()[0] > 1.5")
    zoomed, before = page.evaluate(shown), page.evaluate(LAST_STEP)
    page.wait_for_function(f"() => ({LAST_STEP})() > {before + 20}")
    assert page.evaluate(shown) == zoomed
    page.mouse.dblclick(plot["x"] + 200, plot["y"] + 100)
    before = page.evaluate(LAST_STEP)
    page.wait_for_function(f"() => ({LAST_STEP})() > {before + 20}")
    page.wait_for_function(IN_VIEW)
    page.keyboard.press("Escape")
    assert page.locator(".rgl-status", has_text="running").count() == 2
    assert len(sizes) >= 3
    assert sorted(sizes)[len(sizes) // 2] <= 20_000

    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.rgl-status')].every((s) => s.textContent === 'stopped')"
    )
    assert re.search(r"[?&]run=w[\w-]{22}", page.url)
    stopped_at = page.evaluate(LAST_STEP)
    page.wait_for_function(IN_VIEW)

    # Time travel: forth and back, the predictions are those of the step.
    for step, first in ((1, True), (stopped_at, False), (1, True)):
        page.locator(".rgl-scrubber").fill(str(step))
        page.locator("[data-figure=predictions]").scroll_into_view_if_needed()  # drawn where it is seen
        page.wait_for_function(f"() => ({PREDICTED})().includes('at step 1, on') === {str(first).lower()}")

    page.reload()
    page.wait_for_function(POINTS)
    page.wait_for_function(f"() => ({LAST_STEP})() === {stopped_at}")
    assert page.locator(".rgl-status", has_text="stopped").count() == 2
    assert page.get_by_label("Steps", exact=True).input_value() == "200000"  # the controls show the run's experiment


def test_uploaded_csv_trains(page: Any, app_server: AppServer) -> None:
    rows = "\n".join(f"{day},{20 + (day * 7) % 12 + day % 5}" for day in range(400))
    open_app(page, app_server)
    page.get_by_text("My files", exact=True).click()
    page.locator("input[type=file]").set_input_files(
        {"name": "sales.csv", "mimeType": "text/csv", "buffer": f"day,sales\n{rows}\n".encode()}
    )
    page.get_by_text("sales.csv: 400 rows").wait_for()
    page.locator("[data-testid=stPlotlyChart] .main-svg").nth(1).wait_for()  # the panel has opened by itself
    page.get_by_label("Steps", exact=True).fill("60")
    page.get_by_label("Steps", exact=True).press("Enter")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function(POINTS)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.rgl-status')].every((s) => /finished|diverged/.test(s.textContent))"
    )


def test_several_uploaded_files_train_and_are_there_again_after_a_reload(page: Any, app_server: AppServer) -> None:
    header = "@problemname moves\n@timestamps false\n@univariate true\n@classlabel true up down\n@data\n"
    rows = "\n".join(f"{','.join(str(step * (1, -1)[n % 2] + n % 3) for step in range(20))}:{('up', 'down')[n % 2]}"
                     for n in range(12))  # fmt: skip
    open_app(page, app_server)
    page.get_by_text("My files", exact=True).click()
    page.locator("input[type=file]").set_input_files(
        [
            {"name": f"Moves_{part}.ts", "mimeType": "text/plain", "buffer": (header + rows).encode()}
            for part in ("TRAIN", "TEST")
        ]
    )
    page.get_by_text("Moves_TRAIN.ts and 1 more: 480 timesteps").wait_for()
    page.get_by_text("What we found and did").wait_for()  # the panel has opened by itself
    page.get_by_label("Steps", exact=True).fill("40")
    page.get_by_label("Steps", exact=True).press("Enter")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function(POINTS)
    page.reload()
    page.get_by_text("Moves_TRAIN.ts and 1 more: 480 timesteps").wait_for()
    page.get_by_text("Stored files").click()
    page.get_by_text("2 runs").first.wait_for()


def test_wrong_file_ends_in_one_sentence(page: Any, app_server: AppServer) -> None:
    open_app(page, app_server)
    page.get_by_text("My files", exact=True).click()
    page.locator("input[type=file]").set_input_files(
        {"name": "cat.csv", "mimeType": "text/csv", "buffer": b"\x89PNG\r\n\x1a\n" + bytes(200)}
    )
    page.locator("[data-testid=stAlert]").first.wait_for()
    assert "cat.csv" in page.locator("[data-testid=stAlert]").first.inner_text()
    assert page.get_by_role("button", name="Train", exact=True).is_enabled()
