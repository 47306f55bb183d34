"""Check on this machine that recorded gradients are exact: random networks against torch's own cells, unrolled."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

import torch
from torch import Tensor, nn

from rnncore.choices import READOUTS
from rnncore.config import ModelConfig
from rnncore.engine.gradients import StateGradients, state_gradients
from rnncore.engine.losses import sequence_losses
from rnncore.engine.model import SequenceModel

TOLERANCES = {torch.float64: 1e-10, torch.float32: 1e-4}
_KINDS = (("rnn", "tanh"), ("lstm", "tanh"), ("gru", "tanh"), ("rnn", "relu"))
_CELLS: dict[str, Callable[..., nn.Module]] = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}


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


def verify(cases: int = 12, seed: int | None = None) -> Iterator[Check]:
    """Yield one check per case: the state gradients of a random network and batch against unrolled cells in float64.

    Cells, non-linearities and precisions take turns; layers, sizes, read-outs, lengths and values are drawn from
    `seed`, None = differently each time. An LSTM's check covers dL/dh and dL/dc.
    """
    yield from islice(_checks(Random(seed)), cases)


def _checks(random: Random) -> Iterator[Check]:
    while True:
        for dtype in TOLERANCES:
            for cell, nonlinearity in _KINDS:
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
    kind = config.cell.upper() if config.cell != "rnn" else f"RNN ({config.nonlinearity})"
    layers = "1 layer" if config.num_layers == 1 else f"{config.num_layers} layers"
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
    """Return what `state_gradients` should for the MSE and without dropout: torch's cells and plain autograd.

    `direct` is left empty: autograd on unrolled cells does not tell it apart.
    """
    layers = model.recurrent
    B, T, _ = inputs.shape
    sequence = inputs.unbind(1)  # T times (B, F)
    hiddens: list[Tensor] = []
    cells: list[Tensor] = []
    for layer in range(layers.num_layers):
        step = _torch_cell(model, layer)
        h, c = (inputs.new_zeros(B, layers.hidden_size, requires_grad=True) for _ in range(2))
        states = []
        for x in sequence:
            h, c = step(x, (h, c)) if layers.cell == "lstm" else (step(x, h), c)
            states.append(h)
            cells.append(c)
        hiddens += states
        sequence = tuple(states)
    outputs = model.read(torch.stack(sequence, 1), lengths)
    total = sequence_losses("mse", outputs, targets, lengths).sum()
    wanted = hiddens + (cells if layers.cell == "lstm" else [])
    grads = torch.autograd.grad(total, wanted, allow_unused=True, materialize_grads=True)
    both = torch.stack(grads).view(-1, layers.num_layers, T, B, layers.hidden_size)
    return StateGradients(both[0], torch.empty(0), both[1] if len(both) == 2 else None)


def _torch_cell(model: SequenceModel, layer: int) -> nn.Module:
    layers = model.recurrent
    weights = layers.layer_weights(layer)
    options = {"nonlinearity": layers.nonlinearity} if layers.cell == "rnn" else {}
    step = _CELLS[layers.cell](weights["weight_ih"].shape[1], layers.hidden_size, dtype=torch.float64, **options)
    step.load_state_dict(weights)
    return step
