"""The engine's speed and memory beside plain torch.nn, as Markdown tables: `python -m benchmarks.engine`.

One thread, paired runs, medians. A step is forward, loss, backward, measure, clip by norm, Adam; torch.nn's step is the
usual program of that kind, which records nothing. Takes about three minutes.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from itertools import cycle
from statistics import median

import torch
from torch import Tensor, nn

from benchmarks.timing import paired, ratio, table
from rnncore.config import TrainConfig
from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.clipping import Clipping, clip_gradients
from rnncore.engine.flat import FlatParameters, exact_norm
from rnncore.engine.gradients import profile
from rnncore.engine.losses import batch_loss
from rnncore.engine.model import SequenceModel
from rnncore.engine.optimizers import make_optimizer

Step = Callable[[], object]
SIZES = [(32, 50, 32), (32, 100, 64), (64, 100, 64), (20, 400, 100)]  # B, T, H
LENGTHS = [50, 200, 800, 3200]  # T, with B = 32 and H = 64
LAYERS: dict[str, Callable[..., nn.Module]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
CELLS: dict[str, Callable[..., nn.Module]] = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}
INPUT_SIZE = 2
BLOCK = TrainConfig().profile_every  # steps of one kind in a row, as in training; of the default stride one is recorded


def batch(B: int, T: int) -> tuple[Tensor, Tensor]:
    """Return random inputs (B, T, 2) and targets (B, 1)."""
    return torch.rand(B, T, INPUT_SIZE), torch.rand(B, 1)


def plain_step(cell: str, B: int, T: int, H: int) -> Step:
    """Return a training step of torch.nn's layer, nothing recorded."""
    inputs, targets = batch(B, T)
    layer, readout = LAYERS[cell](INPUT_SIZE, H, batch_first=True), nn.Linear(H, 1)
    return torch_step([layer, readout], lambda: readout(layer(inputs)[0][:, -1]), targets)


def unrolled_step(cell: str, B: int, T: int, H: int) -> Step:
    """Return a training step of torch.nn's cell in a loop, retain_grad on every state, their norms taken."""
    inputs, targets = batch(B, T)
    step, readout = CELLS[cell](INPUT_SIZE, H), nn.Linear(H, 1)
    hidden: list[Tensor] = []

    def forward() -> Tensor:
        hidden.clear()
        h, c = torch.zeros(B, H), torch.zeros(B, H)
        for x in inputs.unbind(1):
            h, c = step(x, (h, c)) if cell == "lstm" else (step(x, h), c)
            h.retain_grad()
            hidden.append(h)
        return readout(h)  # type: ignore[no-any-return]

    def measure() -> None:
        torch.stack([h.grad for h in hidden if h.grad is not None]).norm(dim=-1).mean(-1).mul(B).numpy()

    return torch_step([step, readout], forward, targets, measure)


def torch_step(modules: list[nn.Module], forward: Step, targets: Tensor, measure: Step | None = None) -> Step:
    """Return the step that everybody writes with torch."""
    parameters = [parameter for module in modules for parameter in module.parameters()]
    optimizer = torch.optim.Adam(parameters, 1e-3)

    def step() -> float:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(forward(), targets)  # type: ignore[arg-type]
        loss.backward()  # type: ignore[no-untyped-call]
        if measure is not None:
            measure()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return loss.item()

    return step


