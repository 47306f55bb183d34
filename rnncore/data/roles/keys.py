"""Columns that tell several series apart, and the clock that goes with them, found by how their values stand."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnncore.data.files.table import Column, Table, select_rows
from rnncore.data.roles.file_names import FILE_COLUMN, held_out_files
from rnncore.data.roles.groups import (
    MOST_CANDIDATES,
    MOST_TOGETHER,
    Keys,
    different_in,
    groups_of,
    may_number_sequences,
    together,
)
from rnncore.data.roles.key_blocks import in_blocks, in_nested_blocks
from rnncore.data.roles.key_times import UNIQUE, of_repeated_times
from rnncore.data.roles.names import are_calendar_words, is_calendar_name, is_id_name, is_label_name, is_time_name

_MISSING = 0.95  # of the cells of a column of words that tells sequences apart together with another


def find_keys(table: Table, times: Sequence[Column]) -> list[Keys]:
    """Return the likely keys of a table, the likeliest first; empty where its rows are one series.

    times: the columns that may be the clock, the likeliest first; those of dates, and numbers that rise somewhere.
    """
    if FILE_COLUMN in table.names and (within := _within_files(table)):
        return within
    candidates = list(_candidates(table))
    found = [keys for keys in (in_blocks(table, column, times) for column in candidates) if keys]
    if not any(keys.score > 0.8 for keys in found):
        found += in_nested_blocks(table, times)
    groups: dict[str, NDArray[np.int64]] = {}
    for time in times[:3]:
        known = any(keys.time == time.name and keys.score > 0.8 for keys in found)
        if not known and candidates and _repeats(time):
            groups = groups or {column.name: groups_of(table, column.name) for column in candidates}
            found += of_repeated_times(table, candidates, groups, time)
    ranked: list[Keys] = []
    for keys in sorted(found, key=lambda keys: -keys.score):
        if not any(_same_parts(table, keys, other) for other in ranked):
            ranked.append(keys)
    return ranked


def _same_parts(table: Table, left: Keys, right: Keys) -> bool:
    """Whether two keys tell the same rows apart, as a country and its code do."""
    own, other = (together([groups_of(table, name) for name in keys.names]) for keys in (left, right))
    return bool((own == other).all())


def _within_files(table: Table) -> list[Keys]:
    """Return the keys within each of several files, in which the same names may mean other sequences."""
    files = table.column(FILE_COLUMN)
    if files.numbers is None:
        return []
    one = replace(table, columns=tuple(
        select_rows(column, files.numbers == files.numbers[0]) for column in table.columns if column.name != FILE_COLUMN
    ))  # fmt: skip
    one = replace(one, rows=int((files.numbers == files.numbers[0]).sum()))
    inner = [keys for keys in find_keys(one, [c for c in one.columns if _may_be_clock(c)]) if keys.score > 0.8]
    apart = held_out_files(files.categories) is not None
    if not inner and not apart:
        return []
    if not inner:
        count = len(files.categories)
        return [Keys((FILE_COLUMN,), "", 0.6, f"Some files are for validation by their names: {count:,} sequences.")]
    names = (FILE_COLUMN, *inner[0].names) if apart or not _unique_over_files(table, inner[0]) else inner[0].names
    if len(names) > MOST_TOGETHER + 1:
        return []
    return [replace(inner[0], names=names, reason=f"In each file: {inner[0].reason}")]


def _unique_over_files(table: Table, keys: Keys) -> bool:
    """Whether no time stands twice in a sequence that goes on from file to file."""
    time = table.column(keys.time) if keys.time else None
    if time is None or time.kind != "time" or time.numbers is None:
        return False
    moments = np.asarray(np.unique(time.numbers, return_inverse=True)[1], np.int64)
    groups = together([groups_of(table, name) for name in keys.names])
    return len(np.unique(groups * (int(moments.max()) + 1) + moments)) >= UNIQUE * table.rows


def _may_be_clock(column: Column) -> bool:
    return column.kind == "time" or (
        column.kind == "number" and is_time_name(column.name.strip()) and not column.missing and not column.constant
    )


def _repeats(time: Column) -> bool:
    """Whether a time stands in several rows."""
    moments = time.small
    return moments is not None and bool((np.diff(np.sort(moments)) == 0).any())


def _candidates(table: Table) -> Iterator[Column]:
    """Yield the columns that may tell sequences apart: the likeliest by name first."""
    fitting = []
    for place, column in enumerate(table.columns):
        name = column.name.strip()
        named = is_id_name(name)
        if column.kind not in ("category", "number", "text") or is_label_name(name):
            continue
        if column.missing > (_MISSING * table.rows if column.kind == "category" else 0):
            continue
        if column.kind == "text" and not named:
            continue
        if is_calendar_name(name) and (column.kind == "number" or are_calendar_words(column.categories)):
            continue
        if column.kind == "number" and not may_number_sequences(column):
            continue
        if column.kind == "number" and is_time_name(name) and not named:
            continue
        fitting.append((not named, column.kind == "number", place, column))
    for _, _, _, column in sorted(fitting, key=lambda item: item[:3])[: 2 * MOST_CANDIDATES]:
        count = len(column.categories) or different_in(column)
        if 2 <= count <= table.rows / 2:
            yield column
