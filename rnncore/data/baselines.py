"""Losses of simple predictions, the lines that a network has to beat."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.records import Baseline

Baselines = dict[str, tuple[Baseline, ...]]


def regression_baselines(predictions: dict[str, NDArray[Any]], targets: NDArray[Any]) -> Baselines:
    """Return the losses that predictions (name -> array like targets) reach: mse, mae and huber (delta 1)."""
    baselines: dict[str, list[Baseline]] = {"mse": [], "mae": [], "huber": []}
    for name, prediction in predictions.items():
        error = np.abs(prediction.astype(np.float64) - targets)
        baselines["mse"].append(Baseline(name, float(np.mean(error**2))))
        baselines["mae"].append(Baseline(name, float(np.mean(error))))
        baselines["huber"].append(Baseline(name, float(np.mean(np.where(error < 1, error**2 / 2, error - 0.5)))))
    return {loss: tuple(lines) for loss, lines in baselines.items()}


def class_baselines(train: NDArray[np.int64], held_out: NDArray[np.int64], binary: bool) -> Baselines:
    """Return the loss of always predicting the training shares, and the error rate of always the commonest class.

    train, held_out: class codes. The loss stands under "bce" or "cross_entropy", the other under "error rate".
    """
    classes = int(max(train.max(), held_out.max())) + 1
    shares = Baseline("class frequencies", frequency_loss(train, held_out, classes))
    commonest = int(np.bincount(train).argmax())
    majority = Baseline("commonest class", float(np.mean(held_out != commonest)))
    return {"bce" if binary else "cross_entropy": (shares,), "error rate": (majority,)}


def frequency_loss(train: NDArray[np.integer], held_out: NDArray[np.int64], classes: int) -> float:
    """Return the cross-entropy on `held_out` of always predicting the class shares of `train`, in nats.

    Each class is counted once more than it occurs, so that a class unseen in training has a finite loss.
    """
    counts = np.bincount(train.ravel(), minlength=classes) + 1.0
    return float(-np.log(counts / counts.sum())[held_out].mean())
