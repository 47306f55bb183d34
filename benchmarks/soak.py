"""Classroom load for a long time: does the UI process grow?

`python -m benchmarks.soak [--minutes 30] [--students 30]`. Resident memory after five minutes (or a fifth of the time,
if that is less) is compared with that at the end; no error and no mixed-up record is allowed.
"""

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.classroom import Student, Tally, check_exports
from benchmarks.lab_server import Answered, Client, LabServer

SETTLED_S = 300.0
GROWTH = 0.10
SAMPLE_S = 15.0
LESSON_S = 120.0  # after a lesson all students close their tabs and others come


def memory_mb(server: LabServer) -> float:
    """Return the resident memory of the UI process."""
    return float(server.process.memory_info().rss / 2**20)


def lessons(server: LabServer, tally: Tally, students: int, until: float) -> None:
    """Let one class follow another."""
    while (now := time.monotonic()) < until - 1:
        end = min(until, now + LESSON_S)
        pupils = [Student(number, server.port, tally, end) for number in range(students)]
        threads = [threading.Thread(target=pupil.study) for pupil in pupils]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for pupil in pupils:  # the teacher clears the table for the next class
            if pupil.group:
                with suppress(Answered):  # it has ended
                    Client(server.port).json("POST", f"/api/runs/{pupil.group}/stop")


def main() -> int:
    """Print memory over time; return 1 when it grows too much or anything goes wrong."""
    parser = argparse.ArgumentParser(description="Classroom load for a long time.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--students", type=int, default=30)
    options = parser.parse_args()
    folder, tally, seconds = Path(tempfile.mkdtemp(prefix="soak-")), Tally(), options.minutes * 60
    settled_s = min(SETTLED_S, seconds / 5)
    server = LabServer(folder)
    try:
        server.start()
        began, cpu = time.monotonic(), server.cpu_seconds()
        classes = threading.Thread(target=lessons, args=(server, tally, options.students, began + seconds))
        classes.start()
        settled, next_line = None, 0.0
        while classes.is_alive():
            classes.join(SAMPLE_S)
            passed = time.monotonic() - began
            if settled is None and passed >= settled_s:
                settled = memory_mb(server)
            if passed >= next_line:
                print(f"{passed / 60:5.1f} min: {memory_mb(server):.0f} MB, load {os.getloadavg()[0]:.1f}", flush=True)
                next_line = passed + 60
        at_end, share = memory_mb(server), (server.cpu_seconds() - cpu) / (time.monotonic() - began)
        tally.errors += check_exports(Client(server.port), tally)
        store_mb = sum(file.stat().st_size for file in folder.glob("runs.sqlite*")) / 2**20
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    settled = settled or at_end
    growth = at_end / settled - 1
    print(f"refreshes {len(tally.refresh):,}, pages {len(tally.pages):,}, runs {len(tally.runs):,}")
    print(f"store {store_mb:.0f} MB, UI process {share:.2f} of a core")
    good = growth < GROWTH
    verdict, minutes = "ok  " if good else "MISS", settled_s / 60
    print(f"{verdict} memory: {settled:.0f} MB after {minutes:.1f} min, {at_end:.0f} MB at the end ({growth:+.1%})")
    print(f"{'ok  ' if not tally.errors else 'MISS'} errors: {len(tally.errors)}")
    print(f"{'ok  ' if not tally.mixed_up else 'MISS'} mixed-up records: {len(tally.mixed_up)}")
    for line in (tally.errors + tally.mixed_up)[:10]:
        print("    ", line)
    return int(not good or bool(tally.errors or tally.mixed_up))


if __name__ == "__main__":
    sys.exit(main())
