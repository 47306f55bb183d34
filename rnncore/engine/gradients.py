"""Exact total gradients of each sequence's loss with respect to every hidden state, and their norms over time."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.cells.scan import row_norms
from rnncore.engine.losses import batch_loss
from rnncore.engine.model import SequenceModel


@dataclass(frozen=True, slots=True)
class StateGradients:
    """Derivatives of each sequence's own loss l_b (no 1/B in them), each (L, T, B, H).

    hidden: total derivative d l_b / d h_{l,t}, through later timesteps and the layers above. direct: the part of it
    that does not come through later timesteps of the same layer. cell: the total derivative by the LSTM's c_{l,t},
    None for other cells.
    """

    hidden: Tensor
    direct: Tensor
    cell: Tensor | None


def state_gradients(
    model: SequenceModel, inputs: Tensor, targets: Tensor, loss: str = "mse", lengths: Tensor | None = None
) -> StateGradients:
    """Return the state gradients of `model` on one batch; parameters' .grad and the training mode stay as they are.

    inputs: (B, T, F). targets: as the loss wants them, see `LOSSES`. lengths: (B,) valid steps, None = all T.
    The loss of a sequence is its mean over outputs (and, with the read-out "every_step", over its valid steps).
    """
    tape = StateTape()
    with torch.enable_grad():
        inputs = inputs.detach().requires_grad_()  # so that a graph exists whatever is frozen
        outputs = model(inputs, lengths, tape)
        torch.autograd.grad(batch_loss(loss, outputs, targets, lengths), inputs)
    # sequences do not touch one another: the mean's gradient, times B, is that of each one's own loss
    B = len(inputs)
    cell = None if tape.cell is None else torch.stack(tape.cell) * B
    return StateGradients(torch.stack(tape.hidden) * B, torch.stack(tape.direct) * B, cell)


def profile(tape: StateTape, batch_size: int) -> dict[str, NDArray[np.float32] | None]:
    """Return hidden_grad_norm, direct_grad_norm, cell_grad_norm: (L, T) mean over the batch of ||d l_b / d state||_2.

    The tape's rows carry the 1/B of the mean loss; multiplying by `batch_size` takes it out. Norms down to float32's
    smallest (1e-38 normal, 1e-45 subnormal) come out non-zero.
    """
    return {
        "hidden_grad_norm": _norms(tape.hidden, batch_size),
        "direct_grad_norm": _norms(tape.direct, batch_size),
        "cell_grad_norm": None if tape.cell is None else _norms(tape.cell, batch_size),
    }


def _norms(layers: list[Tensor], batch_size: int) -> NDArray[np.float32]:
    means = [torch.cat([row_norms(part).mean(-1) for part in _parts(grad)]) for grad in layers]  # (T,) each
    return np.asarray((torch.stack(means) * batch_size).cpu().numpy(), np.float32)  # (L, T)


def _parts(grad: Tensor) -> tuple[Tensor, ...]:
    """Split (T, B, H) over time into parts whose float64 copies fit the cache (1 MB), or single timesteps."""
    return torch.split(grad, max(1, 2**17 // grad[0].numel()))
