"""Initial weights: how W_hh is drawn, gate by gate, and the biases of the gates."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from rnncore.cells import CELLS, Cell
from rnncore.choices import INITIALIZATIONS
from rnncore.config import InitConfig
from rnncore.engine.model import SequenceModel

Weights = Mapping[str, Tensor]  # of one layer
SPARSE_INPUTS = 15  # non-zero inputs per unit of the "sparse" scheme


def keep(gate: Tensor, config: InitConfig, generator: torch.Generator) -> None:
    """Leave what the cell itself has drawn."""


def orthogonal(gate: Tensor, config: InitConfig, generator: torch.Generator) -> None:
    """A random rotation (Saxe et al. 2014): no backpropagated vector shrinks or grows by W alone."""
    nn.init.orthogonal_(gate, generator=generator)


def identity(gate: Tensor, config: InitConfig, generator: torch.Generator) -> None:
    """The identity, biases 0 (IRNN, Le et al. 2015, there with ReLU)."""
    nn.init.eye_(gate)


def spectral(gate: Tensor, config: InitConfig, generator: torch.Generator) -> None:
    """Normal weights, scaled to a spectral radius (Jaeger 2001)."""
    gate.normal_(0.0, 1.0, generator=generator)
    gate.mul_(config.spectral_radius / spectral_radius(gate))


def normal(gate: Tensor, config: InitConfig, generator: torch.Generator) -> None:
    """N(0, std^2), like the input and read-out weights, biases 0 (Pascanu et al. 2013, "basic tanh": std .1)."""
    gate.normal_(0.0, config.std, generator=generator)


def sparse(gate: Tensor, config: InitConfig, generator: torch.Generator) -> None:
    """15 non-zero normal inputs per unit, scaled to a spectral radius (Pascanu et al. 2013, section 4.1, "smart tanh").

    Input and read-out weights are N(0, std^2), biases 0; the paper has spectral radius .95 and std .01.
    """
    H = len(gate)
    order = torch.rand(H, H, generator=generator).argsort(1)  # a random permutation of the inputs in each row
    gate.normal_(0.0, 1.0, generator=generator).masked_fill_(order >= SPARSE_INPUTS, 0.0)
    radius = spectral_radius(gate)
    if radius > 0.0:
        gate.mul_(config.spectral_radius / radius)


@torch.no_grad()
def initialize(model: SequenceModel, config: InitConfig, seq_len: int, seed: int) -> None:
    """Overwrite the weights of a model on the CPU as `config` says; its own random stream comes from `seed`.

    seq_len: the longest dependency T_max of chrono initialisation.
    """
    generator = torch.Generator().manual_seed(seed)
    scheme, cell = INITIALIZATIONS[config.scheme], CELLS[model.config.cell]
    fill: Callable[[Tensor, InitConfig, torch.Generator], None] = scheme.load()
    for layer in range(model.config.num_layers):
        weights = model.recurrent.layer_weights(layer)
        if cell.matrix is not None and cell.takes_schemes:
            for gate in weights[cell.matrix].chunk(len(cell.blocks)):  # (H, H): the stack is not orthogonal per gate
                fill(gate, config, generator)
        if scheme.normal_inputs:
            for name in cell.input_weights:
                weights[name].normal_(0.0, config.std, generator=generator)
        if scheme.zero_biases:
            for name in cell.biases:
                weights[name].zero_()
        if config.forget_bias is not None and cell.forget_block is not None:
            _set_gate_bias(cell, weights, cell.forget_block, torch.tensor(config.forget_bias))
        if config.chrono:
            _chrono(cell, weights, seq_len, generator)
    if scheme.normal_inputs:
        model.readout.weight.normal_(0.0, config.std, generator=generator)
    if scheme.zero_biases:
        model.readout.bias.zero_()


def spectral_radius(matrix: Tensor) -> float:
    """Return the largest absolute eigenvalue of a square matrix."""
    return float(torch.linalg.eigvals(matrix.double()).abs().max())


def _chrono(cell: Cell, weights: Weights, seq_len: int, generator: torch.Generator) -> None:
    """Draw memory times u from U(1, T_max - 1) and set the gates' biases to ln u or -ln u.

    Tallec & Ollivier 2018, section 2, eq. 16: a gate that keeps the old state gets ln u (the LSTM's forget gate; the
    GRU's z in torch's convention), one that lets the new in gets -ln u.
    """
    H = len(weights[cell.biases[0]]) // len(cell.blocks)
    times = torch.empty(H).uniform_(1.0, max(seq_len - 1.0, 1.0 + 1e-6), generator=generator)
    for block, sign in cell.chrono.items():
        _set_gate_bias(cell, weights, block, sign * times.log())


def _set_gate_bias(cell: Cell, weights: Weights, block: str, total: Tensor) -> None:
    """Set the bias of a gate, the sum of all its biases: all of it in the first one."""
    place = cell.blocks.index(block)
    for name in cell.biases:
        weights[name].chunk(len(cell.blocks))[place].copy_(total if name == cell.biases[0] else torch.zeros(()))
