"""Projector mode in Chromium: it fits the screen exactly, can be read from the last row, and obeys a clicker."""

from typing import Any

import pytest

from tests.support.browsing import eventually, still
from tests.support.server import AppServer
from tests.support.waiting import wait

pytestmark = pytest.mark.browser

CONFIG = {
    "data": {"kind": "task", "task": "adding", "seq_len": 12}, "model": {"hidden_size": 6}, "steps": 150,
    "batch_size": 4, "eval_every": 50, "clip": {"method": "norm", "threshold": 0.5},
}  # fmt: skip
MOST_FIGURES = 4
LEAST_X_HEIGHT = 0.015  # of the screen's height
SCREENS = ((1280, 720), (1920, 1080))

SHOWN = """() => [...document.querySelectorAll('.rgl-card')].filter((card) => card.checkVisibility())
  .map((card) => card.querySelector('[data-figure]').dataset.figure)"""
# The board's box, what it hides, and how far the page could scroll.
BOXES = """() => {
  const board = document.querySelector('.rgl-board'), box = board.getBoundingClientRect()
  const main = document.querySelector('[data-testid=stMain]')
  const inside = [...board.querySelectorAll('.rgl-card, .rgl-button, .rgl-run, .modebar, .main-svg')]
    .filter((node) => node.checkVisibility()).map((node) => node.getBoundingClientRect())
  return {
    box: [box.left, box.top, box.right, box.bottom], screen: [innerWidth, innerHeight],
    within: inside.every(({ left, top, right, bottom }) =>
      left >= 0 && top >= 0 && right <= innerWidth + 0.5 && bottom <= innerHeight + 0.5),
    scrolls: [document.scrollingElement.scrollHeight - innerHeight, document.scrollingElement.scrollWidth - innerWidth,
      board.scrollHeight - board.clientHeight, board.scrollWidth - board.clientWidth, main.scrollTop],
  }
}"""
# Heights of everything that can be read, as shares of the screen's height: of the letter x; where a single sign
# or a number stands, as in exponents and indices, of that.
HEIGHTS = """() => {
  const brush = document.createElement('canvas').getContext('2d')
  const walker = document.createTreeWalker(document.querySelector('.rgl-board'), NodeFilter.SHOW_TEXT)
  const heights = []
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.textContent.replaceAll('\u200b', '').trim(), parent = node.parentElement
    if (!text || !parent.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue
    if (parent.closest('button')?.innerText === text && text.length === 1) continue // ‹ and › beside their keys
    const style = getComputedStyle(parent)
    brush.font = `${style.fontWeight} 1000px ${style.fontFamily}` // it rounds to whole pixels
    const sample = brush.measureText(/^[−-]?[0-9.,]+$/.test(text) ? '0' : text.length === 1 ? text : 'x')
    const share = (sample.actualBoundingBoxAscent * parseFloat(style.fontSize)) / 1000 / innerHeight
    heights.push([share, text])
  }
  return heights
}"""


@pytest.fixture
def group(app_server: AppServer) -> str:
    """The address of twins that have finished."""
    started = app_server.api("runs", {"config": CONFIG, "compare": True})
    ids = [run["id"] for run in started["runs"]]
    wait(lambda: all(app_server.api(f"runs/{each}")["status"] == "finished" for each in ids), 300)
    address: str = started["group"]
    return address


def project(page: Any, server: AppServer, group: str, width: int = 1280, height: int = 720) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{server.url}/?run={group}")
    page.wait_for_function("() => document.querySelectorAll('.rgl-status[data-status=finished]').length === 2")
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length >= 4")
    page.get_by_role("button", name="Projector").click()
    page.wait_for_function(f"() => ({SHOWN})().length === {MOST_FIGURES}")
    still(page)  # the figures are drawn anew in the larger type


def _unfit(page: Any, width: int, height: int, figures: int) -> list[object]:
    """What does not fit the screen, or is too small to be read."""
    shown, boxes = page.evaluate(SHOWN), page.evaluate(BOXES)
    fits = len(shown) == figures and boxes["box"] == [0, 0, width, height] and max(boxes["scrolls"]) <= 0
    small = [(share, text) for share, text in page.evaluate(HEIGHTS) if share < LEAST_X_HEIGHT]
    return [*([] if fits and boxes["within"] else [shown, boxes]), *small]


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_it_fits_the_screen_exactly_and_the_last_row_can_read_it(
    page: Any, app_server: AppServer, group: str, width: int, height: int
) -> None:
    project(page, app_server, group, width, height)
    for figures in (MOST_FIGURES, 1, 1, 1, 1):
        eventually(page, lambda figures=figures: _unfit(page, width, height, figures), [])
        page.keyboard.press("PageDown")
        still(page)
    for chrome in ("stSidebar", "stHeader"):
        assert not page.get_by_test_id(chrome).is_visible()


