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


def profile(
    tape: StateTape, batch_size: int, lengths: Tensor | None = None, timesteps: int | None = None
) -> dict[str, NDArray[np.float32] | None]:
    """Return hidden_grad_norm, direct_grad_norm, cell_grad_norm: (L, T) mean over the batch of ||d l_b / d state||_2.

    The tape's rows carry the 1/B of the mean loss; multiplying by `batch_size` takes it out. Norms down to float32's
    smallest (1e-38 normal, 1e-45 subnormal) come out non-zero.

    lengths: (B,) valid steps T_b of sequences of unequal length. They are aligned at their ends: the last column holds
    the norms at each sequence's own last step, the one k columns before it those at the lag k = T_b - t, and each is
    the mean over the sequences that have that lag, NaN where none has. "sequence_count" (L, T) says how many have it.
    timesteps: number of columns, T by default; a batch with fewer timesteps stands at their right end.
    """
    T, B = tape.hidden[0].shape[:2]
    width = timesteps or T
    place = counts = None
    if lengths is not None:
        place = torch.arange(T) - (T - lengths.cpu()[:, None])  # (B, T) timestep of each column, from 0; < 0: none
        counts = (place >= 0).sum(0)  # (T,)
    elif timesteps is not None:
        counts = torch.full((T,), B)
    norms = {
        "hidden_grad_norm": _norms(tape.hidden, batch_size, place),
        "direct_grad_norm": _norms(tape.direct, batch_size, place),
        "cell_grad_norm": None if tape.cell is None else _norms(tape.cell, batch_size, place),
    }
    if counts is None:
        return norms
    before = ((0, 0), (width - T, 0))
    numbers = np.pad(np.tile(counts.numpy().astype(np.float32), (len(tape.hidden), 1)), before)
    return {
        name: None if each is None else np.pad(each, before, constant_values=np.nan) for name, each in norms.items()
    } | {"sequence_count": numbers}


def _norms(layers: list[Tensor], batch_size: int, place: Tensor | None = None) -> NDArray[np.float32]:
    if place is None:
        means = [torch.cat([row_norms(part).mean(-1) for part in _parts(grad)]) for grad in layers]  # (T,) each
    else:
        means = [_aligned_mean(torch.cat([row_norms(part) for part in _parts(grad)]), place) for grad in layers]
    return np.asarray((torch.stack(means) * batch_size).cpu().numpy(), np.float32)  # (L, T)


def _aligned_mean(norms: Tensor, place: Tensor) -> Tensor:
    """Return the means (T,) of norms (T, B) over the sequences that have a timestep `place` (B, T) in that column."""
    steps = place.t().to(norms.device)  # (T, B)
    aligned = norms.gather(0, steps.clamp(min=0)).masked_fill(steps < 0, 0.0)
    return aligned.sum(1) / (steps >= 0).sum(1)  # 0 / 0: no sequence is that long


def _parts(grad: Tensor) -> tuple[Tensor, ...]:
    """Split (T, B, H) over time into parts whose float64 copies fit the cache (1 MB), or single timesteps."""
    return torch.split(grad, max(1, 2**17 // grad[0].numel()))
