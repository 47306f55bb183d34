"""How numbers are brought to one size: all alike, series by series, or not at all; fitted on training data."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.limits import LARGEST
from rnncore.data_config import ScalingName

MOST_ALIKE = 10.0  # times that spreads of series may differ before "auto" scales each series by itself
# float32 squares of scaled values beyond this could overflow.
_LARGEST_SCALED = 1e15
_PIECE = 1 << 16  # values

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scaling:
    """How inputs and targets are scaled, each a value of the field `scaling` of the data's configuration."""

    inputs: ScalingName = "auto"
    targets: ScalingName = "auto"


AUTOMATIC = Scaling()


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Where the series of M timesteps begin and end, and what of each may be looked at to scale it.

    offsets: (S + 1,). known: (M,) the timesteps whose values may be used. forecast: whether the series are forecast;
    the size of a sequence that is labelled as a whole may be what its label depends on, so "auto" leaves it.
    """

    offsets: NDArray[np.int64]
    known: NDArray[np.bool_]
    forecast: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """What is taken off a column and what it is divided by.

    mean, std: of its training part. raw: it is left as it is. means, stds: (S,) of each series, with `of`: (M,) the
    series of each timestep; None where all are scaled alike.
    """

    mean: float
    std: float
    raw: bool = False
    means: Floats | None = None
    stds: Floats | None = None
    of: NDArray[np.int32] | None = None

    @property
    def by_series(self) -> bool:
        """Whether each series is scaled by itself."""
        return self.of is not None

    @property
    def unit(self) -> float:
        """Return how much one unit of the scaled numbers is in the column's own; of series by themselves, 1."""
        return 1.0 if self.raw or self.by_series else self.std

    @property
    def zero(self) -> float:
        """Return what a scaled 0 is in the column's own units; of series by themselves, 0."""
        return 0.0 if self.raw or self.by_series else self.mean

    def note(self, column: str) -> str:
        """Return what is done to the column, one sentence."""
        if self.raw:
            return (
                f"'{column}' is not scaled; the training part has mean {self.mean:.6g} and standard deviation "
                f"{self.std:.6g}."
            )
        if self.stds is not None:
            return (
                f"'{column}' is scaled series by series, with the mean and standard deviation (from "
                f"{self.stds.min():.3g} to {self.stds.max():.3g}) of each one's training part."
            )
        return (
            f"'{column}' is scaled with the training part's mean {self.mean:.6g} and standard deviation {self.std:.6g}."
        )

    def apply(self, values: Floats, start: int) -> Floats:
        """Return scaled the values (N,) of the timesteps from `start` on."""
        if self.raw:
            return np.where(np.isnan(values), self.mean, values)
        if self.of is None:
            scaled = (values - self.mean) / self.std
        else:
            assert self.means is not None
            assert self.stds is not None
            own = self.of[start : start + len(values)]
            scaled = (values - self.means[own]) / self.stds[own]
        scaled[np.isnan(scaled)] = 0.0
        return scaled


def fit_scale(
    values: Floats,
    training: NDArray[np.bool_],
    column: str,
    how: ScalingName = "standard",
    series: Series | None = None,
) -> Scale | None:
    """Return how to scale a column (M,), None where it is constant in the training part.

    how: "auto" scales series by series where they are forecast and their standard deviations differ by more than 10
    times. series: None where there is one only.

    Raises:
        DataError: infinite or too large values.
    """
    part = values[training]
    missing = np.isnan(part)
    known = part[~missing] if missing.any() else part
    if len(known) == 0:
        return None
    largest = max(known.max(), -known.min())
    if np.isinf(largest):
        raise DataError(f"Column '{column}' holds an infinite value; replace it, or do not use the column.")
    if largest > LARGEST:
        raise DataError(f"Column '{column}' holds a value of size {largest:.3g}, too large to compute with.")
    mean, std = float(known.mean()), float(known.std())
    if std <= 1e-12 * max(abs(mean), 1e-300):
        return None
    if series is not None and (how == "per_series" or (how == "auto" and series.forecast)):
        means, stds = each_series(values, series)
        varies = stds > 1e-12 * np.maximum(np.abs(means), 1e-300)
        spreads = stds[varies]
        if len(spreads) and (how == "per_series" or spreads.max() > MOST_ALIKE * spreads.min()):
            of = np.repeat(np.arange(len(means), dtype=np.int32), np.diff(series.offsets))
            return Scale(
                mean, std, means=np.where(np.isfinite(means), means, mean), stds=np.where(varies, stds, std), of=of
            )
    return Scale(mean, std, raw=how == "none")


def each_series(values: Floats, series: Series) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of what is known of each series, (S,) each; NaN and 0 where nothing is."""
    known, starts = series.known & np.isfinite(values), series.offsets[:-1]
    counts = np.add.reduceat(known.astype(np.int64), starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.add.reduceat(np.where(known, values, 0.0), starts) / counts
        apart = np.where(known, values - np.repeat(means, np.diff(series.offsets)), 0.0)
        stds = np.sqrt(np.add.reduceat(apart**2, starts) / counts)
    return means, np.nan_to_num(stds, nan=0.0)


def scaled(values: Floats, scale: Scale, column: str) -> NDArray[np.float32]:
    """Return a column scaled, float32; what is still missing becomes the mean."""
    result = np.empty(len(values), np.float32)
    largest = 0.0
    for start in range(0, len(values), _PIECE):
        piece = scale.apply(values[start : start + _PIECE], start)
        largest = max(largest, float(piece.max()), -float(piece.min()))
        with np.errstate(over="ignore"):  # refused below
            result[start : start + _PIECE] = piece
    if np.isinf(largest):
        raise DataError(f"Column '{column}' holds an infinite value; replace it, or do not use the column.")
    if largest > _LARGEST_SCALED:
        size = "" if scale.raw else " times the spread of the training part"
        raise DataError(
            f"Column '{column}' holds a value that is too large to compute with: {largest:.2g}{size}; correct it, "
            "or do not use the column."
        )
    return result