def our_step(cell: str, B: int, T: int, H: int, every: int = 1, with_cell: bool = True) -> Step:
    """Return a training step as `train` does it, profiles recorded at one step of `every`."""
    inputs, targets = batch(B, T)
    config = TrainConfig.model_validate({"model": {"cell": cell, "hidden_size": H}, "clip": {"method": "norm"}})
    model = SequenceModel(config.model, INPUT_SIZE, 1)
    flat, clipping = FlatParameters(model), Clipping(config.clip, config.clip.threshold)
    optimizer = make_optimizer([flat.weights], config.optimizer)
    recording = cycle([True] + [False] * (every - 1))

    def step() -> float:
        tape = StateTape(cell=with_cell) if next(recording) else None
        flat.zero_grad()
        loss = batch_loss("mse", model(inputs, None, tape), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        if tape is not None:
            profile(tape, B)
        clip_gradients(flat, exact_norm(flat.gradients), clipping)
        optimizer.step()
        flat.update_norm()
        return loss.item()

    return step


def repeated(step: Step, times: int) -> Step:
    """Return a step that is `times` steps."""
    return lambda: [step() for _ in range(times)]


def measure_size(cell: str, size: tuple[int, int, int], seconds: float) -> dict[str, float]:
    """Return torch.nn's milliseconds per step, and the others' time relative to it."""
    candidates = {
        "plain": plain_step(cell, *size),
        "hidden": our_step(cell, *size, with_cell=False),
        "cell": our_step(cell, *size),
        "stride": our_step(cell, *size, every=BLOCK),
        "unrolled": unrolled_step(cell, *size),
    }
    times = paired({name: repeated(step, BLOCK) for name, step in candidates.items()}, seconds)
    ratios = {name: ratio(times, name, "plain") for name in candidates if name != "plain"}
    return {"ms": median(times["plain"]) * 1e3 / BLOCK, **ratios}


def measure_sizes(seconds: float) -> dict[str, list[dict[str, float]]]:
    """Return `measure_size` of each cell, size by size."""
    return {cell: [measure_size(cell, size, seconds) for size in SIZES] for cell in LAYERS}


def step_table(measured: dict[str, list[dict[str, float]]]) -> str:
    """Return the table of times relative to torch.nn's, with the medians over the sizes."""
    head = ["cell", "(B, T, H)", "torch.nn, ms", "h recorded", "h and c", f"every {BLOCK}th step", "unrolled cells"]
    columns = ("hidden", "cell", "stride", "unrolled")
    rows: list[list[object]] = []
    for cell, sizes in measured.items():
        shown = [name for name in columns if name != "cell" or cell == "lstm"]
        for size, found in zip(SIZES, sizes, strict=True):
            values = [f"{found[name]:.2f}" if name in shown else "" for name in columns]
            rows.append([cell.upper(), size, f"{found['ms']:.1f}", *values])
        medians = [f"**{over_sizes(sizes, name):.2f}**" if name in shown else "" for name in columns]
        rows.append([cell.upper(), "median", "", *medians])
    return table(head, rows)


def over_sizes(sizes: list[dict[str, float]], name: str) -> float:
    """Return the median over the sizes."""
    return median(found[name] for found in sizes)


def missed(measured: dict[str, list[dict[str, float]]]) -> list[str]:
    """Return the targets that these times miss, a sentence each."""
    found = [(f"{cell.upper()}, median", over_sizes(measured[cell], "hidden"), 0.85) for cell in ("rnn", "gru")]
    found += [
        (f"{cell.upper()}, slowest size", max(s["hidden"] for s in measured[cell]), 1.05) for cell in ("rnn", "gru")
    ]
    found += [("LSTM, h", over_sizes(measured["lstm"], "hidden"), 1.25)]
    found += [("LSTM, h and c", over_sizes(measured["lstm"], "cell"), 1.6)]
    found += [("LSTM at the default stride", over_sizes(measured["lstm"], "stride"), 1.1)]
    return [
        f"{name}: {value:.2f} times torch.nn's, at most {most} wanted" for name, value, most in found if value > most
    ]


def measure_length(cell: str, T: int, ours: bool) -> tuple[float, float]:
    """Return seconds per step and the peak memory of training, in MB; run in a fresh process."""
    torch.set_num_threads(1)
    make = our_step if ours else plain_step
    make(cell, 2, 2, 2)()  # what the first step of any size loads
    before = peak_memory()
    step = make(cell, 32, T, 64)
    times = []
    for _ in range(max(5, 2000 // T)):
        began = time.thread_time()
        step()
        times.append(time.thread_time() - began)
    return median(times), peak_memory() - before


def peak_memory() -> float:
    """Return the largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


Lengths = dict[str, dict[int, list[tuple[float, float]]]]


def measure_lengths() -> Lengths:
    """Return `measure_length` of torch.nn and of ours by cell and T: medians of three processes each."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rnncore.engine.train"])
    measured: Lengths = {}
    for cell in LAYERS:
        for T in LENGTHS:
            for ours in (False, True):
                runs = []
                for _ in range(3):
                    with context.Pool(1) as pool:
                        runs.append(pool.apply(measure_length, (cell, T, ours)))
                seconds, memory = (median(values) for values in zip(*runs, strict=True))
                measured.setdefault(cell, {}).setdefault(T, []).append((seconds, memory))
    return measured


def length_table(measured: Lengths) -> str:
    """Return the table of time per timestep and peak memory for growing T."""
    head = ["cell", "T", "torch.nn, us per timestep", "ours", "torch.nn, peak MB", "ours", "memory ratio"]
    rows: list[list[object]] = []
    for cell, lengths in measured.items():
        for T, ((plain_seconds, plain_memory), (seconds, memory)) in lengths.items():
            per_step = [f"{value / T * 1e6:.0f}" for value in (plain_seconds, seconds)]
            rows.append(
                [cell.upper(), T, *per_step, f"{plain_memory:.0f}", f"{memory:.0f}", f"{memory / plain_memory:.2f}"]
            )
    return table(head, rows)


def too_big(measured: Lengths) -> list[str]:
    """Return where memory exceeds its target, a sentence each."""
    most = 1.5
    return [
        f"{cell.upper()}, T = {T}: {memory / plain:.2f} times torch.nn's memory, at most {most} wanted"
        for cell, lengths in measured.items()
        for T, ((_, plain), (_, memory)) in lengths.items()
        if memory > max(most * plain, 20)  # below 20 MB it is the allocator's noise
    ]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="per cell and size")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("Time of a whole training step relative to torch.nn's, which records nothing\n")
    sizes = measure_sizes(options.seconds)
    print(step_table(sizes), flush=True)
    print("\nCost over the length of the sequences (B = 32, H = 64), all profiles recorded at every step\n")
    lengths = measure_lengths()
    print(length_table(lengths))
    problems = missed(sizes) + too_big(lengths)
    print("\n" + ("\n".join(problems) or "All targets are met."))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
