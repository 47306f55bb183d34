"""The instrument "predictions": what a model answers on the validation set, in the form in which a figure shows it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.data.dataset import SequenceDataset, TargetKind
from rnncore.engine.instruments.moment import Evaluated
from rnncore.snapshot_parts import MAX_CLASSES, MAX_CURVES, MAX_SEQUENCES, Classification, Predictions, Regression

MAX_NAME = 60  # characters of a class's name


def predictions(moment: Evaluated) -> dict[str, Any]:
    """Return `Regression` or `Classification` of the updated model."""
    return answers_on(moment.dataset, moment.evaluation.outputs).to_json()


def answers_on(dataset: SequenceDataset, outputs: Tensor) -> Predictions:
    """Return outputs on the whole validation set, (N, ...), beside their targets."""
    return VIEWS[dataset.target](dataset, outputs)


def _curves(dataset: SequenceDataset, outputs: Tensor) -> Regression:
    """Return one value of each of the `MAX_SEQUENCES` first sequences, or of the `MAX_CURVES` first over time."""
    targets, lengths = dataset.validation.targets, dataset.validation.lengths
    rows = slice(MAX_CURVES if dataset.per_step else MAX_SEQUENCES)
    expected = targets[rows, ..., 0].astype(np.float32)  # (S,) or (S, T)
    given = outputs[rows, ..., 0].float().cpu().numpy().copy()
    if dataset.per_step and lengths is not None:
        padding = np.arange(targets.shape[1]) >= lengths[rows, None]  # (S, T)
        expected[padding] = given[padding] = np.nan
    return Regression(expected, given, len(targets), 0, targets.shape[-1])


def _decisions(dataset: SequenceDataset, outputs: Tensor) -> Classification:
    """Return the confusion matrix."""
    targets, lengths = dataset.validation.targets, dataset.validation.lengths
    binary = dataset.target == "binary"
    classes: NDArray[Any] = (targets > 0.5).astype(np.int64) if binary else targets  # (N, ...)
    valid = np.ones(classes.shape, bool)
    if dataset.per_step and lengths is not None:
        inside = np.arange(classes.shape[1]) < lengths[:, None]  # (N, T)
        valid &= inside.reshape(*inside.shape, *[1] * (classes.ndim - 2))
    expected = classes[valid]  # (D,) one per decision
    count = 2 if binary else dataset.output_size
    often = np.argsort(-np.bincount(expected, minlength=count), kind="stable")[:MAX_CLASSES]
    shown = np.sort(often)  # (C,)
    place = np.full(count, -1)  # of each class in the matrix
    place[shown] = np.arange(len(shown))
    names = dataset.class_names or tuple(str(number) for number in range(count))

    logits = outputs.unsqueeze(-1) if binary else outputs  # (..., 1) or (..., C)
    answers = (outputs > 0).long() if binary else logits.argmax(-1)
    given = answers.cpu().numpy()[valid]  # (D,)
    known = ~torch.isnan(logits).any(-1).cpu().numpy()[valid]
    C = len(shown)
    rows, columns = place[expected], place[given]
    kept = known & (rows >= 0) & (columns >= 0)
    counts = np.bincount(rows[kept] * C + columns[kept], minlength=C * C).reshape(C, C)
    correct = int(np.count_nonzero((given == expected) & known))
    labels = tuple(names[number][:MAX_NAME] for number in shown)
    return Classification(labels, counts, len(given), correct, dataset.per_step)


VIEWS: dict[TargetKind, Callable[[SequenceDataset, Tensor], Predictions]] = {
    "regression": _curves,
    "binary": _decisions,
    "multiclass": _decisions,
}
