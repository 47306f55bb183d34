"""Calendar columns: the parts of a date become one time, and a table of years by months becomes one series."""

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rnncore.config import UploadData
from rnncore.data.files.months import in_english
from rnncore.data.files.table import Column, Table, numeric_column, smallest, time_column
from rnncore.data.roles.names import CALENDAR
from rnncore.words import listed, many

JOINED = " + "

_Part = tuple[Column, NDArray[np.int64]]
_Found = tuple[list[Column], NDArray[np.int64]]  # the columns of a time, and it in seconds

_DAY = 86_400
_NO_DAY = -2_208_988_800  # seconds: the first day of 1900
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = re.compile(
    r"^(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?"
    r"|dec(ember)?)\.?$",
    re.I,
)
_PART_OF_A_DAY = re.compile(r"^(h|hr|hour|he|p|period|t|v|x|kw|load|price)?[ _.]?\d{1,3}$|^\d{1,2}:\d\d(:\d\d)?$", re.I)
_PARTS_OF_A_DAY = (24, 48, 72, 96, 144, 288)
_HHMM_NAME = re.compile(r"^(time|clock|hhmm|hrmn|hour|hr|h|obs[ _]?time|utc|gmt|zeit|.*[ _]time|.*[ _]hhmm)$", re.I)
_QUARTER_NAME = re.compile(r"^q(uarter)?[ _]?[1-4]$", re.I)
SUMMARY_NAME = re.compile(
    r"^(annual|ann|(grand[ _])?total|summe|average|sum|mean|avg|average|j-d|d-n|djf|mam|jja|son)\b.*", re.I
)


def on_the_calendar(table: Table, options: UploadData) -> Table:
    """Return a table whose times stand in one column and, where its columns are months, whose rows are timesteps.

    Year and month (or quarter), day, hour and minute, or a date and a clock time, are joined in a new first column
    named after them ('year + month'). What the options name is left as it is in the file.
    """
    named = {*(options.features or ()), *(options.targets or ()), options.id, options.time}
    across = options.layout in ("auto", "series") and not named & set(table.names)
    return (_unrolled(table) if across else None) or _joined(table) or table


def _joined(table: Table) -> Table | None:
    times = [column for column in table.columns if column.kind == "time"]
    clocks = [column for column in times if is_part_of_a_day(column)]
    clocks = clocks or [clock for column in table.columns if (clock := _of_digits(column))]
    parts = {part: found for part in CALENDAR if (found := _part(table, part))}
    days = [column for column in times if column not in clocks and _whole_days(column)]
    joined: _Found | None = None
    if len(days) == 1:
        joined = _day_and_clock(days[0], clocks, parts)
    elif all(column in clocks for column in times):
        joined = _date(parts, clocks)
    if joined is None:
        return None
    columns, seconds = joined
    name = JOINED.join(column.name for column in columns)
    if name in table.names:
        return None
    unit = "D" if not (seconds % _DAY).any() else "s"
    cells = pa.array(seconds.astype("datetime64[s]").astype(f"datetime64[{unit}]"))
    note = f"{listed([column.name for column in columns])} are read as one time, '{name}'."
    time = time_column(name, cells, seconds.astype(np.float64))
    return replace(table, columns=(time, *table.columns), notes=(*table.notes, note))


def _of_digits(column: Column) -> Column | None:
    """Return a column of clock times written as numbers (53, 153, 2353) as times of a day, None where it is none."""
    numbers = column.numbers
    if column.kind != "number" or numbers is None or column.missing or not _HHMM_NAME.match(column.name.strip()):
        return None
    hours, minutes = numbers // 100, numbers % 100
    if (numbers % 1).any() or numbers.min() < 0 or numbers.max() > 2400 or minutes.max() > 59 or numbers.max() <= 24:
        return None
    steps = np.diff(numbers)
    if (steps[steps != 0] > 0).mean() < 0.5:
        return None
    return replace(column, kind="time", content=smallest(_NO_DAY + 3_600 * hours + 60 * minutes))


