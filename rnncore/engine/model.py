"""A recurrent network with a linear read-out of the last step, the mean, an attention average, or every step."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rnncore.choices import READOUTS
from rnncore.config import ModelConfig
from rnncore.engine.cells.recurrent import Recurrent, StateTape
from rnncore.engine.losses import valid_steps


class Attention(nn.Module):
    """Additive attention over time (Bahdanau, Cho, Bengio 2015): score_t = v . tanh(W h_t + b), softmax over t.

    weights: the last weights (B, T), detached, for display; None before the first forward pass.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.project = nn.Linear(hidden_size, hidden_size)
        self.score = nn.Linear(hidden_size, 1, bias=False)
        self.weights: Tensor | None = None

    def forward(self, states: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Average states (B, T, H) to (B, H); steps at or beyond a sequence's length get weight 0."""
        scores = self.score(torch.tanh(self.project(states))).squeeze(-1)  # (B, T)
        if lengths is not None:
            scores = scores.masked_fill(~valid_steps(lengths, states.shape[1]), float("-inf"))
        weights = scores.softmax(dim=1)
        self.weights = weights.detach()
        return torch.einsum("bt,bth->bh", weights, states)


class SequenceModel(nn.Module):
    """Recurrent layers and a linear layer that reads their states in the way `config.readout` names.

    swaps_axes: a mistake, made on purpose: the recurrent layers take the sequences of a batch for timesteps, as those
    of torch.nn do without batch_first=True; the read-out takes their states as if nothing were wrong.
    """

    def __init__(self, config: ModelConfig, input_size: int, output_size: int) -> None:
        super().__init__()
        self.config = config
        self.recurrent = Recurrent(
            config.cell, input_size, config.hidden_size, config.num_layers, config.nonlinearity, config.dropout
        )
        self.readout = nn.Linear(config.hidden_size, output_size)
        self.attention = Attention(config.hidden_size) if READOUTS[config.readout].attends else None
        self.swaps_axes = False

    def forward(self, inputs: Tensor, lengths: Tensor | None = None, tape: StateTape | None = None) -> Tensor:
        """Map inputs (B, T, F) to outputs (B, O), or (B, T, O) with the read-out "every_step".

        lengths: (B,) int64, valid steps of each sequence; None = all T. tape: records the state gradients of the
        backward pass.
        """
        if self.swaps_axes:
            states = self.recurrent(inputs.transpose(0, 1), tape).transpose(0, 1)
        else:
            states = self.recurrent(inputs, tape)  # (B, T, H)
        return self.read(states, lengths)

    def read(self, states: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Map hidden states (B, T, H) to outputs, see `forward`."""
        features: Callable[[SequenceModel, Tensor, Tensor | None], Tensor] = READOUTS[self.config.readout].load()
        outputs: Tensor = self.readout(features(self, states, lengths))
        return outputs


def read_last(model: SequenceModel, states: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the state (B, H) at each sequence's own end."""
    if lengths is None:
        return states.transpose(-3, -2)[..., -1, :, :]  # so that its gradient is laid out as the scans want it
    *stack, T, H = states.shape
    rows = states.reshape(-1, T, H)
    return rows[torch.arange(len(rows), device=states.device), lengths.flatten() - 1].view(*stack, H)


def read_mean(model: SequenceModel, states: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the mean state (B, H) over each sequence's valid steps."""
    if lengths is None:
        return states.mean(dim=-2)
    mask = valid_steps(lengths, states.shape[-2]).unsqueeze(-1)  # (B, T, 1)
    return (states * mask).sum(dim=-2) / lengths.unsqueeze(-1)


def read_attention(model: SequenceModel, states: Tensor, lengths: Tensor | None) -> Tensor:
    """Return an average (B, H) of the states with learned weights."""
    assert model.attention is not None
    return model.attention(states, lengths)  # type: ignore[no-any-return]


def read_every_step(model: SequenceModel, states: Tensor, lengths: Tensor | None) -> Tensor:
    """Return all states (B, T, H)."""
    return states
