"""Series become windows: learn the values `horizon` steps after each window."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rnncore.data.coding import Coding
from rnncore.data.dataset import Batch, DataError, SequenceDataset
from rnncore.data.prepare import Filled, Missing, drop_missing, encode
from rnncore.data.sampling import evenly_spaced, finite_batches
from rnncore.data.scaling import AUTOMATIC, Scaling, Series
from rnncore.data.sequences import Sequences, offsets_of
from rnncore.data.stitched import stitched
from rnncore.data.targets import Targets, class_targets, number_targets
from rnncore.data_config import ScalingName
from rnncore.snapshot_parts import MAX_SEQUENCES
from rnncore.words import many

MAX_VALIDATION_WINDOWS = 512
_USUAL_WINDOW = 50


def forecast_dataset(
    sequences: Sequences,
    window: int | None,
    horizon: int,
    stride: int,
    val_fraction: float,
    missing: Missing = "interpolate",
    binary: bool = True,
    scaling: Scaling = AUTOMATIC,
) -> SequenceDataset:
    """Cut series into windows (T = window) whose targets are the target columns `horizon` steps after the window's end.

    The last `val_fraction` of each series is validation, or whole series where the files make the split or the series
    are too short to be cut; no window or target crosses the border. Missing values are filled within their part;
    scaling and categories are fitted on the training part only. Baselines are losses on the validation windows.
    window: None = suggested from the length. stride: steps between training windows. binary: two classes as yes/no.
    scaling: where it is series by series, a series that is for validation as a whole is scaled with its first half (at
    least a window), and only later values of it are to be forecast.

    Raises:
        DataError: too short for the window, constant in the training part, infinite or too large values.
    """
    sequences = _trimmed(stitched(sequences))
    sequences = drop_missing(sequences) if missing == "drop" else sequences
    split = _split(sequences, window, horizon, val_fraction)
    training = split.rows(train=True)
    filled = Filled(sequences, split.parts, missing)
    gap_notes = filled.notes()
    # The target first: when nothing in it varies, that is what the user has to know.
    size = split.window
    series = Series(sequences.offsets, split.known(sequences.offsets)) if sequences.count > 1 else None
    targets = _targets(filled, training, binary, scaling.targets, series)
    inputs, notes = encode(filled, training, scaling.inputs, series)
    starts = split.starts(True, horizon, stride), split.starts(False, horizon, 1)
    ahead = size + horizon - 1
    known = targets.known[ahead:]  # the target, by the start of its window
    train_starts, held_starts = (part if known.all() else part[known[part]] for part in starts)
    if series is not None and (targets.by_series or inputs.by_series):
        held_starts = held_starts[~series.known[held_starts + ahead]]  # the rest has been looked at
    if len(train_starts) == 0 or len(held_starts) == 0:
        raise DataError(f"The target of '{sequences.name}' is missing in all of its training or validation part.")
    all_notes = [*sequences.notes, *gap_notes, *split.notes, *targets.notes, *notes]
    chosen = evenly_spaced(len(held_starts), MAX_VALIDATION_WINDOWS, size * inputs.width)
    if chosen is not None:
        all_notes.append(f"Validation uses {len(chosen):,} of {len(held_starts):,} windows, evenly spaced.")
        held_starts = held_starts[chosen]
    steps = np.arange(size)

    def select(begins: NDArray[np.signedinteger]) -> Batch:
        now = begins + (size - 1)
        last = targets.take(now) if horizon else None  # without a horizon that would be the target itself
        return Batch(inputs.take(begins[:, None] + steps), targets.take(begins + ahead), last=last)

    last = {"last value again": targets.values[held_starts + size - 1]} if horizon else {}
    metric, measure = targets.metric()
    return SequenceDataset(
        name=sequences.name,
        input_size=inputs.width,
        output_size=targets.output_size,
        seq_len=size,
        target=targets.kind,
        per_step=False,
        train_batch=finite_batches(len(train_starts), lambda rows: select(train_starts[rows])),
        validation=select(held_starts),
        train_size=len(train_starts),
        baselines=targets.baselines(train_starts + ahead, held_starts + ahead, last),
        metric=metric,
        metric_function=measure,
        notes=tuple(all_notes),
        class_names=targets.classes or None,
        input_names=inputs.names,
        guesses=(targets.guess(train_starts + ahead),),
        coding=Coding(
            inputs.codes,
            targets.names,
            targets.scales,
            targets.classes,
            targets.kind,
            sequences.ids,
            missing,
            window=size,
            horizon=horizon,
        ),
        answers=targets.answers(sequences.unit, *_places(sequences, held_starts[:MAX_SEQUENCES] + ahead)),
    )


def _places(sequences: Sequences, steps: NDArray[np.integer]) -> tuple[str, tuple[str, ...] | tuple[float, ...]]:
    """Return the name of an axis and where timesteps (K,) are on it; no axis where they belong to several series."""
    if sequences.count != 1:
        return "", ()
    moments = sequences.moments
    if moments is None or not np.isfinite(moments.values[steps]).all():
        return "row", tuple((steps + 1.0).tolist())
    values = moments.values[steps].astype(np.float64)
    if not moments.dates:
        return moments.name, tuple(values.tolist())
    unit = "D" if (values % 86_400 == 0).all() else "s"
    dates = values.round().astype("datetime64[s]").astype(f"datetime64[{unit}]")
    return moments.name, tuple(dates.astype(str).tolist())


def _trimmed(sequences: Sequences) -> Sequences:
    """Leave out the ends of a single series where every target is missing: there is nothing to interpolate between."""
    if sequences.count != 1:
        return sequences
    known = np.flatnonzero(~np.logical_and.reduce([np.isnan(sequences.values[place]) for place in sequences.targets]))
    if len(known) == 0:
        raise DataError(f"Column '{sequences.columns[sequences.targets[0]].name}' holds no numbers.")
    length = int(known[-1] + 1 - known[0])
    if not (ends := sequences.rows - length):
        return sequences
    note = f"{many(ends, 'missing value')} at the ends of the series left out."
    kept = slice(known[0], known[-1] + 1)
    values, moments = sequences.select(kept), sequences.moments_at(kept)
    return replace(
        sequences, values=values, moments=moments, offsets=offsets_of([length]), notes=(*sequences.notes, note)
    )


@dataclass(frozen=True, slots=True)
class _Split:
    """parts: (P + 1,) borders of the pieces that no window crosses; train: (P,) which of them are for training."""

    parts: NDArray[np.int64]
    train: NDArray[np.bool_]
    window: int
    notes: tuple[str, ...]

    def rows(self, train: bool) -> NDArray[np.bool_]:
        return np.repeat(self.train == train, np.diff(self.parts))

    def known(self, offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the timesteps (M,) that may be used to scale each series: those for training, or its first half."""
        known = self.rows(train=True)
        if len(self.parts) == len(offsets):  # whole series are held out
            for place in np.flatnonzero(~self.train):
                start, end = self.parts[place : place + 2]
                known[start : start + max(self.window, (end - start) // 2)] = True
        return known

    def starts(self, train: bool, horizon: int, stride: int) -> NDArray[np.int32]:
        own = self.train == train
        begins, room = self.parts[:-1][own], np.diff(self.parts)[own] - (self.window + horizon - 1)
        counts = np.maximum(-(-room // stride), 0)  # of windows in each part
        starts = np.arange(0, stride * int(counts.sum()), stride, dtype=np.int32)
        starts += np.repeat((begins - stride * (np.cumsum(counts) - counts)).astype(np.int32), counts)
        return starts


def _split(sequences: Sequences, window: int | None, horizon: int, val_fraction: float) -> _Split:
    lengths, count = sequences.lengths, sequences.count
    borders = sequences.offsets[:-1] + np.round(lengths * (1 - val_fraction)).astype(np.int64)
    if sequences.held_out is not None:
        return _by_series(sequences, ~sequences.held_out, window, horizon, "as the files are named")
    if window is None:
        shortest = int(np.median(np.minimum(borders - sequences.offsets[:-1] - 1, sequences.offsets[1:] - borders)))
        window = max(2, min(_USUAL_WINDOW, shortest // 2, shortest - horizon))
    need = window + horizon
    cut = (borders - sequences.offsets[:-1] >= need + 1) & (sequences.offsets[1:] - borders >= need)
    if count == 1 and not cut[0]:
        raise _too_short(sequences, int(lengths[0]), int(borders[0]), window, horizon)
    if count > 1 and cut.sum() < 0.5 * count:
        order = np.random.default_rng((0, 0, count)).permutation(count)
        train = np.ones(count, bool)
        train[order[: max(1, round(count * val_fraction))]] = False
        return _by_series(sequences, train, window, horizon, "drawn at random")
    parts = np.sort(np.concatenate([sequences.offsets, borders]))
    train = np.tile([True, False], count)
    total, first = int(lengths.sum()), int((borders - sequences.offsets[:-1]).sum())
    what = "values" if count == 1 else f"values of {count:,} series, each cut in time,"
    note = (
        f"The first {first:,} of {total:,} {what} are for training, the last {total - first:,} for validation; "
        "no window crosses the border."
    )
    return _Split(parts, train, window, (note,))


def _by_series(sequences: Sequences, train: NDArray[np.bool_], window: int | None, horizon: int, how: str) -> _Split:
    lengths = sequences.lengths
    if window is None:
        usual = int(min(np.median(lengths[own]) for own in (train, ~train) if own.any()))
        window = max(2, min(_USUAL_WINDOW, usual // 2, usual - horizon))
    need = window + horizon
    if not (lengths[train] >= need).any() or not (lengths[~train] >= need).any():
        raise _too_short(sequences, int(lengths.max()), int(lengths.max()), window, horizon)
    short = int((lengths < need).sum())
    note = f"{int(train.sum()):,} series for training, {int((~train).sum()):,} for validation, {how}."
    notes = (note, f"{short:,} series shorter than a window left out.") if short else (note,)
    return _Split(sequences.offsets, train, window, notes)


def _too_short(sequences: Sequences, total: int, border: int, window: int, horizon: int) -> DataError:
    need = window + horizon
    if window <= 2 and horizon <= 1 and (total < 2 * need or border == total):
        longest = "it has" if border < total else "the longest has"
        return DataError(
            f"The series '{sequences.name}' is too short to be forecast: {longest} {many(total, 'value')}, and even "
            f"the shortest window and what follows it need {need if border == total else 2 * need + 1}."
        )
    whose = f"it has {many(total, 'value')}, {border:,} for training and {total - border:,} for validation; a window"
    if border == total:
        whose = f"the longest has {many(total, 'value')}; a window"
    return DataError(
        f"The series '{sequences.name}' is too short: {whose} of {window:,} with horizon {horizon:,} needs at least "
        f"{need + 1:,} and {need:,}, so choose a shorter window or horizon, or another validation share."
    )


def _targets(
    filled: Filled, training: NDArray[np.bool_], binary: bool, how: ScalingName, series: Series | None
) -> Targets:
    """Return the targets at every timestep: one column of words is classes, any other columns are numbers."""
    columns = [filled.sequences.columns[place] for place in filled.sequences.targets]
    cells = (filled.column(place) for place in filled.sequences.targets)
    names = [column.name for column in columns]
    if len(columns) == 1 and columns[0].categories:
        return class_targets(
            names[0],
            columns[0].categories,
            next(cells),
            training,
            binary,
            lambda only: (
                f"Column '{names[0]}' has one class only in its training part ({only}); choose another target."
            ),
        )

    def constant(name: str, known: NDArray[np.float64]) -> str:
        always = f" (always {known[0]:g})" if len(known) else ""
        return f"Column '{name}' is constant in its training part{always}, so there is nothing to learn."

    return number_targets(zip(names, cells, strict=True), training, constant, how, series)
