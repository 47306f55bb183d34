"""Sequences become a data set, with what is told about them."""

from dataclasses import replace

import numpy as np

from rnncore.config import UploadData
from rnncore.data.dataset import DataError
from rnncore.data.inspection import ColumnFact, Inspection
from rnncore.data.labelled import labelled_dataset
from rnncore.data.scaling import Scaling
from rnncore.data.sequences import Labels, Sequences, numbered_classes
from rnncore.data.series import forecast_dataset

_PREVIEW_POINTS = 2_000


def of_sequences(sequences: Sequences, options: UploadData, scaling: Scaling) -> Inspection:
    """Prepare sequences, and tell what they are; what is wrong is told in `Inspection.error`."""
    dataset, error = None, None
    binary = options.target_kind != "multiclass"
    try:
        if sequences.labels is not None:
            sequences = replace(sequences, labels=_wanted(sequences.labels, options))
            dataset = labelled_dataset(
                sequences, options.val_fraction, options.max_length, options.missing, binary, scaling
            )
        else:
            dataset = forecast_dataset(
                sequences,
                options.window,
                0 if sequences.at_last_step else options.horizon,
                options.stride,
                options.val_fraction,
                options.missing,
                binary,
                scaling,
            )
        if options.target_kind == "binary" and dataset.target != "binary":
            raise DataError(f"The target has {dataset.output_size:,} classes, so it is not a yes/no target.")
    except DataError as problem:
        dataset, error = None, str(problem)
    sample = sequences.sequence(0, stride=-(-int(sequences.lengths[0]) // _PREVIEW_POINTS))
    names = tuple(column.name for column in sequences.columns)
    facts = tuple(
        ColumnFact(name, "number", _role(place, sequences), int(np.isnan(sequences.values[place]).sum()), None, "")
        for place, name in enumerate(names)
    )
    notes = dataset.notes if dataset else sequences.notes
    if dataset and options.window is None and sequences.labels is None:
        options = options.model_copy(update={"window": dataset.seq_len})
    head = [dict(zip(names, (f"{value:g}" for value in row), strict=True)) for row in sequences.sequence(0, most=20)]
    return Inspection("sequences", options, sequences.rows, facts, head, sample, names, notes, dataset, error)


def _wanted(labels: Labels, options: UploadData) -> Labels:
    """Return labels as the user wants them: numbers as classes, or classes that are numbers as such."""
    if options.target_kind in ("binary", "multiclass") and not labels.classes:
        return numbered_classes(labels)
    if options.target_kind == "auto" and not labels.classes and labels.values.shape[1] == 1:
        known = labels.values[~np.isnan(labels.values)]
        few = len(np.unique(known)) <= max(2, min(20, len(known) // 3))
        if few and (known == np.round(known)).all():
            return numbered_classes(labels)
    if options.target_kind == "regression" and labels.classes:
        try:
            numbers = np.array([float(word) for word in labels.classes])
        except ValueError:
            raise DataError(
                f"The target '{labels.names[0]}' holds words, so it cannot be predicted as a number."
            ) from None
        known = ~np.isnan(labels.values)
        values = np.full(labels.values.shape, np.nan)
        values[known] = numbers[labels.values[known].astype(np.int64)]
        return replace(labels, values=values, classes=())
    return labels


def _role(place: int, sequences: Sequences) -> str:
    roles = [role for role, own in (("input", sequences.inputs), ("target", sequences.targets)) if place in own]
    return " and ".join(roles) or "unused"
