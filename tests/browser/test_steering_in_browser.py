"""Steering and looking in Chromium: sliders say what is in force, keys and clicks do what they say, menus close."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.browsing import double_click, eventually
from tests.support.owner import own
from tests.support.server import AppServer

pytestmark = pytest.mark.browser

CONFIG = {"model": {"hidden_size": 16}, "data": {"kind": "task", "seq_len": 50}, "clip": {"method": "norm"},
          "steps": 200_000, "batch_size": 16, "optimizer": {"name": "sgd", "learning_rate": 0.01}}  # fmt: skip
DRAWN = "() => document.querySelector('[data-figure=loss]')?.data?.some((trace) => trace.x?.length > 30)"
WHEN = "() => Number(document.querySelector('.rgl-when').textContent.replace(/\\D/g, ''))"
RUNS = "() => new Set(document.querySelector('[data-figure=loss]').data.map((trace) => trace.meta?.run))"


def post(server: AppServer, path: str, body: Any = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server.url}/api/{path}", content, headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@pytest.fixture
def group(page: Any, app_server: AppServer) -> Iterator[str]:
    """Twins of the page's own that train as long as a test lasts."""
    started = post(app_server, "runs", {"config": CONFIG, "compare": True})
    own(page.context, app_server.url, started)
    yield started["group"]
    post(app_server, f"runs/{started['group']}/stop")


def watch(page: Any, server: AppServer, group: str) -> Any:
    page.goto(f"{server.url}/?run={group}")
    page.wait_for_function(DRAWN)
    return page


def threshold(page: Any, value: str) -> None:
    page.locator(".rgl-slider output", has_text=value).wait_for()


def test_the_sliders_show_what_is_in_force_in_every_tab_and_after_a_reload(
    page: Any, app_server: AppServer, group: str
) -> None:
    watch(page, app_server, group)
    other = watch(page.context.new_page(), app_server, group)
    page.locator(".rgl-slider input").nth(1).fill("0.5")  # the logarithm
    threshold(other, "3.16")
    page.reload()
    threshold(page, "3.16")
    post(app_server, f"runs/{group}/settings", {"clip_threshold": 7.5})  # by a script
    threshold(page, "7.5")
    threshold(other, "7.5")


def test_what_is_changed_during_a_pause_is_shown_in_every_tab_and_after_a_reload(
    page: Any, app_server: AppServer, group: str
) -> None:
    watch(page, app_server, group)
    page.get_by_role("button", name="Pause").click()
    page.wait_for_function("() => document.querySelectorAll('.rgl-status[data-status=paused]').length === 2")
    for place, exponent, shown in ((0, "-3", "0.001"), (1, "0.5", "3.16")):
        with page.expect_response(lambda answer: answer.url.endswith("/settings")):  # once the reader's hand rests
            page.locator(".rgl-slider input").nth(place).fill(exponent)
        threshold(page, shown)
    other = watch(page.context.new_page(), app_server, group)
    page.reload()
    for tab in (page, other):
        threshold(tab, "0.001")
        threshold(tab, "3.16")
    page.get_by_role("button", name="Resume").click()
    page.wait_for_function("() => document.querySelectorAll('.rgl-status[data-status=running]').length === 2")
    threshold(other, "3.16")


def test_train_asks_about_the_run_under_way_and_the_bare_address_offers_it(page: Any, app_server: AppServer) -> None:
    train = page.get_by_role("button", name="Train", exact=True)
    page.goto(app_server.url)
    train.wait_for()
    page.get_by_label("Steps", exact=True).fill("100000")
    page.get_by_label("Steps", exact=True).press("Enter")
    train.click()
    page.wait_for_url("**run=*")
    first = page.url
    page.get_by_text("LSTM", exact=True).first.click()
    page.get_by_text("The board shows: RNN; the controls say: LSTM.").wait_for()
    train.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Stop that run and train this").click()
    page.wait_for_function(f"() => location.href !== {json.dumps(first)}")
    dialog.wait_for(state="detached")
    page.get_by_text("The board shows").wait_for(state="detached")
    page.wait_for_function(DRAWN)

    second = page.url
    page.goto(app_server.url)
    page.get_by_text("A run is still training").wait_for()
    page.get_by_role("button", name="Open it").click()
    page.wait_for_url(second)
    page.wait_for_function(DRAWN)
    page.get_by_role("button", name="Stop", exact=True).click()


def test_a_key_goes_where_it_says_while_the_mouse_rests_on_a_figure(
    page: Any, app_server: AppServer, group: str
) -> None:
    watch(page, app_server, group)
    post(app_server, f"runs/{group}/pause")
    page.wait_for_function("() => document.querySelectorAll('.rgl-status[data-status=paused]').length === 2")
    box = page.locator("[data-figure=loss] .nsewdrag").bounding_box()
    middle = (box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    latest = page.get_by_role("button", name="Latest")
    ids = [run["id"] for run in app_server.api(f"groups/{group}")["runs"]]
    last = max(app_server.api(f"runs/{each}")["step"] for each in ids)
    eventually(page, WHEN, last)
    page.mouse.move(*middle)
    page.mouse.move(middle[0] + 2, middle[1])
    page.wait_for_function(f"() => ({WHEN})() < {last}")
    page.keyboard.press("ArrowLeft")
    stride = max(1, round(last / 400))
    there = f"() => Math.abs(({WHEN})() - {last - stride}) <= 1"
    page.wait_for_function(there)
    page.wait_for_timeout(600)  # in which a figure redrawn under the mouse would call for the step below it
    assert page.evaluate(there)
    page.keyboard.press("Escape")
    page.wait_for_function(f"() => ({WHEN})() === {last}")

    double_click(page, *middle)
    page.wait_for_timeout(700)  # in which a single click would have pinned its step
    eventually(page, latest.is_disabled, True)  # a double click pins nothing
    page.mouse.click(*middle)
    page.wait_for_function("() => !document.querySelector('.rgl-timeline button:nth-of-type(2)').disabled")
    assert latest.is_enabled()


def test_menus_close_and_none_is_empty(page: Any, app_server: AppServer, group: str) -> None:
    watch(page, app_server, group)
    open_menus = page.locator("details.rgl-options[open]")
    options = page.locator(".rgl-card:has([data-figure=loss]) summary")
    options.click()
    assert open_menus.count() == 1
    page.locator(".rgl-when").click()
    assert open_menus.count() == 0
    options.click()
    page.keyboard.press("Escape")
    assert open_menus.count() == 0
    for menu in page.locator("details.rgl-options").all():
        if menu.is_visible():
            menu.locator("summary").click()
            assert menu.locator("label, dt").locator("visible=true").count() > 0


def test_an_entry_of_a_legend_hides_its_run_and_a_corner_fills_the_screen(
    page: Any, app_server: AppServer, group: str
) -> None:
    watch(page, app_server, group)
    entry = page.locator(".rgl-card:has([data-figure=loss]) .rgl-entry").first
    entry.click()
    page.wait_for_function(f"() => !({RUNS})().has(0) && ({RUNS})().has(1)")
    assert entry.get_attribute("aria-pressed") == "false"
    entry.click()
    page.wait_for_function(f"() => ({RUNS})().has(0)")

    page.locator(".rgl-card:has([data-figure=loss]) .rgl-corner").click()
    wide = "() => document.querySelector('[data-figure=loss] .main-svg').clientWidth > innerWidth * 0.9"
    page.wait_for_function(wide)
    page.keyboard.press("Escape")
    page.wait_for_function(f"() => !({wide})() && document.fullscreenElement === null")
