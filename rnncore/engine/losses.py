"""Losses: of each sequence (l_b) and of the batch (their mean)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from rnncore.choices import LOSSES


def mse(outputs: Tensor, targets: Tensor, reduction: str = "none") -> Tensor:
    """Squared error."""
    return F.mse_loss(outputs, targets, reduction=reduction)


def mae(outputs: Tensor, targets: Tensor, reduction: str = "none") -> Tensor:
    """Absolute error."""
    return F.l1_loss(outputs, targets, reduction=reduction)


def huber(outputs: Tensor, targets: Tensor, reduction: str = "none") -> Tensor:
    """Huber's loss: e^2 / 2 up to |e| = 1, then |e| - 1/2 (Huber 1964)."""
    return F.huber_loss(outputs, targets, reduction=reduction)


def bce(outputs: Tensor, targets: Tensor, reduction: str = "none") -> Tensor:
    """Binary cross-entropy of a logit with a target in [0, 1], in nats."""
    return F.binary_cross_entropy_with_logits(outputs, targets, reduction=reduction)


def cross_entropy(outputs: Tensor, targets: Tensor, reduction: str = "none") -> Tensor:
    """Cross-entropy of logits (..., C) with classes (...), in nats."""
    losses = F.cross_entropy(outputs.reshape(-1, outputs.shape[-1]), targets.reshape(-1), reduction=reduction)
    return losses.view(targets.shape) if reduction == "none" else losses


def loss_function(name: str) -> Callable[..., Tensor]:
    """Return the function of a loss, loss(outputs, targets, reduction="none"), elementwise as torch's own.

    outputs (B, O) or (B, T, O) with targets alike; cross_entropy takes logits (B, C) or (B, T, C) with classes (B,) or
    (B, T).
    """
    function: Callable[..., Tensor] = LOSSES[name].load()
    return function


def valid_steps(lengths: Tensor, seq_len: int) -> Tensor:
    """Return the mask (B, T) of the timesteps that belong to each sequence, from `lengths` (B,)."""
    return torch.arange(seq_len, device=lengths.device) < lengths[..., None]  # (B, T)


def sequence_losses(name: str, outputs: Tensor, targets: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Return each sequence's own loss l_b, (B,): the mean over its valid steps and over the output dimensions.

    outputs: (B, O), or (B, T, O) where every step has a target. targets: alike, or classes without the last dimension.
    lengths: (B,) valid steps, None = all; it only matters where every step has a target.
    """
    losses = loss_function(name)(outputs, targets)  # (B,), (B, O), (B, T) or (B, T, O)
    if outputs.dim() < 3:
        return losses if losses.dim() == 1 else losses.mean(1)
    if losses.dim() == 3:
        losses = losses.mean(2)  # (B, T)
    if lengths is None:
        return losses.mean(1)
    mask = valid_steps(lengths, losses.shape[1])
    return losses.masked_fill(~mask, 0).sum(1) / lengths  # (B,)


def batch_loss(name: str, outputs: Tensor, targets: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Return L = mean_b l_b, a scalar, see `sequence_losses`: one call where all sequences have the same length."""
    if lengths is None or outputs.dim() < 3:
        return loss_function(name)(outputs, targets, reduction="mean")
    return sequence_losses(name, outputs, targets, lengths).mean()
