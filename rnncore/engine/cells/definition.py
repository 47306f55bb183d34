"""What the engine asks of a recurrent cell: what it does at one timestep, and over a whole sequence."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from rnncore.cells import Cell
from rnncore.engine.cells.generic import State, unroll
from rnncore.engine.cells.jacobian import Jacobian, MatrixSteps, Steps, jacobian_of
from rnncore.engine.cells.scan import Recursion
from rnncore.engine.cells.tape import LayerTape

Weights = tuple[Tensor, ...]  # the parameters of one layer, in the order of `Cell.parameters`


class Step(NamedTuple):
    """One timestep done. state: what goes on to the next one. gates: those of `Cell.gates`, (B, H) each, in [0, 1]."""

    state: State
    gates: tuple[Tensor, ...] = ()


class Passed(NamedTuple):
    """Consecutive timesteps, n of them, of a layer whose backward pass is done.

    inputs (n, B, I), states (n, B, W), before (n, B, W): x_t, h_t and h_{t-1}. totals: dL/dh_t (n, B, W). cell:
    dL/dc_t, and memory: c_{t-1} of the first of them (B, W), where there is a c_t.
    """

    inputs: Tensor
    states: Tensor
    before: Tensor
    totals: Tensor
    cell: Tensor | None
    memory: Tensor


class Passing(NamedTuple):
    """What `Passed` gradients become on their way to the timestep before.

    units: a_t (n, B, K), the gradient by all that h_{t-1} enters through matrices, or as it is: what the units have
    left of dL/dh_t. arriving: what of it arrives at h_{t-1} (n, B, W), through those matrices. memory: c_t of the last.
    """

    units: Tensor
    arriving: Tensor
    memory: Tensor


class CellDefinition(ABC):
    """A kind of cell: `step` defines it, and all else follows from `step` or is replaced by something faster.

    The state is h_t (B, W), then c_t where there is one, then whatever else goes on to the next timestep. W is the
    layer's hidden size H unless `start` and `outputs` say otherwise.

    entry: what is known of the cell without torch. nonlinearity: one of `entry.nonlinearities`. stacks: whether `scan`
    and `outputs` take S networks of one shape at once too: inputs (S, T, B, I), weights (S, ...).
    """

    stacks = False

    def __init__(self, entry: Cell, hidden_size: int, nonlinearity: str = "tanh") -> None:
        self.entry, self.hidden_size, self.nonlinearity = entry, hidden_size, nonlinearity

    @abstractmethod
    def step(self, inputs: Tensor, state: State, weights: Weights) -> Step:
        """Do one timestep with inputs x_t (B, I), in plain operations of torch."""

    def reset(self, weights: Mapping[str, Tensor]) -> None:
        """Draw the parameters of one layer: all from U(-1/sqrt(H), 1/sqrt(H)), as torch.nn does, in its order."""
        bound = self.hidden_size**-0.5
        for parameter in weights.values():
            nn.init.uniform_(parameter, -bound, bound)

    def constrain(self, layers: nn.Module, layer: int) -> None:  # noqa: B027 (most cells have none)
        """Let torch keep parameters of a layer, `NAME_lLAYER` of `layers`, within a constraint; here there is none."""

    def start(self, inputs: Tensor) -> State:
        """Return the state before the first timestep for inputs (B, I): `entry.states`, (B, H) each."""
        size = len(inputs), self.hidden_size
        return tuple(inputs.new_full(size, first) for first in self.entry.states.values())

    def scan(self, inputs: Tensor, weights: Weights, recursion: Recursion, tape: LayerTape | None) -> Tensor:
        """Map inputs (T, B, I) to h_t of all timesteps (T, B, W); the backward pass records on `tape` if there is one.

        The result and all gradients are the same to the last bit with and without a tape.
        """
        return unroll(
            lambda x, state: self.step(x, state, weights).state, self.start(inputs[0]), inputs, recursion, tape
        )

    def outputs(self, inputs: Tensor, states: Tensor, weights: Weights) -> Tensor:
        """Return what the layer above sees (T, B, H), from inputs (T, B, I) and h_t (T, B, W): h_t itself."""
        return states

    def step_back(self, part: Passed, weights: Weights) -> Passing:
        """Take dL/dh_t one step back in time, for some timesteps at once; only where `entry.steps_back`."""
        raise NotImplementedError

    def states(self, inputs: Tensor, weights: Weights) -> State:
        """Return all that goes on to the next timestep, (T, B, W) each, h_t first, for inputs (T, B, I)."""
        state, rows = self.start(inputs[0]), []
        for x in inputs.unbind(0):
            state = self.step(x, state, weights).state
            rows.append(state)
        return tuple(torch.stack(each) for each in zip(*rows, strict=True))

    def jacobian(self, inputs: Tensor, before: State, weights: Weights) -> Jacobian:
        """Return how the state after n timesteps depends on that before them, (n, W) each, and on inputs (n, I)."""
        return jacobian_of(lambda x, state: self.step(x, state, weights).state, inputs, before)

    def steps(self, inputs: Tensor, before: State, weights: Weights) -> Steps:
        """Return n timesteps with inputs (n, B, I) from the states before them, (n, B, W) each, for many vectors."""
        flat = tuple(each.flatten(0, 1) for each in before)
        return MatrixSteps(self.jacobian(inputs.flatten(0, 1), flat, weights), inputs.shape[1])

    def gates(self, inputs: Tensor, states: Tensor, weights: Weights) -> Tensor:
        """Return the activations of `entry.gates`, (T, B, G, H), from inputs (T, B, I) and h_t (T, B, W)."""
        state, gates = self.start(inputs[0]), []
        for x in inputs.unbind(0):
            done = self.step(x, state, weights)
            state = done.state
            gates.append(torch.stack(done.gates, 1))  # (B, G, H)
        return torch.stack(gates)


def stacked_gates(inputs: Tensor, states: Tensor, weights: Weights, blocks: list[int]) -> Tensor:
    """Return sigmoid(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), (T, B, G, H), of some blocks of torch.nn's stacks."""
    T, B, H = states.shape
    w_ih, w_hh, b_ih, b_hh = (weight.view(-1, H, *weight.shape[1:])[blocks].flatten(0, 1) for weight in weights)
    before = torch.cat([states.new_zeros(1, B, H), states[:-1]])  # h_{t-1}
    gates = nn.functional.linear(inputs, w_ih, b_ih + b_hh) + nn.functional.linear(before, w_hh)
    return gates.sigmoid().view(T, B, len(blocks), H)
