"""What targets are to a network: scaled numbers or numbered classes, the losses to beat on them, and their metric."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.data.baselines import Baselines, class_baselines, regression_baselines
from rnncore.data.dataset import DataError, Guess, TargetKind
from rnncore.data.metrics import Metric, error_rate, root_mean_square, wrong_answers
from rnncore.data.scaling import Scale, Series, fit_scale, scaled
from rnncore.data_config import ScalingName
from rnncore.records import Answers

_MOST_NOTES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The targets of M timesteps or sequences.

    values: (M, O) float32, scaled, or (M,) int64 numbers of `classes`. known: (M,) False where there is
    none, or one of a class that the training part has not. classes: their names, () for numbers. units, means: (O,)
    what 1 and 0 are in the numbers' own units. notes: what was found and done. binary: whether two classes are a yes/no
    target. names: of the O columns of numbers. by_series: whether a number is in standard deviations of its own series.
    centre: (O,) the training mean as scaled, 0 unless numbers are left as they are. scales: of the O
    columns of numbers.
    """

    values: NDArray[Any]
    known: NDArray[np.bool_]
    classes: tuple[str, ...]
    units: NDArray[np.float64]
    notes: tuple[str, ...]
    binary: bool = True
    means: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    by_series: bool = False
    centre: tuple[float, ...] = ()
    scales: tuple[Scale, ...] = ()

    @property
    def kind(self) -> TargetKind:
        """The kind of target, hence which losses fit."""
        if not self.classes:
            return "regression"
        return "binary" if len(self.classes) == 2 and self.binary else "multiclass"

    @property
    def output_size(self) -> int:
        """How many numbers a network must give out for one target."""
        if self.kind == "binary":
            return 1
        return len(self.classes) or len(self.units)

    def take(self, places: NDArray[np.signedinteger]) -> NDArray[Any]:
        """Return the targets at `places` (...) as a batch holds them: (..., O) float32, or classes (...) int64."""
        values: NDArray[Any] = self.values[places]
        return values[..., None].astype(np.float32) if self.kind == "binary" else values

    def baselines(
        self,
        train: NDArray[Any],
        held_out: NDArray[Any],
        guesses: Mapping[str, NDArray[Any]] | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> Baselines:
        """Return the losses of simple predictions on the targets `held_out`.

        train, held_out: places or masks of targets. guesses: name -> more predictions of numbers, like the targets.
        weights: of each target in the mean, None = equal.
        """
        answers = self.values[held_out]
        if self.classes:
            return class_baselines(self.values[train], answers, self.kind == "binary", weights)
        return regression_baselines(
            {**(guesses or {}), "training mean": self._always_mean(answers.shape)}, answers, weights
        )

    def guess(self, train: NDArray[Any]) -> Guess:
        """Return the guess that is always the training mean, or has the shares that classes have at `train`.

        Each class is counted once more than it occurs.
        """
        if not self.classes:
            return Guess("training mean", lambda batch: self._always_mean(batch.targets.shape), constant=True)
        counts = np.bincount(self.values[train].ravel(), minlength=len(self.classes)) + 1.0
        logits = np.log(counts / counts.sum())
        if self.kind == "binary":
            logit = logits[1] - logits[0]
            return Guess("class frequencies", lambda batch: np.full(batch.targets.shape, logit), constant=True)
        return Guess(
            "class frequencies",
            lambda batch: np.broadcast_to(logits, (*batch.targets.shape, len(logits))),
            constant=True,
        )

    def _always_mean(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Return the training mean of numbers in the shape of targets (..., O)."""
        mean = np.zeros(shape)
        mean[...] = self.centre
        return mean

    def answers(
        self, unit: str = "", axis: str = "", places: tuple[str, ...] | tuple[float, ...] = ()
    ) -> Answers | None:
        """Return what the first number answered means; None for classes. unit, axis, places: see `Answers`."""
        if self.classes:
            return None
        unit = "standard deviations of its series" if self.by_series else unit
        return Answers(self.names[0], self.means[0], float(self.units[0]), unit, axis, places)

    def metric(self) -> tuple[str, Metric]:
        """Return name and function of the evaluation metric."""
        if not self.classes:
            return root_mean_square(self.units, own_units=not self.by_series)
        return "error rate", (wrong_answers if self.kind == "binary" else error_rate)


def number_targets(
    columns: Iterable[tuple[str, NDArray[np.float64]]],
    training: NDArray[np.bool_],
    constant: Callable[[str, NDArray[np.float64]], str],
    how: ScalingName = "standard",
    series: Series | None = None,
) -> Targets:
    """Scale columns, (name, values (M,)) each, with mean and standard deviation of their training part.

    constant: the sentence about a column (name, its known training values) that does not vary there. how, series: see
    `fit_scale`.

    Raises:
        DataError: a constant column, infinite or too large values.
    """
    parts, known, notes = [], np.ones(len(training), bool), []
    names: list[str] = []
    scales: list[Scale] = []
    for name, cells in columns:
        scale = fit_scale(cells, training, name, how, series)
        if scale is None:
            raise DataError(constant(name, cells[training & ~np.isnan(cells)]))
        known &= np.isfinite(cells)
        parts.append(scaled(cells, scale, name))
        names.append(name)
        scales.append(scale)
        notes.append(scale.note(name))
    units, means = np.array([each.unit for each in scales]), tuple(each.zero for each in scales)
    own, centre = any(each.by_series for each in scales), tuple(each.mean if each.raw else 0.0 for each in scales)
    said = tuple(notes[:_MOST_NOTES])
    return Targets(
        np.stack(parts, 1), known, (), units, said, means=means, names=tuple(names), by_series=own, centre=centre,
        scales=tuple(scales),
    )  # fmt: skip


def class_targets(
    name: str,
    classes: Sequence[str],
    codes: NDArray[np.float64],
    training: NDArray[np.bool_],
    binary: bool,
    too_few: Callable[[str], str],
) -> Targets:
    """Number the classes of the training part anew; others, in the validation part only, count as not known.

    codes: (M,) numbers of `classes`, NaN for none. too_few: the sentence about a training part of one class only (its
    name in quotes, "none" where there is none).

    Raises:
        DataError: fewer than two classes in the training part.
    """
    given = ~np.isnan(codes)
    seen = np.unique(codes[training & given]).astype(np.int64)
    if len(seen) < 2:
        raise DataError(too_few(f"'{classes[seen[0]]}'" if len(seen) else "none"))
    renumbered = np.full(len(classes), -1)
    renumbered[seen] = np.arange(len(seen))
    values = np.full(len(codes), -1)
    values[given] = renumbered[codes[given].astype(np.int64)]
    known = values >= 0
    words = tuple(classes[code] for code in seen)
    shares = np.bincount(values[training & known]) / max(1, int((training & given).sum()))
    return Targets(
        values.clip(min=0), known, words, np.empty(0), (_class_note(name, words, shares),), binary, names=(name,)
    )


def _class_note(name: str, classes: Sequence[str], shares: NDArray[np.float64]) -> str:
    """Say how many classes there are and how unequal they are."""
    order = np.argsort(-shares, kind="stable")
    shown = ", ".join(f"'{classes[place]}' {shares[place]:.1%}" for place in order[:4])
    more = f" and {len(classes) - 4:,} more" if len(classes) > 4 else ""
    unequal = ""
    if shares.max() > 0.7 or shares.min() < 0.2 / len(shares):
        unequal = f" The classes are unequal: always saying '{classes[order[0]]}' is right in {shares.max():.1%}."
    return f"'{name}' has {len(classes):,} classes: {shown}{more}.{unequal}"
