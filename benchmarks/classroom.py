"""A class at work: students start twins, watch them like the board, change pages, reload, vanish; one real server.

`python -m benchmarks.classroom [--students 30] [--seconds 60] [--follow]`; with --follow they follow the teacher
(`benchmarks.following`). The same jobs are also run without any page or
student, half of the time before and half after, so that the ratio of the two throughputs is fair on a busy machine.
"""

import argparse
import base64
import http.client
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from websockets.exceptions import WebSocketException

from benchmarks.following import checks, follow
from benchmarks.lab_server import Answered, Client, LabServer, Page, cpu_seconds_of
from rnncore.config import TrainConfig
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store

POLL_S = 0.5
STEPS = 1500
ENDED = ("finished", "stopped", "diverged", "failed", "killed", "interrupted")
P95_S, UI_SHARE, THROUGHPUT_RATIO = 0.25, 0.30, 0.80


@dataclass
class Tally:
    """What all students saw together."""

    refresh: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    mixed_up: list[str] = field(default_factory=list)
    bytes_received: int = 0
    records: int = 0
    runs: dict[str, float] = field(default_factory=dict)  # id -> learning rate
    vanished: int = 0
    reloads: int = 0


def experiment(student: int, attempt: int) -> dict[str, Any]:
    """Return a config that no other student uses: the learning rate tells whose a record is."""
    rate = 1e-4 * (1 + student) + 1e-6 * (attempt % 50)
    return {
        "data": {"kind": "task", "task": "adding"},
        "model": {"cell": "gru", "hidden_size": 32},
        "optimizer": {"learning_rate": rate},
        "clip": {"method": "norm", "threshold": 1.0},
        "steps": STEPS,
        "seed": 1000 * student + attempt,
    }


class Student:
    """One browser tab with its board."""

    def __init__(self, number: int, port: int, tally: Tally, until: float) -> None:
        self.number, self.tally, self.until = number, tally, until
        self.client = Client(port)
        self.page = Page(port)
        self.random = random.Random(number)
        self.attempt = 0
        self.since: dict[str, int] = {}
        self.rate = 0.0
        self.group = ""

    def study(self) -> None:
        """Work until the lesson is over, or vanish half-way."""
        time.sleep(self.random.uniform(0, 3))
        leaves = self.number % 10 == 7
        half = time.monotonic() + (self.until - time.monotonic()) / 2
        next_page = time.monotonic() + self.random.uniform(2, 20)
        next_reload = time.monotonic() + self.random.uniform(5, 30)
        try:
            self.visit()
            self.start()
            while time.monotonic() < self.until:
                began = time.monotonic()
                if leaves and began > half:
                    self.tally.vanished += 1
                    return
                if began > next_page:
                    self.visit()
                    next_page = began + self.random.uniform(5, 20)
                if began > next_reload and self.number % 3 == 0:
                    self.since = dict.fromkeys(self.since, 0)
                    self.tally.reloads += 1
                    next_reload = began + self.random.uniform(10, 30)
                if self.refresh():
                    self.start()
                time.sleep(max(0.0, POLL_S - (time.monotonic() - began)))
        except (OSError, Answered, http.client.HTTPException, WebSocketException) as error:
            self.tally.errors.append(f"student {self.number}: {type(error).__name__} {error}")
        finally:
            self.page.leave()
            self.client.close()

    def visit(self) -> None:
        """Open a page; the board's runs are named in its address."""
        self.page.visit(self.client, f"run={self.group}" if self.group else "")
        self.tally.pages.append(self.page.seconds)

    def start(self) -> None:
        """Start twins."""
        config = experiment(self.number, self.attempt)
        self.attempt += 1
        self.rate = config["optimizer"]["learning_rate"]
        answer = self.client.start(config, compare=True)
        self.tally.starts.append(self.client.seconds)
        self.group = answer["group"]
        self.since = {run["id"]: 0 for run in answer["runs"]}
        self.tally.runs |= dict.fromkeys(self.since, self.rate)

    def refresh(self) -> bool:
        """Poll as the board does; return whether all runs are over."""
        query = "&".join(f"run={run}:{since}" for run, since in self.since.items())
        body = self.client.raw("GET", f"/api/records?{query}")
        self.tally.refresh.append(self.client.seconds)
        self.tally.bytes_received += len(body)
        answer = json.loads(body)["runs"]
        for run, news in zip(self.since, answer, strict=True):
            self.check(run, news)
        return all(news["status"] in ENDED for news in answer)

    def check(self, run: str, news: dict[str, Any]) -> None:
        """Records must be the asked run's own, and none may be missing."""
        steps, rates = decode(news["columns"]["step"]), decode(news["columns"]["learning_rate"])
        since = self.since[run]
        problems = []
        if news["run"] != run or news["since"] != since:
            problems.append("the answer is about another run")
        if len(rates) and not np.all(rates == np.float32(self.rate)):
            problems.append("records of another learning rate")
        if len(steps) and not news["decimated"] and not np.array_equal(steps, np.arange(since + 1, steps[-1] + 1)):
            problems.append("steps are missing")
        if len(steps) and (steps[-1] != news["last_step"] or np.any(np.diff(steps) <= 0)):
            problems.append("the last step is missing")
        self.tally.mixed_up += [f"run {run[:6]} after {since}: {problem}" for problem in problems]
        self.tally.records += len(steps)
        self.since[run] = news["last_step"]


