"""Check on this machine that recorded gradients are exact: random networks of every cell against unrolled ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

import torch
from torch import Tensor, nn

from rnncore.cells import CELLS
from rnncore.choices import READOUTS
from rnncore.config import ModelConfig
from rnncore.engine.cells.generic import State
from rnncore.engine.cells.recurrent import Recurrent
from rnncore.engine.gradients import StateGradients, state_gradients
from rnncore.engine.losses import sequence_losses
from rnncore.engine.model import SequenceModel
from rnncore.words import many

TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-4}


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: ||recorded - reference|| / ||reference|| over all layers, timesteps, sequences and units."""

    name: str
    relative_error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; NaN is not."""
        return self.relative_error <= self.tolerance


def verify(cases: int | None = None, seed: int | None = None) -> Iterator[Check]:
    """Yield one check per case: the state gradients of a random network and batch against unrolled cells in float64.

    cases: how many; None: each cell with each of its non-linearities, once in float64 and once in float32.
    Cells, non-linearities and precisions take turns; layers, sizes, read-outs, lengths and values are drawn from
    `seed`, None = differently each time. Where there is a cell state, dL/dc is covered with dL/dh.
    """
    yield from islice(_checks(Random(seed)), cases or len(TOLERANCES) * len(_kinds()))


def _checks(random: Random) -> Iterator[Check]:
    while True:
        for dtype in TOLERANCES:
            for cell, nonlinearity in _kinds():
                config = ModelConfig.model_validate(
                    {
                        "cell": cell,
                        "nonlinearity": nonlinearity,
                        "hidden_size": random.randint(1, 32),
                        "num_layers": random.randint(1, 4),
                        "readout": random.choice(sorted(READOUTS)),
                    }
                )
                yield _check(config, dtype, random)


def _kinds() -> list[tuple[str, str]]:
    """Return every registered cell with its first non-linearity, then those with their further ones."""
    own = [(key, place, name) for key, cell in CELLS.items() for place, name in enumerate(cell.nonlinearities)]
    return [(key, name) for key, _, name in sorted(own, key=lambda kind: kind[1])]


def _check(config: ModelConfig, dtype: torch.dtype, random: Random) -> Check:
    B, T, F, O = (random.randint(1, most) for most in (8, 60, 4, 3))  # noqa: E741
    variable = random.random() < 0.5
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random.getrandbits(32))
        model = SequenceModel(config, F, O).to(dtype)
        inputs = torch.randn(B, T, F, dtype=dtype)
        targets = torch.randn(*((B, T, O) if config.readout == "every_step" else (B, O)), dtype=dtype)
        lengths = torch.randint(1, T + 1, (B,)) if variable else None
        recorded = state_gradients(model, inputs, targets, "mse", lengths)
        expected = reference_gradients(model.double(), inputs.double(), targets.double(), lengths)
    cell = CELLS[config.cell]
    kind = f"{cell.title} ({config.nonlinearity})" if len(cell.nonlinearities) > 1 else cell.title
    layers = many(config.num_layers, "layer")
    shape = f"T={T}, H={config.hidden_size}" + (", unequal lengths" if variable else "")
    name = f"{kind}, {layers}, {shape}, read-out {config.readout}, {str(dtype).removeprefix('torch.')}"
    return Check(name, max(_errors(recorded, expected)), TOLERANCES[dtype])


def _errors(recorded: StateGradients, expected: StateGradients) -> Iterator[float]:
    yield _relative_error(recorded.hidden, expected.hidden)
    if recorded.cell is not None and expected.cell is not None:
        yield _relative_error(recorded.cell, expected.cell)


def _relative_error(actual: Tensor, expected: Tensor) -> float:
    difference = float((actual.double() - expected).norm())
    return difference / float(expected.norm()) if difference else 0.0


def reference_gradients(
    model: SequenceModel, inputs: Tensor, targets: Tensor, lengths: Tensor | None = None
) -> StateGradients:
    """Return what `state_gradients` should for the MSE and without dropout, by plain autograd over unrolled cells.

    The cells are torch's own where it has the kind, else the cell's definition of one step. `direct` is left empty:
    autograd on unrolled cells does not tell it apart.
    """
    layers = model.recurrent
    hiddens: list[Tensor] = []  # (B, W), of all layers and timesteps
    cells: list[Tensor] = []
    sequence = inputs.transpose(0, 1)  # (T, B, F)
    for layer in range(layers.num_layers):
        step, states = _step(layers, layer), []
        state = tuple(start.requires_grad_() for start in layers.definition.start(sequence[0]))
        for x in sequence.unbind(0):
            state = step(x, state)
            states.append(state[0])
            cells += state[1:2]
        hiddens += states
        weights = tuple(layers.layer_weights(layer).values())
        sequence = layers.definition.outputs(sequence, torch.stack(states), weights)
    total = sequence_losses("mse", model.read(sequence.transpose(0, 1), lengths), targets, lengths).sum()
    wanted = hiddens + (cells if layers.entry.has_cell_state else [])
    grads = torch.autograd.grad(total, wanted, allow_unused=True, materialize_grads=True)
    both = torch.stack(grads).view(-1, layers.num_layers, len(sequence), *hiddens[0].shape)
    return StateGradients(both[0], torch.empty(0), both[1] if len(both) == 2 else None)


def _step(layers: Recurrent, layer: int) -> Callable[[Tensor, State], State]:
    """Return a function from x_t and the last state to the next state."""
    weights, entry = layers.layer_weights(layer), layers.entry
    if entry.torch_cell is None:
        return lambda x, state: layers.definition.step(x, state, tuple(weights.values())).state
    options = {"nonlinearity": layers.definition.nonlinearity} if len(entry.nonlinearities) > 1 else {}
    new_cell: Callable[..., nn.Module] = getattr(nn, entry.torch_cell)
    cell = new_cell(weights["weight_ih"].shape[1], layers.hidden_size, dtype=torch.float64, **options)
    cell.load_state_dict(weights)
    if entry.has_cell_state:
        return lambda x, state: cell(x, state)
    return lambda x, state: (cell(x, state[0]),)
