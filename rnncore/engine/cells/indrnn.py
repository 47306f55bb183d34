"""The independently recurrent network: h_t = phi(W x_t + u h_{t-1} + b), u h unit by unit, phi ReLU or tanh."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnncore.engine.cells.definition import CellDefinition, Passed, Passing, Step, Weights
from rnncore.engine.cells.elementwise import scan_elementwise
from rnncore.engine.cells.generic import State
from rnncore.engine.cells.scan import Recursion
from rnncore.engine.cells.tape import LayerTape


class IndRnn(CellDefinition):
    """The IndRNN (Li et al. 2018, "Independently recurrent neural network", eq. 2)."""

    def reset(self, weights: Mapping[str, Tensor]) -> None:
        """Draw as torch's RNN does, but u from U(0, 1): the paper's U(0, 2^(1/T)) for long sequences."""
        super().reset(weights)
        nn.init.uniform_(weights["weight_hh"], 0.0, 1.0)

    def step(self, inputs: Tensor, state: State, weights: Weights) -> Step:
        """h_t = phi(W x_t + u h_{t-1} + b)."""
        w_ih, u, bias = weights
        a = F.linear(inputs, w_ih, bias) + u * state[0]
        return Step((a.relu() if self.nonlinearity == "relu" else a.tanh(),))

    def scan(self, inputs: Tensor, weights: Weights, recursion: Recursion, tape: LayerTape | None) -> Tensor:
        """Do all timesteps at once: one product for all inputs, then unit by unit."""
        w_ih, u, bias = weights
        return scan_elementwise(u, F.linear(inputs, w_ih, bias), recursion, tape, self.nonlinearity)

    def states(self, inputs: Tensor, weights: Weights) -> State:
        """Return h_t alone: nothing else goes on."""
        return (self.scan(inputs, weights, Recursion(), None),)

    def step_back(self, part: Passed, weights: Weights) -> Passing:
        """a_t = phi'(W x_t + u h_{t-1} + b) dL/dh_t, the slope known from h_t alone; back by u, unit by unit."""
        h = part.states
        slopes = (h > 0).to(h.dtype) if self.nonlinearity == "relu" else 1 - h * h
        grads = part.totals * slopes  # (n, B, H)
        return Passing(grads, grads * weights[1], torch.zeros_like(part.memory))
