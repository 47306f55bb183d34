"""Which column of a table is what: time, id, label, features, targets; and which layout the table has."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rnncore.config import UploadData
from rnncore.data.dataset import DataError
from rnncore.data.files.limits import MAX_CATEGORIES
from rnncore.data.files.table import Column, Table
from rnncore.data.roles.calendar import JOINED
from rnncore.data.roles.suggest import WHOLE, fitting_features, no_time, step_target, suggestion
from rnncore.data.roles.wide import LABEL_NAME, different, is_class, step_columns

FILE_COLUMN = "file"

_TIME_NAME = re.compile(
    r"^(t|time|times|timestamp|time.?stamp|date|datetime|days?|weeks?|months?|years?|steps?|hours?|minutes?|seconds?|ms"
    r"|order|seq|frame|tick|quarter|period|index|cycle|obs|.*[ _](time|date|timestamp))$",
    re.I,
)
_ID_NAME = re.compile(
    r"^(id|.*[ _]id|.*id_.*|uid|case|series|sequence|subject|patient|trial|session|unit|sample|group|symbol|ticker|name"
    r"|station|location|site|city|country|state|region|store|item|product|customer|user|machine|device|sensor|run|episode"
    r"|chick|plant|animal|firm|company|engine|file)$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Roles:
    """What every column of a table is for. steps: step columns of each feature (layout rows), in order."""

    layout: str
    id: str
    time: str
    features: tuple[str, ...]
    targets: tuple[str, ...]
    steps: dict[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()


def find_roles(table: Table, options: UploadData) -> Roles:
    """Find out layout and roles of a table; what the options name is taken as given.

    Raises:
        DataError: a named column does not exist or cannot play its role, or no column is left to see or to predict.
    """
    for named in (*(options.features or ()), *(options.targets or ()), options.id, options.time):
        if named:
            table.column(named)
    steps = step_columns(table, options) if options.layout in ("auto", "rows") else {}
    if options.layout == "rows" and not steps:
        raise DataError(f"'{table.name}' has no columns of numbers that could be the steps of one sequence per row.")
    if steps:
        return _rows(table, options, steps)
    time = options.time if options.time is not None else _time_column(table)
    if options.layout == "series":
        return _stepwise(table, options, "series", "", time)
    identity = options.id if options.id is not None else _id_column(table, time)
    if options.layout == "long" and not identity:
        raise DataError(f"The long form needs a column that tells the sequences apart; choose one of '{table.name}'.")
    if identity and not time and options.time is None:
        time = _counter_within(table, identity)
    return _stepwise(table, options, "long" if identity else "series", identity, time)


def groups_of(table: Table, identity: str) -> NDArray[np.int64]:
    """Return the number of the sequence that each row belongs to, in the order of their first rows, (rows,)."""
    cells = table.column(identity).cells
    codes = cells if isinstance(cells, pa.DictionaryArray) else cells.dictionary_encode()
    places = codes.indices.fill_null(len(codes.dictionary))
    return np.asarray(places.to_numpy(zero_copy_only=False), np.int64)


def _time_column(table: Table) -> str:
    for column in table.columns:
        if column.kind == "time":
            return column.name
    for column in table.columns:
        if (
            column.kind == "number"
            and _TIME_NAME.match(column.name.strip())
            and not column.constant
            and not column.missing
        ):
            return column.name
    return ""


def _counter_within(table: Table, identity: str) -> str:
    """Return the column that counts the rows of each sequence in equal steps from the same beginning, '' for none."""
    groups = groups_of(table, identity)
    inside, firsts = np.diff(groups) == 0, np.diff(groups, prepend=-1) != 0
    for column in table.columns:
        if column.name == identity or column.kind != "number" or column.numbers is None or column.missing:
            continue
        steps, starts = np.diff(column.numbers)[inside], column.numbers[firsts]
        if len(steps) and steps.min() > 0 and steps.min() == steps.max() and starts.min() == starts.max():
            return column.name
    return ""


def _id_column(table: Table, time: str) -> str:
    """Return the column that tells sequences apart: named so, or such that the time repeats without it."""
    moments = table.column(time).numbers if time else None
    times = 0 if moments is None else different(moments)
    repeated = moments is not None and times < len(moments)
    candidates = []
    for column in table.columns:
        if column.name == time or column.kind not in ("category", "number", "text") or LABEL_NAME.match(column.name):
            continue
        named = bool(_ID_NAME.match(column.name.strip()))
        timed = bool(_TIME_NAME.match(column.name.strip()))
        if not (named or (repeated and not timed)) or column.missing:
            continue
        if column.kind == "number" and not _may_number_sequences(column):
            continue
        groups = groups_of(table, column.name)
        count = int(groups.max()) + 1
        if count < 2 or table.rows / count < 2:
            continue
        if not named and column.kind != "category" and table.rows < 0.9 * count * times:
            continue  # other numbers tell sequences apart only where nearly every one has all the same times
        if moments is not None:
            if not repeated or _different_pairs(groups, moments) < 0.98 * table.rows:
                continue
        elif not named or int((np.diff(groups) != 0).sum()) + 1 > count:
            continue
        candidates.append((not named, column.name))
    return min(candidates, key=lambda item: item[0])[1] if candidates else ""


def _may_number_sequences(column: Column) -> bool:
    """Whether a column holds whole numbers, and others than 0 and 1."""
    numbers = column.numbers
    return numbers is not None and bool((numbers == np.round(numbers)).all() and not np.isin(numbers, (0, 1)).all())


def _stepwise(table: Table, options: UploadData, layout: str, identity: str, time: str) -> Roles:
    """Roles where a row is a timestep."""
    groups = groups_of(table, identity) if identity else np.zeros(table.rows, np.int64)
    free = [c for c in table.columns if c.name not in (identity, time) and c.kind in ("number", "category")]
    targets, why = options.targets, ""
    if targets is None:
        label = _constant_label(free, groups) if identity else None
        target, why = (label, WHOLE) if label else step_target(table, free, identity or time)
        targets = (target,)
    _check_targets(table, targets)
    labelled = bool(identity) and all(_constant_within(table.column(name), groups) for name in targets)
    ordered = time or identity or len(free) < 2 or any(column.counts_rows for column in free)
    notes = [] if ordered else no_time(table.column(targets[0]))
    if options.features is not None:
        features = options.features
    else:
        features, left_out = fitting_features(table, free, (identity, time, *time.split(JOINED)), targets, labelled)
        notes += left_out
    _check_features(table, features)
    if why and (len(features) > 1 or why == WHOLE):
        notes.insert(0, suggestion(targets[0], why, features, table.rows))
    return Roles(layout, identity, time, features, targets, {}, tuple(notes))


def _different_pairs(groups: NDArray[np.int64], moments: NDArray[np.float64]) -> int:
    order = np.lexsort((moments, groups))
    same = (np.diff(groups[order]) == 0) & (np.diff(moments[order]) == 0)
    return len(groups) - int(same.sum())


def _constant_within(column: Column, groups: NDArray[np.int64]) -> bool:
    """Whether a column has one value per sequence, missing cells aside."""
    if column.numbers is None:
        return False
    known = ~np.isnan(column.numbers)
    count = int(groups.max()) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, groups[known], column.numbers[known])
    np.maximum.at(high, groups[known], column.numbers[known])
    return bool((low >= high).all())


def _constant_label(free: list[Column], groups: NDArray[np.int64]) -> str | None:
    """Return the column that labels whole sequences: constant within each, not the same in all nor different in all."""
    count = int(groups.max()) + 1
    found = [c for c in free if not c.constant and _constant_within(c, groups)]
    named = [c for c in found if LABEL_NAME.match(c.name.strip())]
    full = [c for c in found if c.numbers is not None and c.missing < 0.5 * len(groups)]
    usual = [c for c in full if is_class(c, count, eager=True) and len(c.categories) < count]
    choice = named[-1:] or usual[-1:]
    return choice[0].name if choice else None


def _check_features(table: Table, features: tuple[str, ...]) -> None:
    if not features:
        raise DataError(f"'{table.name}' has no column that the network could see; choose features that vary.")
    for name in features:
        column = table.column(name)
        if column.kind not in ("number", "category"):
            raise DataError(f"Column '{name}' cannot be a feature: it holds {_WORDS[column.kind]}.")
        if column.kind == "category" and len(column.categories) > MAX_CATEGORIES:
            raise DataError(
                f"Column '{name}' cannot be a feature: it has {len(column.categories):,} different words, and at most "
                f"{MAX_CATEGORIES} can become inputs."
            )


_WORDS = {"time": "dates", "text": "text that is different in every row", "empty": "nothing"}


def _check_targets(table: Table, targets: tuple[str, ...]) -> None:
    if not targets:
        raise DataError("Choose a column to predict.")
    for name in targets:
        column = table.column(name)
        if column.kind not in ("number", "category"):
            raise DataError(f"Column '{name}' cannot be predicted: it holds {_WORDS[column.kind]}.")
        if column.constant:
            raise DataError(f"Column '{name}' is the same in every row, so there is nothing to learn; choose another.")
        if len(targets) > 1 and column.kind == "category":
            raise DataError(f"Column '{name}' holds classes, which can only be predicted alone; choose one target.")


def _rows(table: Table, options: UploadData, steps: dict[str, tuple[str, ...]]) -> Roles:
    """Roles where a row is a sequence."""
    used = {name for names in steps.values() for name in names}
    free = [
        c for c in table.columns if c.name not in used and c.kind in ("number", "category") and c.name != FILE_COLUMN
    ]
    targets = options.targets
    if targets is None:
        named = [c for c in free if LABEL_NAME.match(c.name.strip())]
        classes = [
            c
            for c in free
            if is_class(c, table.rows, eager=True) and not c.constant and len(c.categories) <= table.rows // 2
        ]
        last = [c for c in free if c.kind == "number" and not c.counts_rows and not c.constant]
        choice = named[:1] or classes[:1] or last[-1:]
        targets = (choice[0].name,) if choice else ()
    if targets:
        _check_targets(table, targets)
    return Roles("rows", "", "", tuple(steps), targets, steps)
