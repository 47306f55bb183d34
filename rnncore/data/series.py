"""One long series becomes windows: learn the value `horizon` steps after each window."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rnncore.data.baselines import regression_baselines
from rnncore.data.dataset import Batch, DataError, SequenceDataset
from rnncore.data.sampling import finite_batches

MAX_VALIDATION_WINDOWS = 512
# Beyond this, squares of scaled values could overflow float32.
LARGEST = 1e100


def series_dataset(
    name: str, values: NDArray[np.float64], window: int, horizon: int, val_fraction: float, notes: tuple[str, ...] = ()
) -> SequenceDataset:
    """Cut `values` (N,) into windows (T = window) whose target is the value `horizon` steps after the window's end.

    The last `val_fraction` of the series is validation; no window or target crosses the border. Both parts are
    standardised with the mean and standard deviation of the training part. Missing values (NaN) are interpolated
    linearly within their part. Baselines are losses on the validation windows, in the scaled units of the training.

    Raises:
        DataError: the series is too short for the window, constant in its training part, infinite or too large.
    """
    total = len(values)
    values = _trim_missing(name, np.asarray(values, np.float64))
    if ends := total - len(values):
        notes += (f"{ends:,} missing values at the ends of the series were left out.",)
    border = round(len(values) * (1 - val_fraction))
    _check_length(name, len(values), border, window, horizon)
    train, train_gaps = _fill(values[:border])
    validation, validation_gaps = _fill(values[border:])
    if gaps := train_gaps + validation_gaps:
        notes += (f"{gaps:,} missing values ({gaps / len(values):.1%}) were filled by linear interpolation.",)
    mean, std = _scale(name, train)
    notes += (
        f"The first {border:,} of {len(values):,} values are for training, the last {len(values) - border:,} for "
        "validation; no window crosses the border.",
        f"Values are scaled with the training part's mean {mean:.6g} and standard deviation {std:.6g}.",
    )
    train_inputs, train_targets = _windows((train - mean) / std, window, horizon)
    inputs, targets = _windows((validation - mean) / std, window, horizon)
    if len(inputs) > MAX_VALIDATION_WINDOWS:
        chosen = np.linspace(0, len(inputs) - 1, MAX_VALIDATION_WINDOWS).round().astype(np.int64)
        notes += (f"Validation uses {len(chosen):,} of {len(inputs):,} windows, evenly spaced.",)
        inputs, targets = inputs[chosen], targets[chosen]
    held_out = Batch(np.ascontiguousarray(inputs)[..., None], targets[:, None])  # (V, T, 1), (V, 1)

    def root_mean_square(outputs: NDArray[Any], batch: Batch) -> float:
        return float(np.sqrt(np.mean(np.square(outputs - batch.targets, dtype=np.float64))) * std)

    return SequenceDataset(
        name=name,
        input_size=1,
        output_size=1,
        seq_len=window,
        target="regression",
        per_step=False,
        train_batch=finite_batches(
            len(train_inputs), lambda rows: Batch(train_inputs[rows][..., None], train_targets[rows][:, None])
        ),
        validation=held_out,
        train_size=len(train_inputs),
        baselines=regression_baselines(
            {"last value again": held_out.inputs[:, -1], "training mean": np.zeros_like(held_out.targets)},
            held_out.targets,
        ),
        metric="root mean square error, original units",
        metric_function=root_mean_square,
        notes=notes,
    )


def _trim_missing(name: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Drop missing values at both ends, where there is nothing to interpolate between."""
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0]) + 1
        raise DataError(f"Column '{name}' holds an infinite value (value {row:,} of the series); replace or remove it.")
    known = np.flatnonzero(~np.isnan(values))
    if len(known) == 0:
        raise DataError(f"Column '{name}' holds no numbers.")
    if (largest := np.nanmax(np.abs(values))) > LARGEST:
        raise DataError(f"Column '{name}' holds a value of size {largest:.3g}, too large to compute with.")
    return values[known[0] : known[-1] + 1]


def _check_length(name: str, total: int, border: int, window: int, horizon: int) -> None:
    need = window + horizon
    if border >= need + 1 and total - border >= need:
        return
    raise DataError(
        f"The series '{name}' is too short: its {total:,} values give {border:,} for training and {total - border:,} "
        f"for validation; a window of {window:,} with horizon {horizon:,} needs at least {need + 1:,} and {need:,}, so "
        "choose a shorter window or horizon, or another validation share."
    )


def _fill(part: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Interpolate the NaNs of one part from that part alone; return the values and how many were filled."""
    missing = np.isnan(part)
    if not missing.any():
        return part, 0
    if missing.all():
        raise DataError("All values of the training or validation part are missing; choose another validation share.")
    places = np.arange(len(part))
    filled = part.copy()
    filled[missing] = np.interp(places[missing], places[~missing], part[~missing])
    return filled, int(missing.sum())


def _scale(name: str, train: NDArray[np.float64]) -> tuple[float, float]:
    mean, std = float(train.mean()), float(train.std())
    if std <= 1e-12 * max(abs(mean), 1e-300):
        raise DataError(
            f"Column '{name}' is constant in its training part (always {train[0]:g}), so there is nothing to learn."
        )
    return mean, std


def _windows(part: NDArray[np.float64], window: int, horizon: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return all windows (N, T), a view that costs no memory, and their targets (N,)."""
    scaled = part.astype(np.float32)
    count = len(scaled) - window - horizon + 1
    return sliding_window_view(scaled, window)[:count], scaled[window + horizon - 1 :]
