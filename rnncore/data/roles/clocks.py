"""Which column tells the time of the rows, where that is certain; what only recurs or wanders orders nothing."""

from dataclasses import replace

import numpy as np

from rnncore.data.dataset import DataError
from rnncore.data.files.table import Column, Table, shorten, smallest
from rnncore.data.files.times import parse_time_cells
from rnncore.data.roles.calendar import is_part_of_a_day
from rnncore.data.roles.groups import different_in
from rnncore.data.roles.names import is_calendar_name, is_time_name
from rnncore.data.sequences import Floats

PARSED = UNIQUE = 0.98  # shares of a date column that must be dates, and different, so that rows are sorted by it
_IN_ORDER = 0.98
_YEARS = 1000, 2999
_EVEN_YEARS, _FEWEST_YEARS = (1500, 2199), 5  # of a column whose name does not say that it holds years


def likely_clocks(table: Table) -> list[Column]:
    """Return the columns that may be a clock: full dates first, then clock times, then numbers named so."""
    dates = [column for column in table.columns if column.kind == "time" and not column.constant]
    partial = [column for column in dates if is_part_of_a_day(column)]
    numbers = [
        column
        for column in table.columns
        if column.kind == "number" and not column.missing and not column.constant
        if is_time_name(column.name.strip()) or falls_like_years(column)
    ]
    return [*(column for column in dates if column not in partial), *partial, *numbers]


def clock_of(table: Table) -> str:
    """Return the column that certainly orders the rows of one series, '' for none."""
    certain = [c for c in likely_clocks(table) if (moments := c.small) is not None and is_certain(c, moments)]
    full = [column for column in certain if column.kind == "time" and not is_part_of_a_day(column)]
    if len(full) > 1:  # a date of each row tells more than one that stands in many
        return max(full, key=different_in).name
    return certain[0].name if certain else ""


def with_clock(table: Table, name: str | None) -> Table:
    """Return a table whose column `name`, chosen as the clock although it was read as text, is one of times.

    Raises:
        DataError: fewer than half of its cells are times.
    """
    if not name or name not in table.names or table.column(name).kind not in ("text", "category"):
        return table
    column = table.column(name)
    cells = column.cells.dictionary_decode() if column.categories else column.cells
    seconds = parse_time_cells(cells)
    wrong = np.flatnonzero(np.isnan(seconds) & np.asarray(cells.is_valid()))
    if 2 * len(wrong) > len(seconds) - column.missing:
        first = shorten(str(cells[int(wrong[0])]))
        raise DataError(
            f"Column '{name}' cannot order the timesteps: {len(wrong):,} of its {len(seconds):,} cells are no dates or "
            f"times, first {first} in row {table.first_row + int(wrong[0]):,}."
        )
    odd = (int(wrong[0]), str(cells[int(wrong[0])])) if len(wrong) else None
    clock = Column(name, "time", smallest(seconds), (), column.shown, len(wrong), odd)
    return replace(table, columns=tuple(clock if c.name == name else c for c in table.columns))


def is_certain(column: Column, moments: Floats) -> bool:
    """Whether a column orders rows for certain: it goes one way, holds a full date for each, or counts them all."""
    missing = np.isnan(moments)
    known = moments[~missing] if missing.any() else moments
    steps = np.diff(known)
    if len(steps) == 0:
        return False
    if (steps >= 0).all() or goes_back(column, steps):
        return True
    if is_part_of_a_day(column):
        return False
    if column.kind == "time":
        different = len(np.unique(known))
        filled = len(moments) - column.missing + column.bad
        return len(known) >= PARSED * filled and (different >= UNIQUE * len(known) or nearly_in_order(steps))
    return is_years(column, known) if len(np.unique(known)) == len(known) else False


def counts_without_gap(known: Floats) -> bool:
    """Whether shuffled numbers are 0, 1, 2, ... or 1, 2, 3, ..., each once."""
    low, high = known.min(), known.max()
    return bool(low in (0, 1) and high - low + 1 == len(known) and len(np.unique(known)) == len(known))


def is_years(column: Column, known: Floats) -> bool:
    """Whether numbers are years, each once, or count the rows from 0 or 1 under a name that says so."""
    whole = bool((known == np.round(known)).all())
    if whole and known.min() >= _YEARS[0] and known.max() <= _YEARS[1]:
        return True
    return whole and not is_calendar_name(column.name) and counts_without_gap(known)


def goes_back(column: Column, steps: Floats) -> bool:
    """Whether the rows stand newest first: dates, or years, that fall from row to row but for odd ones."""
    if len(steps) == 0 or (steps > 0).mean() > 1 - _IN_ORDER or (steps < 0).mean() < 0.5:
        return False
    if column.kind == "time":
        return not is_part_of_a_day(column)
    numbers = column.numbers
    assert numbers is not None
    in_years = bool(np.nanmin(numbers) >= _YEARS[0] and np.nanmax(numbers) <= _YEARS[1])
    return in_years and (is_time_name(column.name.strip()) or _are_even(steps, numbers))


def falls_like_years(column: Column) -> bool:
    """Whether whole numbers fall evenly from 2199 or below to 1500 or above, so that they are years by any name."""
    numbers = column.small
    if column.kind != "number" or numbers is None or not (numbers[:2] >= _EVEN_YEARS[0]).all():
        return False
    numbers = numbers.astype(np.float64)
    return _are_even(np.diff(numbers), numbers)


def _are_even(steps: Floats, numbers: Floats) -> bool:
    """Whether nearly all steps are the same one downwards, but for those between sequences, and numbers are years."""
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    if low < _EVEN_YEARS[0] or high > _EVEN_YEARS[1] or (numbers != np.round(numbers)).any():
        return False
    down = steps[steps < 0]
    return len(down) >= _FEWEST_YEARS and bool((down == np.median(down)).mean() >= 0.9 and len(down) > len(steps) / 2)


def nearly_in_order(steps: Floats) -> bool:
    """Whether times rise from row to row but for odd ones, as where clocks are set back an hour."""
    return bool((steps >= 0).mean() >= 0.99)