def decode(text: str) -> np.ndarray:
    """Return the float32 column."""
    return np.frombuffer(base64.b64decode(text), "<f4")


def classroom(folder: Path, students: int, seconds: float) -> tuple[Tally, dict[str, float]]:
    """Run the lesson; return what was seen, and the server's figures."""
    server = LabServer(folder)
    server.start()
    try:
        tally = Tally()
        began, cpu, training = time.monotonic(), server.cpu_seconds(), server.worker_cpu_seconds()
        pupils = [Student(number, server.port, tally, began + seconds) for number in range(students)]
        threads = [threading.Thread(target=pupil.study) for pupil in pupils]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lasted = time.monotonic() - began
        figures = {
            "seconds": lasted,
            "worker_cpu": server.worker_cpu_seconds() - training,
            "ui_share": (server.cpu_seconds() - cpu) / lasted,
            "ui_memory_mb": server.process.memory_info().rss / 2**20,
        }
        client = Client(server.port)
        tally.errors += check_exports(client, tally)
        figures["workers"] = client.json("GET", "/api/health")["workers"]
    finally:
        server.stop()
    figures["steps"] = stored_steps(folder)
    return tally, figures


def check_exports(client: Client, tally: Tally) -> list[str]:
    """Every stored record of a sample of runs: steps without a gap, the run's own learning rate."""
    problems = []
    for run in random.Random(0).sample(sorted(tally.runs), min(12, len(tally.runs))):
        lines = client.raw("GET", f"/api/runs/{run}/export.csv").decode().splitlines()[1:]
        rows = [line.split(",") for line in lines]
        if [int(row[0]) for row in rows] != list(range(1, len(rows) + 1)):
            problems.append(f"export of {run[:6]}: steps are missing")
        if any(abs(float(row[3]) - tally.runs[run]) > 1e-12 for row in rows):
            problems.append(f"export of {run[:6]}: another learning rate")
    return problems


def stored_steps(folder: Path) -> float:
    """Return the number of steps in a store."""
    store = Store(folder / "runs.sqlite")
    try:
        return float(sum(run.step for run in store.runs()))
    finally:
        store.close()


def headless(folder: Path, students: int, seconds: float) -> tuple[float, float]:
    """Run the same jobs with a scheduler alone; return steps per second and steps per CPU second of the workers."""
    settings = Settings(data_dir=folder, max_active_per_workspace=10_000, max_queued=10_000)
    store = Store(settings.store_path)
    scheduler = Scheduler(store, settings)
    scheduler.start()
    while scheduler.overview().workers_ready < settings.workers:
        time.sleep(0.05)
    workers = psutil.Process().children()
    began, cpu = time.monotonic(), sum(map(cpu_seconds_of, workers))
    for number in range(students):
        config = TrainConfig.model_validate(experiment(number, 0))
        twin = config.model_copy(update={"clip": config.clip.model_copy(update={"method": "off"})})
        scheduler.submit("headless", [config, twin], ["", ""])
    time.sleep(seconds)
    steps = float(sum(run.step for run in store.runs()))
    lasted, cpu = time.monotonic() - began, sum(map(cpu_seconds_of, workers)) - cpu
    scheduler.shutdown()
    store.close()
    return steps / lasted, steps / cpu


