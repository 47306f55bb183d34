"""Findings on the board in Chromium: a headline, the others folded, words explained, and “Try it” beside the run."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.browsing import eventually
from tests.support.server import AppServer

pytestmark = pytest.mark.browser

# A learning rate that cannot be missed: the finding, its remedy and what becomes of it are the doctor's own.
WILD = {"data": {"kind": "task", "task": "sines"}, "model": {"cell": "lstm", "hidden_size": 16}, "steps": 150,
        "eval_every": 10, "optimizer": {"name": "adam", "learning_rate": 1.0}}  # fmt: skip
TRY = ".rgl-findings > .rgl-offer .rgl-try:visible"
ENDED = "() => document.querySelectorAll('.rgl-status[data-status=finished]').length === {}"
INSIDE = """(node) => { const { left, right, top, bottom } = node.getBoundingClientRect()
  return left >= -1 && top >= -1 && right <= innerWidth + 1 && bottom <= innerHeight + 1 }"""


def workspace(page: Any) -> dict[str, str]:
    found = [each["value"] for each in page.context.cookies() if each["name"] == "rnn_lab_workspace"]
    return {"X-Workspace": found[0]}


def started(page: Any, server: AppServer, config: dict[str, Any]) -> str:
    """Start a run in the page's own workspace; return its address."""
    page.goto(server.url)
    page.locator("[data-preset]").first.wait_for()
    answer = page.request.post(f"{server.url}/api/runs", data={"config": config}, headers=workspace(page))
    return f"{server.url}/?run={answer.json()['group']}"


def stop(page: Any, server: AppServer) -> None:
    """End what trains in the page's own workspace."""
    for run in page.request.get(f"{server.url}/api/runs").json()["runs"]:
        server.api(f"runs/{run['id']}/stop", {})


@pytest.fixture
def sick(page: Any, app_server: AppServer) -> Any:
    """The board of a finished run whose learning rate is far too high."""
    page.goto(started(page, app_server, WILD))
    page.wait_for_function(ENDED.format(1))
    page.locator(TRY).wait_for()
    return page


def test_a_change_trains_beside_its_run_once_and_stays_there(sick: Any, app_server: AppServer) -> None:
    address = sick.url
    button = sick.locator(TRY)
    change = re.fullmatch(r"Try it: learning rate 1 → (\S+)", button.inner_text())
    assert change is not None
    button.focus()
    sick.keyboard.press("Enter")
    sick.keyboard.press("Enter")
    sick.wait_for_function("() => document.querySelectorAll('.rgl-run').length === 2")
    sick.wait_for_function(ENDED.format(2))
    names = [f"learning rate {rate}" for rate in ("1", change[1])]
    assert sick.locator(".rgl-run > strong").all_inner_texts() == names
    assert sick.url == address
    sick.wait_for_function(
        "() => document.querySelector('[data-figure=loss] .annotation')?.textContent.includes('part')"
    )
    sick.get_by_text(f"On the board: {names[1]}", exact=True).first.wait_for()
    assert "The board shows" not in sick.get_by_test_id("stMain").inner_text()

    sick.reload()
    sick.wait_for_function(ENDED.format(2))
    assert sick.locator(".rgl-run > strong").all_inner_texts() == names
    report = sick.request.get(f"{app_server.url}/api/groups/{address.split('=')[1]}/report.html").text()
    assert all(name in report for name in names)

    link = sick.get_by_role("button", name="Share and keep")
    link.click()
    sick.get_by_text("the configurations of all 2 runs").wait_for()
    config = sick.locator("code", has_text="?config=").first.inner_text()
    sick.goto(config)
    sick.get_by_text("and 1 further run that differs by learning rate").wait_for()


def test_the_others_are_folded_and_words_are_explained(sick: Any) -> None:
    more = sick.locator(".rgl-more")
    assert sick.locator(".rgl-others").is_hidden()
    more.focus()
    sick.keyboard.press("Enter")
    first = sick.locator(".rgl-others li").first
    assert first.locator(".rgl-evidence").inner_text().startswith("Measured: ")
    assert first.locator(".rgl-remedy").inner_text()
    assert more.get_attribute("aria-expanded") == "true"

    word, bubble = sick.locator(".rgl-verdict .rgl-term").first, sick.locator(".rgl-bubble")
    word.hover()
    bubble.wait_for()
    assert bubble.inner_text().startswith("Learning rate")
    sick.mouse.move(5, 5)
    bubble.wait_for(state="hidden")
    word.focus()
    bubble.wait_for()
    sick.keyboard.press("Escape")
    bubble.wait_for(state="hidden")
    more.click()
    assert sick.locator(".rgl-others").is_hidden()


