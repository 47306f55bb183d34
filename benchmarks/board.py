"""The board in Chromium: click to first point, cost of a refresh, loading and scrubbing a long run, stillness of pages.

Prints one Markdown table. Needs Chromium and the app's own requirements; talks to a server on localhost only.
"""

import json
import sys
import time
import urllib.request
from statistics import median

from playwright.sync_api import Page

from benchmarks.figures import Figure, report
from benchmarks.opened import opened
from benchmarks.stillness import still
from benchmarks.timing import thread_seconds
from tests.support.server import AppServer

CLICKS = 10
LONG_RUN = {
    "data": {"kind": "task", "task": "adding", "seq_len": 200},
    "model": {"hidden_size": 8},
    "clip": {"method": "norm", "threshold": 1.0},
    "steps": 5000,
    "eval_every": 250,
}
POINTS = """() => !document.querySelector('.rgl-example, .rgl-waiting') &&
  ['loss', 'grad_norm'].every((name) => [0, 1].every((run) =>
  document.querySelector(`[data-figure=${name}]`)?.data?.some((t) => t.meta?.run === run && t.y?.length > 0)))"""
READY = "() => document.querySelectorAll('.js-plotly-plot').length >= 4"


def main() -> int:
    """Measure and print; return 1 if a figure is missed."""
    with opened() as (browser, server):
        figures: list[Figure] = []
        for measure in (cold_open, first_points, refreshes, long_run):
            page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
            figures += measure(page, server)
            page.context.close()
        figures += still(browser, server)
    return report(figures)


def cold_open(page: Page, server: AppServer) -> list[Figure]:
    """From a browser without a cache to a page that can be used, and with its figures."""
    began = time.perf_counter()
    page.goto(server.url)
    page.get_by_role("button", name="Train", exact=True).wait_for()
    usable = time.perf_counter() - began
    page.wait_for_function(READY)
    drawn = time.perf_counter() - began
    return [
        Figure("cold open: page usable", usable, "s", 4, digits=2),
        Figure("cold open: figures drawn", drawn, "s", digits=2),
    ]


def first_points(page: Page, server: AppServer) -> list[Figure]:
    """From the click on Train to the first visible point of both twins in loss and gradient norm, warm workers."""
    open_app(page, server)
    seconds = []
    for _ in range(CLICKS):
        # The reload gives an empty board: no points of the run before can be mistaken for the new one's.
        page.goto(server.url)
        page.wait_for_function(READY)
        seconds.append(after_click(page))
        wait_until_over(page)
    return [Figure(f"click on Train to first point, median of {CLICKS}", median(seconds), "s", 0.8, digits=2)]


def after_click(page: Page) -> float:
    """Return the seconds from the click, as the page's own clock and animation frames see them."""
    page.evaluate(
        f"""() => {{
          const button = [...document.querySelectorAll('button')].find((b) => b.innerText.trim() === 'Train')
          const clicked = () => (window.clickedAt = performance.now())
          button.addEventListener('click', clicked, {{ once: true, capture: true }})
          window.seen = new Promise((resolve) => {{
            const look = () =>
              ({POINTS})() ? resolve(performance.now() - window.clickedAt) : requestAnimationFrame(look)
            requestAnimationFrame(look)
          }})
        }}"""
    )
    page.get_by_role("button", name="Train", exact=True).click()
    return float(page.evaluate("() => window.seen")) / 1000


def refreshes(page: Page, server: AppServer) -> list[Figure]:
    """Bytes on the wire and work of the page's thread per refresh, two twins in full training."""
    open_app(page, server)
    page.get_by_label("Steps", exact=True).fill("20000")
    page.get_by_label("Steps", exact=True).press("Enter")
    page.wait_for_timeout(1000)
    sizes: list[int] = []
    page.on(
        "requestfinished",
        lambda request: sizes.append(request.sizes()["responseBodySize"]) if "/api/records" in request.url else None,
    )
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function(POINTS)
    page.wait_for_timeout(3000)
    sizes.clear()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    took = []
    for _ in range(40):  # a quarter of a second each: about one refresh
        before = thread_seconds(session)
        count = len(sizes)
        deadline = time.monotonic() + 2
        while len(sizes) == count and time.monotonic() < deadline:
            page.wait_for_timeout(20)
        page.wait_for_timeout(150)
        took.append((thread_seconds(session) - before) * 1000 / max(len(sizes) - count, 1))
    page.get_by_role("button", name="Stop", exact=True).click()
    wait_until_over(page)
    took.sort()
    return [
        Figure("refresh of two twins, median on the wire", median(sizes) / 1000, "kB", 8, digits=1),
        Figure("refresh, thread time of the page, median", median(took), "ms"),
        Figure("refresh, thread time of the page, p95", took[int(0.95 * len(took))], "ms", 60),
    ]


def long_run(page: Page, server: AppServer) -> list[Figure]:
    """Loading and scrubbing a finished twin run of 5,000 steps with T = 200."""
    body = json.dumps({"config": LONG_RUN, "compare": True}).encode()
    request = urllib.request.Request(f"{server.url}/api/runs", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        address = json.load(answer)["group"]
    open_app(page, server, f"?run={address}")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.rgl-status')].every((s) => s.textContent === 'finished')",
        timeout=600_000,
    )
    page.goto("about:blank")
    page.goto(f"{server.url}?run={address}")
    page.wait_for_function("() => document.querySelector('.rgl-board')")
    loaded = page.evaluate(
        f"""async () => {{
          const began = performance.now()
          while (!({POINTS})()) await new Promise(requestAnimationFrame)
          return performance.now() - began
        }}"""
    )
    scrub = page.evaluate(
        """async () => {
          const slider = document.querySelector('.rgl-scrubber'), board = document.querySelector('.rgl-board')
          const before = Number(board.dataset.frames ?? 0), began = performance.now()
          while (performance.now() - began < 3000) {
            slider.value = String(1 + Math.round(((performance.now() - began) / 3000) * (Number(slider.max) - 1)))
            slider.dispatchEvent(new Event('input'))
            await new Promise(requestAnimationFrame)
          }
          return (Number(board.dataset.frames) - before) / ((performance.now() - began) / 1000)
        }"""
    )
    return [
        Figure("5,000 steps of T = 200, twins: board to first curves", loaded / 1000, "s", 1.5, digits=2),
        Figure("the same: scrubbing", scrub, "frames/s", 30, at_least=True),
    ]


def open_app(page: Page, server: AppServer, query: str = "") -> None:
    """Open the app and wait for its figures."""
    page.goto(server.url + query)
    page.wait_for_function(READY)


def wait_until_over(page: Page) -> None:
    """Wait for the end of the runs on the board."""
    over = """() => [...document.querySelectorAll('.rgl-status')]
      .every((status) => ['finished', 'stopped'].includes(status.textContent))"""
    page.wait_for_function(over, timeout=120_000)


if __name__ == "__main__":
    sys.exit(main())
