"""How still pages stand as they come, and how long their tasks are: `python -m benchmarks.stillness [PAGE ...]`.

Of each page at four widths: the sum of all layout shifts (not only the worst burst, as CLS proper is), and the longest
task of the page's main thread up to the first paint, after it, and while a reader scrolls and goes through the steps.
Tasks are told in CPU time of the thread, so that a busy machine does not lengthen them; the one in which plotly.js is
read, after the first paint, is told apart.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.figures import Figure, report
from benchmarks.opened import opened
from dashboard.lessons import LESSONS
from tests.support.server import AppServer
from tests.support.waiting import wait

WIDTHS = (390, 800, 1440, 1920)
SHIFT, TASK_MS = 0.05, 300.0
SETTLED_MS = 1500
CATEGORIES = ["toplevel", "devtools.timeline", "loading"]
RUN: dict[str, Any] = {
    "data": {"kind": "task", "task": "adding", "seq_len": 50}, "clip": {"method": "norm", "threshold": 1.0},
    "steps": 400, "eval_every": 50,
}  # fmt: skip
WATCH = """() => {
  window.shifts = []
  new PerformanceObserver((list) => window.shifts.push(...list.getEntries().filter((shift) => !shift.hadRecentInput)
    .map(({ value, sources }) => [value, sources.map(({ node }) => node?.className || node?.nodeName).join()])))
    .observe({ type: 'layout-shift', buffered: true })
}"""
COME = """() => document.querySelectorAll('.js-plotly-plot').length >= 4 ||
  (document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning' &&
   !document.querySelector('[data-testid=stSkeleton], .rgl-board') && document.querySelector('h1, h2, h3'))"""
TRAVEL = """async () => {
  const slider = document.querySelector('.rgl-scrubber')
  for (let turn = 0; turn < 40; turn++) {
    (document.querySelector('[data-testid=stMain]') ?? window).scrollBy(0, 60)
    slider.value = String(1 + Math.round((turn / 40) * (Number(slider.max) - 1)))
    slider.dispatchEvent(new Event('input'))
    await new Promise(requestAnimationFrame)
  }
}"""


@dataclass(frozen=True, slots=True)
class Load:
    """What one load of a page showed. Milliseconds of the longest tasks; travel None: there is nothing to travel."""

    shift: float
    before: float
    after: float
    plotly: float
    travel: float | None


def main() -> int:
    """Measure the pages named, or all of them, and print."""
    with opened() as (browser, server):
        return report(still(browser, server, sys.argv[1:]))


def still(browser: Browser, server: AppServer, names: list[str] | None = None) -> Iterator[Figure]:
    """Yield the figures of each page: the worst of all widths, with the widths of shifts above the limit told apart."""
    answer = server.api("runs", {"config": RUN, "compare": True})
    wait(lambda: all(server.api(f"runs/{run['id']}")["status"] == "finished" for run in answer["runs"]), 120)
    runs = f"?run={answer['group']}"
    lesson = f"?lesson={next(iter(LESSONS))}"
    pages = {"lab": "", "lab with runs": runs, "board alone": f"board{runs}", "lessons": "lessons",
             "a lesson": lesson, "glossary": "glossary", "history": "history"}  # fmt: skip
    for name, path in pages.items():
        if names and name not in names:
            continue
        loads = {width: load(browser, server, path, width, answer["workspace"]) for width in WIDTHS}
        for width, each in loads.items():
            yield Figure(f"{name}, {width} px: layout shifts", each.shift, "", SHIFT, digits=3)
        every = loads.values()
        yield Figure(f"{name}: longest task up to the first paint", max(each.before for each in every), "ms", TASK_MS)
        yield Figure(f"{name}: longest task after it", max(each.after for each in every), "ms", TASK_MS)
        if any(each.plotly for each in every):
            yield Figure(f"{name}: task in which plotly.js is read", max(each.plotly for each in every), "ms", TASK_MS)
        travels = [each.travel for each in every if each.travel is not None]
        if travels:
            yield Figure(f"{name}: longest task while scrolling and travelling", max(travels), "ms", TASK_MS)


def load(browser: Browser, server: AppServer, path: str, width: int, workspace: str) -> Load:
    """Load a page without a cache and, where it has steps to travel to, travel."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.add_cookies([{"name": "rnn_lab_workspace", "value": workspace, "url": server.url}])
    page = context.new_page()
    page.add_init_script(f"({WATCH})()")
    browser.start_tracing(page=page, categories=CATEGORIES)
    page.goto(f"{server.url}/{path}")
    page.wait_for_function(COME, timeout=120_000)
    page.wait_for_timeout(SETTLED_MS)
    before, after, plotly = longest(browser.stop_tracing())
    shifts = page.evaluate("() => window.shifts")
    travel = travelled(browser, page) if "run=" in path else None
    context.close()
    for value, nodes in shifts:
        if value > SHIFT / 5:
            print(f"  {path or 'lab'}, {width} px: {value:.3f} by {nodes}", file=sys.stderr)
    return Load(sum(value for value, _ in shifts), before, after, plotly, travel)


def travelled(browser: Browser, page: Page) -> float:
    """Return the longest task while the reader scrolls and goes through the steps."""
    browser.start_tracing(page=page, categories=CATEGORIES)
    page.evaluate(TRAVEL)
    return max(longest(browser.stop_tracing()))


def longest(trace: bytes) -> tuple[float, float, float]:
    """Return the longest tasks of the page's main thread in ms of CPU: to the first paint, after it, plotly's own."""
    events: list[Mapping[str, Any]] = json.loads(trace)["traceEvents"]
    mains = {(event["pid"], event["tid"]) for event in events
             if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"}  # fmt: skip
    tasks = [event for event in events if event["name"].endswith("RunTask") and event.get("dur")
             and (event["pid"], event["tid"]) in mains]  # fmt: skip
    paints = [event["ts"] for event in events if event["name"] == "firstContentfulPaint"]
    read = [event["ts"] for event in events
            if event["name"] == "EvaluateScript" and "plotly" in event["args"]["data"].get("url", "")]  # fmt: skip
    painted = min(paints, default=0)
    found = {"before": 0.0, "after": 0.0, "plotly": 0.0}
    for task in tasks:
        begin, end = task["ts"], task["ts"] + task["dur"]
        after = "plotly" if any(begin <= at < end for at in read) else "after"
        kind = "before" if begin < painted else after
        found[kind] = max(found[kind], task.get("tdur", task["dur"]) / 1000)
    return found["before"], found["after"], found["plotly"]


if __name__ == "__main__":
    sys.exit(main())
