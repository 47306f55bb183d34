"""The microscope in Chromium: a weight is dragged and all numbers follow, also those that are not on the screen."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.browsing import arrived, eventually, still
from tests.support.server import AppServer
from tests.support.waiting import wait

pytestmark = pytest.mark.browser

CONFIG = {
    "data": {"kind": "task", "task": "adding", "seq_len": 6}, "model": {"cell": "gru", "hidden_size": 3},
    "steps": 2, "batch_size": 2,
}  # fmt: skip
# Everything that the microscope writes, and what its boxes are called: two ways to the same numbers.
NUMBERS = """() => {
  const boxes = [...document.querySelectorAll('.rgl-micro-box')]
  return {
    says: document.querySelector('.rgl-micro-says').innerText,
    weights: [...document.querySelectorAll('.rgl-micro-weights table input')].map((input) => input.value),
    texts: ['box', 'norm', 'tables small', 'inside', 'sum'].flatMap((name) =>
      [...document.querySelectorAll(`.rgl-micro-${name}`)].map((node) => node.innerText)),
    agree: boxes.length > 0 && boxes.every((box) => {
      const [value, slope] = [...box.children].map((node) => node.textContent)
      return box.ariaLabel.endsWith(`: ${value}; gradient ${slope}`)
    }),
    hidden: boxes.some((box) => box.getBoundingClientRect().bottom < 0),
  }
}"""

# Which of the sentence, the bars and the weight itself cannot be seen, of each weight that is scrolled to.
COVERED = """() => {
  const seen = (node) => {
    const { left, top, width, height } = node.getBoundingClientRect()
    const found = document.elementFromPoint(left + width / 2, top + height / 2)
    return found !== null && (node.contains(found) || found.contains(node))
  }
  const told = [...document.querySelectorAll('.rgl-micro-says, .rgl-micro-norm i')]
  const weights = [...document.querySelectorAll('.rgl-micro-weights table input')]
  const covered = weights.flatMap((weight) => {
    weight.scrollIntoView({ block: 'nearest' })
    return [weight, ...told].filter((node) => !seen(node)).map((node) => `${weight.title}: ${node.className}`)
  })
  return { weights: weights.length, bars: told.length - 1, covered }
}"""


@pytest.fixture
def page(chromium: Any, app_server: AppServer) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1280, "height": 300})  # so low that no more than weights are seen
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{app_server.url}/microscope?start=kept")
    arrived(page)
    page.wait_for_function("() => document.querySelectorAll('.rgl-micro-box').length > 0")
    yield page
    context.close()
    assert problems == []


def test_a_dragged_weight_moves_every_number_and_reset_brings_all_back(page: Any) -> None:
    before = page.evaluate(NUMBERS)
    weight = page.locator(".rgl-micro-weights table input").nth(3)
    value = float(before["weights"][3]) + 1.2
    weight.fill(f"{value:g}")
    still(page)
    typed = page.evaluate(NUMBERS)
    assert before["agree"]
    assert typed["agree"]
    assert typed["hidden"]
    assert typed["says"] != before["says"]
    page.get_by_role("button", name="Reset", exact=True).click()
    after = page.evaluate(NUMBERS)
    assert after["texts"] == before["texts"]
    assert after["weights"] == before["weights"]
    weight.evaluate("(input) => input.scrollIntoView({ block: 'end' })")
    box = weight.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y, steps=6)
    page.mouse.up()
    assert weight.evaluate("(input) => document.activeElement === input")
    assert float(weight.input_value()) == pytest.approx(value)
    eventually(page, lambda: page.evaluate(NUMBERS)["texts"], typed["texts"])


def test_each_moment_is_told_and_opened_and_the_address_names_the_network(page: Any) -> None:
    page.get_by_role("combobox", name="Start from").select_option("vanishing")
    eventually(page, lambda: page.url.endswith("?start=vanishing"), True)
    on, back = page.get_by_role("button", name="▶"), page.get_by_role("button", name="◀")
    while back.is_enabled():
        back.click()
    assert page.locator(".rgl-micro-box").first.inner_text().strip() == ""
    moments = [f"Forward, t = {t}" for t in range(1, 7)] + [f"Back, t = {t}" for t in range(6, 1, -1)]
    for moment in moments:
        on.click()
        assert page.locator(".rgl-micro-says").inner_text().startswith(moment)
        assert page.locator(".rgl-micro-inside h2").inner_text().startswith(f"Inside t = {moment.split()[-1]},")
    on.click()
    assert "it vanishes" in page.locator(".rgl-micro-says").inner_text()
    assert not on.is_enabled()
    page.locator(".rgl-micro-node").nth(2).press("Enter")  # the pressed box keeps the focus
    assert page.evaluate("() => document.activeElement.matches('.rgl-micro-node[aria-pressed=true]')")


def test_inside_one_unit_leads_to_the_microscope_with_the_cell_of_the_run(page: Any, app_server: AppServer) -> None:
    run = app_server.api("runs", {"config": CONFIG})["runs"][0]["id"]
    wait(lambda: app_server.api(f"runs/{run}")["status"] == "finished", 300)
    page.goto(f"{app_server.url}/board?run={run}")
    page.locator(".rgl-instruments > summary").click()
    page.locator("[data-instrument=unit] > summary").click()
    link = page.locator("[data-instrument=unit] h4 a", has_text="A small example of this cell")
    link.wait_for()
    page.goto(link.get_attribute("href"))
    page.wait_for_function("() => document.querySelector('.rgl-micro-box')?.innerText.trim()")
    page.get_by_text("Another cell or size").click()
    assert page.get_by_role("combobox", name="Cell", exact=True).input_value() == "gru"


def test_each_weight_is_seen_together_with_the_sentence_and_the_bars(page: Any) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    for start in ("vanishing", "kept", "passed"):  # of each cell
        page.get_by_role("combobox", name="Start from").select_option(start)
        still(page)
        covered = page.evaluate(COVERED)
        assert covered["weights"] > 0
        assert covered["bars"] > 0
        assert covered["covered"] == []


def test_a_network_of_ones_own_leads_to_where_it_is_set(page: Any) -> None:
    assert not page.get_by_role("combobox", name="Cell", exact=True).is_visible()
    page.get_by_role("combobox", name="Start from").select_option("a network of your own")
    assert page.get_by_role("combobox", name="Cell", exact=True).evaluate("(node) => document.activeElement === node")
    assert "start" not in page.url.partition("?")[2]
    page.get_by_role("button", name="Go to the weights").click()
    weight = page.locator(".rgl-micro-weights table input").first
    assert weight.evaluate("(input) => document.activeElement === input")
    before = weight.input_value()
    for typed in ("", "-"):
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.press("Backspace")
        page.keyboard.type(typed)
        weight.blur()
        assert weight.input_value() == before
        weight.focus()


@pytest.mark.parametrize("width", [390, 800])
def test_the_page_itself_does_not_scroll_sideways(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    for start in ("vanishing", "kept", "passed"):  # of each cell
        page.get_by_role("combobox", name="Start from").select_option(start)
        main = "() => document.querySelector('[data-testid=stMain]')"
        assert page.evaluate(f"() => {{ const main = ({main})(); return main.scrollWidth - main.clientWidth }}") <= 0


def test_a_finger_opens_a_number_and_drags_it(chromium: Any, app_server: AppServer) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = context.new_page()
    page.goto(f"{app_server.url}/microscope?start=vanishing")
    arrived(page)
    weight = page.locator(".rgl-micro-weights table input").nth(1)
    weight.tap()
    eventually(page, lambda: weight.evaluate("(input) => document.activeElement === input"), True)
    before, box = float(weight.input_value()), weight.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = context.new_cdp_session(page)
    for kind, shift in (("touchStart", 0), ("touchMove", 20), ("touchMove", 50), ("touchEnd", 50)):
        points = [] if kind == "touchEnd" else [{"x": x + shift, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    eventually(page, lambda: float(weight.input_value()) > before, True)
    context.close()
