"""Pages of a browser in tests: no wait is short on a busy machine, and a test that fails says what its pages showed."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Error

PATIENCE_MS = 120_000  # what a test waits for comes in moments; on a machine that is busy with other work, later
SHOWN_LINES = 60  # of a page's text in a report
LOGGED = 40  # events of a page in a report

# Whether a page has come: the script of Streamlit's page is over and nothing is left to take its place, and the board,
# where there is one, has drawn its figures. A board that waits for a prediction or a file shows none.
ARRIVED = """() => {
  const app = document.querySelector('[data-testid=stApp]')
  if (app) {
    if (app.dataset.testScriptState !== 'notRunning' || document.querySelector('[data-testid=stSkeleton]')) return false
    if (!document.querySelector('h1, h2, h3')) return false
  }
  const place = document.querySelector('.st-key-board, #board')
  if (!place) return app !== null
  const board = document.querySelector('.rgl-board')
  if (!board || board.classList.contains('rgl-waiting')) return board !== null
  const cards = [...board.querySelectorAll('.rgl-card')].filter((card) => card.checkVisibility())
  return cards.length > 0 && cards.every((card) => card.querySelector('.js-plotly-plot'))
}"""
# Whether nothing has changed on the page for a number of frames; begins to look when it is first asked.
STILL = """(frames) => {
  if (!window.__still) {
    window.__still = { calm: 0 }
    const change = () => { window.__still.calm = 0 }
    const what = { subtree: true, childList: true, attributes: true, characterData: true }
    new MutationObserver(change).observe(document.documentElement, what)
  }
  window.__still.calm += 1
  return window.__still.calm > frames
}"""
CALM_FRAMES = 25
STATE = """() => ({
  script: document.querySelector('[data-testid=stApp]')?.dataset.testScriptState,
  connection: document.querySelector('[data-testid=stApp]')?.dataset.testConnectionState,
  skeletons: document.querySelectorAll('[data-testid=stSkeleton]').length,
  board: document.querySelector('.rgl-board')?.className,
  says: document.querySelector('.rgl-message')?.textContent,
  runs: [...document.querySelectorAll('.rgl-status')].map((node) => node.textContent),
  figures: [...document.querySelectorAll('.rgl-card')].filter((card) => card.checkVisibility()).map((card) => {
    const plot = card.querySelector('[data-figure]'), { top, width, height } = plot.getBoundingClientRect()
    const drawn = plot.classList.contains('js-plotly-plot') ? 'drawn' : 'not drawn'
    return `${plot.dataset.figure} ${drawn}, ${Math.round(width)} x ${Math.round(height)} px at ${Math.round(top)}`
  }),
  dialogs: document.querySelectorAll('[role=dialog]').length,
  text: document.body.innerText,
})"""


class Browser:
    """A running Chromium whose pages wait patiently and keep what happened on them."""

    def __init__(self, chromium: Any) -> None:
        self._chromium = chromium
        self._logs: dict[Any, list[str]] = {}  # of each context

    def new_context(self, **options: Any) -> Any:
        """Open a context: cookies of its own."""
        context = self._chromium.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        log = self._logs[context] = []
        context.on("console", lambda message: log.append(f"console: {message.type}: {message.text[:300]}"))
        context.on("weberror", lambda error: log.append(f"error: {str(error.error)[:500]}"))
        context.on("requestfailed", lambda request: log.append(f"failed: {request.url} {request.failure}"))
        context.on("response", lambda got: log.append(f"{got.status}: {got.url}") if got.status >= 400 else None)
        return context

    def new_page(self, **options: Any) -> Any:
        """Open a page in a context of its own."""
        return self.new_context(**options).new_page()

    def close_pages(self) -> None:
        """Close all contexts, of a test that failed too: their pages would go on asking the server."""
        for context in self._logs:
            context.close()
        self._logs.clear()

    def report(self) -> str:
        """Return what the open pages look like, and what happened on them."""
        return "\n".join("\n".join([*map(_look, context.pages), *log[-LOGGED:]]) for context, log in self._logs.items())


def _look(page: Any) -> str:
    """Return the state of a page and its text; also of one that does not answer."""
    try:
        state = page.wait_for_function(f"() => ({STATE})()", timeout=10_000).json_value()
    except Error as error:
        return f"{page.url}: it does not answer: {error}"
    lines = [line for line in state.pop("text").splitlines() if line.strip()][:SHOWN_LINES]
    return "\n".join([page.url, *(f"  {name}: {value}" for name, value in state.items()), *(f"  | {x}" for x in lines)])


def arrived(page: Any) -> None:
    """Wait until the page has come."""
    page.wait_for_function(ARRIVED)


def still(page: Any) -> None:
    """Wait until nothing changes on the page any more; it must show nothing that trains."""
    page.wait_for_function(STILL, arg=CALM_FRAMES)


def eventually(page: Any, look: str | Callable[[], Any], expected: Any) -> None:
    """Check what a script of the page, or `look`, finds; on a busy machine it may take a while to be as expected."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while (found := page.evaluate(look) if isinstance(look, str) else look()) != expected:
        if time.monotonic() > deadline:
            assert found == expected
        page.wait_for_timeout(50)


def double_click(page: Any, x: float, y: float) -> None:
    """Press twice within the time of a double click: on a busy machine the two can come too far apart, then again."""
    page.evaluate(
        """() => {
          if (window.__pressed) return
          window.__pressed = []
          window.addEventListener('mousedown', (event) => window.__pressed.push(event.timeStamp), true)
        }"""
    )
    for _ in range(20):
        page.mouse.dblclick(x, y)
        first, second = page.evaluate("() => window.__pressed.splice(0)")
        if second - first < 200:
            return
        page.wait_for_timeout(700)  # so that what follows is no third press
        page.keyboard.press("Escape")
    raise AssertionError("no two presses came within 200 ms")
