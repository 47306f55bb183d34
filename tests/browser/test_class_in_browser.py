"""A class in Chromium: a teacher and students on phones and screens; they predict, follow, train and are shown."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.server import AppServer

pytestmark = pytest.mark.browser

CONFIG: dict[str, Any] = {
    "data": {"kind": "task", "task": "adding", "seq_len": 12}, "model": {"hidden_size": 6}, "steps": 120,
    "batch_size": 4, "eval_every": 40, "clip": {"method": "norm", "threshold": 1.0},
}  # fmt: skip
PATIENCE = 60_000  # ms; the machine may be busy
HOSTILE = "<img src=x onerror=hit=1>"  # 25 characters: the field takes 24 of them
DRAWN = "() => Boolean(document.querySelector('[data-figure=loss]')?.data)"
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SCREEN: dict[str, Any] = {"viewport": {"width": 1280, "height": 720}}


@pytest.fixture
def people(chromium: Any) -> Iterator[Callable[..., Any]]:
    """A page of somebody new, each with cookies of its own; console errors fail the test."""
    contexts, problems = [], []

    def somebody(**options: Any) -> Any:
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: problems.append(message.text) if is_problem(message) else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        return page

    yield somebody
    for context in contexts:
        context.close()
    assert problems == []


def is_problem(message: Any) -> bool:
    """An answer of 404 is how a page hears that the class is closed."""
    return message.type == "error" and "404" not in message.text


def opened(teacher: Any, server: AppServer) -> str:
    """Open a class; return its code."""
    teacher.goto(server.url)
    teacher.get_by_role("button", name="Share and keep").click()
    teacher.get_by_role("button", name="Open a class").click()
    code: str = teacher.locator(".rgl-code").inner_text()
    assert f"/class/{code}" in teacher.locator(".rgl-address").inner_text()
    teacher.get_by_role("button", name="Back", exact=True).click()
    return code


def join(student: Any, server: AppServer, code: str, name: str = "") -> None:
    student.goto(f"{server.url}/class/{code}")
    student.get_by_label("Nickname").fill(name[:24])
    student.get_by_role("button", name="Join the class").click()
    student.get_by_text("following the teacher").wait_for()


def close(teacher: Any) -> None:
    teacher.get_by_role("button", name="Close the class").click()
    teacher.locator(".rgl-class").wait_for(state="detached")


def test_a_class_predicts_together_and_sees_who_was_right(app_server: AppServer, people: Callable[..., Any]) -> None:
    teacher, phone, screen = people(**SCREEN), people(**PHONE), people(**SCREEN)
    code = opened(teacher, app_server)
    join(phone, app_server, code.lower(), HOSTILE)
    join(screen, app_server, code, "Ada")
    teacher.get_by_text("2 students · 2 follow").wait_for()

    teacher.goto(f"{app_server.url}/?lesson=vanishing")
    teacher.get_by_role("button", name="Ask the class").click()
    phone.get_by_role("button", name="Less than a billionth").tap()
    screen.get_by_role("button", name="About half of that").click()
    teacher.get_by_text("2 of 2 have predicted.").wait_for()
    assert teacher.locator("dialog .rgl-share").all_inner_texts() == ["", "", ""]
    assert (
        teacher.locator("dialog math").count() == screen.locator(".rgl-question math").count() == 2
    )  # $t=50$ and $t=1$
    teacher.get_by_role("button", name="Close the poll").click()
    teacher.get_by_text("50 % (1)").first.wait_for()
    phone.reload()  # what was predicted is kept
    phone.locator(".rgl-chosen").get_by_text("Less than a billionth").wait_for()

    teacher.locator("dialog").get_by_role("button", name="Train", exact=True).click()
    for student in (phone, screen):
        student.wait_for_function(DRAWN)
        assert student.get_by_role("button", name="Pause", exact=True).count() == 0  # it is not theirs
    teacher.get_by_role("button", name="Who was right?").click()
    teacher.locator("dialog").get_by_text("50 % were right.").wait_for()
    phone.get_by_text("You were right. 50 % were right.").wait_for()
    screen.get_by_text("It turned out differently. 50 % were right.").wait_for()
    assert phone.evaluate("() => document.scrollingElement.scrollWidth <= innerWidth && !window.hit")
    teacher.get_by_role("button", name="Take it away").click()
    close(teacher)
    phone.get_by_text("There is no class with this code").wait_for()


def test_a_class_follows_trains_what_was_handed_out_and_is_on_the_wall(
    app_server: AppServer, people: Callable[..., Any]
) -> None:
    teacher, phone, screen = people(**SCREEN), people(**PHONE), people(**SCREEN)
    code = opened(teacher, app_server)
    started = teacher.request.post(f"{app_server.url}/api/runs", data={"config": CONFIG}).json()
    teacher.goto(f"{app_server.url}/?run={started['group']}")
    teacher.wait_for_function("() => Boolean(document.querySelector('.rgl-status[data-status=finished]'))")
    join(phone, app_server, code, HOSTILE)
    join(screen, app_server, code, "Ada")
    for student in (phone, screen):
        student.wait_for_function(DRAWN)

    teacher.locator(".rgl-scrubber").fill("40")
    for student in (phone, screen):
        student.wait_for_function("() => document.querySelector('.rgl-when').textContent === 'step 40'")
    teacher.get_by_role("button", name="Projector").click()
    teacher.keyboard.press("PageDown")
    large = "() => document.querySelector('.rgl-led [data-figure]')?.dataset.figure === 'loss'"
    for student in (phone, screen):
        student.wait_for_function(large)
    teacher.keyboard.press("Escape")

    phone.get_by_role("button", name="Explore on your own").tap()
    teacher.get_by_text("2 students · 1 follows").wait_for()
    teacher.locator(".rgl-scrubber").fill("60")
    screen.wait_for_function("() => document.querySelector('.rgl-when').textContent === 'step 60'")
    assert phone.locator(".rgl-when").inner_text() == "step 40"
    phone.get_by_role("button", name="Follow again").tap()
    phone.wait_for_function("() => document.querySelector('.rgl-when').textContent === 'step 60'")
    screen.locator(".rgl-scrubber").fill("20")  # who goes elsewhere does not follow any more
    screen.locator(".rgl-how").get_by_text("on your own").wait_for()

    teacher.get_by_role("button", name="Hand out").click()
    teacher.locator("dialog").get_by_label("Nicknames on the wall").check()
    teacher.locator("dialog").get_by_role("button", name="Hand out", exact=True).click()
    for student, threshold in ((phone, "0,01"), (screen, "5")):
        student.get_by_label("Choose the clip threshold").fill(threshold)
        student.locator(".rgl-handout").get_by_role("button", name="Train", exact=True).click()
    teacher.get_by_role("button", name="Wall").click()
    teacher.wait_for_function(
        "() => document.querySelectorAll('.rgl-tile[data-status=finished] path[d^=M]').length === 2"
    )
    assert {*teacher.locator(".rgl-tile-label").all_inner_texts()} == {"Ada", HOSTILE[:24]}
    assert {*teacher.locator(".rgl-tile-value").all_inner_texts()} == {"0.01", "5"}
    teacher.locator(".rgl-tile").filter(has_text="Ada").click()
    teacher.wait_for_url("**/?run=w*")
    screen.get_by_role("button", name="Follow again").click()
    for page in (teacher, screen):
        page.get_by_text("clipped at 5").first.wait_for()
    assert teacher.evaluate("() => !window.hit")
    close(teacher)
