"""What instruments on demand cost, and what they find on three runs: `python -m benchmarks.instruments`.

One thread, CPU time, at H = 64, T = 100, B = 32 where issue and docs name no other size. Takes a few minutes.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.timing import paired, table
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.engine.instruments import flow_matrix, lyapunov_spectrum
from rnncore.engine.instruments.contributions import contribution_norms
from rnncore.engine.instruments.sensitivity import state_sensitivity
from rnncore.engine.readings.probe import Probe
from rnncore.engine.train import Trainer
from rnncore.on_demand import ON_DEMAND

RECALL = {"kind": "task", "task": "delayed_recall", "seq_len": 40, "delay": 10}
RUNS: dict[str, dict[str, Any]] = {
    "vanishing": {
        "model": {"readout": "every_step"},
        "init": {"scheme": "spectral", "spectral_radius": 0.5},
        "steps": 60,
    },
    "exploding": {
        "model": {"readout": "every_step", "nonlinearity": "relu"},
        "init": {"scheme": "spectral", "spectral_radius": 2.0},
        "optimizer": {"learning_rate": 0.001},
        "steps": 60,
    },
    "learned": {
        "model": {"cell": "lstm", "readout": "every_step"},
        "init": {"forget_bias": 2.0},
        "optimizer": {"learning_rate": 0.01},
        "clip": {"method": "norm"},
        "steps": 400,
    },
}


def cost_config(cell: str) -> TrainConfig:
    """Return a run of the size at which costs are named."""
    return TrainConfig.model_validate(
        {
            "data": {"kind": "task", "task": "delayed_recall", "seq_len": 100, "delay": 10},
            "model": {"cell": cell, "hidden_size": 64, "readout": "every_step"},
            "batch_size": 32,
        }
    )


def costs(cell: str, seconds: float) -> dict[str, float]:
    """Return the median milliseconds of each instrument, and of one training step."""
    config = cost_config(cell)
    trainer = Trainer(config)
    batch = Probe(trainer, 1).batch()
    steps = trainer.records()
    model, inputs, targets, loss = trainer.model, batch.inputs, batch.targets, trainer.loss
    inspection = Inspection(config, load_dataset(config.data))
    next(steps)
    candidates: dict[str, Callable[[], object]] = {
        "a training step": lambda: trainer.backward(batch, None, 2),
        "flow_matrix": lambda: flow_matrix(model, inputs, targets, loss),
        "lyapunov_spectrum, 1 sequence": lambda: lyapunov_spectrum(model, inputs[:1]),
        "contribution_norms": lambda: contribution_norms(model, inputs, targets, loss),
        "state_sensitivity, 8 sequences": lambda: state_sensitivity(model, inputs[:8]),
    }
    for key in ON_DEMAND:
        candidates[f"reading: {key}"] = lambda key=key: inspection.read(key, 1)  # type: ignore[misc]
    return {name: 1000 * median(times) for name, times in paired(candidates, seconds, warm_up=1).items()}


def found(name: str) -> list[str]:
    """Return what the instruments say of one of the three runs, beside theory."""
    config = TrainConfig.model_validate({"data": RECALL, **RUNS[name]})
    inspection = Inspection(config, load_dataset(config.data))
    lines = []
    for step in (1, config.steps + 1):
        for key in ON_DEMAND:
            reading = inspection.read(key, step)
            told = filter(None, (reading.undefined, *reading.said))
            lines += [f"{name}, before step {step}, {key}: {sentence}" for sentence in told]
    flow = inspection.read("flow", config.steps + 1).arrays["log10_gradient"]
    chaos = inspection.read("lyapunov", config.steps + 1).arrays
    rows = [row[: tau + 1][::-1] for tau, row in enumerate(flow) if tau >= 20]
    slopes = [float(np.polyfit(np.arange(21), row[:21], 1)[0]) for row in rows if np.isfinite(row[:21]).all()]
    if slopes:
        lines.append(
            f"{name}: rows of the flow matrix change {10 ** np.median(slopes):.4f} times per step back (median of "
            f"{len(slopes)}, lags 0 to 20); the largest exponent says {np.exp(chaos['exponent'][0]):.4f}"
        )
    if "eigenvalue_real" in chaos:
        largest = np.hypot(chaos["eigenvalue_real"], chaos["eigenvalue_imaginary"]).max()
        lines.append(f"{name}: largest eigenvalue of the recurrent matrix {largest:.4f}")
    return lines + [f"{name}: {line}" for line in beside_theory(config, inspection)]


def beside_theory(config: TrainConfig, inspection: Inspection) -> Iterator[str]:
    """Yield what is measured at the first step and after the last one beside what theory says of it."""
    for step in (1, config.steps + 1):
        steps = inspection.read("contributions", step).arrays
        along = float(np.nansum(steps["norm"] * steps["cosine"]))  # h_0 = 0 adds nothing, in no direction
        gradient = inspection.read("adam", step).arrays["gradient_norm"][1]
        yield (
            f"before step {step}, the steps' parts along the gradient of W_hh add up to {along:.5g}, and it is "
            f"{gradient:.5g} long; their lengths add up to {steps['norm'].sum():.5g}"
        )
        line = inspection.read("cliff", step).arrays
        near = float(np.diff(line["loss"][:2])[0] / line["distance"][1])
        whole = float(line["unclipped_step"][0])
        yield (
            f"before step {step}, -|g| is {line['slope'][0]:.5g}, the loss falls by {near:.5g} up to the first point; "
            f"after the whole step the tangent says {line['loss'][0] + whole * line['slope'][0]:.4g}, "
            f"the loss is {line['loss_after_unclipped_step'][0]:.4g}"
        )
        parts = inspection.read("unit", step).arrays
        ways = [key for key in ("direct", "through_itself", "through_others", "through_cell") if key in parts]
        total = sum(parts[key] for key in ways)
        apart = np.abs(total - parts["gradient"]).max() / np.abs(parts["gradient"]).max()
        yield f"before step {step}, the ways into a unit add up to its gradient within {apart:.1e}"
    first = inspection.read("adam", 1).arrays
    numbers = [parameter.numel() for parameter in Trainer(config).model.parameters()]
    sizes = config.optimizer.learning_rate * np.sqrt(numbers)
    yield f"Adam's first updates are {np.round(first['update_norm'] / sizes, 3)} times eta sqrt(n)"


def flossed() -> Iterator[str]:
    """Yield what gradient flossing makes of networks that vanish, explode and hold on to what they read."""
    for name, changes in {
        "vanishing (RNN, spectral radius 0.5)": RUNS["vanishing"],
        "exploding (RNN, spectral radius 2)": {"init": {"scheme": "spectral", "spectral_radius": 2.0}},
        "learning (LSTM, forget bias 2)": RUNS["learned"],
    }.items():
        kept = {key: value for key, value in changes.items() if key != "steps"}
        config = TrainConfig.model_validate(
            {"data": RECALL, "model": {"readout": "every_step"}, **kept, "steps": 1, "flossing": {"exponents": 8}}
        )
        record = next(Trainer(config).records())
        before, after = record.exponents_before_flossing, record.exponents_after_flossing
        yield f"{name}: root mean square of the first 8 exponents {before:.3f} before flossing, {after:.3f} after it"


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="Measure what instruments cost and find.")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each cell")
    parser.add_argument("--cells", default="rnn,lstm,gru")
    options = parser.parse_args()
    torch.set_num_threads(1)
    by_cell = {cell: costs(cell, options.seconds) for cell in options.cells.split(",")}
    names = next(iter(by_cell.values()))
    print(
        table(["ms of CPU", *by_cell], [[name, *(f"{each[name]:.1f}" for each in by_cell.values())] for name in names])
    )
    for name in RUNS:
        print("\n".join(found(name)), flush=True)
    print("\n".join(flossed()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
