"""Eight seeds trained as one batched model beside one run alone: `python -m benchmarks.batched`.

One thread, paired, CPU seconds, medians: whole training steps of the adding problem as `train` does them, the making of
batches included, profiles recorded at every step. At most 3 times the time of one run is wanted for RNN and GRU at
(B, T, H) = (32, 50, 32), 6 times for the LSTM; 8 is what separate runs take.
"""

import argparse
import sys
import time
from collections.abc import Iterator

import torch

from benchmarks.timing import paired, ratio, table
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.batched import Lockstep
from rnncore.engine.train import Trainer

SEEDS = 8
SIZES = [(32, 50, 32), (20, 30, 50), (10, 10, 50), (32, 100, 64)]  # B, T, H
MOST = {"rnn": 3.0, "gru": 3.0, "lstm": 6.0}  # at the first size
STEPS = 10  # in a row


def config(cell: str, size: tuple[int, int, int], seed: int, stride: int) -> TrainConfig:
    """Return a run that records profiles at one step of `stride`, and evaluates at its first step alone."""
    B, T, H = size
    return TrainConfig.model_validate(
        {"data": {"kind": "task", "task": "adding", "seq_len": T}, "model": {"cell": cell, "hidden_size": H},
         "clip": {"method": "norm"}, "batch_size": B, "seed": seed, "steps": 1_000_000, "device": "cpu",
         "profile_every": stride, "eval_every": 1_000_000}
    )  # fmt: skip


def some(records: Iterator[object], count: int) -> list[object]:
    """Return the next records."""
    return [next(records) for _ in range(count)]


def measure(cell: str, size: tuple[int, int, int], stride: int, seconds: float) -> float:
    """Return the time of a step of all seeds over that of one run."""
    configs = [config(cell, size, seed, stride) for seed in range(SEEDS)]
    dataset = load_dataset(configs[0].data)
    one = Trainer(configs[0], dataset).records()
    all_of_them = Lockstep([Trainer(each, dataset) for each in configs]).records()
    candidates = {"one": lambda: some(one, STEPS), "all": lambda: some(all_of_them, STEPS * SEEDS)}
    return ratio(paired(candidates, seconds), "all", "one")


def main() -> int:
    """Print the table; return 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="per cell, size and stride")
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    rows, missed = [], []
    for cell, most in MOST.items():
        for size in SIZES:
            every, fifth = (measure(cell, size, stride, options.seconds) for stride in (1, 5))
            rows.append([cell.upper(), size, f"{every:.2f}", f"{fifth:.2f}"])
            if size == SIZES[0] and every > most:
                missed.append(f"{cell.upper()}: {every:.2f} times the time of one run, at most {most:g} wanted")
    print(table(["cell", "(B, T, H)", "recorded at every step", "at every 5th"], rows))
    print("\n" + ("\n".join(missed) or "All targets are met.") + f" ({time.process_time() - began:.0f} s)")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
