"""From sequences as read to numbers for the network: missing values, scaling, one-hot; fitted on training data only."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.limits import LARGEST, MAX_INPUT_VALUES, MAX_INPUTS
from rnncore.data.sequences import Feature, Sequences, kept_steps
from rnncore.data.words import many

Missing = Literal["interpolate", "forward_fill", "drop"]
_FILLED = {"interpolate": "filled by linear interpolation", "forward_fill": "filled with the last known value"}
# float32 squares of scaled values beyond this could overflow.
_LARGEST_SCALED = 1e15


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation of a column in the training data."""

    mean: float
    std: float


def drop_missing(sequences: Sequences) -> Sequences:
    """Leave out every timestep in which a column is missing."""
    missing: NDArray[np.bool_] = np.isnan(sequences.values).max(axis=1)
    if not missing.any():
        return sequences
    if missing.all():
        raise DataError(f"Every row of '{sequences.name}' has a missing value; choose another way to treat them.")
    note = f"{many(int(missing.sum()), 'row')} with missing values left out ({missing.mean():.1%})."
    return replace(kept_steps(sequences, ~missing), notes=(*sequences.notes, note))


def fill_missing(
    values: NDArray[np.float64], columns: tuple[Feature, ...], parts: NDArray[np.int64], missing: Missing
) -> tuple[NDArray[np.float64], list[str]]:
    """Fill the NaNs of the columns of numbers, each part (from parts[i] to parts[i + 1]) from itself alone.

    A part without any known value stays NaN. Words stay missing: they become all zeros in one-hot form.
    """
    notes: list[str] = []
    filled = values
    for place, column in enumerate(columns):
        gaps = np.isnan(values[:, place])
        if column.categories or not gaps.any():
            continue
        filled = values.copy() if filled is values else filled
        touched = np.unique(np.searchsorted(parts, np.flatnonzero(gaps), side="right") - 1)
        for start, end in zip(parts[touched], parts[touched + 1], strict=True):
            filled[start:end, place] = _fill(values[start:end, place], gaps[start:end], missing)
        count = int(gaps.sum())
        notes.append(
            f"{many(count, 'missing value')} ({count / len(values):.1%}) in '{column.name}' {_FILLED[missing]}."
        )
    if len(notes) > 4:
        total = int(np.isnan(values[:, [not column.categories for column in columns]]).sum())
        notes = [f"{many(total, 'missing value')} in {len(notes)} columns {_FILLED[missing]}."]
    return filled, notes


def _fill(part: NDArray[np.float64], gaps: NDArray[np.bool_], missing: Missing) -> NDArray[np.float64]:
    known = np.flatnonzero(~gaps)
    if len(known) == 0:
        return part
    if missing == "forward_fill":
        last = np.maximum.accumulate(np.where(gaps, -1, np.arange(len(part))))
        return part[np.where(last < 0, known[0], last)]
    return np.interp(np.arange(len(part)), known, part[known])


def fit_scale(values: NDArray[np.float64], column: str) -> Scale | None:
    """Return mean and standard deviation of the known training values of a column, None where it is constant.

    Raises:
        DataError: infinite or too large values.
    """
    missing = np.isnan(values)
    known = values[~missing] if missing.any() else values
    if len(known) == 0:
        return None
    largest = max(known.max(), -known.min())
    if np.isinf(largest):
        raise DataError(f"Column '{column}' holds an infinite value; replace it, or do not use the column.")
    if largest > LARGEST:
        raise DataError(f"Column '{column}' holds a value of size {largest:.3g}, too large to compute with.")
    mean, std = float(known.mean()), float(known.std())
    return None if std <= 1e-12 * max(abs(mean), 1e-300) else Scale(mean, std)


def scaled(values: NDArray[np.float64], scale: Scale, column: str) -> NDArray[np.float32]:
    """Return a column in units of its standard deviation, float32; what is still missing becomes 0, the mean."""
    result = values - scale.mean
    result /= scale.std
    np.nan_to_num(result, copy=False, nan=0.0, posinf=np.inf, neginf=-np.inf)
    largest = max(float(result.max(initial=0)), -float(result.min(initial=0)))
    if np.isinf(largest):
        raise DataError(f"Column '{column}' holds an infinite value; replace it, or do not use the column.")
    if largest > _LARGEST_SCALED:
        raise DataError(
            f"Column '{column}' holds a value that is too large to compute with: {largest:.2g} times the spread of the "
            "training part; correct it, or do not use the column."
        )
    return result.astype(np.float32)


def encode(
    values: NDArray[np.float64], columns: tuple[Feature, ...], training: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], tuple[str, ...], list[str]]:
    """Return the inputs (M, F) float32, their names, and notes: numbers scaled, words one-hot, fitted where `training`.

    Raises:
        DataError: no column varies in the training data, or words make too many inputs.
    """
    names: list[str] = []
    notes: list[str] = []
    constant: list[str] = []
    scales: dict[int, Scale] = {}
    words: dict[int, NDArray[np.int64]] = {}
    for place, column in enumerate(columns):
        cells = values[:, place]
        if not column.categories:
            if scale := fit_scale(cells[training], column.name):
                scales[place] = scale
                names.append(column.name)
            else:
                constant.append(column.name)
            continue
        known = ~np.isnan(cells)
        seen = np.unique(cells[training & known]).astype(np.int64)
        words[place] = seen
        names += [f"{column.name} = {column.categories[code]}" for code in seen]
        if unknown := len(np.unique(cells[known])) - len(seen):
            notes.append(f"{many(unknown, 'word')} of '{column.name}' only in the validation data: shown as no word.")
    if constant:
        shown = ", ".join(f"'{name}'" for name in constant[:5])
        notes.append(f"Constant in the training data, so left out: {shown}.")
    if not names:
        raise DataError("No feature varies in the training data, so there is nothing to learn from.")
    if len(names) > MAX_INPUTS:
        raise DataError(
            f"The features make {len(names):,} inputs; at most {MAX_INPUTS:,} can be used, so choose fewer."
        )
    if len(values) * len(names) > MAX_INPUT_VALUES:
        raise DataError(
            f"{len(values):,} timesteps of {len(names):,} inputs are too many: at most {MAX_INPUT_VALUES:,} values can "
            "be used, so choose fewer features or thin the rows out."
        )
    inputs = np.empty((len(values), len(names)), np.float32)
    at = 0
    for place, column in enumerate(columns):
        if place in scales:
            inputs[:, at] = scaled(values[:, place], scales[place], column.name)
            at += 1
        for code in words.get(place, ()):
            inputs[:, at] = values[:, place] == code
            at += 1
    return inputs, tuple(names), notes
