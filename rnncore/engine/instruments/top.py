"""From the top layer's states to the loss, without a trace on the model."""

from torch import Tensor

from rnncore.engine.losses import sequence_losses
from rnncore.engine.model import SequenceModel


def loss_of(model: SequenceModel, outputs: Tensor, targets: Tensor, loss: str, lengths: Tensor | None) -> Tensor:
    """Return each sequence's own loss (B,) from the top layer's outputs (T, B, H)."""
    shown = None if model.attention is None else model.attention.weights
    answers = model.read(outputs.transpose(0, 1), lengths)
    if model.attention is not None:
        model.attention.weights = shown  # what the page shows stays that of the training step
    return sequence_losses(loss, answers, targets, lengths)
