"""Metrics of an evaluation, functions of a network's outputs and a batch: numpy in, one number out."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import Batch

Metric = Callable[[NDArray[Any], Batch], float]


def error_rate(outputs: NDArray[Any], batch: Batch) -> float:
    """Share of targets that the largest output misses; outputs (B, C) or (B, T, C), padding left out."""
    wrong = outputs.argmax(-1) != batch.targets
    if wrong.ndim == 2 and batch.lengths is not None:
        return float(wrong[np.arange(wrong.shape[1]) < batch.lengths[:, None]].mean())
    return float(wrong.mean())


def wrong_answers(outputs: NDArray[Any], batch: Batch) -> float:
    """Share of yes/no targets that the sign of the logit (..., 1) misses."""
    return float(np.mean((outputs > 0) != (batch.targets > 0.5)))


def root_mean_square(units: NDArray[np.float64], own_units: bool = True) -> tuple[str, Metric]:
    """Return name and function of the error metric: in the units of the only target, or in standard deviations.

    own_units: whether `units` (O,) are in units of the targets' own.
    """
    single = len(units) == 1 and own_units
    unit = float(units[0]) if single else 1.0

    def measure(outputs: NDArray[Any], batch: Batch) -> float:
        return float(np.sqrt(np.mean(np.square(outputs - batch.targets, dtype=np.float64))) * unit)

    return f"root mean square error, {'original units' if single else 'standard deviations'}", measure


def over_valid_steps(measure: Metric) -> Metric:
    """Return a metric of outputs at every step (B, T, ...) that leaves out the padding."""

    def measured(outputs: NDArray[Any], batch: Batch) -> float:
        assert batch.lengths is not None
        inside = np.arange(outputs.shape[1]) < batch.lengths[:, None]  # (B, T)
        return measure(outputs[inside], Batch(batch.inputs, batch.targets[inside]))

    return measured
