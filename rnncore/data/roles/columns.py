"""What every column of a table is for under a reading: time, id, label, features, targets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnncore.config import UploadData
from rnncore.data.dataset import DataError
from rnncore.data.files.limits import MAX_CATEGORIES
from rnncore.data.files.table import Column, Table
from rnncore.data.roles.calendar import JOINED, is_part_of_a_day
from rnncore.data.roles.groups import groups_of, with_key
from rnncore.data.roles.names import CALENDAR, is_label_name
from rnncore.data.roles.readings import Reading
from rnncore.data.roles.suggest import MAY_NOT_BE, STATE, WHOLE, fitting_features, no_time, step_target, suggestion
from rnncore.data.roles.wide import is_class, sequence_label

_EVEN_YEARS = 1800, 2200  # that whole numbers of a clock are, whatever its name


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


def check_named(table: Table, options: UploadData) -> None:
    """Raise a DataError that lists the columns where the options name one that is not there."""
    for named in (*(options.features or ()), *(options.targets or ()), options.id, options.time):
        if named:
            table.column(named)


def find_roles(table: Table, options: UploadData, reading: Reading) -> Roles:
    """Find out the roles of a table's columns under a reading; what the options name is taken as given.

    Raises:
        DataError: a named column cannot play its role, or no column is left to see or to predict.
    """
    if reading.layout == "rows":
        return _rows(table, options, reading)
    return _stepwise(with_key(table, reading.id), options, reading.layout, reading.id, reading.time)


def _stepwise(table: Table, options: UploadData, layout: str, identity: str, time: str) -> Roles:
    """Roles where a row is a timestep."""
    groups = groups_of(table, identity) if identity else np.zeros(table.rows, np.int64)
    keys = {identity, time, *identity.split(JOINED)}
    free = [c for c in table.columns if c.name not in keys and c.kind in ("number", "category")]
    targets, why = options.targets, ""
    if targets is None:
        dated = bool(time) and _goes_on(table.column(time))
        label = _constant_label(free, groups, dated) if identity else None
        target, why = (label, WHOLE) if label else step_target(table, _moving(free, groups, identity), identity or time)
        targets = (target,)
    _check_targets(table, targets)
    labelled = bool(identity) and all(_constant_within(table.column(name), groups) for name in targets)
    ordered = time or identity or any(column.counts_rows for column in free)
    notes = [] if ordered else no_time(table.column(targets[0]))
    notes = notes if len(free) > 1 else [note for note in notes if MAY_NOT_BE in note]
    if options.features is not None:
        features = options.features
    elif why == STATE:  # recognised, not forecast
        features, left_out = fitting_features(
            table, [column for column in free if column.name not in targets], (*keys, *time.split(JOINED)), (), labelled
        )
        notes += left_out
    else:
        features, left_out = fitting_features(table, free, (*keys, *time.split(JOINED)), targets, labelled)
        notes += left_out
    _check_features(table, features)
    if why and (len(features) > 1 or why == WHOLE):
        notes.insert(0, suggestion(targets[0], why, features, table.rows))
    return Roles(layout, identity, time, features, targets, {}, tuple(notes))


def _goes_on(time: Column) -> bool:
    """Whether a clock is one of calendar time: dates, or years."""
    if time.kind == "time":
        return not is_part_of_a_day(time)
    numbers = time.numbers
    if numbers is None or numbers.min() < 1000 or numbers.max() > 2999:
        return False
    named = bool(CALENDAR["year"][0].match(time.name.strip()))
    return named or bool(
        (numbers % 1 == 0).all() and numbers.min() >= _EVEN_YEARS[0] and numbers.max() < _EVEN_YEARS[1]
    )


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


def _moving(free: list[Column], groups: NDArray[np.int64], identity: str) -> list[Column]:
    """Return the columns that change within some sequence: what never does cannot be forecast."""
    moving = [column for column in free if not _constant_within(column, groups)] if identity else free
    return moving or free


def _constant_label(free: list[Column], groups: NDArray[np.int64], dated: bool) -> str | None:
    """Return the column that labels whole sequences: constant within each, not the same in all nor different in all.

    dated: the sequences are series in calendar time, which go on: then only a name makes a label.
    """
    count = int(groups.max()) + 1
    found = [c for c in free if not c.constant and _constant_within(c, groups)]
    named = [c for c in found if is_label_name(c.name)]
    full = [c for c in found if c.numbers is not None and c.missing < 0.5 * len(groups)]
    usual = [c for c in full if not dated and is_class(c, count, eager=True) and 2 * len(c.categories) <= count]
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


def _rows(table: Table, options: UploadData, reading: Reading) -> Roles:
    """Roles where a row is a sequence."""
    targets = options.targets
    if targets is None:
        label = sequence_label(table, reading.steps, timely=reading.timely)
        targets = (label,) if label else ()
    if targets:
        _check_targets(table, targets)
    return Roles("rows", "", "", tuple(reading.steps), targets, reading.steps)
