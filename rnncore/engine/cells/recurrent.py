"""Stacked recurrent layers, whose backward pass records exact total state gradients."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnncore.cells import CELLS
from rnncore.engine.cells.definition import CellDefinition
from rnncore.engine.cells.scan import Recursion
from rnncore.engine.cells.tape import LayerTape, StateTape

__all__ = ["Recurrent", "StateTape"]


class Recurrent(nn.Module):
    """Layers of one kind of cell, stacked.

    The parameters of RNN, LSTM and GRU have torch.nn's names, layout and default values (from the same seed, the same
    numbers), so that a state_dict loads with strict=True both ways.

    truncation: gradients do not cross the borders between segments of this many timesteps, counted from the end of
    the batch's T timesteps (truncated backpropagation through time); None = no borders.
    recursion_clip: inside the backward recursion, the gradient dL/dh_t of each sequence is scaled down to this L2 norm
    (per-sequence loss: without 1/B) wherever it is longer (after Graves 2013, section 2.1); None = off.
    weight_bound: `hold_weights` brings the weights that `Cell.held` names back within it; None = no bound.
    """

    def __init__(
        self,
        cell: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.entry = CELLS[cell]
        self.definition: CellDefinition = self.entry.load()(self.entry, hidden_size, nonlinearity)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.dropout = dropout
        self.truncation: int | None = None
        self.recursion_clip: float | None = None
        self.weight_bound: float | None = None
        for layer in range(num_layers):
            shapes = self.entry.parameters(hidden_size if layer else input_size, hidden_size)
            for name, shape in shapes.items():
                self.register_parameter(f"{name}_l{layer}", nn.Parameter(torch.empty(shape)))
        self._names = list(shapes)
        for layer in range(num_layers):  # drawn as the cell does by default, layer by layer
            self.definition.reset(self.layer_weights(layer))
        for layer in range(num_layers):
            self.definition.constrain(self, layer)

    def layer_weights(self, layer: int) -> dict[str, Tensor]:
        """Return name -> weights of one layer: its parameters, or what a constraint makes of them."""
        return {name: getattr(self, f"{name}_l{layer}") for name in self._names}

    @torch.no_grad()
    def hold_weights(self) -> None:
        """Bring weights that an update took out of their bound back to it."""
        if self.weight_bound is not None and self.entry.held is not None:
            for layer in range(self.num_layers):
                self.layer_weights(layer)[self.entry.held].clamp_(-self.weight_bound, self.weight_bound)

    def forward(self, inputs: Tensor, tape: StateTape | None = None) -> Tensor:
        """Map inputs (B, T, F) to the last layer's outputs (B, T, H); record on `tape` if one is given.

        Outputs and parameter gradients are the same to the last bit with and without a tape.
        """
        recursion = Recursion(self.truncation, self.recursion_clip)
        if tape is not None:
            tape.begin(self.num_layers, self.entry.has_cell_state)
        outputs = inputs.transpose(0, 1)  # (T, B, F)
        for layer in range(self.num_layers):
            weights = tuple(self.layer_weights(layer).values())
            place = None if tape is None else LayerTape(tape, layer)
            below = outputs.contiguous()
            states = self.definition.scan(below, weights, recursion, place)  # (T, B, W)
            if place is not None:
                place.record_states(states, below)
            outputs = self.definition.outputs(below, states, weights)  # (T, B, H)
            if self.dropout and layer < self.num_layers - 1:
                outputs = F.dropout(outputs, self.dropout, self.training)
        return outputs.transpose(0, 1)

    @torch.no_grad()
    def gates(self, inputs: Tensor) -> list[Tensor]:
        """Return each layer's gates (T, B, G, H), `Cell.gates`, for inputs (B, T, F); dropout is off."""
        return [self.definition.gates(*layer) for layer in self.layers(inputs)]

    @torch.no_grad()
    def layers(self, inputs: Tensor) -> list[tuple[Tensor, Tensor, tuple[Tensor, ...]]]:
        """Return of each layer its inputs (T, B, I), h_t (T, B, W) and weights, for inputs (B, T, F); no dropout."""
        outputs, layers = inputs.transpose(0, 1), []
        for layer in range(self.num_layers):
            weights, below = tuple(self.layer_weights(layer).values()), outputs.contiguous()
            states = self.definition.scan(below, weights, Recursion(), None)
            layers.append((below, states, weights))
            outputs = self.definition.outputs(below, states, weights)
        return layers
