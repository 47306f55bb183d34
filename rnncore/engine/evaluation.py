"""Batches as tensors, and the loss and metric of a model on the validation set."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from rnncore.data.dataset import Batch, SequenceDataset
from rnncore.engine.losses import sequence_losses
from rnncore.engine.model import SequenceModel

_CHUNK = 500_000  # hidden activations per forward pass on the validation set, a bound on memory


class TensorBatch(NamedTuple):
    """A `Batch` as tensors: inputs (B, T, F), targets as the loss wants them, lengths (B,) or None."""

    inputs: Tensor
    targets: Tensor
    lengths: Tensor | None


def to_tensors(batch: Batch, like: Tensor) -> TensorBatch:
    """Copy a batch to the device and floating type of `like`.

    A copy also where numpy's memory could be shared: numpy aligns to 16 bytes only, torch to 64, and the alignment
    decides which path a matrix product takes, hence its last bit.
    """
    dtype = torch.int64 if batch.targets.dtype == np.int64 else like.dtype
    return TensorBatch(
        torch.tensor(batch.inputs, dtype=like.dtype, device=like.device),
        torch.tensor(batch.targets, dtype=dtype, device=like.device),
        None if batch.lengths is None else torch.tensor(batch.lengths, device=like.device),
    )


class Evaluation(NamedTuple):
    """A model on the whole validation set of N sequences.

    loss: mean over the sequences. metric: None where the data has none. outputs: (N, O) or (N, T, O). attention: (T,)
    mean attention weights, None with another read-out. losses: (N,) of each sequence.
    """

    loss: float
    metric: float | None
    outputs: Tensor
    attention: Tensor | None
    losses: Tensor


@torch.no_grad()
def mixes(model: SequenceModel, batch: TensorBatch) -> float | None:
    """Return by how much the answer to the second sequence of a batch changes when the first one is all zeros instead.

    In units of the spread of both answers (and at least a thousandth of their size): 0 unless sequences touch one
    another, since both are computed in the same shapes; other shapes round otherwise, which a chaotic network makes
    large. None where there is one sequence.
    """
    inputs, _, lengths = batch
    if len(inputs) < 2:
        return None
    model.eval()
    both = model(inputs[:2], None if lengths is None else lengths[:2])  # (2, O) or (2, T, O)
    beside = inputs[:2].clone()
    beside[0] = 0
    other = model(beside, None if lengths is None else lengths[:2])[1]
    model.train()
    valid = slice(None if lengths is None or other.dim() == 1 else int(lengths[1]))
    unit = float(both.std()) + 1e-3 * float(both.square().mean().sqrt())
    change = float((other - both[1])[valid].abs().max())
    return change / unit if unit else 0.0


class Validation:
    """The validation set of a data set, ready for a model like `like`; evaluated in bounded chunks.

    batch: all of it. rows: sequences that are evaluated together, None = as many as memory allows.
    """

    def __init__(
        self, dataset: SequenceDataset, loss: str, hidden_size: int, like: Tensor, rows: int | None = None
    ) -> None:
        self._dataset, self._loss = dataset, loss
        self.batch = to_tensors(dataset.validation, like)
        self._rows = rows or max(1, _CHUNK // (dataset.seq_len * hidden_size))

    @torch.no_grad()
    def evaluate(self, model: SequenceModel) -> Evaluation:
        """Return loss, metric and outputs; dropout is off."""
        inputs, targets, lengths = self.batch
        N = len(inputs)
        model.eval()
        pieces, losses, attention = [], [], None
        for start in range(0, N, self._rows):
            rows = slice(start, start + self._rows)
            some = None if lengths is None else lengths[rows]
            pieces.append(model(inputs[rows], some))
            losses.append(sequence_losses(self._loss, pieces[-1], targets[rows], some))
            if model.attention is not None and model.attention.weights is not None:
                weights = model.attention.weights.sum(0, dtype=torch.float64) / N  # (T,)
                attention = weights if attention is None else attention + weights
        model.train()
        outputs, total = torch.cat(pieces), sum(float(part.sum(dtype=torch.float64)) for part in losses)
        measure, metric = self._dataset.metric_function, None
        if measure is not None:
            metric = float(measure(outputs.cpu().numpy(), self._dataset.validation))
        return Evaluation(total / N, metric, outputs, attention, torch.cat(losses))
