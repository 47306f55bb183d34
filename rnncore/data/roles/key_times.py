"""Keys without which a time would stand twice in a sequence."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rnncore.data.files.table import Column, Table
from rnncore.data.roles.calendar import is_part_of_a_day
from rnncore.data.roles.groups import MOST_CANDIDATES, MOST_TOGETHER, Keys, together
from rnncore.data.roles.names import is_id_name, is_time_name

UNIQUE = 0.98  # of the pairs of key and time
_SELDOM = 0.75  # with more different times than that for each row, times repeat by accident
_FULL = 0.9  # of all pairs of a number and a time that there could be
_SAMPLE = 20_000  # rows of the first times, by which most columns are ruled out before all rows are looked at


def of_repeated_times(
    table: Table, candidates: Sequence[Column], groups: dict[str, NDArray[np.int64]], time: Column
) -> list[Keys]:
    """Return the fewest columns such that no time stands twice within a sequence."""
    if time.numbers is None or is_part_of_a_day(time):
        return []
    moments = np.asarray(np.unique(time.numbers, return_inverse=True)[1], np.int64)
    times = int(moments.max()) + 1
    if times == table.rows:
        return []
    free = [column for column in candidates if column.name != time.name][:MOST_CANDIDATES]
    free.sort(key=lambda column: table.names.index(column.name))
    found: list[Keys] = []
    few = np.flatnonzero(moments < max(1, int(times * _SAMPLE / table.rows)))[:_SAMPLE]
    for count in range(1, min(MOST_TOGETHER, len(free)) + 1):
        for columns in combinations(free, count):
            seen = np.stack([moments[few], *(groups[column.name][few] for column in columns)], 1)
            if len(np.unique(seen, axis=0)) < UNIQUE * len(few) - 1:
                continue  # a time stands twice among the first ones already
            own = groups[columns[0].name] if count == 1 else together([groups[c.name] for c in columns])
            if keys := _fitting(table, columns, own, time, moments, times):
                found.append(keys)
        if found:
            break
    return found


def _fitting(
    table: Table, columns: Sequence[Column], groups: NDArray[np.int64], time: Column, moments: NDArray[np.int64],
    times: int,
) -> Keys | None:  # fmt: skip
    """Whether columns leave no time twice in a sequence, and are no measurement that does so by chance."""
    count = int(groups.max()) + 1
    if count < 2 or table.rows < 2 * count:
        return None
    different = len(np.unique(groups * times + moments))
    if different < UNIQUE * table.rows:
        return None
    named = all(is_id_name(column.name) for column in columns)
    words = all(column.kind == "category" for column in columns)
    if times > _SELDOM * table.rows and not named:
        return None
    full = table.rows / (count * times)
    if not (named or words) and full < _FULL:
        return None
    if time.kind != "time" and not _rises_within(groups, time):
        return None
    score = (0.95 if named or words else 0.85) - 2 * (1 - different / table.rows)
    if len(columns) == 1 and not named and columns[0].kind == "number" and _is_finer_clock(table, columns[0], moments):
        score = 0.6
    names = " and ".join(f"'{column.name}'" for column in columns)
    each = f"{table.rows / times:,.0f}"
    reason = f"Each '{time.name}' stands in about {each} rows, one for each {names}: {count:,} series."
    return Keys(tuple(column.name for column in columns), time.name, score + 0.04 * full, reason)


def _rises_within(groups: NDArray[np.int64], time: Column) -> bool:
    """Whether a number rises from row to row of every sequence, as a clock does."""
    order = np.argsort(groups, kind="stable")
    numbers = time.numbers
    assert numbers is not None
    steps, inside = np.diff(numbers[order]), np.diff(groups[order]) == 0
    return bool((steps[inside] > 0).all() or is_time_name(time.name))


def _is_finer_clock(table: Table, column: Column, moments: NDArray[np.int64]) -> bool:
    """Whether a number counts up within each time, as hours do within a day: it may be a clock as well as a key."""
    numbers = column.numbers
    assert numbers is not None
    return bool((np.diff(numbers)[np.diff(moments) == 0] == 1).all())
