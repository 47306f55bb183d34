"""Three LSTMs that differ in their gates: without forget gate, with peepholes, with input and forget gate coupled.

Their squashing functions are tanh, as those of today's LSTM; the papers of 1997 and 2000 have scaled logistic ones.
"""

from torch import Tensor

from rnncore.engine.cells.definition import Step, Weights, stacked_gates
from rnncore.engine.cells.gated import Gated
from rnncore.engine.cells.generic import State


class Lstm1997(Gated):
    """The LSTM without forget gate (Hochreiter & Schmidhuber 1997; Greff et al. 2017, NFG): f_t = 1."""

    def fire(self, gates: Tensor, state: State, weights: Weights) -> Step:
        """c_t = c_{t-1} + i g: the constant error carousel, whose direct path dc_T/dc_t is 1."""
        (_, c), (i, g, o) = state, gates.chunk(3, -1)
        i, g, o = i.sigmoid(), g.tanh(), o.sigmoid()
        c = c + i * g
        return Step((o * c.tanh(), c), (i, o))

    def gates(self, inputs: Tensor, states: Tensor, weights: Weights) -> Tensor:
        """Return i and o: all of them follow from x_t and h_{t-1} in one product."""
        return stacked_gates(inputs, states, weights, [0, 2])


class Coupled(Gated):
    """The LSTM with coupled gates (Greff et al. 2017, CIFG, here without peepholes): f_t = 1 - i_t."""

    def fire(self, gates: Tensor, state: State, weights: Weights) -> Step:
        """c_t = (1 - i) c_{t-1} + i g."""
        (_, c), (enter, g, o) = state, gates.chunk(3, -1)
        i, g, o = enter.sigmoid(), g.tanh(), o.sigmoid()
        c = (-enter).sigmoid() * c + i * g
        return Step((o * c.tanh(), c), (i, o))

    def gates(self, inputs: Tensor, states: Tensor, weights: Weights) -> Tensor:
        """Return i and o: all of them follow from x_t and h_{t-1} in one product."""
        return stacked_gates(inputs, states, weights, [0, 2])


class Peephole(Gated):
    """The LSTM with peepholes (Gers & Schmidhuber 2000): gates see the cell state, each unit's its own alone."""

    def fire(self, gates: Tensor, state: State, weights: Weights) -> Step:
        """i, f = sigmoid(... + p c_{t-1}), c_t = f c_{t-1} + i g, o = sigmoid(... + p c_t), h_t = o tanh(c_t)."""
        (_, c), (i, f, g, o) = state, gates.chunk(4, -1)
        p_i, p_f, p_o = weights[-1].chunk(3)
        i, f = (i + p_i * c).sigmoid(), (f + p_f * c).sigmoid()
        c = f * c + i * g.tanh()
        o = (o + p_o * c).sigmoid()
        return Step((o * c.tanh(), c), (i, f, o))
