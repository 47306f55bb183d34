"""Initial weights: how W_hh is drawn, gate by gate, and the biases of the gates."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rnncore.config import InitConfig
from rnncore.engine.model import SequenceModel

# Position of each gate in torch's stacked weights.
GATES = {"rnn": ("hidden",), "lstm": ("input", "forget", "cell", "output"), "gru": ("reset", "update", "candidate")}
SPARSE_INPUTS = 15  # non-zero inputs per unit of the "sparse" scheme


def _orthogonal(gate: Tensor, config: InitConfig, generator: torch.Generator) -> None:
    """A random rotation (Saxe et al. 2014): no backpropagated vector shrinks or grows by W alone."""
    nn.init.orthogonal_(gate, generator=generator)


def _identity(gate: Tensor, config: InitConfig, generator: torch.Generator) -> None:
    """The identity, biases 0 (IRNN, Le et al. 2015, there with ReLU)."""
    nn.init.eye_(gate)


def _spectral(gate: Tensor, config: InitConfig, generator: torch.Generator) -> None:
    """Normal weights, scaled to a spectral radius (Jaeger 2001)."""
    gate.normal_(0.0, 1.0, generator=generator)
    gate.mul_(config.spectral_radius / spectral_radius(gate))


def _normal(gate: Tensor, config: InitConfig, generator: torch.Generator) -> None:
    """N(0, std^2), like the input and read-out weights, biases 0 (Pascanu et al. 2013, "basic tanh": std .1)."""
    gate.normal_(0.0, config.std, generator=generator)


def _sparse(gate: Tensor, config: InitConfig, generator: torch.Generator) -> None:
    """15 non-zero normal inputs per unit, scaled to a spectral radius (Pascanu et al. 2013, section 4.1, "smart tanh").

    Input and read-out weights are N(0, std^2), biases 0; the paper has spectral radius .95 and std .01.
    """
    H = len(gate)
    order = torch.rand(H, H, generator=generator).argsort(1)  # a random permutation of the inputs in each row
    gate.normal_(0.0, 1.0, generator=generator).masked_fill_(order >= SPARSE_INPUTS, 0.0)
    radius = spectral_radius(gate)
    if radius > 0.0:
        gate.mul_(config.spectral_radius / radius)


# name -> fill(gate's block of W_hh (H, H), config, generator); "default" keeps torch's U(-1/sqrt H, 1/sqrt H).
INITS: dict[str, Callable[[Tensor, InitConfig, torch.Generator], None] | None] = {
    "default": None,
    "orthogonal": _orthogonal,
    "identity": _identity,
    "spectral": _spectral,
    "normal": _normal,
    "sparse": _sparse,
}
_ZERO_BIAS = ("identity", "normal", "sparse")
_NORMAL_INPUT = ("normal", "sparse")


@torch.no_grad()
def initialize(model: SequenceModel, config: InitConfig, seq_len: int, seed: int) -> None:
    """Overwrite the weights of a model on the CPU as `config` says; its own random stream comes from `seed`.

    seq_len: the longest dependency T_max of chrono initialisation.
    """
    generator = torch.Generator().manual_seed(seed)
    fill = INITS[config.scheme]
    for layer in range(model.config.num_layers):
        w_ih, w_hh, b_ih, b_hh = model.recurrent.layer_weights(layer)
        if fill is not None:
            for gate in w_hh.chunk(len(GATES[model.config.cell])):  # (H, H) each: the stack is not orthogonal per gate
                fill(gate, config, generator)
        if config.scheme in _NORMAL_INPUT:
            w_ih.normal_(0.0, config.std, generator=generator)
        if config.scheme in _ZERO_BIAS:
            b_ih.zero_()
            b_hh.zero_()
        if config.forget_bias is not None:
            _set_gate_bias(model, layer, "forget", torch.tensor(config.forget_bias))
        if config.chrono:
            _chrono(model, layer, seq_len, generator)
    if config.scheme in _NORMAL_INPUT:
        model.readout.weight.normal_(0.0, config.std, generator=generator)
    if config.scheme in _ZERO_BIAS:
        model.readout.bias.zero_()


def spectral_radius(matrix: Tensor) -> float:
    """Return the largest absolute eigenvalue of a square matrix."""
    return float(torch.linalg.eigvals(matrix.double()).abs().max())


def _chrono(model: SequenceModel, layer: int, seq_len: int, generator: torch.Generator) -> None:
    """Draw memory times from U(1, T_max - 1) (Tallec & Ollivier 2018, section 2, eq. 16).

    LSTM: forget bias ln u, input bias -ln u. GRU: torch's z multiplies the old state, so its bias is + ln u.
    """
    H = model.config.hidden_size
    times = torch.empty(H).uniform_(1.0, max(seq_len - 1.0, 1.0 + 1e-6), generator=generator)
    if model.config.cell == "lstm":
        _set_gate_bias(model, layer, "forget", times.log())
        _set_gate_bias(model, layer, "input", -times.log())
    else:
        _set_gate_bias(model, layer, "update", times.log())


def _set_gate_bias(model: SequenceModel, layer: int, gate: str, total: Tensor) -> None:
    """Set the sum of a gate's two biases, b_ih + b_hh: all of it in b_ih."""
    position = GATES[model.config.cell].index(gate)
    H = model.config.hidden_size
    _, _, b_ih, b_hh = model.recurrent.layer_weights(layer)
    rows = slice(position * H, (position + 1) * H)
    b_ih[rows] = total
    b_hh[rows] = 0.0
