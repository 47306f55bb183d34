"""How long a frame of the microscope takes while a weight is dragged: `python -m benchmarks.microscope [CELL ...]`.

Of each cell at its largest size: what the page's main thread does from one move of the pointer to the next, in its CPU
time, and how far apart the frames came, which a busy machine lengthens much more.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from benchmarks.figures import Figure, report
from benchmarks.opened import opened
from tests.support.server import AppServer

CELLS = ("rnn", "lstm", "gru")
UNITS, STEPS = "4", "8"
MOVES, BEFORE = 240, 60  # moves of the pointer that are measured, and those before, while scripts are being compiled
FRAME_MS = 16.7
CATEGORIES = [
    "toplevel",
    "blink.user_timing",
]  # to note each thing that is painted would take long itself
KINDS = {"ScriptDuration": "scripts", "RecalcStyleDuration": "styles", "LayoutDuration": "layout"}
# Frames, one after the other, with a move in each, so that no other process says when it comes.
FRAMES = """async ([x, moves]) => {
  const weight = document.querySelector('.rgl-micro-weights input'), times = []
  for (let move = 0; move < moves; move++) {
    times.push(await new Promise(requestAnimationFrame))
    weight.dispatchEvent(new PointerEvent('pointermove', { clientX: x + 4 + Math.abs(move % 120 - 60) }))
  }
  return times
}"""
MARK = "() => addEventListener('pointermove', () => performance.mark('moved'), { capture: true })"


def main() -> int:
    """Measure the cells named, or all of them, and print."""
    with opened() as (browser, server):
        return report(figures(browser, server, sys.argv[1:] or CELLS))


def figures(browser: Browser, server: AppServer, cells: Sequence[str] = CELLS) -> Iterator[Figure]:
    """Yield the figures of each cell."""
    for cell in cells:
        kinds, works, apart = dragged(browser, server, cell)
        for kind, value in kinds.items():
            yield Figure(f"{cell}: {kind}", value, "ms a move", digits=1)
        yield Figure(f"{cell}: all work of a move, median", float(np.median(works)), "ms", digits=1)
        yield Figure(
            f"{cell}: all work of a move, 95th percentile", float(np.percentile(works, 95)), "ms", FRAME_MS, digits=1
        )
        yield Figure(f"{cell}: from frame to frame, median", float(np.median(apart)), "ms", digits=1)
        yield Figure(f"{cell}: from frame to frame, 95th percentile", float(np.percentile(apart, 95)), "ms", digits=1)


def dragged(browser: Browser, server: AppServer, cell: str) -> tuple[dict[str, float], list[float], list[float]]:
    """Open the page, choose the cell at its largest size, drag one of its weights to and fro, and tell what it took."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{server.url}/microscope")
    page.get_by_text("Another cell or size").click()
    for label, choice in (("Cell", cell), ("Units", UNITS), ("Timesteps", STEPS)):
        page.get_by_role("combobox", name=label, exact=True).select_option(choice)
    weight = page.locator(".rgl-micro-weights input").first
    weight.scroll_into_view_if_needed()
    box = weight.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    swing(page, x, y, BEFORE)
    metrics = context.new_cdp_session(page)
    metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.evaluate(MARK)
    browser.start_tracing(page=page, categories=CATEGORIES)
    before = durations(metrics)
    swing(page, x, y, MOVES)
    kinds = {name: 1000 * (after - before[name]) / MOVES for name, after in durations(metrics).items()}
    works = per_move(browser.stop_tracing())
    times = page.evaluate(FRAMES, [x, MOVES])
    context.close()
    return kinds, works, list(np.diff(times))


def swing(page: Page, x: float, y: float, moves: int) -> None:
    """Move the pointer to and fro by a pixel each time, so that every move changes the weight."""
    for move in range(moves):
        page.mouse.move(x + 4 + abs(move % 120 - 60), y)


def durations(metrics: Any) -> dict[str, float]:
    """Return how many seconds of each kind the page's main thread has worked."""
    found = {each["name"]: each["value"] for each in metrics.send("Performance.getMetrics")["metrics"]}
    return {says: found[name] for name, says in KINDS.items()}


def per_move(trace: bytes) -> list[float]:
    """Return the main thread's work from each move of the pointer to the next, in ms of its CPU time."""
    events: list[Mapping[str, Any]] = json.loads(trace)["traceEvents"]
    moves = [event for event in events if event["name"] == "moved"]
    thread = (moves[0]["pid"], moves[0]["tid"])
    tasks = [event for event in events if event["name"].endswith("RunTask") and (event["pid"], event["tid"]) == thread]
    frames = [
        task for task in tasks if any(task["ts"] <= move["ts"] < task["ts"] + task.get("dur", 0) for move in moves)
    ]
    starts = sorted({frame["ts"] for frame in frames})
    return [sum(task.get("tdur", 0) for task in tasks if begin <= task["ts"] < end) / 1000
            for begin, end in pairwise(starts)]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
