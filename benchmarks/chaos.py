"""Kill -9 at random, workers and the whole server, under load; then count what was lost.

    python benchmarks/chaos.py [--workers 100] [--servers 20]

A server process keeps its queue full, steers runs at random, and reports what a board would have been told. This
process kills workers and servers and checks, at the end, that no record that was told is missing, that the database
is sound, that every run has a truthful end, and how soon all workers were busy again after a death.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from rnncore import TrainConfig
from rnncore.records import SCALARS
from rnncore.runs.scheduler import ControlError, Scheduler
from rnncore.runs.series import records_since
from rnncore.runs.settings import Settings
from rnncore.runs.store import ENDED, Store

QUEUED = 6
NOTICED_S = 0.15  # by then the server has seen a death and said so
TRUTHFUL = {"finished", "stopped", "killed", "interrupted"}


def serve(folder, seed):
    """Run a server until it is killed: keep the queue full, steer at random, report what a board is told."""
    settings = Settings(data_dir=folder, checkpoint_seconds=0.5, max_active_per_workspace=1000)
    store = Store(settings.store_path)
    if store.message:
        raise SystemExit(store.message)
    scheduler = Scheduler(store, settings)
    scheduler.start()
    dice = random.Random(seed)
    runs = []
    for run in store.runs("status = 'interrupted'")[-4:]:
        scheduler.resume(run.id)
        runs.append(run.id)
    while True:
        while scheduler.overview().queued < QUEUED:
            twins = [
                TrainConfig.model_validate({"steps": dice.randint(50, 400), "seed": dice.randint(0, 9), "clip": clip})
                for clip in ({"method": "off"}, {"method": "norm"})
            ]
            runs += scheduler.submit("chaos", twins, ["plain", "clipped"]).runs
        steer(scheduler, dice, dice.choice(runs[-8:]))
        told = {run: records_since(store, run, 10**9)["last_step"] for run in runs[-12:]}
        overview = scheduler.overview()
        line = {"told": told, "busy": overview.workers_busy, "workers": overview.workers}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        time.sleep(0.02)


def steer(scheduler, dice, run):
    """Now and then do something to a run."""
    command = dice.choices(["nothing", "pause", "resume", "rate", "stop"], weights=[90, 3, 4, 2, 1])[0]
    try:
        if command == "pause":
            scheduler.pause(run)
        elif command == "resume":
            scheduler.resume(run)
        elif command == "rate":
            scheduler.set_learning_rate(run, dice.choice([0.001, 0.01]))
        elif command == "stop":
            scheduler.stop(run)
    except ControlError:
        return  # it has ended meanwhile


class Watcher:
    """One server process and what it has told."""

    def __init__(self, folder, seed):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(folder), "--seed", str(seed)], stdout=subprocess.PIPE, text=True
        )
        self.told = {}
        self.busy, self.all = 0, 1
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        for line in self.process.stdout:
            try:
                news = json.loads(line)
            except ValueError:
                return  # the last line, cut short
            self.told.update(news["told"])
            self.busy, self.all = news["busy"], news["workers"]

    def wait_busy(self, seconds=60.0):
        """Return the seconds until all workers have a run."""
        began = time.monotonic()
        while self.busy < self.all:
            if time.monotonic() - began > seconds or self.process.poll() is not None:
                raise TimeoutError("the workers are not busy again")
            time.sleep(0.005)
        return time.monotonic() - began

    def kill_worker(self, dice):
        """Kill one worker; return the seconds until all are busy again."""
        workers = psutil.Process(self.process.pid).children()
        victim = dice.choice(workers)
        os.kill(victim.pid, signal.SIGKILL)
        began = time.monotonic()
        while self.busy == self.all and time.monotonic() - began < NOTICED_S:
            time.sleep(0.002)  # until the server has noticed
        self.wait_busy()
        return time.monotonic() - began

    def kill(self):
        """Kill the server; what it said last still counts."""
        self.process.kill()
        self.process.wait()
        self.thread.join()


def check(store, told):
    """Return what is wrong: lost records, gaps, untruthful ends."""
    problems = []
    with store.read() as db:
        verdict = db.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            problems.append(f"integrity: {verdict}")
        for run_id, step in told.items():
            row = db.execute("SELECT key, status, reason, step, steps FROM runs WHERE id = ?", (run_id,)).fetchone()
            if row is None:
                problems.append(f"{run_id}: lost")
                continue
            key, status, reason, stored, steps = row
            chunks = db.execute("SELECT scalars FROM chunks WHERE run = ? ORDER BY first_step", (key,)).fetchall()
            scalars = np.frombuffer(b"".join(chunk for (chunk,) in chunks)).reshape(-1, len(SCALARS))
            if stored < step or scalars[:, 0].tolist() != list(range(1, stored + 1)):
                problems.append(f"{run_id}: told {step}, row says {stored}, {len(scalars)} records")
            if status not in TRUTHFUL or not reason or (status == "finished") != (stored == steps):
                problems.append(f"{run_id}: {status} at {stored} of {steps}: {reason!r}")
    return problems


def main():
    """Kill, then check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=100, help="how many workers to kill")
    parser.add_argument("--servers", type=int, default=20, help="how many servers to kill")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.seed)
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder, told, recoveries, deaths = Path(name), {}, [], 0
        for server in range(options.servers):
            watcher = Watcher(folder, server)
            watcher.wait_busy()
            while deaths < options.workers * (server + 1) // options.servers:
                time.sleep(dice.uniform(0, 0.5))
                recoveries.append(watcher.kill_worker(dice))
                deaths += 1
            time.sleep(dice.uniform(0, 0.5))
            watcher.kill()
            told |= {run: max(step, told.get(run, 0)) for run, step in watcher.told.items()}
        store = Store(folder / "runs.sqlite")
        store.interrupt_active("The server went away while this run was unfinished; it can be continued.")
        problems = check(store, told)
        ends = {status: len(store.runs("status = ?", (status,))) for status in ENDED}
        with sqlite3.connect(store.path) as db:
            killed = db.execute("SELECT COUNT(*) FROM runs WHERE reason LIKE '%SIGKILL%'").fetchone()[0]
        store.close()
    print(
        f"{deaths} workers and {options.servers} servers killed; {len(told)} runs told of, {sum(told.values())} records"
    )
    print(f"ends: {ends}; {killed} of them say SIGKILL")
    print(
        f"all workers busy again after a worker's death: median {statistics.median(recoveries):.2f} s,"
        f" p95 {sorted(recoveries)[int(0.95 * len(recoveries))]:.2f} s, max {max(recoveries):.2f} s"
    )
    print("problems: " + ("none" if not problems else "\n".join(problems)))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