# Words that do not fit where they stand, and lines of what is said of the runs.
CUT = """() => [...document.querySelectorAll('.rgl-board *')].filter((node) => node.checkVisibility() &&
  node.clientWidth && !node.closest('svg') && !node.matches('input, .rgl-titles') &&
  node.scrollWidth > node.clientWidth + 1 &&
  getComputedStyle(node).overflowX !== 'visible').map((node) => `${node.className}: ${node.textContent}`)"""
SAID = """() => ({
  lines: new Set([...document.querySelectorAll('.rgl-run')].map((run) => run.getBoundingClientRect().top)).size,
  size: parseFloat(getComputedStyle(document.querySelector('.rgl-run')).fontSize) / innerHeight,
  texts: [...document.querySelectorAll('.rgl-brief')].map((node) => node.innerText),
  right: Math.max(...[...document.querySelectorAll('.rgl-run')].map((run) => run.getBoundingClientRect().right)),
})"""


@pytest.mark.parametrize("count", range(1, 7))
def test_what_is_said_of_runs_is_whole_and_of_twins_one_large_line(
    page: Any, app_server: AppServer, group: str, count: int
) -> None:
    twins = [run["id"] for run in app_server.api(f"groups/{group}")["runs"]]
    page.set_viewport_size({"width": 1280, "height": 720})
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{app_server.url}/?run={','.join((twins * 3)[:count])}")
        page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length >= 4")
        page.get_by_role("button", name="Projector").click()
        page.wait_for_function(f"() => ({SHOWN})().length === {MOST_FIGURES}")
        still(page)
        eventually(page, CUT, [])
        said = page.evaluate(SAID)
        assert all(said["texts"])
        assert said["right"] <= width
        assert said["size"] >= 0.0355
        if count < 3:
            assert said["lines"] == 1
            assert said["size"] >= 0.037
        for each in page.locator(".rgl-card").locator("visible=true").all():
            assert each.bounding_box()["height"] > 0.25 * height
        assert page.locator(".rgl-more").locator("visible=true").count() == count, "what to try is one click away"


def test_arrows_and_a_clicker_go_through_the_figures_and_escape_leaves(
    page: Any, app_server: AppServer, group: str
) -> None:
    page.add_init_script("delete Element.prototype.requestFullscreen")  # as on a phone of Apple's: it works without
    project(page, app_server, group)
    four = page.evaluate(SHOWN)
    for key, shown in (
        ("PageDown", four[:1]), ("ArrowRight", four[1:2]), ("ArrowDown", four[2:3]), ("PageDown", four[3:4]),
        ("PageDown", four), ("PageUp", four[3:4]), ("ArrowLeft", four[2:3]),
    ):  # fmt: skip
        page.keyboard.press(key)
        eventually(page, SHOWN, shown)
    large = page.locator(f"[data-figure={four[2]}] .main-svg").first
    page.wait_for_function(
        f"() => document.querySelector('[data-figure={four[2]}] .main-svg').getBoundingClientRect().width > 1200"
    )
    assert large.is_visible()
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('.rgl-projector')")
    assert page.get_by_test_id("stSidebar").is_visible()
    assert len(page.evaluate(SHOWN)) >= MOST_FIGURES


def test_it_fills_the_whole_screen_where_the_browser_lets_it(page: Any, app_server: AppServer, group: str) -> None:
    project(page, app_server, group)
    page.wait_for_function("() => document.fullscreenElement === document.documentElement")
    page.evaluate("() => document.exitFullscreen()")  # what the browser itself does on Escape
    page.wait_for_function("() => !document.querySelector('.rgl-projector')")
    page.get_by_role("button", name="Projector").click()
    page.get_by_role("button", name="Leave").click()
    page.wait_for_function("() => !document.fullscreenElement && !document.querySelector('.rgl-projector')")


def test_before_the_first_run_it_can_be_entered_and_trains(page: Any, app_server: AppServer) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(app_server.url)
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length >= 2")
    page.get_by_role("button", name="Projector").click()
    page.wait_for_function(f"() => ({SHOWN})().length === {MOST_FIGURES}")
    eventually(page, lambda: _unfit(page, 1280, 720, MOST_FIGURES), [])
    page.locator(".rgl-actions").get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url("**run=*")
    page.wait_for_function("() => document.querySelectorAll('.rgl-status[data-status=finished]').length === 2")
    page.wait_for_function(f"() => ({SHOWN})().length === {MOST_FIGURES}")
    page.keyboard.press("Escape")
    page.wait_for_function("() => !document.querySelector('.rgl-projector')")
