"""The antisymmetric RNN: h_t = h_{t-1} + epsilon tanh((W - W^T - gamma I) h_{t-1} + V x_t + b)."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnncore.engine.cells.definition import CellDefinition, Step, Weights
from rnncore.engine.cells.generic import State, unroll
from rnncore.engine.cells.scan import Recursion
from rnncore.engine.cells.tape import LayerTape

# Of the values that the paper tries (appendix C). Small steps make it a slow system, the diffusion a stable one.
EPSILON, GAMMA = 0.1, 0.1


def recurrent_matrix(weight: Tensor) -> Tensor:
    """Return W - W^T - gamma I (H, H): every eigenvalue has the real part -gamma."""
    return weight - weight.mT - GAMMA * torch.eye(len(weight), dtype=weight.dtype, device=weight.device)


class Antisymmetric(CellDefinition):
    """The AntisymmetricRNN without gate (Chang et al. 2019, eq. 10): Euler's steps along an ordinary equation."""

    def reset(self, weights: Mapping[str, Tensor]) -> None:
        """V ~ N(0, 1/I), W ~ N(0, 1/H), b = 0 (Chang et al. 2019, appendix C, sigma_w = 1)."""
        for name in ("weight_ih", "weight_hh"):
            nn.init.normal_(weights[name], 0.0, weights[name].shape[1] ** -0.5)
        nn.init.zeros_(weights["bias_ih"])

    def step(self, inputs: Tensor, state: State, weights: Weights) -> Step:
        """Add a small step to the old state."""
        return self._step(inputs, state, weights, recurrent_matrix(weights[1]))

    def scan(self, inputs: Tensor, weights: Weights, recursion: Recursion, tape: LayerTape | None) -> Tensor:
        """Unroll; the matrix is made once for all timesteps."""
        matrix = recurrent_matrix(weights[1])
        return unroll(
            lambda x, state: self._step(x, state, weights, matrix).state, self.start(inputs[0]), inputs, recursion, tape
        )

    def _step(self, inputs: Tensor, state: State, weights: Weights, matrix: Tensor) -> Step:
        w_ih, _, bias = weights
        (h,) = state
        return Step((h + EPSILON * (F.linear(h, matrix) + F.linear(inputs, w_ih, bias)).tanh(),))
