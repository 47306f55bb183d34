"""What a bad day does to a server beside killing it: each takes some seconds, and returns what the server says."""

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import psutil

from benchmarks.lab_server import Answered, Client, LabServer

LOCKED_S = FULL_S = 6.0
WARMING_S = 12.0
JUMPED_S = 5.0  # two or three looks of the housekeeper
DAY = 86_400


def kill_warming(server: LabServer, client: Client, dice: random.Random) -> str:
    """Kill all workers, and those that are to replace them as soon as they are there, until the server says so."""
    deadline, said = time.monotonic() + WARMING_S, ""
    while time.monotonic() < deadline and not said:
        for worker in server.workers():
            with suppress(psutil.Error):
                worker.kill()
        said = problem(client)
        time.sleep(0.02)
    return said


def lock_store(server: LabServer, client: Client, dice: random.Random) -> str:
    """Hold the store as another program would."""
    with closing(sqlite3.connect(server.data_dir / "runs.sqlite", isolation_level=None, timeout=5.0)) as db:
        db.execute("BEGIN IMMEDIATE")
        time.sleep(LOCKED_S)
        said = problem(client)
        db.execute("ROLLBACK")
    return said


def fill_disk(server: LabServer, client: Client, dice: random.Random) -> str:
    """Let no file of the server grow beyond a few pages, as on a disk that is full."""
    if not hasattr(server.process, "rlimit"):
        return "not on this system"
    unlimited = server.process.rlimit(psutil.RLIMIT_FSIZE)
    server.process.rlimit(psutil.RLIMIT_FSIZE, (dice.randrange(20_000, 60_000), unlimited[1]))
    time.sleep(FULL_S)
    said = problem(client)
    server.process.rlimit(psutil.RLIMIT_FSIZE, unlimited)
    return said


def move_calendar(server: LabServer, client: Client, dice: random.Random) -> str:
    """Set the calendar 400 days forward or back, and right again (`benchmarks.moved_clock`)."""
    days = dice.choice((-400, 400))
    for seconds in (days * DAY, 0):
        (server.data_dir / "calendar").write_text(str(seconds))
        time.sleep(JUMPED_S)
    return f"{days:+} days and back"


Disturbance = Callable[[LabServer, Client, random.Random], str]
DISTURBANCES: tuple[Disturbance, ...] = (kill_warming, lock_store, fill_disk, move_calendar)


def problem(client: Client) -> str:
    """Return what the server says is wrong with it, '' if nothing."""
    with suppress(OSError, Answered):
        health: dict[str, Any] = client.json("GET", "/api/health")
        return health["problem"] or ""
    return ""
