"""Simple answers that a network has to beat, as functions of a batch: what is guessed without having learned anything.

Their losses are computed by the very function, and on the very sequences, that the network's own loss is.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import Batch, Guess, SequenceDataset, TargetKind

SAMPLE = 512  # training sequences that the shares and means of the training set are taken from, at most
_SAMPLE_VALUES = 2_000_000  # inputs of all of them together, at most
MEAN, SHARES, LAST, LAST_CLASS = "training mean", "class frequencies", "last value again", "last class again"


def training_sample(dataset: SequenceDataset) -> Batch:
    """Return some training sequences, the same in every run."""
    each = max(1, dataset.seq_len * dataset.input_size)
    return dataset.train_batch(1, max(8, min(SAMPLE, _SAMPLE_VALUES // each)), 0)


def guesses_of(dataset: SequenceDataset, sample: Batch) -> tuple[Guess, ...]:
    """Return what is guessed on a data set: one constant answer, the last value again, and what the data name.

    sample: training sequences. Constants are taken from them: the mean of numbers, the shares of classes (each class
    counted once more than it occurs, so that one that is not among them has a finite loss).
    """
    named = dataset.guesses
    general = [] if any(guess.constant for guess in named) else [constant(dataset.target, dataset.output_size, sample)]
    if sample.last is not None:
        general.append(last_again(dataset.target, dataset.output_size, sample))
    return (*general, *named)


def constant(target: TargetKind, output_size: int, sample: Batch) -> Guess:
    """Return the guess that gives the same answer always: the mean of `sample`'s targets, or its class shares."""
    if target == "regression":
        mean = _valid(sample).mean(0, dtype=np.float64)  # (O,)
        return Guess(MEAN, lambda batch: np.broadcast_to(mean, batch.targets.shape), constant=True)
    if target == "binary":
        share = (float(sample.targets.sum()) + 1) / (sample.targets.size + 2)
        logit = np.log(share / (1 - share))
        return Guess(SHARES, lambda batch: np.full(batch.targets.shape, logit), constant=True)
    logits = np.log(_shares(_valid(sample), output_size))  # (C,)
    return Guess(SHARES, lambda batch: np.broadcast_to(logits, (*batch.targets.shape, output_size)), constant=True)


def last_again(target: TargetKind, output_size: int, sample: Batch) -> Guess:
    """Return the guess that a target is what the same column was at the last step seen (`Batch.last`).

    Of classes, with the share in which that was right among `sample`, and the rest by the shares of the classes.
    """
    if target == "regression":
        return Guess(LAST, lambda batch: _last(batch), echo=True)
    stays = (np.sum(_last(sample) == sample.targets) + 1) / (sample.targets.size + 2)
    if target == "binary":
        logit = np.log(stays / (1 - stays))
        return Guess(LAST_CLASS, lambda batch: np.where(_last(batch) > 0.5, logit, -logit), echo=True)
    shares = _shares(sample.targets, output_size)

    def logits(batch: Batch) -> NDArray[np.float64]:
        rest = np.where(np.arange(output_size) == _last(batch)[..., None], 0, shares)
        rest *= (1 - stays) / rest.sum(-1, keepdims=True)
        again = np.eye(output_size)[_last(batch)] * stays
        found: NDArray[np.float64] = np.log(rest + again)
        return found

    return Guess(LAST_CLASS, logits, echo=True)


def constant_logits(logits: NDArray[Any]) -> Callable[[Batch], NDArray[Any]]:
    """Return the function that answers with the same logits (C,) to every target."""
    return lambda batch: np.broadcast_to(logits, (*batch.targets.shape, len(logits)))


def _last(batch: Batch) -> NDArray[Any]:
    assert batch.last is not None
    return batch.last


def _valid(batch: Batch) -> NDArray[Any]:
    """Return the targets (K, ...) of a batch, those of padded steps left out where every step has one."""
    targets, lengths = batch.targets, batch.lengths
    stepwise = targets.ndim > (1 if targets.dtype == np.int64 else 2)
    if not stepwise:
        return targets
    T = targets.shape[1]
    inside = np.arange(T) < (np.full(len(targets), T) if lengths is None else lengths)[:, None]  # (B, T)
    return targets[inside]


def _shares(classes: NDArray[Any], count: int) -> NDArray[np.float64]:
    counts = np.bincount(classes.ravel(), minlength=count) + 1.0
    return np.asarray(counts / counts.sum(), np.float64)
