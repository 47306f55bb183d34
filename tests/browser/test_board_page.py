"""A link to runs on a phone in Chromium: the board alone, without Streamlit, with all that it can do."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.owner import own
from tests.support.server import AppServer
from tests.support.waiting import wait

pytestmark = pytest.mark.browser

CONFIG: dict[str, Any] = {"data": {"kind": "task", "seq_len": 20}, "model": {"hidden_size": 8, "num_layers": 2},
    "batch_size": 4, "clip": {"method": "norm", "threshold": 1.0}, "steps": 200, "eval_every": 20}  # fmt: skip
CURVES = """() => [0, 1].every((run) => document.querySelector('[data-figure=loss]')?.data
  ?.some((trace) => trace.meta?.run === run && trace.y?.length > 0))"""
STEERING = ("Pause", "Step", "Resume", "Stop")
ENDED = "() => document.querySelectorAll('.rgl-status[data-status=stopped]').length === 2"
FIRST_IN_VIEW = "() => document.querySelector('[data-figure=loss]').getBoundingClientRect().top < innerHeight"


@pytest.fixture
def phone(chromium: Any, app_server: AppServer) -> Iterator[Any]:
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True, has_touch=True
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def test_a_phone_gets_the_board_alone_and_can_steer_and_travel(phone: Any, app_server: AppServer) -> None:
    started = app_server.api("runs", {"config": CONFIG | {"steps": 200_000}, "compare": True})
    own(phone.context, app_server.url, started)
    address = f"{app_server.url}/?run={started['group']}"  # an address of before
    phone.goto(address, wait_until="commit")  # it is led on at once
    watched = started["group_watch"]
    phone.wait_for_url(f"{app_server.url}/board?run={watched}")
    phone.wait_for_function(CURVES)
    assert phone.locator("[data-testid=stApp]").count() == 0
    assert phone.evaluate(FIRST_IN_VIEW)
    assert phone.evaluate("() => document.scrollingElement.scrollWidth <= innerWidth")
    phone.get_by_role("button", name="Pause", exact=True).tap()
    phone.wait_for_function("() => document.querySelectorAll('.rgl-status[data-status=paused]').length === 2")
    phone.get_by_role("button", name="Resume", exact=True).tap()
    phone.get_by_role("button", name="Stop", exact=True).tap()
    phone.wait_for_function(ENDED)

    phone.get_by_label("Layer").select_option("1")
    phone.locator(".rgl-scrubber").fill("1")
    phone.wait_for_function("() => document.querySelector('.rgl-when').textContent === 'step 1'")
    phone.locator(".rgl-card:has([data-figure=profile]) summary").tap()
    phone.get_by_text("lag", exact=False).first.wait_for()

    phone.get_by_role("link", name="Open in the lab").tap()
    phone.get_by_test_id("stMain").get_by_text("Share and keep").wait_for()
    assert phone.url == f"{app_server.url}/?run={watched}"
    phone.reload()
    phone.get_by_test_id("stMain").get_by_text("Share and keep").wait_for()


def test_who_has_the_address_alone_looks_and_cannot_steer(page: Any, phone: Any, app_server: AppServer) -> None:
    started = app_server.api("runs", {"config": CONFIG | {"steps": 200_000}, "compare": True})
    try:
        for visitor, path in ((phone, "board"), (page, "")):
            visitor.goto(f"{app_server.url}/{path}?run={started['group_watch']}")
            visitor.wait_for_function(CURVES)
            buttons = [visitor.get_by_role("button", name=name, exact=True) for name in STEERING]
            assert [button.count() for button in buttons] == [0] * len(STEERING)
            assert visitor.locator(".rgl-steering").is_hidden()
            visitor.locator(".rgl-scrubber").fill("1")  # time travel is everybody's
            visitor.wait_for_function("() => document.querySelector('.rgl-when').textContent === 'step 1'")
            ids = (started["group"], *(run["id"] for run in started["runs"]))
            assert not any(each in visitor.content() for each in ids)
    finally:
        app_server.api(f"runs/{started['group']}/stop", {})


def test_on_a_wide_screen_a_link_opens_the_lab(page: Any, app_server: AppServer) -> None:
    answer = app_server.api("runs", {"config": CONFIG, "compare": True})
    wait(lambda: all(app_server.api(f"runs/{run['id']}")["status"] == "finished" for run in answer["runs"]), 180)
    page.goto(f"{app_server.url}/?run={answer['group']}")
    page.get_by_role("button", name="Train", exact=True).wait_for()
    page.wait_for_function(CURVES)

    page.emulate_media(color_scheme="dark")
    page.goto(f"{app_server.url}/board?run={answer['group']}")
    page.wait_for_function(CURVES)
    color = "() => document.querySelector('[data-figure=loss]')._fullLayout.font.color"
    dark = page.evaluate(color)
    page.emulate_media(color_scheme="light")  # the page follows
    page.wait_for_function(f"() => ({color})() !== '{dark}'")