def main() -> int:
    """Print the figures; return 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="A class of students against one server on this machine.")
    parser.add_argument("--students", type=int, help="30; with --follow 200")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--follow", action="store_true", help="students follow the teacher's board")
    options = parser.parse_args()
    if options.follow:
        return followed(options.students or 200, options.seconds)
    options.students = options.students or 30
    base = Path(tempfile.mkdtemp(prefix="classroom-"))
    try:
        folders = [base / name for name in ("before", "lesson", "after")]
        for folder in folders:
            folder.mkdir()
        print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")
        before = headless(folders[0], options.students, options.seconds / 2)
        tally, figures = classroom(folders[1], options.students, options.seconds)
        after = headless(folders[2], options.students, options.seconds / 2)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return report(tally, figures, before, after)


def followed(students: int, seconds: float) -> int:
    """Print and judge a class that follows its teacher, beside 15 people whose runs are trained; 1: a target is missed.

    The throughput is compared with what the workers could get beside the simulated students and the pages.
    """
    base = Path(tempfile.mkdtemp(prefix="followers-"))
    people = 15
    try:
        folders = [base / name for name in ("before", "lesson", "after")]
        for folder in folders:
            folder.mkdir()
        print(f"cores {os.cpu_count()}, load {os.getloadavg()[0]:.1f}")
        before = headless(folders[0], people, seconds / 2)
        figures = follow(folders[1], students, seconds, [experiment(number, 0) for number in range(people)])
        steps = stored_steps(folders[1])
        after = headless(folders[2], people, seconds / 2)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    alone, per_cpu = ((one + two) / 2 for one, two in zip(before, after, strict=True))
    left = 1 - figures["load_cpu"] / figures["lesson"] / (os.cpu_count() or 1)
    ratio = steps / figures["lesson"] / (alone * left)
    rows = [
        *checks(figures),
        ("steps per CPU second of the workers, ratio", steps / figures["worker_cpu"] / per_cpu, None),
        ("share of the machine that students and pages leave", left, None),
        ("throughput of training, relative to that share of headless", ratio, ratio >= THROUGHPUT_RATIO),
    ]
    return judged(rows)


def report(tally: Tally, figures: dict[str, float], before: tuple[float, float], after: tuple[float, float]) -> int:
    """Print and judge. Steps per CPU second tell what the students cost even where other work disturbs the clock."""
    alone = (before[0] + after[0]) / 2
    per_cpu = figures["steps"] / figures["worker_cpu"] / ((before[1] + after[1]) / 2)
    refresh = sorted(tally.refresh)
    p50, p95 = statistics.median(refresh), refresh[int(0.95 * len(refresh))]
    throughput = figures["steps"] / figures["seconds"]
    per_second, size = len(refresh) / figures["seconds"], tally.bytes_received / len(refresh)
    start_ms, page_ms = (statistics.median(values) * 1000 for values in (tally.starts, tally.pages))
    print(f"refreshes {len(refresh):,} ({per_second:.0f}/s, {size:,.0f} bytes each), records {tally.records:,}")
    print(f"starts {len(tally.starts)} (median {start_ms:.0f} ms), pages {len(tally.pages)} (median {page_ms:.0f} ms),")
    print(f"reloads {tally.reloads}, vanished {tally.vanished}")
    print(f"UI memory {figures['ui_memory_mb']:.0f} MB; load {os.getloadavg()[0]:.1f}")
    rows: list[tuple[str, float, bool | None]] = [
        ("refresh p50 ms", p50 * 1000, None),
        ("refresh p95 ms", p95 * 1000, p95 <= P95_S),
        ("refresh max ms", refresh[-1] * 1000, None),
        ("UI process, share of one core", figures["ui_share"], figures["ui_share"] <= UI_SHARE),
        ("steps/s in class", throughput, None),
        (f"steps/s headless (before {before[0]:.0f}, after {after[0]:.0f})", alone, None),
        ("steps per CPU second of the workers, ratio", per_cpu, None),
        ("worker CPU obtained in class, cores", figures["worker_cpu"] / figures["seconds"], None),
        ("throughput ratio", throughput / alone, throughput / alone >= THROUGHPUT_RATIO),
        ("errors", len(tally.errors), not tally.errors),
        ("mixed-up records", len(tally.mixed_up), not tally.mixed_up),
    ]
    for line in (tally.errors + tally.mixed_up)[:10]:
        print("    ", line)
    return judged(rows)


def judged(rows: list[tuple[str, float, bool | None]]) -> int:
    """Print what was measured; return 1 when a target is missed."""
    for name, value, good in rows:
        print(f"{'' if good is None else 'ok  ' if good else 'MISS':4} {name}: {value:.3g}")
    return int(any(good is False for _, _, good in rows))


if __name__ == "__main__":
    sys.exit(main())
