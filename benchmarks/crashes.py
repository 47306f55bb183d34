"""kill -9 of workers and of the server while students train, steer and watch over HTTP; then count what was lost.

`python -m benchmarks.crashes [--workers 30] [--servers 4] [--disturbances 4]`. Every record that the API has given out
before a kill must be in the store afterwards with the same value, the database must be sound, every run must end
truthfully, and the queue must go on within three seconds of a worker's death. Disturbances are taken in turn: workers
are killed while they warm up, the store is locked, the disk is full, the calendar jumps; none of them may end a run.
"""

import argparse
import base64
import http.client
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.disturbances import DISTURBANCES
from benchmarks.lab_server import Answered, Client, LabServer
from benchmarks.moved_clock import FILE
from rnncore.codec import joined
from rnncore.runs.store.runs import progress
from rnncore.runs.store.scalars import read_scalars
from rnncore.runs.store.store import ENDED, Store

STUDENTS = 5
QUEUE_GOES_ON_S = 3.0
BROKEN = (OSError, http.client.HTTPException)
Given = dict[str, dict[int, float]]  # run -> step -> training loss as float32


class Student(threading.Thread):
    """Starts runs one after the other and writes down every record that it is given."""

    def __init__(self, number: int, server: LabServer, given: Given, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.server, self.given, self.over = server, given, over
        self.random = random.Random(number)
        self.client = Client(server.port, 10)
        self.problems: list[str] = []

    def run(self) -> None:
        """Until the lesson is over, whatever happens to the server."""
        while not self.over.is_set():
            try:
                self.watch(self.start_run())
            except BROKEN:
                time.sleep(0.1)  # the server was killed
            except Answered as error:
                if error.status not in (429, 503):
                    self.problems.append(str(error))
                time.sleep(0.3)

    def start_run(self) -> list[str]:
        """Start twins; return their ids."""
        config = {
            "data": {"kind": "task", "seq_len": 20},
            "model": {"hidden_size": 8},
            "steps": self.random.randint(100, 1500),
            "seed": self.random.randint(0, 10**6),
            "clip": {"method": "norm"},
        }
        return [run["id"] for run in self.client.start(config, compare=True)["runs"]]

    def watch(self, runs: list[str]) -> None:
        """Poll them until they end."""
        since = dict.fromkeys(runs, 0)
        while not self.over.is_set():
            query = "&".join(f"run={run}:{step}" for run, step in since.items())
            answer = self.client.json("GET", f"/api/records?{query}")["runs"]
            for run, news in zip(runs, answer, strict=True):
                if "error" in news:
                    self.problems.append(f"{run[:6]}: {news['error']}")
                    return
                steps, losses = (_decode(news["columns"][name]) for name in ("step", "train_loss"))
                self.given.setdefault(run, {}).update(zip(steps.astype(int).tolist(), losses.tolist(), strict=True))
                since[run] = news["last_step"]
            if all(news["status"] in ENDED for news in answer):
                return
            self.steer(self.random.choice(runs))
            time.sleep(0.2)

    def steer(self, run: str) -> None:
        """Now and then do something to a run."""
        command = self.random.choices(["", "pause", "resume", "settings", "stop"], weights=[85, 4, 6, 4, 1])[0]
        if not command:
            return
        body = {"learning_rate": self.random.choice([0.001, 0.01])} if command == "settings" else None
        try:
            self.client.json("POST", f"/api/runs/{run}/{command}", body)
        except Answered as error:
            if error.status not in (409, 503):  # it has ended or waits meanwhile, or the store cannot be written
                raise


def _decode(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def kill_worker(server: LabServer, client: Client, dice: random.Random) -> float:
    """Kill one of the workers, the spare too, when all train; return the seconds until as many train again."""
    lost = wait_until(client, lambda health: health["workers_busy"] == health["workers"])["workers_lost"]
    dice.choice(server.workers()).kill()
    began = time.monotonic()
    wait_until(client, lambda health: health["workers_lost"] > lost and health["workers_busy"] == health["workers"])
    return time.monotonic() - began


def time_of_import() -> float:
    """Return the seconds that a process takes at this moment to import torch: no worker can be warm in less."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return time.monotonic() - began


def wait_until(client: Client, true: Callable[[dict[str, Any]], bool], seconds: float = 60.0) -> dict[str, Any]:
    """Ask for the server's health until something is true of it, or time is up; return the last answer."""
    deadline = time.monotonic() + seconds
    while True:
        health: dict[str, Any] = client.json("GET", "/api/health")
        if true(health) or time.monotonic() > deadline:
            return health
        time.sleep(0.01)


def check(folder: Path, given: Given) -> list[str]:
    """Return what is wrong in the store of a dead server."""
    problems = []
    try:
        with closing(sqlite3.connect(folder / "runs.sqlite")) as db:
            verdict = db.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    if verdict != "ok":
        problems.append(f"integrity_check: {verdict}")
    store = Store(folder / "runs.sqlite")
    if store.message:
        problems.append(store.message)
    for run, records in given.items():
        with store.read() as db:
            found = progress(db, run)
            stored = read_scalars(db, found.key) if found else joined([])
        if stored.missing or stored["step"].tolist() != list(range(1, len(stored) + 1)):
            problems.append(f"{run[:6]}: steps are missing or doubled")
        loss = stored["train_loss"].astype(np.float32)
        lost = [step for step in records if step > len(stored)]
        other = [step for step, value in records.items() if step <= len(stored) and loss[step - 1] != value]
        if lost or other:
            problems.append(f"{run[:6]}: {len(lost)} records lost, {len(other)} changed")
    store.close()
    return problems


def untruthful(folder: Path) -> list[str]:
    """Return the runs whose end is not what happened to them."""
    store = Store(folder / "runs.sqlite")
    problems = []
    for run in store.runs():
        truthful = {
            "finished": run.step == run.steps,
            "interrupted": "server" in run.reason
            or ("SIGKILL" in run.reason and f"after step {run.step:,} of {run.steps:,}" in run.reason),
            "stopped": run.reason.startswith("Stopped at step"),
        }
        if not truthful.get(run.status, False) or not run.reason or run.ended_at is None:
            problems.append(f"{run.id[:6]}: {run.status} at {run.step} of {run.steps}: {run.reason!r}")
    store.close()
    return problems


def resume_some(server: LabServer, folder: Path) -> int:
    """Continue two interrupted runs through the API; return how many."""
    store = Store(folder / "runs.sqlite")
    runs = [run.id for run in store.runs(("interrupted",)) if run.step < run.steps][-2:]
    store.close()
    for run in runs:
        Client(server.port).json("POST", f"/api/runs/{run}/resume")
    return len(runs)


def main() -> int:
    """Kill, check, print; return 1 when anything was lost."""
    parser = argparse.ArgumentParser(description="kill -9 of workers and servers during load.")
    parser.add_argument("--workers", type=int, default=30, help="how many workers to kill")
    parser.add_argument("--servers", type=int, default=4, help="how many servers to kill")
    parser.add_argument("--disturbances", type=int, default=4, help="how often to disturb a server in other ways")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dice, folder = random.Random(options.seed), Path(tempfile.mkdtemp(prefix="crashes-"))
    environment = {FILE: str(folder / "calendar"), "RNNLAB_PLUGINS": "benchmarks.moved_clock"}
    server = LabServer(folder, RNNLAB_CHECKPOINT_SECONDS="0.5", **environment)
    given: Given = {}
    over = threading.Event()
    students = [Student(number, server, given, over) for number in range(STUDENTS)]
    problems: list[str] = []
    recoveries: list[float] = []
    said: list[str] = []
    imports: list[float] = []
    resumed, orphans, load = 0, 0, os.getloadavg()[0]
    try:
        for number in range(options.servers):
            server.start()
            resumed += resume_some(server, folder)
            if number == 0:
                for student in students:
                    student.start()
            client = Client(server.port, 10)
            while len(recoveries) < options.workers * (number + 1) // options.servers:
                time.sleep(dice.uniform(0, 0.6))
                recoveries.append(kill_worker(server, client, dice))
            while len(said) < options.disturbances * (number + 1) // options.servers:
                disturb = DISTURBANCES[len(said) % len(DISTURBANCES)]
                said.append(f"{disturb.__name__}: {disturb(server, client, dice)}")
                wait_until(client, lambda health: not health["problem"] and health["workers_busy"])
            imports.append(time_of_import())
            workers = server.workers()
            server.kill()
            _, alive = psutil.wait_procs(workers, 10)
            orphans += len(alive)
            problems += check(folder, {run: dict(records) for run, records in list(given.items())})
        server.start()
        over.set()
        for student in students:
            student.join(20)
            problems += student.problems
        server.stop()
        problems += check(folder, given) + untruthful(folder)
        store = Store(folder / "runs.sqlite")
        ends = {status: count for status in ENDED if (count := len(store.runs((status,))))}
        store.close()
    finally:
        over.set()
        if server.process.is_running():
            server.kill()
    shutil.rmtree(folder, ignore_errors=True)
    print(f"a process that only imports torch took {statistics.median(imports):.1f} s meanwhile (median)")
    return report(options.servers, given, recoveries, said, problems, orphans, resumed, ends, load)


def report(
    servers: int, given: Given, recoveries: list[float], said: list[str], problems: list[str], orphans: int,
    resumed: int, ends: dict[str, Any], load: float,
) -> int:  # fmt: skip
    """Print and judge."""
    recoveries = sorted(recoveries)
    late = sum(seconds > QUEUE_GOES_ON_S for seconds in recoveries)
    print(f"cores {os.cpu_count()}, load {load:.1f} before, {os.getloadavg()[0]:.1f} after")
    print(f"{len(recoveries)} workers and {servers} servers killed; {resumed} runs continued after a restart")
    print(f"{sum(map(len, given.values())):,} records of {len(given)} runs had been given out; ends: {ends}")
    print(f"{len(said)} disturbances, and what the server said of each:", *said, sep="\n     ")
    print(f"queue at full width again: median {statistics.median(recoveries):.2f} s,"
          f" p95 {recoveries[int(0.95 * len(recoveries))]:.2f} s, max {recoveries[-1]:.2f} s")  # fmt: skip
    print(f"{'ok  ' if not late else 'MISS'} later than {QUEUE_GOES_ON_S:g} s: {late}")
    print(f"{'ok  ' if not problems else 'MISS'} lost, changed or untruthful: {len(problems)}")
    print(f"{'ok  ' if not orphans else 'MISS'} workers that outlived their server: {orphans}")
    for problem in problems[:20]:
        print("    ", problem)
    return int(bool(problems or late or orphans))


if __name__ == "__main__":
    sys.exit(main())
