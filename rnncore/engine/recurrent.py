"""Recurrent layers with torch.nn's parameters, and the tape on which they record exact total state gradients."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class StateTape:
    """State gradients of one forward and backward pass; one entry per layer, each (T, B, H), time first.

    hidden: total derivative dL/dh_{l,t} of the batch loss L, through later timesteps and the layers above; where L is
    the mean over B sequences its rows carry the 1/B. direct: the part of it that does not come through later
    timesteps of the same layer. cell: the same total for the LSTM's c (None for other cells, or when not asked for).
    states: h_{l,t}, detached. Filled by the backward pass; a second backward pass overwrites it.
    """

    def __init__(self, cell: bool = True) -> None:
        self.wants_cell = cell
        self.hidden: list[Tensor] = []
        self.direct: list[Tensor] = []
        self.cell: list[Tensor] | None = None
        self.states: list[Tensor] = []


GATES = {"rnn": 1, "lstm": 4, "gru": 3}


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
        cell: Literal["rnn", "lstm", "gru"],
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.cell, self.nonlinearity, self.dropout = cell, nonlinearity, dropout
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.truncation: int | None = None
        self.recursion_clip: float | None = None
        rows = GATES[cell] * hidden_size
        for layer in range(num_layers):
            width = input_size if layer == 0 else hidden_size
            self.register_parameter(f"weight_ih_l{layer}", nn.Parameter(torch.empty(rows, width)))
            self.register_parameter(f"weight_hh_l{layer}", nn.Parameter(torch.empty(rows, hidden_size)))
            self.register_parameter(f"bias_ih_l{layer}", nn.Parameter(torch.empty(rows)))
            self.register_parameter(f"bias_hh_l{layer}", nn.Parameter(torch.empty(rows)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters from U(-1/sqrt(H), 1/sqrt(H)), in torch.nn's order."""
        bound = self.hidden_size**-0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def layer_weights(self, layer: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return W_ih, W_hh, b_ih, b_hh of one layer."""
        ih, hh = self.get_parameter(f"weight_ih_l{layer}"), self.get_parameter(f"weight_hh_l{layer}")
        return ih, hh, self.get_parameter(f"bias_ih_l{layer}"), self.get_parameter(f"bias_hh_l{layer}")

    def forward(self, inputs: Tensor, tape: StateTape | None = None) -> Tensor:
        """Map inputs (B, T, F) to the last layer's hidden states (B, T, H); record on `tape` if one is given."""
        sequence = inputs.transpose(0, 1)  # (T, B, F)
        for layer in range(self.num_layers):
            sequence = self._unrolled(sequence, self.layer_weights(layer), tape)  # (T, B, H)
            if self.dropout and layer < self.num_layers - 1:
                sequence = F.dropout(sequence, self.dropout, self.training)
        return sequence.transpose(0, 1)

    def _unrolled(self, sequence: Tensor, weights: tuple[Tensor, ...], tape: StateTape | None) -> Tensor:
        T, B, _ = sequence.shape
        H = self.hidden_size
        w_ih, w_hh, b_ih, b_hh = weights
        projected = F.linear(sequence, w_ih, b_ih)  # (T, B, G H)
        hidden = projected.new_zeros(B, H)
        cell = projected.new_zeros(B, H)
        recording = tape is not None and torch.is_grad_enabled()
        if tape is not None and recording:
            totals, directs, cells = (projected.new_zeros(T, B, H) for _ in range(3))
            tape.hidden.append(totals)
            tape.direct.append(directs)
            if self.cell == "lstm" and tape.wants_cell:
                tape.cell = [*(tape.cell or []), cells]
        states = []
        for t in range(T):
            if self.truncation and t and (T - t) % self.truncation == 0:
                hidden, cell = hidden.detach(), cell.detach()
            hidden, cell = STEPS[self.cell, self.nonlinearity](projected[t], hidden, cell, w_hh, b_hh)
            if hidden.requires_grad and self.recursion_clip is not None:
                hidden.register_hook(lambda grad: clip_rows(grad, self.recursion_clip or 0.0))
            if recording and hidden.requires_grad:
                hidden.register_hook(_recorder(totals, t))
                if cell.requires_grad:
                    cell.register_hook(_recorder(cells, t))
            states.append(hidden)
        stacked = torch.stack(states)  # (T, B, H)
        if tape is not None:
            tape.states.append(stacked.detach())
            if recording and stacked.requires_grad:
                stacked.register_hook(directs.copy_)
        return stacked


def clip_rows(grad: Tensor, threshold: float) -> Tensor:
    """Scale each sequence's gradient down to the threshold; rows of grad (B, H) carry 1/B."""
    norms = grad.norm(dim=-1, keepdim=True) * len(grad)
    return grad * (threshold / norms.clamp(min=threshold))


def _recorder(buffer: Tensor, t: int) -> Callable[[Tensor], None]:
    def record(grad: Tensor) -> None:
        buffer[t] = grad

    return record


Step = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def _tanh_step(x: Tensor, h: Tensor, c: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return torch.tanh(x + F.linear(h, w, b)), c


def _relu_step(x: Tensor, h: Tensor, c: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return torch.relu(x + F.linear(h, w, b)), c


def _gru_step(x: Tensor, h: Tensor, c: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    x_r, x_z, x_n = x.chunk(3, -1)
    h_r, h_z, h_n = F.linear(h, w, b).chunk(3, -1)
    update = torch.sigmoid(x_z + h_z)
    candidate = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
    return (1 - update) * candidate + update * h, c


def _lstm_step(x: Tensor, h: Tensor, c: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    i, f, g, o = (x + F.linear(h, w, b)).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


STEPS: dict[tuple[str, str], Step] = {
    ("rnn", "tanh"): _tanh_step,
    ("rnn", "relu"): _relu_step,
    ("gru", "tanh"): _gru_step,
    ("lstm", "tanh"): _lstm_step,
}