def test_findings_are_those_of_the_step_that_is_shown(sick: Any) -> None:
    sick.locator(".rgl-scrubber").evaluate(
        "(slider) => { slider.value = 20; slider.dispatchEvent(new Event('input')) }"
    )
    sick.wait_for_function("() => document.querySelector('.rgl-verdict').textContent.startsWith('At step 20: ')")
    sick.keyboard.press("Escape")
    sick.wait_for_function("() => !document.querySelector('.rgl-verdict').textContent.startsWith('At step')")


LONG = WILD | {"steps": 200_000}


def test_it_works_while_the_run_trains(page: Any, app_server: AppServer) -> None:
    page.goto(started(page, app_server, LONG))
    page.locator(TRY).click()
    page.wait_for_function("() => document.querySelectorAll('.rgl-run').length === 2")
    page.locator(".rgl-run").nth(1).locator(".rgl-detail", has_text="step").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.wait_for_function("() => document.querySelectorAll('.rgl-status[data-status=paused]').length === 2")
    stop(page, app_server)


def test_a_refusal_stands_beside_the_button(chromium: Any, tmp_path: Path) -> None:
    limits = {"RNNLAB_MAX_QUEUED": "1", "RNNLAB_WORKERS": "1", "RNNLAB_TRUSTED_PROXIES": "127.0.0.1,::1"}
    server = AppServer(tmp_path, **limits)
    server.start()
    try:
        page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.goto(started(page, server, LONG))
        page.locator(TRY).wait_for()
        fill = {"data": {"config": LONG}, "headers": {"X-Forwarded-For": "203.0.113.7"}}  # the queue, by somebody else
        assert chromium.new_context().request.post(f"{server.url}/api/runs", **fill).status == 201
        page.locator(TRY).click()
        said = page.locator(".rgl-said.rgl-alert:visible")
        said.wait_for()
        assert said.inner_text().startswith("The queue is full: it has 1 run, and the limit is 1;")
        assert page.locator(".rgl-run").count() == 1
        stop(page, server)
    finally:
        server.stop()


def test_on_a_phone_a_tap_tries_and_nothing_is_wider_than_the_screen(chromium: Any, app_server: AppServer) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(started(page, app_server, WILD))
    page.locator(TRY).wait_for()
    page.wait_for_function(ENDED.format(1))
    page.locator(".rgl-verdict .rgl-term").first.tap()
    page.locator(".rgl-bubble").wait_for()
    eventually(page, "document.scrollingElement.scrollWidth - innerWidth", 0)
    page.locator(".rgl-more").tap()
    page.locator(TRY).tap()
    page.wait_for_function("() => document.querySelectorAll('.rgl-run').length === 2")
    eventually(page, "document.scrollingElement.scrollWidth - innerWidth", 0)
    context.close()


def test_a_link_that_a_phone_opens_can_be_tried_too(chromium: Any, app_server: AppServer) -> None:
    group = app_server.api("runs", {"config": WILD})["group"]  # somebody else's
    context = chromium.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(f"{app_server.url}/?run={group}")
    page.wait_for_url("**/board?run=*")
    page.wait_for_function(ENDED.format(1))
    page.locator(TRY).tap()
    page.wait_for_function("() => document.querySelectorAll('.rgl-run').length === 2")
    page.wait_for_function(ENDED.format(2))
    assert len(app_server.api(f"groups/{group}")["runs"]) == 1, "the visitor's run is their own"
    page.get_by_text("On the board: learning rate", exact=False).first.wait_for()
    context.close()


def test_in_projector_mode_a_finding_is_one_line_and_its_change_one_click_away(sick: Any) -> None:
    sick.set_viewport_size({"width": 1280, "height": 720})
    sick.get_by_role("button", name="Projector").click()
    line = sick.locator(".rgl-run")
    eventually(sick, lambda: line.bounding_box()["height"] < 60, True)
    more = sick.locator(".rgl-more")
    eventually(sick, lambda: more.evaluate(INSIDE), True)
    more.click()
    button = sick.locator(".rgl-others .rgl-try:visible").first
    eventually(sick, lambda: button.evaluate(INSIDE), True)
    button.click()
    sick.wait_for_function("() => document.querySelectorAll('.rgl-run').length === 2")
    sick.wait_for_function(ENDED.format(2))
    assert sick.locator(".rgl-projector .rgl-run").count() == 2
    eventually(sick, lambda: all(each.evaluate(INSIDE) for each in sick.locator(".rgl-run").all()), True)