def _part(table: Table, part: str) -> _Part | None:
    """Return the column that holds a part of a date, and its values as whole numbers, (rows,)."""
    names, low, high = CALENDAR[part]
    for column in table.columns:
        if not names.match(column.name.strip()) or column.missing or column.numbers is None:
            continue
        values = column.numbers
        words = in_english(pa.array(column.categories[:13], pa.string())).to_pylist() if part == "month" else []
        if words and len(words) <= 12 and all(map(_MONTH_NAME.match, words)):
            values = np.array([1 + _month(word) for word in words])[values.astype(np.int64)]
        elif column.kind != "number":
            continue
        if (values == np.round(values)).all() and values.min() >= low and values.max() <= high:
            return column, values.astype(np.int64)
    return None


def _month(word: str) -> int:
    return _MONTHS.index(word[:3].lower())


def _whole_days(column: Column) -> bool:
    return not column.missing and column.numbers is not None and not (column.numbers % _DAY).any()


def is_part_of_a_day(column: Column) -> bool:
    """Whether times have no day: they are read as those of the first day of 1900."""
    if column.kind != "time" or column.numbers is None:
        return False
    return bool(np.nanmin(column.numbers) >= _NO_DAY and np.nanmax(column.numbers) <= _NO_DAY + _DAY)


def _day_and_clock(day: Column, clocks: list[Column], parts: dict[str, _Part]) -> _Found | None:
    """Join a day that repeats with the clock time or the hour beside it."""
    assert day.numbers is not None
    clocks = [clock for clock in clocks if not clock.missing]
    if not clocks and "hour" not in parts:
        return None
    seconds = day.numbers.astype(np.int64)
    if not (np.diff(np.sort(seconds)) == 0).any():
        return None
    return _with_clock([day], seconds, parts, clocks)


def _with_clock(
    columns: list[Column], seconds: NDArray[np.int64], parts: dict[str, _Part], clocks: list[Column]
) -> _Found:
    if clocks and (numbers := clocks[0].numbers) is not None:
        return [*columns, clocks[0]], seconds + numbers.astype(np.int64) - _NO_DAY
    for part, unit in (("hour", 3_600), ("minute", 60), ("second", 1)):
        if part not in parts:
            break
        columns, seconds = [*columns, parts[part][0]], seconds + unit * parts[part][1]
    return columns, seconds


def _date(parts: dict[str, _Part], clocks: list[Column]) -> _Found | None:
    """Join a year with the finer parts beside it; None where there are none, or where they are no dates."""
    finer = next((part for part in ("month", "quarter", "day of the year", "week") if part in parts), None)
    if "year" not in parts or finer is None:
        return None
    clocks = [clock for clock in clocks if not clock.missing]
    year, place = parts["year"], parts[finer]
    columns, start = [year[0], place[0]], (year[1] - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    if finer == "day of the year":
        return _with_clock(columns, (start.astype(np.int64) + place[1] - 1) * _DAY, parts, clocks)
    if finer == "week":
        fourth = start.astype(np.int64) + 3  # of January, which is always in week 1
        return columns, (fourth - (fourth + 3) % 7 + 7 * (place[1] - 1)) * _DAY
    months = 12 * (year[1] - 1970) + (place[1] - 1) * (1 if finer == "month" else 3)
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    if finer == "quarter" or "day" not in parts:
        return columns, first * _DAY
    days = first + parts["day"][1] - 1
    if (days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) != months).any():
        return columns, first * _DAY  # no days of the month
    return _with_clock([*columns, parts["day"][0]], days * _DAY, parts, clocks)


