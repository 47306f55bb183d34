"""A table and the roles of its columns become `Sequences`."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rnncore.config import UploadData
from rnncore.data.dataset import DataError
from rnncore.data.files.limits import MAX_CLASSES
from rnncore.data.files.table import Column, Table
from rnncore.data.roles.calendar import JOINED
from rnncore.data.roles.columns import Roles
from rnncore.data.roles.file_names import FILE_COLUMN, held_out_files
from rnncore.data.roles.groups import groups_of, with_key
from rnncore.data.roles.order import order_of
from rnncore.data.roles.reading_texts import text_label
from rnncore.data.roles.readings import Reading
from rnncore.data.roles.wide import is_class, is_class_of_rows
from rnncore.data.sequences import Feature, Floats, Labels, Moments, Sequences, class_labels, columns_of, offsets_of
from rnncore.data.texts import labelled_texts
from rnncore.words import many

_MANY_SEQUENCES = 5  # from which on they are split by sequence where every step has its own label


def arrange(table: Table, roles: Roles, options: UploadData) -> Sequences:
    """Bring a table into the form of sequences.

    Raises:
        DataError: infinite values, or a target that cannot be of the wanted kind.
    """
    table = with_key(table, roles.id)
    for name in dict.fromkeys(
        (roles.time, *roles.targets, *(n for s in roles.steps.values() for n in s), *roles.features)
    ):
        if name and name not in roles.steps:
            check_finite(table, table.column(name))
    return sequences_of_rows(table, roles, options) if roles.layout == "rows" else _from_steps(table, roles, options)


def arrange_texts(table: Table, options: UploadData, reading: Reading) -> tuple[str, Sequences]:
    """Return the column of labels, and a table of texts as sequences of characters with these labels."""
    label = options.targets[0] if options.targets else text_label(table, reading.text)
    cells = table.column(reading.text).cells
    texts = (cells.dictionary_decode() if isinstance(cells, pa.DictionaryArray) else cells).to_pylist()
    roles = Roles("text", "", "", (reading.text,), (label,), {})
    labels = _labels(table, roles, options, np.arange(table.rows))
    return label, labelled_texts(table.name, [text or "" for text in texts], labels, _held_out_rows(table))


def _held_out_rows(table: Table) -> NDArray[np.bool_] | None:
    """Return which rows come from a file that is a test set by its name, None where there is no such file."""
    if FILE_COLUMN not in table.names:
        return None
    files = table.column(FILE_COLUMN)
    by_file = held_out_files(files.categories)
    return None if by_file is None or files.numbers is None else by_file[files.numbers.astype(np.int64)]


def check_finite(table: Table, column: Column) -> None:
    """Raise a DataError that names the first infinite value of a column."""
    if column.small is not None and np.isinf(column.small).any():
        place = int(np.flatnonzero(np.isinf(column.small))[0])
        raise DataError(
            f"Column '{column.name}' holds an infinite value in row {table.first_row + place:,} of '{table.name}'; "
            "replace it, or do not use the column."
        )


def sequences_of_rows(table: Table, roles: Roles, options: UploadData) -> Sequences:
    """Return a table of which each row is a sequence; without targets, the last feature is what is forecast."""
    cells = {name: table.column(name).small for names in roles.steps.values() for name in names}
    kind = np.result_type(np.float16, *(values.dtype for values in cells.values() if values is not None))
    cube = np.full((table.rows, len(next(iter(roles.steps.values()))), len(roles.steps)), np.nan, kind)  # (N, T, F)
    for feature, names in enumerate(roles.steps.values()):
        for step, name in enumerate(names):
            if (values := cells[name]) is not None:
                cube[:, step, feature] = values
    known = np.logical_not(np.isnan(cube)).max(axis=2)  # (N, T)
    lengths = np.where(np.any(known, axis=1), cube.shape[1] - np.argmax(known[:, ::-1], axis=1), 1)
    inside = np.arange(cube.shape[1]) < lengths[:, None]
    columns = tuple(Feature(name) for name in roles.steps)
    ids = tuple(str(table.first_row + place) for place in range(table.rows))
    every = tuple(range(len(columns)))
    notes = (f"{many(table.rows, 'sequence')}, one per row, of {_span(lengths)}.",)
    labels = _labels(table, roles, options, np.arange(table.rows)) if roles.targets else None
    held_out = _held_out_rows(table)
    targets = () if labels else (len(columns) - 1,)
    matrix = columns_of(cube.reshape(-1, len(columns)) if inside.all() else cube[inside])
    return Sequences(
        table.name, columns, matrix, offsets_of(lengths), ids, every, targets, labels, held_out, notes=notes
    )


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Where the rows of a table are timesteps: `order` of the rows by sequence and time, None = as they are.

    offsets: (N + 1,). ids: (N,) what the file calls each sequence. notes: what was done.
    """

    order: NDArray[np.int64] | None
    offsets: NDArray[np.int64]
    ids: tuple[str, ...]
    notes: tuple[str, ...]


