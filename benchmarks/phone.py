"""A teacher's link on a phone: from the tap to the live board, and the bytes of a first and of a second load.

Prints one Markdown table. Chromium stands for the phone: 390 x 844 px, touch, a processor four times as slow, and a
network of 9 Mbit/s with 60 ms on the way there and back (4G). Talks to a server on localhost only.
"""

import json
import os
import sys
import time
import urllib.request
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import BrowserContext, sync_playwright

from benchmarks.timing import table
from tests.support import chromium
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
    """Measure and print; return 1 if the board is later than it should be."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = AppServer(Path(folder))
        server.start()
        browser = playwright.chromium.launch(executable_path=chromium.executable(), args=chromium.FLAGS)
        try:
            address = start(server)
            first, second = [], []
            for _ in range(TURNS):
                context = browser.new_context(**PHONE)
                first.append(load(context, f"{server.url}/?run={address}"))
                second.append(load(context, f"{server.url}/?run={address}"))
                context.close()
        finally:
            browser.close()
            server.stop()
    rows = []
    for name, loads in (("first load", first), ("second load", second)):
        board, curves, size = (median(each[place] for each in loads) for place in range(3))
        rows.append((f"{name}: the board says how the runs stand", f"{board:.1f} s", f"{TO_REACH_S:.0f} s"))
        rows.append((f"{name}: curves of both runs", f"{curves:.1f} s", f"{TO_REACH_S:.0f} s"))
        rows.append((f"{name}: on the wire", f"{size / 1e6:.2f} MB", ""))
    print(table(("figure", "measured", "to reach"), rows))
    print(f"\nLoad of the machine (1, 5, 15 minutes): {', '.join(f'{each:.1f}' for each in os.getloadavg())}")
    return int(median(each[1] for each in first) > TO_REACH_S)


def start(server: AppServer) -> str:
    """Start twins that train on, and return their address."""
    body = json.dumps({"config": RUN, "compare": True}).encode()
    request = urllib.request.Request(f"{server.url}/api/runs", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        address: str = json.load(answer)["group"]
    return address


def load(context: BrowserContext, url: str) -> tuple[float, float, int]:
    """Return the seconds to the board and to its curves, and the bytes received until then."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
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
    page.close()
    return board, curves, received


if __name__ == "__main__":
    sys.exit(main())
