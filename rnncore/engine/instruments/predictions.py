"""What a model answers on the validation set, in the form in which a figure shows it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.data.dataset import SequenceDataset, TargetKind
from rnncore.snapshot import MAX_CLASSES, MAX_CURVES, MAX_SEQUENCES, Classification, Predictions, Regression

MAX_NAME = 60  # characters of a class's name
View = Callable[[Tensor], Predictions]


def prediction_view(dataset: SequenceDataset) -> View:
    """Return a function that turns outputs on the whole validation set, (N, ...), into `Predictions`."""
    return VIEWS[dataset.target](dataset)


class _Curves:
    """Targets beside outputs: one value of the first `MAX_SEQUENCES`, or the `MAX_CURVES` first sequences over time."""

    def __init__(self, dataset: SequenceDataset) -> None:
        targets, lengths = dataset.validation.targets, dataset.validation.lengths
        self._rows = slice(MAX_CURVES if dataset.per_step else MAX_SEQUENCES)
        self._padding: NDArray[np.bool_] | None = None
        self._targets = targets[self._rows, ..., 0].astype(np.float32)  # (S,) or (S, T)
        self._sequences, self._output_size = len(targets), targets.shape[-1]
        if dataset.per_step and lengths is not None:
            self._padding = np.arange(targets.shape[1]) >= lengths[self._rows, None]  # (S, T)
            self._targets[self._padding] = np.nan

    def __call__(self, outputs: Tensor) -> Regression:
        shown = outputs[self._rows, ..., 0].float().cpu().numpy().copy()
        if self._padding is not None:
            shown[self._padding] = np.nan
        return Regression(self._targets, shown, self._sequences, 0, self._output_size)


class _Decisions:
    """A confusion matrix."""

    def __init__(self, dataset: SequenceDataset) -> None:
        self._binary = dataset.target == "binary"
        self._per_step = dataset.per_step
        targets, lengths = dataset.validation.targets, dataset.validation.lengths
        classes: NDArray[Any] = (targets > 0.5).astype(np.int64) if self._binary else targets  # (N, ...)
        self._valid = np.ones(classes.shape, bool)
        if dataset.per_step and lengths is not None:
            inside = np.arange(classes.shape[1]) < lengths[:, None]  # (N, T)
            self._valid &= inside.reshape(*inside.shape, *[1] * (classes.ndim - 2))
        self._targets = classes[self._valid]  # (D,) one per decision
        count = 2 if self._binary else dataset.output_size
        often = np.argsort(-np.bincount(self._targets, minlength=count), kind="stable")[:MAX_CLASSES]
        shown = np.sort(often)  # (C,)
        self._place = np.full(count, -1)  # of each class in the matrix
        self._place[shown] = np.arange(len(shown))
        names = dataset.class_names or tuple(str(number) for number in range(count))
        self._names = tuple(names[number][:MAX_NAME] for number in shown)

    def __call__(self, outputs: Tensor) -> Classification:
        logits = outputs.unsqueeze(-1) if self._binary else outputs  # (..., 1) or (..., C)
        answers = (outputs > 0).long() if self._binary else logits.argmax(-1)
        given = answers.cpu().numpy()[self._valid]  # (D,)
        known = ~torch.isnan(logits).any(-1).cpu().numpy()[self._valid]
        C = len(self._names)
        rows, columns = self._place[self._targets], self._place[given]
        kept = known & (rows >= 0) & (columns >= 0)
        counts = np.bincount(rows[kept] * C + columns[kept], minlength=C * C).reshape(C, C)
        correct = int(np.count_nonzero((given == self._targets) & known))
        return Classification(self._names, counts, len(given), correct, self._per_step)


VIEWS: dict[TargetKind, Callable[[SequenceDataset], View]] = {
    "regression": _Curves,
    "binary": _Decisions,
    "multiclass": _Decisions,
}