def _unrolled(table: Table) -> Table | None:
    """Return a table of years (rows) by months or quarters (columns) as one long series, None where it is none."""
    for unit, names, per_year in (("month", _MONTH_NAME, 12), ("quarter", _QUARTER_NAME, 4)):
        across = [c for c in table.columns if names.match(c.name.strip()) and c.kind in ("number", "empty")]
        order = [_month(c.name.strip()) if unit == "month" else int(c.name.strip()[-1]) - 1 for c in across]
        if sorted(order) == list(range(per_year)):
            return _series_of(table, [across[order.index(place)] for place in range(per_year)], unit)
    return _days_unrolled(table)


def _days_unrolled(table: Table) -> Table | None:
    """Return a table of days (rows) by their hours, or parts of hours, as one long series, None where it is none.

    The columns are named by clock times, or numbered, as many as a day has; the last value of a day must go over into
    the first one of the next as smoothly as values do within the day.
    """
    days = [column for column in table.columns if column.kind == "time" and _whole_days(column)]
    across = [
        column for column in table.columns if column.kind == "number" and _PART_OF_A_DAY.match(column.name.strip())
    ]
    others = [c for c in table.columns if c not in days and c not in across]
    if len(days) != 1 or days[0].numbers is None or len(across) not in _PARTS_OF_A_DAY:
        return None
    if any(not (column.constant or SUMMARY_NAME.match(column.name.strip())) for column in others):
        return None
    numbers = days[0].numbers
    order = np.argsort(numbers, kind="stable")
    values = np.stack([c.numbers for c in across if c.numbers is not None], 1)[order]  # (days, parts)
    inside, over = np.abs(np.diff(values, axis=1)), np.abs(values[1:, 0] - values[:-1, -1])
    if (np.diff(numbers[order]) <= 0).any() or np.isinf(values).any() or not np.nanmean(over) < 3 * np.nanmean(inside):
        return None
    seconds = (numbers[order][:, None] + np.arange(len(across)) * (_DAY / len(across))).ravel()
    name = f"{days[0].name}{JOINED}hour"
    time = time_column(name, pa.array(seconds.astype("datetime64[s]")), seconds)
    note = (
        f"Every row is a day and the columns '{across[0].name}' to '{across[-1].name}' are its parts: they are read as "
        f"one long series of {many(values.size, 'value')}."
    )
    columns = (time, numeric_column("value", values.ravel()))
    return replace(table, columns=columns, rows=values.size, notes=(*table.notes, note))


def _series_of(table: Table, across: list[Column], unit: str) -> Table | None:
    others = [column for column in table.columns if column not in across]
    years = [column for column in others if column.kind == "number" and _are_years(column)]
    rest = [c for c in others if c not in years[:1] and not (c.constant or SUMMARY_NAME.match(c.name.strip()))]
    if not years or years[0].numbers is None or rest:
        return None
    order = np.argsort(years[0].numbers)
    blank = np.full(table.rows, np.nan)
    values = np.stack([blank if c.numbers is None else c.numbers for c in across], 1)[order].ravel()  # (years * units,)
    if np.isinf(values).any():
        return None  # refused by its row in the file
    first = 12 * (years[0].numbers[order].astype(np.int64) - 1970)
    months = (first[:, None] + np.arange(0, 12, 12 // len(across))).ravel()
    days = months.astype("datetime64[M]").astype("datetime64[D]")
    time = time_column(unit, pa.array(days), days.astype("datetime64[s]").astype(np.float64))
    left = [column.name for column in others if column not in years[:1]]
    note = (
        f"Every row is a year and the columns '{across[0].name}' to '{across[-1].name}' are its {unit}s: they are read "
        f"as one long series of {len(values):,} {unit}s{f'; left out: {listed(left)}' if left else ''}."
    )
    columns = (time, numeric_column("value", values))
    return replace(table, columns=columns, rows=len(values), notes=(*table.notes, note))


def _are_years(column: Column) -> bool:
    values = column.numbers
    if values is None or column.missing or len(np.unique(values)) < len(values):
        return False
    return bool((values == np.round(values)).all() and values.min() >= 1000 and values.max() <= 2999)
