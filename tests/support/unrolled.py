"""The reference: torch's own cells, step by step, with retain_grad on every state; nothing of the engine in it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

CELLS = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}
LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
KINDS = [("rnn", "tanh"), ("rnn", "relu"), ("gru", "tanh"), ("lstm", "tanh")]


@dataclass
class Unrolled:
    """outputs: (B, T, H) of the last layer. hidden, cell: h_{l,t} and c_{l,t}, each a leaf of retained gradients."""

    outputs: Tensor
    hidden: list[list[Tensor]]
    cell: list[list[Tensor]]
    steps: list[nn.Module]

    def hidden_grads(self) -> Tensor:
        return stack_grads(self.hidden)

    def cell_grads(self) -> Tensor:
        return stack_grads(self.cell)


def stack_grads(states: list[list[Tensor]]) -> Tensor:
    """Return the gradients (L, T, B, H); None, where no path leads to the loss, is 0."""
    return torch.stack(
        [torch.stack([torch.zeros_like(s) if s.grad is None else s.grad for s in layer]) for layer in states]
    )


def unroll(
    weights: dict[str, Tensor],
    kind: tuple[str, str],
    inputs: Tensor,
    masks: list[Tensor] | None = None,
    truncation: int | None = None,
    clip: float | None = None,
) -> Unrolled:
    """Run cells with the weights of torch.nn's state_dict on inputs (B, T, F), in the inputs' precision.

    masks: one (T, B, H) per layer but the last, factors of dropout. clip: largest norm of B dL/dh_t of each sequence.
    """
    cell, nonlinearity = kind
    B, T, _ = inputs.shape
    H = weights["weight_hh_l0"].shape[1]
    sequence = list(inputs.unbind(1))
    result = Unrolled(inputs, [], [], [])
    for layer in range(len(weights) // 4):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        mine = {name: weights[f"{name}_l{layer}"].to(inputs.dtype) for name in names}
        options = {"nonlinearity": nonlinearity} if cell == "rnn" else {}
        step = CELLS[cell](mine["weight_ih"].shape[1], H, dtype=inputs.dtype, **options)
        step.load_state_dict(mine)
        h, c = inputs.new_zeros(B, H), inputs.new_zeros(B, H)
        hs, cs = [], []
        for t, x in enumerate(sequence):
            if truncation is not None and (T - t) % truncation == 0:
                h, c = h.detach(), c.detach()
            h, c = step(x, (h, c)) if cell == "lstm" else (step(x, h), c)
            if clip is not None:
                h.register_hook(lambda grad: torch.stack([row * min(1, clip / float(B * row.norm())) for row in grad]))
            h.retain_grad()
            hs.append(h)
            if cell == "lstm":
                c.retain_grad()
                cs.append(c)
        result.steps.append(step)
        result.hidden.append(hs)
        result.cell.append(cs)
        sequence = hs
        if masks is not None and layer < len(masks):
            sequence = [h * m for h, m in zip(hs, masks[layer], strict=True)]
    result.outputs = torch.stack(sequence, 1)
    return result


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """||actual - expected|| / ||expected||, 0 where both are 0."""
    actual, expected = actual.detach().double(), expected.detach().double()
    difference = float((actual - expected).norm())
    return difference / float(expected.norm()) if difference else 0.0
