"""What data cost: a batch of every task beside a training step, and a 20 MB CSV file until it is ready to train."""

import io
import os
import statistics
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from rnncore import TrainConfig, train
from rnncore.data import TASKS, load_dataset
from rnncore.data.upload import inspect

LENGTH, BATCH, HIDDEN = 100, 32, 32
ROUNDS, STEPS, BATCHES = 8, 25, 100


def batch_share(task: str) -> tuple[float, float, float]:
    """Return seconds of a training step (tanh RNN) and of a batch, and the median of their ratio in paired rounds."""
    data = {"kind": "task", "task": task} | ({} if task == "embedded_reber" else {"seq_len": LENGTH})
    dataset = load_dataset(TrainConfig.model_validate({"data": data}).data)
    model = {"hidden_size": HIDDEN, "readout": "every_step" if dataset.per_step else "last"}
    config = {"data": data, "model": model, "batch_size": BATCH, "steps": 10_000, "eval_every": 10_000}
    records = train(TrainConfig.model_validate(config))
    for _ in range(2 * STEPS):
        next(records)
    rounds = []
    for number in range(ROUNDS):
        start = time.process_time()
        for _ in range(STEPS):
            next(records)
        step = (time.process_time() - start) / STEPS
        start = time.process_time()
        for index in range(BATCHES):
            dataset.train_batch(number * BATCHES + index + 1, BATCH, 0)
        batch = (time.process_time() - start) / BATCHES
        rounds.append((step, batch, batch / step))
    records.close()
    step, batch, share = (statistics.median(values) for values in zip(*rounds, strict=True))
    return step, batch, share


def large_file() -> tuple[bytes, float, float, float]:
    """Return a CSV file of a million rows, CPU and wall seconds until it is ready to train, and peak memory in MB.

    The peak is that of this process above what it held before, the file itself left out (Linux only, else NaN).
    """
    values = np.random.default_rng(0).normal(size=1_000_000).cumsum()
    data = ("t,v,w\n" + "\n".join(f"{i},{value:.5f},{i % 7}" for i, value in enumerate(values))).encode()
    inspect([("small.csv", data[: data.index(b"\n", 10_000)])])  # what Python and Arrow load once is not the file's
    before = _reset_peak()
    wall, cpu = time.perf_counter(), time.process_time()
    inspection = inspect([("large.csv", data)])
    assert inspection.dataset is not None
    inspection.dataset.train_batch(1, BATCH, 0)
    return data, time.process_time() - cpu, time.perf_counter() - wall, _memory("VmHWM") - before


def peer(data: bytes) -> float:
    """Return the CPU seconds in which pandas alone reads the same file."""
    start = time.process_time()
    pd.read_csv(io.BytesIO(data))
    return time.process_time() - start


def _reset_peak() -> float:
    try:
        with open("/proc/self/clear_refs", "w") as control:  # noqa: PTH123
            control.write("5")
    except OSError:
        return float("nan")
    return _memory("VmRSS")


def _memory(field: str) -> float:
    with open("/proc/self/status") as status:  # noqa: PTH123
        return next(int(line.split()[1]) / 1e3 for line in status if line.startswith(field))


def main() -> None:
    """Print the figures."""
    data, cpu, wall, peak = large_file()
    size = len(data) / 1e6
    times = f"{wall:.2f} s ({cpu:.2f} s CPU)"
    print(f"CSV of {size:.1f} MB, a million rows: {times}, peak {peak:.0f} MB = {peak / size:.1f} x file")
    print(f"pandas.read_csv alone: {(alone := peer(data)):.2f} s CPU; all of ours is {cpu / alone:.2f} times that")
    for task in TASKS:
        step, batch, share = batch_share(task)
        print(f"{task:16} step {step * 1e3:5.2f} ms  batch {batch * 1e6:4.0f} us  share {share:5.1%}")


if __name__ == "__main__":
    main()
