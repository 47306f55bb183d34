"""What the background path costs: warm start, throughput against the in-process generator, CPU of the page's process.

    OMP_NUM_THREADS=1 python benchmarks/background.py [--starts 20] [--pairs 5]

Start: from `submit` to the moment the first record can be read from the store, worker warm. Throughput: steps per
second of a run through worker, pipe and store divided by those of `for record in train(config)` in this process, in
pairs whose order alternates, so that what else the machine does falls on both. CPU: what the scheduler's process
spends per 1,000 records stored, and per poll of a live board.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from rnncore import TrainConfig, train
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.series import records_since
from rnncore.runs.settings import Settings
from rnncore.runs.store import Store

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
    """Return the seconds between the first and the last stored record by the worker's clock, and this process's CPU."""
    cpu = time.process_time()
    (run,) = scheduler.submit("bench", [config], ["throughput"]).runs
    while store.run(run).status not in ENDED_WELL:
        time.sleep(0.05)
    stored = store.run(run)
    return stored.ended_at - stored.started_at, time.process_time() - cpu


def in_process_seconds(config):
    """Return the seconds from calling `train` to its last record."""
    began = time.perf_counter()
    for _ in train(config):
        pass
    return time.perf_counter() - began


def throughput_ratios(scheduler, store, config, pairs):
    """Return in-process seconds divided by background seconds, per pair, and the CPU seconds of all background runs."""
    ratios, cpu = [], 0.0
    for pair in range(pairs):
        if pair % 2:
            here = in_process_seconds(config)
            background, spent = background_seconds(scheduler, store, config)
        else:
            background, spent = background_seconds(scheduler, store, config)
            here = in_process_seconds(config)
        ratios.append(here / background)
        cpu += spent
    return ratios, cpu


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
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), workers=1, worker_nice=0)
        store = Store(settings.store_path)
        scheduler = Scheduler(store, settings)
        scheduler.start()
        wait_for(lambda: scheduler.overview().workers_ready == 1)
        for _ in train(TrainConfig(steps=20)):
            pass  # warm up here too
        latencies = start_latencies(scheduler, store, options.starts)
        print(
            f"warm start, submit to first readable record: median {statistics.median(latencies):.3f} s,"
            f" max {max(latencies):.3f} s of {len(latencies)}"
        )
        for name, fields in CASES.items():
            config = TrainConfig.model_validate({"steps": options.steps} | fields)
            ratios, cpu = throughput_ratios(scheduler, store, config, options.pairs)
            records = options.pairs * options.steps
            print(
                f"{name}: throughput {statistics.median(ratios):.3f} of in-process"
                f" (pairs {', '.join(f'{ratio:.3f}' for ratio in ratios)});"
                f" scheduler {1e6 * cpu / records:.1f} ms CPU per 1,000 records"
            )
        refresh, full = poll_cost(scheduler, store)
        print(f"poll: {refresh:.2f} ms CPU for a refresh, {full:.2f} ms for a full fetch of 5,000 steps")
        scheduler.shutdown()
        store.close()


if __name__ == "__main__":
    main()
