"""Axe finds nothing on any page in Chromium: light and dark, wide and on a phone, with what can be opened open too."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from dashboard.lessons import LESSONS
from tests.support.browsing import arrived, still
from tests.support.server import AppServer
from tests.support.waiting import wait

pytestmark = pytest.mark.browser

CONFIG: dict[str, Any] = {"data": {"kind": "task", "seq_len": 20}, "model": {"hidden_size": 8, "num_layers": 2},
    "batch_size": 4, "clip": {"method": "norm", "threshold": 1.0}, "steps": 200, "eval_every": 20}  # fmt: skip
THEMES = ("light", "dark")


@pytest.fixture(scope="module")
def trained(app_server: AppServer) -> dict[str, Any]:
    """Finished twins: their group, and the workspace that they belong to."""
    answer: dict[str, Any] = app_server.api("runs", {"config": CONFIG, "compare": True})
    wait(lambda: all(app_server.api(f"runs/{run['id']}")["status"] == "finished" for run in answer["runs"]), 180)
    return answer


def found(page: Any) -> list[str]:
    """Return what axe has to say: rule, element, and what is wrong with it."""
    violations = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['target']} {node['html'][:160]}" for each in violations for node in each["nodes"]]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing_on_any_page(
    chromium: Any, app_server: AppServer, trained: dict[str, Any], width: int, theme: str
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    context.add_cookies([{"name": "rnn_lab_workspace", "value": trained["workspace"], "url": app_server.url}])
    page = context.new_page()
    runs, lesson = f"?run={trained['group']}", f"?lesson={next(iter(LESSONS))}"
    problems = {}
    for path in ("", "lessons", lesson, "glossary", "history", "studies", "microscope", runs, f"board{runs}", "board"):
        page.goto(f"{app_server.url}/{path}")
        if path != "board":
            arrived(page)
        if here := found(page):
            problems[path] = here
    context.close()
    assert problems == {}


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_in_what_can_be_opened(
    chromium: Any, app_server: AppServer, trained: dict[str, Any], theme: str
) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, color_scheme=theme)
    page = context.new_page()
    page.goto(f"{app_server.url}/?run={trained['group']}")
    arrived(page)
    problems = {}
    for panel in page.get_by_test_id("stExpander").locator("summary").all():  # of the sidebar, and the data below
        if panel.is_visible():
            panel.click()
    page.locator(".rgl-card:has([data-figure=profile]) summary").click()
    page.locator(".rgl-scrubber").fill("100")
    arrived(page)
    still(page)
    problems["panels"] = found(page)
    page.locator(".rgl-keys summary").click()
    problems["keys"] = found(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Share and keep").click()
    page.get_by_text("no access to your runs").wait_for()
    problems["share"] = found(page)
    page.get_by_role("button", name="Show me the code").click()
    page.get_by_role("button", name="Download script.py").first.wait_for()
    problems["code"] = found(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Projector", exact=False).click()
    page.locator(".rgl-projector").wait_for()
    problems["projector"] = found(page)
    context.close()
    assert {place: here for place, here in problems.items() if here} == {}
