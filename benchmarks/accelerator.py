"""What watching and recording cost on a GPU or on Apple's MPS: `python -m benchmarks.accelerator`.

Two layers of 512 units on 64 sequences of 200 timesteps. By the clock, in ms a step, each beside the plain loop in the
same run: torch.nn's own layers without watching, with every step recorded, and with the budget of 5 % that is the
default; and the lab's own training with every profile recorded, there and on one core of the CPU. Takes a minute.
"""

import sys
import time
from collections.abc import Callable
from itertools import islice

import torch
from torch import nn

from benchmarks.engine import LAYERS
from benchmarks.timing import table
from rnncore import watch
from rnncore.config import TrainConfig
from rnncore.engine.devices import available_devices
from rnncore.engine.train import Trainer
from rnncore.watching.lab import Lab

B, T, F, H, DEEP = 64, 200, 64, 512, 2
WARM, STEPS, BUDGETED, OWN, ON_CPU = 5, 30, 200, 8, 2


def main() -> int:
    """Print the table; return 0, also where there is no accelerator."""
    device = available_devices()[0]
    if device == "cpu":
        print("There is neither CUDA nor MPS on this machine.")
        return 0
    torch.set_num_threads(1)
    name = torch.cuda.get_device_name() if device == "cuda" else "MPS"
    print(f"torch {torch.__version__}, {name}; B={B}, T={T}, H={H}, {DEEP} layers\n")
    columns = [measured(cell, device) for cell in LAYERS]
    print(table(["", *LAYERS], [[row, *(column[row] for column in columns)] for row in columns[0]]))
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
        f"the lab's own run, on {device}, ms a step": f"{own(cell, device):.1f}",
        "the lab's own run, on one core of the CPU": f"{own(cell, 'cpu'):.1f}",
    }


def own(cell: str, device: str) -> float:
    """Return the milliseconds of a step of the lab's own training, every profile recorded."""
    config = TrainConfig.model_validate(
        {
            "data": {"kind": "task", "task": "adding", "seq_len": T},
            "model": {"cell": cell, "hidden_size": H, "num_layers": DEEP},
            "batch_size": B,
            "steps": 1000,
            "eval_every": 1000,
            "profile_every": 1,
            "device": device,
        }
    )
    records = Trainer(config).records()
    return milliseconds(lambda: next(islice(records, 1)), ON_CPU if device == "cpu" else OWN, device)


def milliseconds(step: Callable[[], object], count: int, device: str) -> float:
    """Return what a step takes by the clock, all work of the device done."""
    finish = getattr(torch, device).synchronize if device != "cpu" else lambda: None
    for _ in range(min(WARM, count)):
        step()
    finish()
    began = time.perf_counter()
    for _ in range(count):
        step()
    finish()
    return (time.perf_counter() - began) / count * 1e3


if __name__ == "__main__":
    sys.exit(main())
