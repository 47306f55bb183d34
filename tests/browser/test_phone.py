"""The pages on a phone in Chromium: one column, a finger that scrolls, a sidebar that goes away by itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from dashboard.lessons import LESSONS
from tests.support.browsing import arrived, eventually, still
from tests.support.server import AppServer

pytestmark = pytest.mark.browser

WIDTH = 390
PAGES = ("", "lessons", "glossary", "history", f"?lesson={next(iter(LESSONS))}")
# How far the page and its main part can be scrolled sideways, and figures and cards that do not end within the screen.
SIDEWAYS = """() => {
  const main = document.querySelector('[data-testid=stMain]')
  const outside = [...document.querySelectorAll('.rgl-card, .rgl-run, .rgl-actions, [data-testid=stVerticalBlock]')]
    .filter((node) => node.checkVisibility() && !node.closest('[data-testid=stSidebar]'))
    .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
  return [document.scrollingElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth, outside.length]
}"""
COLLAPSED = "() => document.querySelector('[data-testid=stSidebar]')?.dataset.collapsed !== 'false'"
DRAWN = "() => document.querySelectorAll('.js-plotly-plot').length >= 2"


@pytest.fixture
def phone(chromium: Any, app_server: AppServer) -> Iterator[Any]:
    context = chromium.new_context(
        viewport={"width": WIDTH, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways(phone: Any, app_server: AppServer, path: str) -> None:
    phone.goto(f"{app_server.url}/{path}")
    arrived(phone)
    still(phone)
    eventually(phone, SIDEWAYS, [0, 0, 0])


def test_train_and_stop_are_on_the_board_and_the_sidebar_closes(phone: Any, app_server: AppServer) -> None:
    phone.goto(app_server.url)
    phone.wait_for_function(DRAWN)
    assert phone.locator(".modebar").count() == 0
    phone.get_by_test_id("stExpandSidebarButton").tap()
    phone.wait_for_function(f"() => !({COLLAPSED})()")
    steps = phone.get_by_label("Steps", exact=True)
    steps.fill("200000")
    steps.press("Enter")
    phone.get_by_test_id("stSidebar").get_by_role("button", name="Train", exact=True).tap()
    phone.wait_for_function(COLLAPSED)
    stop = phone.locator(".rgl-actions").get_by_role("button", name="Stop", exact=True)
    stop.tap()
    phone.wait_for_function("() => document.querySelectorAll('.rgl-status[data-status=stopped]').length === 2")
    first = phone.url
    phone.locator(".rgl-actions").get_by_role("button", name="Train", exact=True).tap()
    phone.wait_for_url(lambda url: "run=" in url and url != first)
    stop.tap()
    phone.wait_for_function("() => document.querySelectorAll('.rgl-status[data-status=stopped]').length === 2")
    phone.get_by_role("button", name="Share and keep").tap()
    phone.get_by_text("no access to your runs").wait_for()
    eventually(phone, SIDEWAYS, [0, 0, 0])


def test_a_finger_that_moves_over_a_figure_scrolls_the_page(phone: Any, app_server: AppServer) -> None:
    phone.goto(app_server.url)
    phone.wait_for_function(DRAWN)
    figure = phone.locator(".js-plotly-plot").first
    figure.scroll_into_view_if_needed()
    still(phone)
    box = figure.bounding_box()
    top = "() => document.querySelector('[data-testid=stMain]').scrollTop"
    range_shown = "() => document.querySelector('.js-plotly-plot')._fullLayout.xaxis.range.map(Number)"
    before, shown = phone.evaluate(top), phone.evaluate(range_shown)
    session = phone.context.new_cdp_session(phone)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.7
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for moved in range(10, 160, 10):
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y - moved}]})
        phone.wait_for_timeout(16)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    phone.wait_for_function(f"() => ({top})() > {before + 80}")
    assert phone.evaluate(range_shown) == shown  # and nothing was zoomed


def test_no_part_of_the_lessons_keeps_a_fingers_movement_to_itself(phone: Any, app_server: AppServer) -> None:
    phone.goto(f"{app_server.url}/lessons")
    arrived(phone)
    still(phone)
    inner = """() => [...document.querySelectorAll('[data-testid=stMain] *')].filter((node) =>
      /auto|scroll/.test(getComputedStyle(node).overflowY) && node.scrollHeight > node.clientHeight + 1).length"""
    eventually(phone, inner, 0)


def test_presets_train_at_a_tap_lead_to_the_board_and_can_be_gone_back_to(phone: Any, app_server: AppServer) -> None:
    phone.goto(app_server.url)
    phone.wait_for_function(DRAWN)
    phone.locator("[data-preset=vanishing]").tap()
    phone.wait_for_url("**run=*")
    phone.locator(".rgl-detail", has_text="step").first.wait_for()
    # The figures are on the screen, not below it.
    phone.wait_for_function("() => document.querySelector('.rgl-plot').getBoundingClientRect().top < innerHeight * 0.7")
    phone.get_by_role("button", name="Presets").tap()
    phone.locator("[data-preset=file]").tap()
    phone.wait_for_function(f"() => !({COLLAPSED})()")  # where a file is chosen
    phone.get_by_test_id("stSidebar").get_by_text("Your files").wait_for()
    phone.get_by_test_id("stFileUploaderDropzone").wait_for()
