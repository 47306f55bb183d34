"""A teacher's link on a phone: from the tap to the live board, and the bytes of a first and of a second load.

Prints one Markdown table. Chromium stands for the phone: 390 x 844 px, touch, a processor four times as slow, and a
network of 9 Mbit/s with 60 ms on the way there and back (4G). Talks to a server on localhost only.
"""

import json
import sys
import time
import urllib.request
from statistics import median
from typing import Any

from playwright.sync_api import BrowserContext

from benchmarks.figures import Figure, report
from benchmarks.opened import opened
from benchmarks.timing import thread_seconds
from tests.support.server import AppServer

TURNS = 3
SLOWER = 4  # the phone's processor than this machine's
NETWORK = {"offline": False, "latency": 60, "downloadThroughput": 9e6 / 8, "uploadThroughput": 9e6 / 8}
TO_REACH_S = 3.0
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "is_mobile": True, "has_touch": True,
}  # fmt: skip
RUN = {
    "data": {"kind": "task", "task": "adding", "seq_len": 50},
    "clip": {"method": "norm", "threshold": 1.0},
    "steps": 20_000,
}
BOARD = "() => document.querySelectorAll('.rgl-status[data-status]').length === 2"  # says how the runs stand
CURVES = """() => [0, 1].every((run) => document.querySelector('[data-figure=loss]')?.data
  ?.some((trace) => trace.meta?.run === run && trace.y?.length > 0))"""


def main() -> int:
    """Measure and print; return 1 if the board or its curves are later than they should be."""
    with opened() as (browser, server):
        address = start(server)
        first, second = [], []
        for _ in range(TURNS):
            context = browser.new_context(**PHONE)
            first.append(load(context, f"{server.url}/?run={address}"))
            second.append(load(context, f"{server.url}/?run={address}"))
            context.close()
    figures = []
    for name, loads in (("first load", first), ("second load", second)):
        board, curves, size, cpu = (median(each[place] for each in loads) for place in range(4))
        figures += [
            Figure(f"{name}: the board says how the runs stand", board, "s", TO_REACH_S, digits=1),
            Figure(f"{name}: curves of both runs", curves, "s", TO_REACH_S, digits=1),
            Figure(f"{name}: on the wire", size / 1e6, "MB", digits=2),
            Figure(f"{name}: CPU of the page's main thread until then, four times as slow", cpu, "s", digits=1),
        ]
    return report(figures)


def start(server: AppServer) -> str:
    """Start twins that train on, and return their address."""
    body = json.dumps({"config": RUN, "compare": True}).encode()
    request = urllib.request.Request(f"{server.url}/api/runs", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        address: str = json.load(answer)["group"]
    return address


def load(context: BrowserContext, url: str) -> tuple[float, float, int, float]:
    """Return the seconds to the board and to its curves, and the bytes and CPU seconds until then."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    received = 0

    def count(event: dict[str, Any]) -> None:
        nonlocal received
        received += int(event["encodedDataLength"])

    session.on("Network.loadingFinished", count)
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_function(BOARD, timeout=120_000)
    board = time.perf_counter() - began
    page.wait_for_function(CURVES, timeout=120_000)
    curves = time.perf_counter() - began
    cpu = thread_seconds(session)
    page.close()
    return board, curves, received, cpu


if __name__ == "__main__":
    sys.exit(main())
