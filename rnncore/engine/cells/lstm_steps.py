"""An LSTM's timesteps as products with many vectors, without the half of their matrices that is diagonal."""

from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from rnncore.engine.cells.generic import State
from rnncore.engine.cells.jacobian import Jacobian, product, through

Weights = tuple[Tensor, ...]


class LstmSteps:
    """`Steps` of an LSTM: dc_t = C dh_{t-1} + f dc_{t-1}, dh_t = O dh_{t-1} + dh_t/dc_t dc_t; its state is [h_t; c_t].

    O goes through the output gate, C through the other three blocks, (..., H, H) each; the rest goes unit by unit.
    """

    def __init__(self, inputs: Tensor, before: State, weights: Weights) -> None:
        """Inputs: (..., I). before: h_{t-1} and c_{t-1}, (..., H) each."""
        w_ih, w_hh, b_ih, b_hh = weights
        h, c = before
        gates = F.linear(inputs, w_ih, b_ih) + F.linear(h, w_hh, b_hh)  # (..., 4H)
        i, f, g, o = gates.chunk(4, -1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        squashed = (f * c + i * g).tanh()
        self._forget, self._opened = f, o * (1 - squashed * squashed)  # dc_t/dc_{t-1} and dh_t/dc_t, (..., H)
        self._to_cell = [g * i * (1 - i), c * f * (1 - f), i * (1 - g * g)]
        self._to_output = [squashed * o * (1 - o)]
        self._w_ih = w_ih
        self._by_state = self._blocks(w_hh)

    def _blocks(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Return O and C, (..., H, K) each, of stacked weights (4H, K)."""
        cells = 3 * self._forget.shape[-1]
        return through(self._to_output, weights[cells:]), through(self._to_cell, weights[:cells])

    @cached_property
    def _by_input(self) -> tuple[Tensor, Tensor]:
        return self._blocks(self._w_ih)

    def back(self, step: int, rows: Tensor) -> None:
        """See `Steps`."""
        to_output, to_cell = self._by_state
        h, c = rows.chunk(2, -1)
        c.addcmul_(h, self._opened[step].unsqueeze(1))  # all of dL/dc_t
        before = product(h, to_output[step]).add_(product(c, to_cell[step]))
        c.mul_(self._forget[step].unsqueeze(1))
        h.copy_(before)

    def forth(self, step: int, columns: Tensor, inputs: Tensor | None = None) -> Tensor:
        """See `Steps`."""
        h, c = columns.chunk(2, -2)
        by_output, by_cell = (product(each[step], h) for each in self._by_state)
        if inputs is not None:
            of_output, of_cell = (product(each[step], inputs) for each in self._by_input)
            by_output, by_cell = by_output + of_output, by_cell + of_cell
        c = torch.addcmul(by_cell, self._forget[step].unsqueeze(-1), c)
        return torch.cat([torch.addcmul(by_output, self._opened[step].unsqueeze(-1), c), c], -2)

    def jacobian(self) -> Jacobian:
        """Return the matrices themselves."""
        forget, opened = self._forget, self._opened.unsqueeze(-1)
        by_hidden, by_input = (
            torch.cat([to_output + opened * to_cell, to_cell], -2)
            for to_output, to_cell in (self._by_state, self._by_input)
        )
        by_cell = torch.cat([(self._opened * forget).diag_embed(), forget.diag_embed()], -2)
        return Jacobian(torch.cat([by_hidden, by_cell], -1), by_input)
