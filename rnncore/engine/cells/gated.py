"""Cells whose units see one another through one stacked matrix alone, as the LSTM's do: what follows from that."""

from abc import abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F

from rnncore.engine.cells.definition import CellDefinition, Step, Weights
from rnncore.engine.cells.generic import State
from rnncore.engine.cells.jacobian import Jacobian, through


class Gated(CellDefinition):
    """A cell that is its matrices and `fire`; the weights begin with W_ih, W_hh, b_ih and b_hh, stacked alike."""

    @abstractmethod
    def fire(self, gates: Tensor, state: State, weights: Weights) -> Step:
        """Do one timestep unit by unit, from W_ih x_t + b_ih + W_hh h_{t-1} + b_hh, (B, G H), and the last state."""

    def step(self, inputs: Tensor, state: State, weights: Weights) -> Step:
        """Do one timestep: the matrices, then `fire`."""
        return self.fire(self._gates(inputs, state, weights), state, weights)

    def jacobian(self, inputs: Tensor, before: State, weights: Weights) -> Jacobian:
        """Differentiate `fire`, unit by unit, and go through the matrices from there."""

        def fired(gates: Tensor, *state: Tensor) -> State:
            return self.fire(gates, state, weights).state

        after, pull, *_ = torch.func.vjp(fired, self._gates(inputs, before, weights), *before)
        by_state, by_input = [], []
        for place in range(len(after)):
            ones = tuple(torch.full_like(each, float(i == place)) for i, each in enumerate(after))
            by_gates, *by_unit = pull(ones)
            slopes = list(by_gates.unflatten(-1, (-1, self.hidden_size)).unbind(-2))  # (n, H) each
            row = [each.diag_embed() for each in by_unit]
            row[0] = row[0] + through(slopes, weights[1])
            by_state.append(torch.cat(row, -1))
            by_input.append(through(slopes, weights[0]))
        return Jacobian(torch.cat(by_state, -2), torch.cat(by_input, -2))

    def _gates(self, inputs: Tensor, state: State, weights: Weights) -> Tensor:
        w_ih, w_hh, b_ih, b_hh, *_ = weights
        return F.linear(inputs, w_ih, b_ih) + F.linear(state[0], w_hh, b_hh)
