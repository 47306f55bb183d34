"""From sequences as read to numbers for the network: missing values, scaling, one-hot; fitted on training data only."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.limits import LARGEST, MAX_INPUT_VALUES, MAX_INPUTS
from rnncore.data.sequences import Floats, Sequences, kept_steps
from rnncore.words import many

Missing = Literal["interpolate", "forward_fill", "drop"]
_FILLED = {"interpolate": "filled by linear interpolation", "forward_fill": "filled with the last known value"}
# float32 squares of scaled values beyond this could overflow.
_LARGEST_SCALED = 1e15
_PIECE = 1 << 16  # values


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean and standard deviation of a column in the training data."""

    mean: float
    std: float


def drop_missing(sequences: Sequences) -> Sequences:
    """Leave out every timestep in which a column is missing."""
    missing = np.zeros(sequences.rows, bool)
    for column in sequences.values:
        missing |= np.isnan(column)
    if not missing.any():
        return sequences
    if missing.all():
        raise DataError(f"Every row of '{sequences.name}' has a missing value; choose another way to treat them.")
    note = f"{many(int(missing.sum()), 'row')} with missing values left out ({missing.mean():.1%})."
    return replace(kept_steps(sequences, ~missing), notes=(*sequences.notes, note))


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """Columns without gaps, each made when it is asked for, so that no second copy of all of them is held.

    parts: gaps of the part from parts[i] to parts[i + 1] are filled from this part alone. A part without any known
    value stays NaN. Words stay missing: they become all zeros in one-hot form.
    """

    sequences: Sequences
    parts: NDArray[np.int64]
    missing: Missing

    def column(self, place: int) -> NDArray[np.float64]:
        """Return a column (M,)."""
        values = self.sequences.values[place].astype(np.float64, copy=False)
        gaps = np.isnan(values)
        if self.sequences.columns[place].categories or not gaps.any():
            return values
        values = values.copy() if values is self.sequences.values[place] else values
        touched = np.unique(np.searchsorted(self.parts, np.flatnonzero(gaps), side="right") - 1)
        for start, end in zip(self.parts[touched], self.parts[touched + 1], strict=True):
            values[start:end] = _fill(values[start:end], gaps[start:end], self.missing)
        return values

    def notes(self) -> list[str]:
        """Say how many values of which columns are filled."""
        columns = zip(self.sequences.columns, self.sequences.values, strict=True)
        counts = [(column.name, int(np.isnan(values).sum())) for column, values in columns if not column.categories]
        gaps = [(name, count) for name, count in counts if count]
        if not gaps:
            return []
        how, rows = _FILLED[self.missing], self.sequences.rows
        if len(gaps) > 4:
            return [f"{many(sum(count for _, count in gaps), 'missing value')} in {len(gaps)} columns {how}."]
        return [f"{many(count, 'missing value')} ({count / rows:.1%}) in '{name}' {how}." for name, count in gaps]


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
    result = np.empty(len(values), np.float32)
    largest = 0.0
    for start in range(0, len(values), _PIECE):
        piece = (values[start : start + _PIECE] - scale.mean) / scale.std
        piece[np.isnan(piece)] = 0.0
        largest = max(largest, float(piece.max()), -float(piece.min()))
        with np.errstate(over="ignore"):  # refused below
            result[start : start + _PIECE] = piece
    if np.isinf(largest):
        raise DataError(f"Column '{column}' holds an infinite value; replace it, or do not use the column.")
    if largest > _LARGEST_SCALED:
        raise DataError(
            f"Column '{column}' holds a value that is too large to compute with: {largest:.2g} times the spread of the "
            "training part; correct it, or do not use the column."
        )
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What the network sees at each of M timesteps: numbers ready, words as codes until they are taken.

    numbers: (M, K) float32. words: first input, codes (M,) from 0, and how many of the codes are an input each; a
    larger code is no word. names: of all inputs F, in their order. places: (K,) inputs that the numbers are.
    """

    names: tuple[str, ...]
    numbers: NDArray[np.float32]
    places: NDArray[np.int64]
    words: tuple[tuple[int, NDArray[np.unsignedinteger], int], ...] = ()

    @property
    def width(self) -> int:
        """The number of inputs F."""
        return len(self.names)

    def take(self, steps: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the inputs (..., F) float32 at timesteps (...)."""
        if not self.words:
            return self.numbers.take(steps, axis=0)
        taken = np.empty((*steps.shape, self.width), np.float32)
        taken[..., self.places] = self.numbers.take(steps, axis=0)
        for first, codes, count in self.words:
            one_hot = np.eye(count + 1, count, dtype=np.float32)
            taken[..., first : first + count] = one_hot.take(codes.take(steps), axis=0)
        return taken