def placed(table: Table, roles: Roles) -> Placed:
    """Put the rows of a table, each a timestep, into the order of sequences and time."""
    groups = groups_of(table, roles.id) if roles.id else np.zeros(table.rows, np.int64)
    order, notes = order_of(table, roles, groups)
    groups = groups if order is None else groups[order]
    first_rows = np.flatnonzero(np.diff(groups, prepend=-1))
    offsets = np.append(first_rows, len(groups))
    firsts = first_rows if order is None else order[first_rows]
    names = table.column(roles.id).cells.take(pa.array(firsts)).to_pylist() if roles.id else [table.name]
    return Placed(order, offsets, tuple("" if name is None else str(name) for name in names), tuple(notes))


def _from_steps(table: Table, roles: Roles, options: UploadData) -> Sequences:
    place = placed(table, roles)
    order, offsets, ids, notes = place.order, place.offsets, place.ids, list(place.notes)
    labelled = bool(roles.id) and all(_one_each(table.column(name), order, offsets) for name in roles.targets)
    own = not labelled and _unseen_class(table, roles, options)
    answered = labelled or (own and len(ids) >= _MANY_SEQUENCES)
    used = dict.fromkeys((*roles.features, *(() if answered else roles.targets)))
    columns: list[Feature] = []
    arrays: list[Floats] = []
    for name in used:
        feature, values = _column(table.column(name), name in roles.targets and not answered, options, table.rows)
        columns.append(feature)
        arrays.append(values if order is None else values[order])
    places = {name: place for place, name in enumerate(used)}
    inputs = tuple(places[name] for name in roles.features)
    targets = () if answered else tuple(places[name] for name in roles.targets)
    labels = None
    if answered:
        rows = np.arange(table.rows) if order is None else order
        rows = _first_known(table, roles, rows, offsets) if labelled else rows
        labels = _labels(table, roles, options, rows, eager=labelled)
        labels = replace(labels, every_step=not labelled)
    files = [name.split(JOINED)[0] for name in ids] if roles.id.split(JOINED)[0] == FILE_COLUMN else []
    held_out = held_out_files(files) if files else None
    if roles.id:
        notes.append(f"{many(len(ids), 'sequence')} told apart by '{roles.id}', of {_span(np.diff(offsets))}.")
    if own and answered:
        notes.append(f"'{roles.targets[0]}' is the target at every timestep; the network does not see it.")
    elif own:
        notes.append(
            f"The target is the '{roles.targets[0]}' of the last timestep of each window, which the network does not "
            "see; the horizon is not used."
        )
    return Sequences(
        table.name,
        tuple(columns),
        tuple(arrays),
        offsets,
        ids,
        inputs,
        targets,
        labels,
        held_out,
        at_last_step=own and not answered,
        notes=tuple(notes),
        moments=_moments(table, roles.time, order),
    )


def _moments(table: Table, name: str, order: NDArray[np.int64] | None) -> Moments | None:
    column = table.column(name) if name else None
    if column is None or column.small is None or column.categories:
        return None
    return Moments(name, column.small if order is None else column.small[order], column.kind == "time")


