"""The article's example in our `train()` beside the same loop in plain torch.nn: `python -m benchmarks.article`.

Two stacked LSTMs of 50 units and a linear layer learn 100 x 10 x 1 uniform noise by heart: Adam .01, MSE, 100 epochs of
10 batches. Ours records profiles at the default stride, torch.nn's loop the loss alone. Each seed draws its own noise,
the same for both. One thread, paired runs, medians of CPU seconds; at most 1.15 times torch.nn's time is wanted.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import nn

from benchmarks.timing import paired, ratio, table
from rnncore import TrainConfig, train
from rnncore.data import load_dataset
from rnncore.data.dataset import Batch
from rnncore.data.sampling import finite_batches

CONFIG = Path(__file__).with_name("article.json")
MOST = 1.15


def config(seed: int = 0) -> TrainConfig:
    """Return the article's experiment."""
    return TrainConfig.model_validate(json.loads(CONFIG.read_text("utf-8")) | {"seed": seed})


def noise(seed: int) -> Batch:
    """Return X = U[0,1]^(100 x 10 x 1) and y = U[0,1]^(100 x 1)."""
    generator = np.random.default_rng(seed)
    return Batch(generator.random((100, 10, 1), np.float32), generator.random((100, 1), np.float32))


def ours(seed: int = 0) -> list[float]:
    """Train with profiles recorded at the default stride; return the mean loss of each epoch."""
    settings, data = config(seed), noise(seed)
    batches = finite_batches(100, lambda rows: Batch(data.inputs[rows], data.targets[rows]))
    dataset = replace(load_dataset(settings.data), train_batch=batches)
    return epochs([record.train_loss for record in train(settings, dataset)])


def plain(seed: int = 0) -> list[float]:
    """Train the same model with torch.nn alone; return the mean loss of each epoch."""
    torch.manual_seed(seed)
    data = noise(seed)
    inputs, targets = torch.tensor(data.inputs), torch.tensor(data.targets)
    layers, readout = nn.LSTM(1, 50, num_layers=2, batch_first=True), nn.Linear(50, 1)
    optimizer = torch.optim.Adam([*layers.parameters(), *readout.parameters()], 0.01)
    losses = []
    for _ in range(100):
        for rows in torch.randperm(100).split(10):  # type: ignore[no-untyped-call]
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(readout(layers(inputs[rows])[0][:, -1]), targets[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.item())
    return epochs(losses)


def epochs(losses: list[float]) -> list[float]:
    """Return the means of 10 steps each."""
    return [sum(losses[start : start + 10]) / 10 for start in range(0, len(losses), 10)]


def main() -> int:
    """Print seconds, their ratio, and the losses of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    times = paired({"torch.nn": plain, "ours": ours}, seconds=1e9, rounds=options.rounds, warm_up=1)
    found = ratio(times, "ours", "torch.nn")
    rows = []
    for name, run in (("torch.nn", plain), ("ours", ours)):
        losses = [median(values) for values in zip(*(run(seed) for seed in range(5)), strict=True)]
        rows.append([name, f"{median(times[name]):.2f}", *(f"{losses[epoch - 1]:.4f}" for epoch in (1, 10, 100))])
    print(table(["", "seconds", "loss, epoch 1", "epoch 10", "epoch 100"], rows))
    print(f"\nours / torch.nn: {found:.2f} (at most {MOST} wanted). Losses: medians over 5 seeds.")
    return int(found > MOST)


if __name__ == "__main__":
    sys.exit(main())