def encode(filled: Filled, training: NDArray[np.bool_]) -> tuple[Inputs, list[str]]:
    """Return the inputs and notes: numbers scaled, words one-hot, fitted where `training`.

    Raises:
        DataError: no column varies in the training data, or words make too many inputs.
    """
    sequences = filled.sequences
    names: list[str] = []
    notes: list[str] = []
    constant: list[str] = []
    scales: dict[int, Scale] = {}
    words: dict[int, NDArray[np.int64]] = {}
    for place in sequences.inputs:
        column = sequences.columns[place]
        if not column.categories:
            if scale := fit_scale(filled.column(place)[training], column.name):
                scales[place] = scale
                names.append(column.name)
            else:
                constant.append(column.name)
            continue
        cells = sequences.values[place]
        known = ~np.isnan(cells)
        seen = np.unique(cells[training & known]).astype(np.int64)
        words[place] = seen
        names += [f"{column.name} = {column.categories[code]}" for code in seen]
        if unknown := len(np.unique(cells[known])) - len(seen):
            notes.append(
                f"{many(unknown, 'word')} of '{column.name}' only in the validation data: no input is 1 there."
            )
    if constant:
        shown = ", ".join(f"'{name}'" for name in constant[:5])
        notes.append(f"Constant in the training data, so left out: {shown}.")
    if not names:
        raise DataError("No feature varies in the training data, so there is nothing to learn from.")
    if len(names) > MAX_INPUTS:
        raise DataError(
            f"The features make {len(names):,} inputs; at most {MAX_INPUTS:,} can be used, so choose fewer."
        )
    rows = sequences.rows
    if rows * len(names) > MAX_INPUT_VALUES:
        raise DataError(
            f"{many(rows, 'timestep')} of {many(len(names), 'input')} are too many: at most {MAX_INPUT_VALUES:,} "
            "values can be used, so choose fewer features or thin the rows out."
        )
    numbers = np.empty((rows, len(scales)), np.float32)
    places: list[int] = []
    coded = []
    first = 0
    for place in sequences.inputs:
        if place in scales:
            numbers[:, len(places)] = scaled(filled.column(place), scales[place], sequences.columns[place].name)
            places.append(first)
            first += 1
        elif place in words:
            seen = words[place]
            coded.append((first, _renumbered(sequences.values[place], seen), len(seen)))
            first += len(seen)
    return Inputs(tuple(names), numbers, np.array(places, np.int64), tuple(coded)), notes


def _renumbered(codes: Floats, seen: NDArray[np.int64]) -> NDArray[np.unsignedinteger]:
    """Return codes (M,) as places in `seen`, which is sorted; len(seen) for what is missing or not among them."""
    numbers = np.full(int(np.nanmax(codes, initial=0)) + 2, len(seen), np.min_scalar_type(len(seen)))
    numbers[seen] = np.arange(len(seen))
    renumbered: NDArray[np.unsignedinteger] = numbers.take(np.nan_to_num(codes, nan=len(numbers) - 1).astype(np.int32))
    return renumbered
