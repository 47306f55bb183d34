"""Cells whose units do not see one another: the scan's speed beside plain autograd, `python -m benchmarks.diagonal`.

A recorded step of training against an unrecorded one of the same cell, in the same process, in turns: of the same
network with gates and inputs computed for all timesteps at once and only h_t = phi(a_t h_{t-1} + b_t) in a loop under
autograd, which is the best that plain torch does without a scan of one's own; and of the cell's step, timestep by
timestep. One thread, medians. Takes about two minutes.
"""

import importlib
from unittest.mock import patch

import torch
from torch import Tensor

from benchmarks.engine import INPUT_SIZE, LENGTHS, SIZES, Step, batch, our_step, torch_step
from benchmarks.timing import paired, ratio, table
from rnncore.cells import CELLS
from rnncore.config import ModelConfig
from rnncore.engine.cells.definition import CellDefinition
from rnncore.engine.cells.scan import Recursion
from rnncore.engine.cells.tape import LayerTape
from rnncore.engine.model import SequenceModel

DIAGONAL = ("indrnn", "mingru", "minlstm", "lru")
SECONDS = 4.0


def loop(
    factors: Tensor, added: Tensor, recursion: Recursion, tape: LayerTape | None, nonlinearity: str | None = None
) -> Tensor:
    """Do what `scan_elementwise` does under plain autograd, recording nothing."""
    h, states = None, []
    for t, b in enumerate(added.unbind(0)):
        h = b if h is None else torch.addcmul(b, factors if factors.dim() == 1 else factors[t], h)
        h = getattr(torch, nonlinearity)(h) if nonlinearity else h
        states.append(h)
    return torch.stack(states)


def model_of(cell: str, H: int) -> SequenceModel:
    """Return a network of one layer."""
    return SequenceModel(ModelConfig.model_validate({"cell": cell, "hidden_size": H}), INPUT_SIZE, 1)


def loop_step(cell: str, B: int, T: int, H: int) -> Step:
    """Return an unrecorded training step with the recurrence alone in a loop."""
    model, (inputs, targets) = model_of(cell, H), batch(B, T)
    module = importlib.import_module(CELLS[cell].implementation.partition(":")[0])
    step = torch_step([model], lambda: model(inputs), targets)

    def patched() -> object:
        with patch.object(module, "scan_elementwise", loop):
            return step()

    return patched


def stepwise_step(cell: str, B: int, T: int, H: int) -> Step:
    """Return an unrecorded training step with the cell's own step in a loop."""
    model, (inputs, targets) = model_of(cell, H), batch(B, T)
    definition = model.recurrent.definition
    definition.scan = lambda *given: CellDefinition.scan(definition, *given)  # type: ignore[method-assign]
    return torch_step([model], lambda: model(inputs), targets)


def measured(cell: str, size: tuple[int, int, int]) -> list[str]:
    """Return milliseconds of a recorded step, and its time relative to both unrecorded ones."""
    steps = {"ours": our_step(cell, *size), "loop": loop_step(cell, *size), "steps": stepwise_step(cell, *size)}
    times = paired(steps, SECONDS)
    ours = sorted(times["ours"])[len(times["ours"]) // 2] * 1e3
    return [f"{ours:.2f}", *(f"{ratio(times, 'ours', other):.2f}" for other in ("loop", "steps"))]


def main() -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    rows = [[CELLS[cell].title, str(size), *measured(cell, size)] for cell in DIAGONAL for size in SIZES]
    head = ["cell", "(B, T, H)", "recorded step, ms", "relative to the loop", "relative to the cell's steps"]
    print(table(head, rows))
    lengths = {cell: [our_step(cell, 32, T, 64) for T in LENGTHS] for cell in DIAGONAL}
    rows = []
    for cell, steps in lengths.items():
        times = paired({str(T): step for T, step in zip(LENGTHS, steps, strict=True)}, SECONDS)
        per_step = [sorted(each)[len(each) // 2] * 1e6 / int(T) for T, each in times.items()]
        rows.append([CELLS[cell].title, *(f"{each:.1f}" for each in per_step)])
    print(table(["microseconds per timestep, B = 32, H = 64", *(f"T = {T:,}" for T in LENGTHS)], rows))


if __name__ == "__main__":
    main()
