"""A cell from outside: a minimal GRU (Feng et al. 2024) in a plugin of two small files, and what it must compute."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor

from rnncore.cells import CELLS
from rnncore.config import TrainConfig
from rnncore.registry import load_plugins

PLUGIN = "toycells"
KEY = "toy_mingru"

# What the plugin registers; the page imports it too, so that it must not import torch.
ENTRY = '''
"""A toy plugin: the minimal GRU."""

from rnncore.cells import CELLS, Cell, Gate


def layout(blocks, input_size, hidden_size):
    return {"weight_ih": (blocks * hidden_size, input_size), "bias_ih": (blocks * hidden_size,)}


CELLS.register(
    Cell(
        key="toy_mingru",
        title="Toy minGRU",
        help="A GRU whose gate does not look at the state.",
        phrase="a minimal GRU",
        blocks=("update", "candidate"),
        layout=layout,
        matrix=None,
        biases=("bias_ih",),
        gates=(Gate("z", "update gate"),),
        chrono={"update": -1},
        implementation="toycells.mingru:MinGru",
    )
)
'''

# The cell itself: it says what one step does, and nothing else.
CELL = '''
"""The minimal GRU: z_t = sigmoid(W x_t + b), h_t = (1 - z_t) h_{t-1} + z_t (V x_t + c) (Feng et al. 2024)."""

from torch.nn import functional as F

from rnncore.engine.cells.definition import CellDefinition, Step


class MinGru(CellDefinition):
    """A minimal GRU."""

    def step(self, inputs, state, weights):
        """Let z_t of the candidate in."""
        z, candidate = F.linear(inputs, *weights).chunk(2, -1)
        z = z.sigmoid()
        return Step(((1 - z) * state[0] + z * candidate,), (z,))
'''


def write_plugin(folder: Path) -> None:
    """Write the plugin, a package, into a folder."""
    package = folder / PLUGIN
    package.mkdir()
    (package / "__init__.py").write_text(ENTRY)
    (package / "mingru.py").write_text(CELL)


@contextmanager
def toy_cell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Load the plugin into this process for a while, and into those that it starts, from a folder; give its name."""
    write_plugin(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
    load_plugins(PLUGIN)
    yield PLUGIN
    del CELLS._entries[KEY]
    for name in [name for name in sys.modules if name.partition(".")[0] == PLUGIN]:
        del sys.modules[name]


def toy_config(**changes: object) -> TrainConfig:
    """Return a short run of the toy cell: adding problem, T = 12, two layers of five units."""
    model = {"cell": KEY, "hidden_size": 5, "num_layers": 2}
    short = {"data": {"kind": "task", "seq_len": 12}, "model": model, "steps": 9, "batch_size": 4, "profile_every": 3}
    return TrainConfig.model_validate(short | {"eval_every": 3, "device": "cpu"} | changes)


def toy_profile(weights: dict[str, Tensor], inputs: Tensor, targets: Tensor) -> Tensor:
    """Return mean_b ||d l_b / d h_{l,t}||, (L, T), of the first two layers by autograd, from the formula alone.

    weights: name -> parameter in float64, as in `SequenceModel.state_dict`. inputs (B, T, F), targets (B, O); MSE.
    """
    sequence, states = list(inputs.unbind(1)), []
    for layer in range(2):
        w, b = (weights[f"recurrent.{name}_l{layer}"] for name in ("weight_ih", "bias_ih"))
        H = len(b) // 2
        h = torch.zeros(len(inputs), H, dtype=torch.float64, requires_grad=True)
        for t, x in enumerate(sequence):
            z = 1 / (1 + torch.exp(-(x @ w[:H].T + b[:H])))
            h = h - z * h + z * (x @ w[H:].T + b[H:])
            sequence[t] = h
        states += sequence
    outputs = sequence[-1] @ weights["readout.weight"].T + weights["readout.bias"]
    gradients = torch.autograd.grad((outputs - targets).square().mean(1).sum(), states)
    return torch.stack(gradients).norm(dim=-1).mean(-1).view(2, -1)
