"""Losses of simple predictions, the lines that a network has to beat."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.records import Baseline

Baselines = dict[str, tuple[Baseline, ...]]


def regression_baselines(
    predictions: dict[str, NDArray[Any]], targets: NDArray[Any], weights: NDArray[np.float64] | None = None
) -> Baselines:
    """Return the losses that predictions (name -> array like targets) reach: mse, mae and huber (delta 1).

    weights: of each target in the mean, None = equal.
    """
    baselines: dict[str, list[Baseline]] = {"mse": [], "mae": [], "huber": []}
    for name, prediction in predictions.items():
        error = np.abs(prediction.astype(np.float64) - targets)
        losses = {"mse": error**2, "mae": error, "huber": np.where(error < 1, error**2 / 2, error - 0.5)}
        for loss, each in losses.items():
            baselines[loss].append(Baseline(name, float(np.average(each, axis=0, weights=weights).mean())))
    return {loss: tuple(lines) for loss, lines in baselines.items()}


def class_baselines(
    train: NDArray[np.int64], held_out: NDArray[np.int64], binary: bool, weights: NDArray[np.float64] | None = None
) -> Baselines:
    """Return the loss of always predicting the training shares, and the error rate of always the commonest class.

    train, held_out: class codes. The loss stands under "bce" or "cross_entropy", the other under "error rate".
    weights: of each held out class in the mean loss, None = equal.
    """
    classes = int(max(train.max(), held_out.max())) + 1
    shares = Baseline("class frequencies", frequency_loss(train, held_out, classes, weights))
    commonest = int(np.bincount(train).argmax())
    majority = Baseline("commonest class", float(np.mean(held_out != commonest)))
    return {"bce" if binary else "cross_entropy": (shares,), "error rate": (majority,)}


def frequency_loss(
    train: NDArray[np.integer], held_out: NDArray[np.int64], classes: int, weights: NDArray[np.float64] | None = None
) -> float:
    """Return the cross-entropy on `held_out` of always predicting the class shares of `train`, in nats.

    Each class is counted once more than it occurs, so that a class unseen in training has a finite loss.
    """
    counts = np.bincount(train.ravel(), minlength=classes) + 1.0
    return float(np.average(-np.log(counts / counts.sum())[held_out], weights=weights))
