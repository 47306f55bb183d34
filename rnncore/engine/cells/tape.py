"""The tape on which a backward pass records the total gradient of every hidden state."""

from dataclasses import dataclass

import torch
from torch import Tensor


class StateTape:
    """State gradients of one forward and backward pass; one entry per layer, each (T, B, H), time first.

    hidden: total derivative dL/dh_{l,t} of the batch loss L, through later timesteps and the layers above; where L is
    the mean over B sequences its rows carry the 1/B. With recursion clipping, as clipped. direct: the part of it that
    does not come through later timesteps of the same layer. cell: the same total for the LSTM's c (None for other
    cells, or when not asked for). states: h_{l,t}, detached. inputs: what each layer saw, (T, B, I), detached.

    The forward pass empties the tape and writes `states` and `inputs`, the backward pass writes the rest; a second
    backward pass through the same graph overwrites it. Recording never changes the numbers that training computes.
    """

    def __init__(self, cell: bool = True) -> None:
        self.wants_cell = cell
        self.hidden: list[Tensor] = []
        self.direct: list[Tensor] = []
        self.cell: list[Tensor] | None = None
        self.states: list[Tensor] = []
        self.inputs: list[Tensor] = []

    def of(self, place: int) -> "StateTape":
        """Return the tape of one of S networks that have recorded on this one, (S, T, B, H)."""
        one = StateTape(self.wants_cell)
        one.hidden, one.direct, one.states, one.inputs = (
            [each[place] for each in layers] for layers in (self.hidden, self.direct, self.states, self.inputs)
        )
        one.cell = None if self.cell is None else [each[place] for each in self.cell]
        return one

    def as_one(self) -> "StateTape":
        """Return the gradients of S networks, (S, T, B, H), as if their timesteps followed one another, (S T, B, H)."""
        one = StateTape(self.wants_cell)
        one.hidden, one.direct = ([each.flatten(0, 1) for each in layers] for layers in (self.hidden, self.direct))
        one.cell = None if self.cell is None else [each.flatten(0, 1) for each in self.cell]
        return one

    def begin(self, num_layers: int, has_cell: bool) -> None:
        """Empty the tape before a forward pass through `num_layers` layers."""
        self.hidden, self.direct, self.states, self.inputs = (_blank(num_layers) for _ in range(4))
        self.cell = _blank(num_layers) if has_cell and self.wants_cell else None


@dataclass(frozen=True, slots=True)
class LayerTape:
    """One layer's place on a tape."""

    tape: StateTape
    layer: int

    @property
    def wants_cell(self) -> bool:
        """Whether dL/dc_t is to be recorded."""
        return self.tape.cell is not None

    def record_states(self, states: Tensor, inputs: Tensor) -> None:
        """Record h_t (T, B, H) and what the layer saw (T, B, I)."""
        self.tape.states[self.layer], self.tape.inputs[self.layer] = states.detach(), inputs.detach()

    def record(self, hidden: Tensor, direct: Tensor, cell: Tensor | None = None) -> None:
        """Record gradients, each (T, B, H); the tape keeps the tensors themselves."""
        self.tape.hidden[self.layer], self.tape.direct[self.layer] = hidden, direct
        if cell is not None and self.tape.cell is not None:
            self.tape.cell[self.layer] = cell


def _blank(num_layers: int) -> list[Tensor]:
    return [torch.empty(0) for _ in range(num_layers)]
