"""The reading of a table as several sequences, one below the other or interleaved, told apart by columns."""

import numpy as np

from rnncore.config import UploadData
from rnncore.data.files.table import Table
from rnncore.data.roles.clocks import likely_clocks
from rnncore.data.roles.file_names import FILE_COLUMN
from rnncore.data.roles.groups import Keys, groups_of
from rnncore.data.roles.keys import find_keys
from rnncore.data.roles.names import is_calendar_name
from rnncore.data.roles.readings import READINGS, Reading, ReadingKind

_MOST = 3  # readings with different keys


def _propose(table: Table, options: UploadData) -> list[Reading]:
    if options.layout not in ("auto", "long") or (options.id == "" and options.layout == "auto"):
        return []
    if options.id:
        time = options.time if options.time is not None else _clock_within(table, options.id)
        reason = f"As chosen: '{options.id}' tells the sequences apart."
        return [Reading("panel", "long", 1.0, reason, options.id, time)]
    keys = find_keys(table, likely_clocks(table))
    if options.layout == "long" and not keys:
        return []
    return [_reading(table, options, each) for each in keys[:_MOST]]


def _reading(table: Table, options: UploadData, keys: Keys) -> Reading:
    time = options.time if options.time is not None else keys.time
    if options.time is None and not time and len(keys.names) == 1:
        find = _clock_within if keys.names == (FILE_COLUMN,) else _counter
        time = find(table, keys.names[0])
    return Reading("panel", "long", keys.score, keys.reason, keys.column, time)


def _clock_within(table: Table, identity: str) -> str:
    """Return the column that orders the rows of each sequence, '' for none."""
    groups = groups_of(table, identity)
    order = np.argsort(groups, kind="stable")
    inside = np.diff(groups[order]) == 0
    for column in likely_clocks(table):
        if column.numbers is None or column.name == identity:
            continue
        steps = np.diff(column.numbers[order])[inside]
        if column.kind == "time" or (steps > 0).all() or (is_calendar_name(column.name) and (steps >= 0).all()):
            return column.name
    return _counter(table, identity)


def _counter(table: Table, identity: str) -> str:
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


READINGS.register(
    ReadingKind(
        key="panel",
        title="Each row is one timestep of one of several sequences",
        help="A column, or several together, tell the sequences apart; no window goes from one into another.",
        propose=_propose,
    )
)
