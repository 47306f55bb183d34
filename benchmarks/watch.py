"""What watching a model costs beside the same loop without it: `python -m benchmarks.watch`.

One thread, CPU time, ratios to the plain loop in the same run; beside them the usual way, retain_grad on unrolled
cells. The loop is forward, loss, backward, Adam on torch.nn's own fused layers. Within the budget, 200 steps are
watched and 200 are not, ten by ten in turn; once the records stay in the program, and once they are sent to the
app's store for a while, and then the time of the whole process counts. Takes about six minutes.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor, nn

from benchmarks.engine import CELLS, LAYERS, peak_memory
from benchmarks.timing import paired, ratio, table
from rnncore import watch
from rnncore.watching.lab import Lab

SHAPES = [
    ("lstm", 32, 50, 32, 1),
    ("lstm", 32, 100, 64, 1),
    ("gru", 32, 100, 64, 1),
    ("rnn", 64, 100, 64, 2),
    ("lstm", 20, 400, 100, 2),
]  # cell, B, T, H, layers
INPUT_SIZE, STEPS, AT_ONCE = 8, 200, 10
RUNS, MOST_RUNS, RUNS_S = 3, 15, 15.0  # of 200 steps: so many, and more as long as they take no longer than this
SENT_S = 20.0  # of training that is sent to the app
BUDGET, UNRECORDED, MEMORY = 0.05, 1.01, 1.5  # to be met

Shape = tuple[str, int, int, int, int]
Step = Callable[[Lab | None], None]


class Fused(nn.Module):
    """torch.nn's layers and a read-out of the last timestep."""

    def __init__(self, cell: str, H: int, layers: int) -> None:
        super().__init__()
        self.core, self.head = LAYERS[cell](INPUT_SIZE, H, layers, batch_first=True), nn.Linear(H, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, F) to (B, 1)."""
        answer: Tensor = self.head(self.core(x)[0][:, -1])
        return answer


class Unrolled(nn.Module):
    """The same of torch.nn's cells in a loop, retain_grad on every state."""

    def __init__(self, cell: str, H: int, layers: int) -> None:
        super().__init__()
        self.cells = nn.ModuleList(CELLS[cell](H if layer else INPUT_SIZE, H) for layer in range(layers))
        self.head, self.H, self.kept = nn.Linear(H, 1), H, list[Tensor]()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, F) to (B, 1)."""
        steps, self.kept = list(x.unbind(1)), []
        for cell in self.cells:
            h = c = x.new_zeros(len(x), self.H)
            for t, each in enumerate(steps):
                if isinstance(cell, nn.LSTMCell):
                    h, c = cell(each, (h, c))
                else:
                    h = cell(each, h)
                h.retain_grad()
                self.kept.append(h)
                steps[t] = h
        answer: Tensor = self.head(h)
        return answer

    def norms(self) -> object:
        """Return the mean norms of the gradients that were kept."""
        return torch.stack([h.grad for h in self.kept if h.grad is not None]).norm(dim=-1).mean(-1).numpy()


def training(net: nn.Module, B: int, T: int) -> Step:
    """Return one training step of a network, told to a lab if there is one."""
    x, y, optimizer = torch.randn(B, T, INPUT_SIZE), torch.randn(B, 1), torch.optim.Adam(net.parameters())

    def step(lab: Lab | None) -> None:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        if lab is not None:
            lab.step(loss=loss, optimizer=optimizer)
        if isinstance(net, Unrolled):
            net.norms()
        optimizer.step()

    return step


def measure_steps(shape: Shape, seconds: float) -> dict[str, float]:
    """Return the ratios to a plain step of one that is recorded, with sample=8 too, of one that is not, of unrolled."""
    cell, B, T, H, layers = shape
    net = Fused(cell, H, layers)
    plain, unrolled = training(net, B, T), training(Unrolled(cell, H, layers), B, T)
    with (
        watch(net, every=1) as every,
        watch(net, every=1, sample=8) as some,
        watch(net, every=10**9) as rarely,
    ):
        labs: dict[str, Lab | None] = {"plain": None, "recorded": every, "sample": some, "unrecorded": rarely}
        plain(rarely)  # its first step is recorded

        def alone(lab: Lab | None) -> Callable[[], None]:
            def run() -> None:
                for each in (every, some):
                    each._record(each is lab)  # of labs on one model only the one that is timed has hooks there
                plain(lab)

            return run

        candidates: dict[str, Callable[[], object]] = {name: alone(lab) for name, lab in labs.items()}
        candidates["unrolled"] = lambda: unrolled(None)
        times = paired(candidates, seconds, before=1)
    return {name: ratio(times, name, "plain") for name in times if name != "plain"}


def in_turn(shape: Shape, lab_of: Callable[[nn.Module], Lab], seconds: float = 0.0) -> tuple[float, float, float, Lab]:
    """Train watched and plain, ten steps and ten in turn, at least `STEPS` of each and for `seconds`.

    Return the CPU time of this thread for the plain steps and for the watched ones, that of the whole process for all
    but the plain ones, and the lab.
    """
    cell, B, T, H, layers = shape
    net, other = Fused(cell, H, layers), Fused(cell, H, layers)
    step, plain = training(net, B, T), training(other, B, T)
    for _ in range(AT_ONCE):
        step(None)
        plain(None)
    alone = watched = 0.0
    begun, end, steps = time.process_time(), time.perf_counter() + seconds, 0
    with lab_of(net) as lab:
        while steps < STEPS or time.perf_counter() < end:
            before = time.thread_time()
            for _ in range(AT_ONCE):
                step(lab)
            watched += time.thread_time() - before
            steps += AT_ONCE
            with lab.pace.aside():
                before = time.thread_time()
                for _ in range(AT_ONCE):
                    plain(None)
                alone += time.thread_time() - before
    return alone, watched, time.process_time() - begun - alone, lab


def measure_budget(shape: Shape) -> tuple[float, int]:
    """Return the time of 200 steps watched within the budget relative to 200 plain ones, and how many were recorded."""
    ratios, recorded, end = list[float](), list[int](), time.perf_counter() + RUNS_S
    while len(ratios) < RUNS or (len(ratios) < MOST_RUNS and time.perf_counter() < end):
        alone, watched, _, lab = in_turn(shape, lambda net: watch(net, budget=BUDGET))
        ratios.append(watched / alone)
        recorded.append(len(lab.records))
    return median(ratios), int(median(recorded))


def measure_sent(shape: Shape) -> float:
    """Return the same of a while whose records are sent to the app's store by another thread."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RNNLAB_DATA_DIR"] = folder
        alone, _, rest, _ = in_turn(shape, lambda net: watch(net, budget=BUDGET, name="benchmark"), SENT_S)
    return rest / alone


