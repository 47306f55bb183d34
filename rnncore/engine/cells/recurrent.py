"""Recurrent layers with torch.nn's parameters, whose backward pass records exact total state gradients."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnncore.engine.cells.gru import GruBuffers, GruScan
from rnncore.engine.cells.lstm import LstmBuffers, LstmScan
from rnncore.engine.cells.probe_lstm import Weights, probe_lstm
from rnncore.engine.cells.rnn import RnnBuffers, RnnScan
from rnncore.engine.cells.scan import Pool, Recursion
from rnncore.engine.cells.tape import LayerTape, StateTape

__all__ = ["GATES", "Recurrent", "StateTape"]

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
BUFFERS: dict[str, Callable[[Any], Any]] = {"rnn": RnnBuffers, "lstm": LstmBuffers, "gru": GruBuffers}
PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Recurrent(nn.Module):
    """Stacked RNN, LSTM or GRU layers with the parameters of torch.nn.RNN, LSTM, GRU.

    Names, layout and default initialisation (from the same seed, the same numbers) are torch's, so that a state_dict
    loads with strict=True both ways.

    truncation: gradients do not cross the borders between segments of this many timesteps, counted from the end of
    the sequence (truncated backpropagation through time); None = no borders.
    recursion_clip: inside the backward recursion, the gradient dL/dh_t of each sequence is scaled down to this L2 norm
    (per-sequence loss: without 1/B) wherever it is longer (after Graves 2013, section 2.1); None = off.
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
        self.cell, self.nonlinearity, self.dropout = cell, nonlinearity, dropout
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self._pool: Pool[Any] = Pool(BUFFERS[cell])
        self.truncation: int | None = None
        self.recursion_clip: float | None = None
        rows = GATES[cell] * hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else hidden_size
            for name, shape in zip(PARAMETERS, ((rows, width), (rows, hidden_size), (rows,), (rows,)), strict=True):
                self.register_parameter(f"{name}_l{layer}", nn.Parameter(torch.empty(shape)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters from U(-1/sqrt(H), 1/sqrt(H)), in torch.nn's order."""
        bound = self.hidden_size**-0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def layer_weights(self, layer: int) -> dict[str, Tensor]:
        """Return name -> parameter of one layer."""
        return {name: getattr(self, f"{name}_l{layer}") for name in PARAMETERS}

    def forward(self, inputs: Tensor, tape: StateTape | None = None) -> Tensor:
        """Map inputs (B, T, F) to the last layer's hidden states (B, T, H); record on `tape` if one is given.

        Outputs and parameter gradients are the same to the last bit with and without a tape.
        """
        recursion = Recursion(self.truncation, self.recursion_clip)
        scan = SCANS[self.cell, self.nonlinearity]
        if tape is not None:
            tape.begin(self.num_layers, has_cell=self.cell == "lstm")
        states = inputs.transpose(0, 1)  # (T, B, F)
        for layer in range(self.num_layers):
            place = None if tape is None else LayerTape(tape, layer)
            w_ih, w_hh, b_ih, b_hh = self.layer_weights(layer).values()
            states = scan(states.contiguous(), (w_ih, w_hh, b_ih, b_hh), recursion, self._pool, place)  # (T, B, H)
            if place is not None:
                place.record_states(states)
            if self.dropout and layer < self.num_layers - 1:
                states = F.dropout(states, self.dropout, self.training)
        return states.transpose(0, 1)


Scan = Callable[[Tensor, Weights, Recursion, Pool[Any], LayerTape | None], Tensor]


def _rnn_tanh(
    inputs: Tensor, weights: Weights, recursion: Recursion, pool: Pool[Any], tape: LayerTape | None
) -> Tensor:
    return RnnScan.apply(inputs, *weights, False, recursion, pool, tape)  # type: ignore[no-untyped-call, no-any-return]


def _rnn_relu(
    inputs: Tensor, weights: Weights, recursion: Recursion, pool: Pool[Any], tape: LayerTape | None
) -> Tensor:
    return RnnScan.apply(inputs, *weights, True, recursion, pool, tape)  # type: ignore[no-untyped-call, no-any-return]


def _gru(inputs: Tensor, weights: Weights, recursion: Recursion, pool: Pool[Any], tape: LayerTape | None) -> Tensor:
    if not torch.is_grad_enabled():  # torch's own, without the buffers that a backward pass would need
        return torch.gru(inputs, _zeros(inputs, weights), weights, True, 1, 0.0, False, False, False)[0]
    return GruScan.apply(inputs, *weights, recursion, pool, tape)  # type: ignore[no-untyped-call, no-any-return]


def _lstm(inputs: Tensor, weights: Weights, recursion: Recursion, pool: Pool[Any], tape: LayerTape | None) -> Tensor:
    if not torch.is_grad_enabled():
        zeros = _zeros(inputs, weights)
        return torch.lstm(inputs, (zeros, zeros), weights, True, 1, 0.0, False, False, False)[0]
    if inputs.is_cuda and recursion == Recursion():
        return probe_lstm(inputs, weights, tape)
    return LstmScan.apply(inputs, *weights, recursion, pool, tape)  # type: ignore[no-untyped-call, no-any-return]


def _zeros(inputs: Tensor, weights: Weights) -> Tensor:
    """Return the initial state (1, B, H) of one layer."""
    return inputs.new_zeros(1, inputs.shape[1], weights[1].shape[1])


# (cell, nonlinearity) -> one layer over a whole sequence, (T, B, I) to (T, B, H)
SCANS: dict[tuple[str, str], Scan] = {
    ("rnn", "tanh"): _rnn_tanh,
    ("rnn", "relu"): _rnn_relu,
    ("gru", "tanh"): _gru,
    ("lstm", "tanh"): _lstm,
}
