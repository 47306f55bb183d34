"""Sequences with a target each, or one at every step, become a data set: split by sequence, padded and masked."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnncore.data.coding import Coding
from rnncore.data.dataset import Batch, DataError, SequenceDataset
from rnncore.data.metrics import over_valid_steps
from rnncore.data.overlaps import Overlap, overlap_of, reaching_into, split_in_order
from rnncore.data.prepare import Filled, Missing, drop_missing, encode
from rnncore.data.sampling import evenly_spaced, finite_batches
from rnncore.data.scaling import AUTOMATIC, Scaling, Series
from rnncore.data.sequences import Labels, Sequences, kept_steps, offsets_of
from rnncore.data.targets import Targets, class_targets, number_targets
from rnncore.data_config import ScalingName
from rnncore.words import many

MAX_VALIDATION_SEQUENCES = 512
_TOO_MANY = 0.5  # of the windows for training, which would have to be left out


def labelled_dataset(
    sequences: Sequences,
    val_fraction: float,
    max_length: int,
    missing: Missing = "interpolate",
    binary: bool = True,
    scaling: Scaling = AUTOMATIC,
) -> SequenceDataset:
    """Learn the targets of `sequences.labels`: the class or the value(s) of each sequence, or of each of its timesteps.

    The split is by sequence, at random and equal in every class, or as the files make it. Scaling and categories are
    fitted on the training sequences. Sequences of different length are padded at their end with zeros; `Batch.lengths`
    says where they end. Longer ones than max_length keep their last timesteps. scaling: "per_series" scales the
    inputs of each sequence with its own mean and standard deviation, and targets as "standard" does.

    Raises:
        DataError: fewer than two sequences, one class only, a constant target, no feature that varies.
    """
    sequences, how = _with_known_labels(sequences), _how(sequences)
    if overlap := overlap_of(sequences):
        sequences, how = _without_leak(sequences, overlap, val_fraction, how)
    sequences = drop_missing(sequences) if missing == "drop" else sequences
    sequences = _cropped(sequences, max_length)
    labels = sequences.labels
    assert labels is not None
    if sequences.count < 2:
        raise DataError(f"'{sequences.name}' has {many(sequences.count, 'sequence')}; at least two are needed.")
    held_out = _split(sequences, labels, val_fraction)
    training = np.repeat(~held_out, sequences.lengths)
    filled = Filled(sequences, sequences.offsets, missing)
    gap_notes = filled.notes()
    stepwise = labels.every_step
    targets = _targets(labels, training if stepwise else ~held_out, binary, scaling.targets)
    unknown = np.logical_or.reduceat(~targets.known, sequences.offsets[:-1]) if stepwise else ~targets.known
    label_notes = list(targets.notes)
    if unknown.any():
        label_notes.append(
            f"{many(int(unknown.sum()), 'validation sequence')} of a class not in the training set left out."
        )
    series = Series(sequences.offsets, np.ones(sequences.rows, bool), forecast=False)
    inputs, notes = encode(filled, training, scaling.inputs, series)
    train_rows, held_rows = np.flatnonzero(~held_out), np.flatnonzero(held_out & ~unknown)
    if len(held_rows) == 0:
        raise DataError(f"No sequence of '{sequences.name}' is left for validation; choose a larger validation share.")
    split = f"{many(len(train_rows), 'sequence')} for training, {len(held_rows):,} for validation"
    all_notes = [*sequences.notes, *gap_notes, f"{split}{how}.", *label_notes, *notes]
    lengths, starts = sequences.lengths, sequences.offsets[:-1]
    longest, ragged = int(lengths.max()), bool((lengths != lengths[0]).any())
    chosen = evenly_spaced(len(held_rows), MAX_VALIDATION_SEQUENCES, longest * inputs.width)
    if chosen is not None:
        all_notes.append(f"Validation uses {len(chosen):,} of them.")
        held_rows = held_rows[chosen]
    if ragged:
        all_notes.append(
            f"Lengths differ ({lengths.min():,} to {longest:,}): shorter ones are padded, the padding is masked."
        )
    steps = np.arange(longest)

    def select(rows: NDArray[np.int64]) -> Batch:
        places = starts[rows][:, None] + steps
        places = np.minimum(places, sequences.rows - 1) if ragged else places
        wanted = targets.take(places if stepwise else rows)  # (B, O), (B,), (B, T, O) or (B, T)
        if not ragged:
            return Batch(inputs.take(places), wanted)
        inside = steps < lengths[rows][:, None]  # (B, T)
        if stepwise:
            wanted = np.where(inside.reshape(*inside.shape, *[1] * (wanted.ndim - 2)), wanted, 0).astype(wanted.dtype)
        return Batch(inputs.take(places) * inside[:, :, None], wanted, lengths[rows])

    asked, weights = held_rows, None
    if stepwise:
        steps_held = lengths[held_rows]
        asked = np.repeat(starts[held_rows] - offsets_of(steps_held)[:-1], steps_held) + np.arange(steps_held.sum())
        weights = np.repeat(1 / steps_held, steps_held)  # a sequence's loss is the mean over its steps
    metric, measure = targets.metric()
    return SequenceDataset(
        name=sequences.name,
        input_size=inputs.width,
        output_size=targets.output_size,
        seq_len=longest,
        target=targets.kind,
        per_step=stepwise,
        train_batch=finite_batches(len(train_rows), lambda rows: select(train_rows[rows])),
        validation=select(held_rows),
        train_size=len(train_rows),
        baselines=targets.baselines(training if stepwise else train_rows, asked, weights=weights),
        metric=metric,
        metric_function=over_valid_steps(measure) if stepwise and ragged else measure,
        notes=tuple(all_notes),
        class_names=targets.classes or None,
        input_names=inputs.names,
        coding=Coding(
            inputs.codes,
            targets.names,
            targets.scales,
            targets.classes,
            targets.kind,
            sequences.ids,
            missing,
            every_step=stepwise,
            max_length=max_length,
        ),
        answers=targets.answers(sequences.unit),
        guesses=(targets.guess(training if stepwise else train_rows),),
    )


def _how(sequences: Sequences) -> str:
    return ", as the files are named" if sequences.held_out is not None else ", drawn at random"


def _with_known_labels(sequences: Sequences) -> Sequences:
    labels = sequences.labels
    assert labels is not None
    known = np.isfinite(labels.values).min(axis=1)
    if known.all():
        return sequences
    if not known.any():
        raise DataError(f"The target '{labels.names[0]}' is missing in every sequence.")
    if labels.every_step:
        note = f"{many(int((~known).sum()), 'timestep')} without a target left out."
        return replace(kept_steps(sequences, known), notes=(*sequences.notes, note))
    note = f"{many(int((~known).sum()), 'sequence')} without a target left out."
    return replace(_of_these(sequences, known), notes=(*sequences.notes, note))


def _without_leak(sequences: Sequences, overlap: Overlap, val_fraction: float, how: str) -> tuple[Sequences, str]:
    """Return windows that overlap without those for training that reach into the validation part; and how it was split.

    The last ones in time are held out. A split that the files make stays where most windows for training reach into no
    window of the other part.
    """
    length, given, notes = int(sequences.lengths[0]), sequences.held_out, []
    each = f"each begins {many(overlap.shift, 'timestep')} after the one before"
    found = f"The sequences are windows that overlap: {each}{'' if overlap.in_order else ', in another order'}."
    if given is not None:
        reaching = reaching_into(overlap, length, given)
        if not reaching.any():
            return sequences, how
        if (given | reaching).mean() < _TOO_MANY + given.mean() * (1 - _TOO_MANY):
            note = f"{found} {many(int(reaching.sum()), 'window')} for training that reach into the others left out."
            return replace(_of_these(sequences, ~reaching), notes=(*sequences.notes, note)), how
        among = f"{int(reaching.sum()):,} windows for training overlap with held-out ones"
        notes = [f"The files' own split is not used: {among}."]
    held_out, kept = split_in_order(overlap, length, val_fraction)
    if held_out.all():
        return sequences, how
    left = many(int((~kept).sum()), "window")
    last = "The last ones" if overlap.in_order else "The last ones in time"
    notes = [*notes, f"{found} {last} are for validation, and {left} that reach into them left out."]
    ordered = replace(_of_these(replace(sequences, held_out=held_out), kept), notes=(*sequences.notes, *notes))
    return ordered, ", in the order of time"


def _of_these(sequences: Sequences, kept: NDArray[np.bool_]) -> Sequences:
    """Return the sequences `kept` (N,), with a label each or at each of their timesteps."""
    steps, labels = np.repeat(kept, sequences.lengths), sequences.labels
    assert labels is not None
    return replace(
        sequences,
        values=sequences.select(steps),
        offsets=offsets_of(sequences.lengths[kept]),
        ids=tuple(name for name, keep in zip(sequences.ids, kept, strict=True) if keep),
        labels=replace(labels, values=labels.values[steps if labels.every_step else kept]),
        held_out=None if sequences.held_out is None else sequences.held_out[kept],
    )


def _cropped(sequences: Sequences, max_length: int) -> Sequences:
    lengths = sequences.lengths
    long = int((lengths > max_length).sum())
    if not long:
        return sequences
    kept = np.minimum(lengths, max_length)
    places = np.arange(sequences.rows) >= np.repeat(sequences.offsets[1:] - kept, lengths)
    note = f"{many(long, 'sequence')} longer than {many(max_length, 'timestep')}: only the end of each is used."
    return replace(kept_steps(sequences, places), notes=(*sequences.notes, note))


def _split(sequences: Sequences, labels: Labels, val_fraction: float) -> NDArray[np.bool_]:
    """Return which sequences are held out: the given ones, or the same share of every class, at random."""
    if sequences.held_out is not None:
        return sequences.held_out
    count = sequences.count
    shuffled = np.random.default_rng((0, 0, count)).permutation(count)
    by_class = bool(labels.classes) and not labels.every_step
    groups = labels.values[shuffled, 0] if by_class else np.zeros(count)
    held_out = np.zeros(count, bool)
    for group in np.unique(groups):
        members = shuffled[groups == group]
        held_out[members[: min(round(len(members) * val_fraction), len(members) - 1)]] = True
    if not held_out.any():
        candidates = [
            row for row in shuffled if not by_class or (labels.values[:, 0] == labels.values[row, 0]).sum() > 1
        ]
        if not candidates:
            raise DataError(f"Every class of '{sequences.name}' has one sequence only, so none is left for validation.")
        held_out[candidates[0]] = True
    return held_out


def _targets(labels: Labels, training: NDArray[np.bool_], binary: bool, how: ScalingName) -> Targets:
    if labels.classes:
        return class_targets(
            labels.names[0],
            labels.classes,
            labels.values[:, 0],
            training,
            binary,
            lambda only: f"All training sequences are of one class ({only}), so there is nothing to learn.",
        )
    return number_targets(
        zip(labels.names, labels.values.T, strict=True),
        training,
        lambda name, _: f"The target '{name}' is the same in every training sequence, so there is nothing to learn.",
        how,
    )
