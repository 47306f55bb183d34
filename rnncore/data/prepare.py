"""From sequences as read to numbers for the network: missing values, scaling, one-hot; fitted on training data only."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.limits import MAX_INPUT_VALUES, MAX_INPUTS
from rnncore.data.scaling import Scale, Series, fit_scale, scaled
from rnncore.data.sequences import Floats, Sequences, kept_steps
from rnncore.data_config import ScalingName
from rnncore.words import listed, many

Missing = Literal["interpolate", "forward_fill", "drop"]
_FILLED = {"interpolate": "filled by linear interpolation", "forward_fill": "filled with the last known value"}


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


@dataclass(frozen=True, slots=True, eq=False)
class InputCode:
    """How a column becomes inputs: numbers are scaled with `scale`; where that is None, each of `words` is an input."""

    name: str
    scale: Scale | None = None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What the network sees at each of M timesteps: numbers ready, words as codes until they are taken.

    numbers: (M, K) float32. words: first input, codes (M,) from 0, and how many of the codes are an input each; a
    larger code is no word. names: of all inputs F, in their order. places: (K,) inputs that the numbers are.
    by_series: whether any of the numbers is scaled series by series. codes: how each column has become inputs.
    """

    names: tuple[str, ...]
    numbers: NDArray[np.float32]
    places: NDArray[np.int64]
    words: tuple[tuple[int, NDArray[np.unsignedinteger], int], ...] = ()
    by_series: bool = False
    codes: tuple[InputCode, ...] = ()

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


def encode(
    filled: Filled, training: NDArray[np.bool_], how: ScalingName = "standard", series: Series | None = None
) -> tuple[Inputs, list[str]]:
    """Return the inputs and notes: numbers scaled, words one-hot, fitted where `training`.

    how, series: see `fit_scale`.

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
            if scale := fit_scale(filled.column(place), training, column.name, how, series):
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
    if rows * (len(scales) + len(words)) > MAX_INPUT_VALUES:
        raise DataError(
            f"{many(rows, 'timestep')} of {many(len(names), 'input')} are too many: at most {MAX_INPUT_VALUES:,} "
            "values can be used, so choose fewer features or thin the rows out."
        )
    numbers = np.empty((rows, len(scales)), np.float32)
    places: list[int] = []
    codes: list[InputCode] = []
    coded = []
    first = 0
    for place in sequences.inputs:
        column = sequences.columns[place]
        if place in scales:
            codes.append(InputCode(column.name, scales[place]))
            numbers[:, len(places)] = scaled(filled.column(place), scales[place], sequences.columns[place].name)
            places.append(first)
            first += 1
        elif place in words:
            seen = words[place]
            codes.append(InputCode(column.name, None, tuple(column.categories[code] for code in seen)))
            coded.append((first, _renumbered(sequences.values[place], seen), len(seen)))
            first += len(seen)
    own = [sequences.columns[place].name for place, scale in scales.items() if scale.by_series]
    if own:
        notes.append(f"Inputs that are scaled series by series: {listed(own, 5)}.")
    if how == "none" and scales:
        notes.append("Inputs that are numbers are not scaled.")
    found = Inputs(tuple(names), numbers, np.array(places, np.int64), tuple(coded), bool(own), tuple(codes))
    return found, notes


def _renumbered(codes: Floats, seen: NDArray[np.int64]) -> NDArray[np.unsignedinteger]:
    """Return codes (M,) as places in `seen`, which is sorted; len(seen) for what is missing or not among them."""
    numbers = np.full(int(np.nanmax(codes, initial=0)) + 2, len(seen), np.min_scalar_type(len(seen)))
    numbers[seen] = np.arange(len(seen))
    renumbered: NDArray[np.unsignedinteger] = numbers.take(np.nan_to_num(codes, nan=len(numbers) - 1).astype(np.int32))
    return renumbered
