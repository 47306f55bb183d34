"""The LSTM as torch's fused layer (cuDNN), with the total state gradients read from a probe: for CUDA devices.

The input is widened by H columns of zeros that enter every gate through W_hh. The outputs do not change, and the
gradient of the columns at step t is W_hh^T times that of the gates: exactly the part of dL/dh_{t-1} that comes through
time. It works because h_{t-1} enters an LSTM through W_hh alone; in a GRU z carries h_{t-1} past it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from rnncore.engine.cells.tape import LayerTape
from rnncore.engine.devices import no_word_of_memory

Weights = tuple[Tensor, Tensor, Tensor, Tensor]  # W_ih, W_hh, b_ih, b_hh


class _Widen(Function):
    """Append H zeros to every input; the backward pass hands their gradient to `receive`."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, w_hh: Tensor, receive: Callable[[Tensor], None]) -> Tensor:
        """Return (T, B, I + H); w_hh (4H, H) is here only so that there always is a backward pass."""
        ctx.width, ctx.receive = inputs.shape[-1], receive
        return F.pad(inputs, (0, w_hh.shape[1]))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grads: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradient of the inputs; grads: (T, B, I + H)."""
        ctx.receive(grads[..., ctx.width :])
        return grads[..., : ctx.width], None, None


def probe_lstm(inputs: Tensor, weights: Weights, tape: LayerTape | None) -> Tensor:
    """Return h (T, B, H) of inputs (T, B, I). Widened also without a tape: recording must not change a bit."""
    w_ih, w_hh, b_ih, b_hh = weights
    direct: list[Tensor] = []

    def receive(through_time: Tensor) -> None:
        if tape is not None:
            totals = direct[-1].clone()
            totals[:-1] += through_time[1:]
            cell = cell_gradients(inputs.detach(), weights, values, totals) if tape.wants_cell else None
            tape.record(totals, direct[-1], cell)

    widened = _Widen.apply(inputs, w_hh, receive)  # type: ignore[no-untyped-call]
    zeros = inputs.new_zeros(1, inputs.shape[1], w_hh.shape[1])
    wide_weights = (torch.cat([w_ih, w_hh.detach()], 1), w_hh, b_ih, b_hh)
    with no_word_of_memory(inputs):
        states = torch.lstm(widened, (zeros, zeros), wide_weights, True, 1, 0.0, True, False, False)[0]
    values = states.detach()
    if tape is not None and states.requires_grad:
        states.register_hook(direct.append)  # type: ignore[no-untyped-call]
    return states


@torch.no_grad()
def cell_gradients(inputs: Tensor, weights: Weights, states: Tensor, totals: Tensor) -> Tensor:
    """Return dL/dc_t (T, B, H) from known h_t and dL/dh_t, each (T, B, H).

    All gates follow from h in one product; then dL/dc_t = dL/dh_t o_t (1 - tanh^2 c_t) + f_{t+1} dL/dc_{t+1}.
    """
    w_ih, w_hh, b_ih, b_hh = weights
    gates = F.linear(inputs, w_ih, b_ih + b_hh)  # (T, B, 4H)
    gates[1:] += F.linear(states[:-1], w_hh)
    i, f, g, o = gates.chunk(4, -1)
    forget, output = f.sigmoid(), o.sigmoid()
    cell = i.sigmoid() * g.tanh()
    for t in range(1, len(cell)):
        cell[t].addcmul_(forget[t], cell[t - 1])
    grads = totals * output * (1 - cell.tanh().square())
    for t in range(len(grads) - 1, 0, -1):
        grads[t - 1].addcmul_(forget[t], grads[t])
    return grads