def _unseen_class(table: Table, roles: Roles, options: UploadData) -> bool:
    """Whether the target is a class at each step that the network does not see: recognised rather than forecast."""
    if len(roles.targets) > 1 or roles.targets[0] in roles.features:
        return False
    return _wants_classes(table.column(roles.targets[0]), options, table.rows, eager=False)


def _span(lengths: NDArray[np.int64]) -> str:
    low, high = int(lengths.min()), int(lengths.max())
    return many(high, "timestep") if low == high else f"{low:,} to {many(high, 'timestep')}"


def _one_each(column: Column, order: NDArray[np.int64] | None, offsets: NDArray[np.int64]) -> bool:
    if (numbers := column.numbers) is None:
        return False
    values = numbers if order is None else numbers[order]
    low, high = np.fmin.reduceat(values, offsets[:-1]), np.fmax.reduceat(values, offsets[:-1])
    return bool(((low == high) | np.isnan(low)).all())


def _first_known(table: Table, roles: Roles, rows: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the first row of each sequence in which its targets are known, its first row where there is none, (N,)."""
    missing = np.zeros(len(rows), bool)
    for name in roles.targets:
        if (values := table.column(name).numbers) is not None:
            missing |= np.isnan(values[rows])
    known = np.minimum.reduceat(np.where(missing, len(rows), np.arange(len(rows))), offsets[:-1])
    return rows[np.where(known < len(rows), known, offsets[:-1])]


def _column(column: Column, target: bool, options: UploadData, rows: int) -> tuple[Feature, Floats]:
    """Return a column as numbers, or as codes of categories where it holds words or is a target of classes."""
    if target and _wants_classes(column, options, rows, eager=False) and column.kind == "number":
        words, codes = _as_classes(column)
        return Feature(column.name, words), codes
    assert column.small is not None
    return Feature(column.name, column.categories), column.small


def _wants_classes(
    column: Column, options: UploadData, count: int, eager: bool, of_rows: tuple[Table, Roles] | None = None
) -> bool:
    """Whether a target is one of classes: as the user says, or as its values look."""
    if options.target_kind == "regression" and column.kind == "category":
        raise DataError(f"Column '{column.name}' holds words, so it cannot be predicted as a number.")
    if options.target_kind == "auto":
        if of_rows and of_rows[1].layout == "rows":
            table, roles = of_rows
            return is_class_of_rows(column, [name for names in roles.steps.values() for name in names], table)
        return is_class(column, count, eager)
    return options.target_kind != "regression"


def _as_classes(column: Column) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    numbers = column.numbers
    assert numbers is not None
    if column.categories:
        return column.categories, numbers
    known = ~np.isnan(numbers)
    values, places = np.unique(numbers[known], return_inverse=True)
    if len(values) > MAX_CLASSES:
        raise DataError(
            f"Column '{column.name}' has {len(values):,} different values; at most {MAX_CLASSES:,} classes."
        )
    codes = np.full(len(numbers), np.nan)
    codes[known] = places
    return tuple(f"{value:g}" for value in values), codes


def _labels(table: Table, roles: Roles, options: UploadData, rows: NDArray[np.int64], eager: bool = True) -> Labels:
    """Return the targets of sequences, or of their timesteps, taken from the given rows."""
    columns = [table.column(name) for name in roles.targets]
    if len(columns) == 1 and _wants_classes(columns[0], options, len(rows), eager, (table, roles)):
        words, codes = _as_classes(columns[0])
        known = codes[rows]
        if np.isnan(known).any():
            return Labels(roles.targets, known[:, None], words)
        return class_labels(roles.targets[0], [words[int(code)] for code in known])
    if any(column.kind == "category" for column in columns):
        raise DataError("Several targets at once must all be numbers; choose one column of classes, or numbers only.")
    return Labels(roles.targets, np.stack([c.numbers[rows] for c in columns if c.numbers is not None], 1))
