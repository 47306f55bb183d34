"""What watching costs on a GPU or on MPS, and from which size on they are faster: `python -m benchmarks.accelerator`.

By the clock, in ms a step. First torch.nn's own layers, two of 512 units on 64 sequences of 200 timesteps, alone, with
every step recorded, and within the budget of 5 % that is the default. Then the lab's own training of one layer, 50
timesteps, every fifth profile recorded, on one core of the CPU and there. Takes a minute.
"""

import sys
import time
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.engine import LAYERS
from benchmarks.timing import table
from rnncore import watch
from rnncore.cells import CELLS
from rnncore.config import TrainConfig
from rnncore.engine.devices import available_devices
from rnncore.engine.train import Trainer
from rnncore.watching.lab import Lab

B, T, F, H, DEEP = 64, 200, 64, 512, 2
WARM, STEPS, BUDGETED, OWN = 5, 30, 100, 10
SIZES = [(H, B) for H in (64, 128, 256, 512) for B in (16, 64)]  # units, sequences
OWN_T = 50


def main() -> int:
    """Print the table; return 0, also where there is no accelerator."""
    device = available_devices()[0]
    if device == "cpu":
        print("There is neither CUDA nor MPS on this machine.")
        return 0
    torch.set_num_threads(1)
    name = torch.cuda.get_device_name() if device == "cuda" else "MPS"
    print(f"torch {torch.__version__}, {name}\n")
    columns = [measured(cell, device) for cell in LAYERS]
    print(table(["", *LAYERS], [[row, *(column[row] for column in columns)] for row in columns[0]]), flush=True)
    rows = []
    for cell in LAYERS:
        for units, sequences in SIZES:
            on_cpu, there = (own(cell, units, sequences, place) for place in ("cpu", device))
            work = sequences * CELLS[cell].recurrent_work(units)
            numbers = (f"{work / 1e6:.2f}", f"{on_cpu:.1f}", f"{there:.1f}", f"{on_cpu / there:.2f}")
            rows.append([f"{cell}, H={units}, B={sequences}", *numbers])
    print()
    print(table(["", "million multiply-adds", "CPU", device, "times as fast"], rows))
    return 0


def measured(cell: str, device: str) -> dict[str, str]:
    """Return what each way costs for a kind of layer."""
    model = nn.ModuleDict(
        {"core": LAYERS[cell](F, H, DEEP, batch_first=True), "head": nn.Linear(H, 1)},
    ).to(device)
    optimizer, x = torch.optim.Adam(model.parameters()), torch.randn(B, T, F, device=device)

    def step(lab: Lab | None = None) -> None:
        optimizer.zero_grad()
        loss = model["head"](model["core"](x)[0][:, -1]).square().mean()
        loss.backward()
        if lab is not None:
            lab.step(loss=loss, optimizer=optimizer)
        optimizer.step()

    alone = milliseconds(step, STEPS, device)
    with watch(model, every=1) as lab:
        each = milliseconds(lambda: step(lab), STEPS, device)
    with watch(model) as lab:
        budget = milliseconds(lambda: step(lab), BUDGETED, device)
    return {
        "torch.nn, ms a step": f"{alone:.1f}",
        "watched, every step recorded": f"{each / alone:.2f} times",
        "watched within the budget": f"{budget / alone:.3f} times",
    }


def own(cell: str, units: int, sequences: int, device: str) -> float:
    """Return the milliseconds of a step of the lab's own training."""
    config = TrainConfig.model_validate(
        {
            "data": {"kind": "task", "task": "adding", "seq_len": OWN_T},
            "model": {"cell": cell, "hidden_size": units},
            "batch_size": sequences,
            "steps": 1000,
            "eval_every": 1000,
            "profile_every": 5,
            "device": device,
        }
    )
    records = Trainer(config).records()
    return milliseconds(lambda: next(records), OWN, device)


def milliseconds(step: Callable[[], object], count: int, device: str) -> float:
    """Return what a step takes by the clock, all work of the device done."""
    finish = getattr(torch, device).synchronize if device != "cpu" else lambda: None
    for _ in range(WARM):
        step()
    finish()
    began = time.perf_counter()
    for _ in range(count):
        step()
    finish()
    return (time.perf_counter() - began) / count * 1e3


if __name__ == "__main__":
    sys.exit(main())
