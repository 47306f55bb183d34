"""What the background path costs: warm start, throughput against the in-process generator, CPU of the page's process.

    OMP_NUM_THREADS=1 python benchmarks/background.py [--starts 20] [--pairs 5]

Start: from `submit` to the moment the first record can be read from the store, worker warm. Throughput: steps per
second of a run through worker, pipe and store divided by those of `for record in train(config)` in this process, in
pairs whose order alternates, so that what else the machine does falls on both. CPU: what the scheduler's process
spends per 1,000 records stored, and per poll of a live board.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from rnncore import TrainConfig, train
from rnncore.runs.read.series import records_since
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store

CASES = {
    "rnn B32 T50 H32": {"model": {"cell": "rnn"}},
    "lstm B32 T100 H64": {"model": {"cell": "lstm", "hidden_size": 64}, "data": {"kind": "task", "seq_len": 100}},
    "rnn B8 T10 H8, every step a profile": {
        "model": {"cell": "rnn", "hidden_size": 8},
        "data": {"kind": "task", "seq_len": 10},
        "batch_size": 8,
        "profile_every": 1,
    },
}
START_TARGET_S, THROUGHPUT_TARGET = 0.3, 0.95
ENDED_WELL = ("finished", "stopped")


def wait_for(condition, seconds=60.0):
    """Poll every millisecond."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.001)


def start_latencies(scheduler, store, count):
    """Return the seconds from submit to the first readable record, of `count` runs one after another."""
    config = TrainConfig(steps=100_000)
    latencies = []
    for _ in range(count):
        began = time.perf_counter()
        (run,) = scheduler.submit("bench", [config], ["start"]).runs
        wait_for(lambda run=run: records_since(store, run, 0)["last_step"] > 0)
        latencies.append(time.perf_counter() - began)
        scheduler.stop(run)
        wait_for(lambda run=run: store.run(run).status in ENDED_WELL)
    return latencies


def background_seconds(scheduler, store, config):
    """Return the seconds from start to end of a run, the CPU seconds of its worker, and those of this process."""
    worker = psutil.Process().children()[0]
    here, there = time.process_time(), cpu_seconds(worker)
    (run,) = scheduler.submit("bench", [config], ["throughput"]).runs
    while store.run(run).status not in ENDED_WELL:
        time.sleep(0.05)
    stored = store.run(run)
    return stored.ended_at - stored.started_at, cpu_seconds(worker) - there, time.process_time() - here


def cpu_seconds(process):
    """Return the CPU seconds a process has used."""
    times = process.cpu_times()
    return times.user + times.system


def in_process_seconds(config):
    """Return the seconds, and the CPU seconds, from calling `train` to its last record."""
    began, cpu = time.perf_counter(), time.process_time()
    for _ in train(config):
        pass
    return time.perf_counter() - began, time.process_time() - cpu


def compare(scheduler, store, config, pairs):
    """Return per pair the throughput of the background path relative to in-process: by the clock, by CPU time.

    The third list is the CPU this process takes per second of background training.
    """
    by_clock, by_cpu, shares = [], [], []
    for pair in range(pairs):
        here = in_process_seconds(config) if pair % 2 else None
        seconds, worker_cpu, own_cpu = background_seconds(scheduler, store, config)
        here = here or in_process_seconds(config)
        by_clock.append(here[0] / seconds)
        by_cpu.append(here[1] / worker_cpu)
        shares.append(own_cpu / seconds)
    return by_clock, by_cpu, shares


def poll_cost(scheduler, store):
    """Return the CPU milliseconds of a refresh (the last 100 records) and of a full fetch of a 5,000-step run."""
    config = TrainConfig(steps=5000, model={"cell": "rnn", "hidden_size": 8}, data={"kind": "task", "seq_len": 50})
    (run,) = scheduler.submit("bench", [config], ["poll"]).runs
    wait_for(lambda: store.run(run).status in ENDED_WELL, 300)
    costs = []
    for since, count in ((4900, 200), (0, 20)):
        began = time.process_time()
        for _ in range(count):
            records_since(store, run, since)
        costs.append(1000 * (time.process_time() - began) / count)
    return costs


def main():
    """Print the figures; return 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), workers=1, spare_workers=0, worker_nice=0)
        store = Store(settings.store_path)
        scheduler = Scheduler(store, settings)
        scheduler.start()
        wait_for(lambda: scheduler.overview().workers_ready == 1)
        for _ in train(TrainConfig(steps=20)):
            pass  # warm up here too
        latencies = start_latencies(scheduler, store, options.starts)
        missed = statistics.median(latencies) > START_TARGET_S
        print(
            f"warm start, submit to first readable record: median {statistics.median(latencies):.3f} s,"
            f" max {max(latencies):.3f} s of {len(latencies)}"
        )
        for name, fields in CASES.items():
            config = TrainConfig.model_validate({"steps": options.steps} | fields)
            by_clock, by_cpu, shares = compare(scheduler, store, config, options.pairs)
            missed |= max(statistics.median(by_clock), statistics.median(by_cpu)) < THROUGHPUT_TARGET
            print(
                f"{name}: throughput {statistics.median(by_clock):.3f} of in-process by the clock"
                f" ({min(by_clock):.3f} to {max(by_clock):.3f}), {statistics.median(by_cpu):.3f} by CPU time"
                f" ({min(by_cpu):.3f} to {max(by_cpu):.3f});"
                f" scheduler {100 * statistics.median(shares):.1f} % of a core"
            )
        refresh, full = poll_cost(scheduler, store)
        print(f"poll: {refresh:.2f} ms CPU for a refresh, {full:.2f} ms for a full fetch of 5,000 steps")
        scheduler.shutdown()
        store.close()
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