def measure_memory(shape: Shape, watched: bool) -> float:
    """Return what training takes at its peak, in MB, beyond the process before it; run in a fresh process."""
    torch.set_num_threads(1)
    for small in ((cell, 2, 2, 2, 1) for cell in LAYERS):
        run_steps(small, True)  # what the first step of any size loads
    before = peak_memory()
    run_steps(shape, watched)
    return peak_memory() - before


def run_steps(shape: Shape, watched: bool) -> None:
    """Train for a few steps, every one recorded if watched."""
    cell, B, T, H, layers = shape
    net = Fused(cell, H, layers)
    step = training(net, B, T)
    with watch(net, every=1) as lab:
        for _ in range(5):
            step(lab if watched else None)
            if not watched:
                lab.close()


def main() -> int:
    """Print the table; return 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="per shape")
    options = parser.parse_args()
    torch.set_num_threads(1)
    context = multiprocessing.get_context("forkserver")
    rows, missed = [], []
    for shape in SHAPES:
        cell, *sizes = shape
        name = f"{cell.upper()} ({', '.join(map(str, sizes))})"
        steps = measure_steps(shape, options.seconds)
        total, recorded = measure_budget(shape)
        sent = measure_sent(shape)
        with context.Pool(1, maxtasksperchild=1) as pool:
            plain, watched = (pool.apply(measure_memory, (shape, each)) for each in (False, True))
        figures = [f"{steps[each]:.2f}" for each in ("recorded", "sample")]
        figures += [f"{steps['unrecorded']:.3f}", f"{steps['unrolled']:.2f}", f"{total:.3f}", str(recorded)]
        figures += [f"{sent:.3f}", f"{watched / plain:.2f}"]
        rows.append([name, *figures])
        for value, most, what in (
            (total, 1 + BUDGET, "with the default budget"),
            (sent, 1 + BUDGET, "with the default budget, sent to the app"),
            (steps["unrecorded"], UNRECORDED, "of a step that is not recorded"),
            (watched / plain, MEMORY, "of memory"),
        ):
            if value > most:
                missed.append(f"{name}: {value:.3f} times the plain loop {what}, at most {most:g} wanted")
    head = ["cell (B, T, H, layers)", "recorded", "sample=8", "not recorded", "unrolled cells", "budget 5 %"]
    print(table([*head, "recorded of 200", "sent to the app", "memory"], rows))
    print("\n" + ("\n".join(missed) or "All targets are met."))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
