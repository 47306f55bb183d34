"""Columns that tell several series apart, and the clock that goes with them, found by how their values stand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rnncore.data.files.table import Column, Table, coded_column, select_rows
from rnncore.data.roles.calendar import JOINED, is_part_of_a_day
from rnncore.data.roles.file_names import FILE_COLUMN, held_out_files
from rnncore.data.roles.names import are_calendar_words, is_calendar_name, is_id_name, is_label_name, is_time_name
from rnncore.data.roles.smoothness import roughness

MOST_CANDIDATES, MOST_TOGETHER = 6, 3
_UNIQUE = 0.98  # of the pairs of key and time
_SELDOM = 0.9  # with more different times than that for each row, times repeat by accident
_FULL = 0.9  # of all pairs of a number and a time that there could be
_SURE_BITS = 12  # log2 of the odds against numbers that rise within every sequence by chance
_SAMPLE = 20_000  # rows of the first times, by which most columns are ruled out before all rows are looked at
_MONTHS = (28, 31)


@dataclass(frozen=True, slots=True)
class Keys:
    """Columns that tell sequences apart, and how sure that is.

    names: one to three columns. time: the clock within each sequence, '' for the order of the rows. score: 0 to 1.
    reason: one short sentence.
    """

    names: tuple[str, ...]
    time: str
    score: float
    reason: str

    @property
    def column(self) -> str:
        """The name of the column that stands for all of them."""
        return JOINED.join(self.names)


def groups_of(table: Table, identity: str) -> NDArray[np.int64]:
    """Return the number of the sequence that each row belongs to, in the order of their first rows, (rows,)."""
    cells = table.column(identity).cells
    codes = cells if isinstance(cells, pa.DictionaryArray) else cells.dictionary_encode()
    places = codes.indices.fill_null(len(codes.dictionary))
    numbers = np.asarray(places.to_numpy(zero_copy_only=False), np.int64)
    return numbers if _in_order_of_appearance(numbers) else _renumbered(numbers)


def _in_order_of_appearance(numbers: NDArray[np.int64]) -> bool:
    top = np.maximum.accumulate(numbers)
    return bool(len(numbers) == 0 or (numbers[0] == 0 and (np.diff(top) <= 1).all()))


def _renumbered(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    first = np.full(int(numbers.max()) + 1, len(numbers))
    np.minimum.at(first, numbers, np.arange(len(numbers)))
    place = np.empty(len(first), np.int64)
    place[np.argsort(first, kind="stable")] = np.arange(len(first))
    return place[numbers]


def with_key(table: Table, identity: str | None) -> Table:
    """Return a table in which several columns named together ('store + item') stand as one column that says them."""
    if not identity or identity in table.names or JOINED not in identity:
        return table
    columns = [table.column(name) for name in identity.split(JOINED)]
    numbers = _together([groups_of(table, column.name) for column in columns])
    first = np.unique(numbers, return_index=True)[1]
    parts = [column.cells.take(pa.array(first)).to_pylist() for column in columns]
    words = [JOINED.join(_word(cell) for cell in cells) for cells in zip(*parts, strict=True)]
    shown = tuple(words[number] for number in numbers[: len(columns[0].shown)])
    codes = pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()), pa.array(words, pa.string()))
    return Table(
        table.name, (coded_column(identity, codes, shown), *table.columns), table.rows, table.first_row, table.notes,
        table.has_header,
    )  # fmt: skip


def _word(cell: object) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


def _together(groups: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the number of each combination, in the order of their first rows, (rows,)."""
    joined = groups[0]
    for other in groups[1:]:
        joined = np.unique(joined * (int(other.max()) + 1) + other, return_inverse=True)[1]
    return _renumbered(joined)


def find_keys(table: Table, times: Sequence[Column]) -> list[Keys]:
    """Return the likely keys of a table, the likeliest first; empty where its rows are one series.

    times: the columns that may be the clock, the likeliest first; those of dates, and numbers that rise somewhere.
    """
    if FILE_COLUMN in table.names and (within := _within_files(table)):
        return within
    candidates = list(_candidates(table))
    found = [keys for keys in (_in_blocks(table, column, times) for column in candidates) if keys]
    if not any(keys.score > 0.8 for keys in found):
        found += _in_nested_blocks(table, times)
    groups: dict[str, NDArray[np.int64]] = {}
    for time in times[:3]:
        known = any(keys.time == time.name and keys.score > 0.8 for keys in found)
        if not known and candidates and _repeats(time):
            groups = groups or {column.name: groups_of(table, column.name) for column in candidates}
            found += _of_repeated_times(table, candidates, groups, time)
    ranked: list[Keys] = []
    for keys in sorted(found, key=lambda keys: -keys.score):
        if not any(_same_parts(table, keys, other) for other in ranked):
            ranked.append(keys)
    return ranked


def _same_parts(table: Table, left: Keys, right: Keys) -> bool:
    """Whether two keys tell the same rows apart, as a country and its code do."""
    own, other = (_together([groups_of(table, name) for name in keys.names]) for keys in (left, right))
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
    groups = _together([groups_of(table, name) for name in keys.names])
    return len(np.unique(groups * (int(moments.max()) + 1) + moments)) >= _UNIQUE * table.rows


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
        if column.kind not in ("category", "number", "text") or column.missing or is_label_name(name):
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
        count = len(column.categories) or _different(column)
        if 2 <= count <= table.rows / 2:
            yield column


def _different(column: Column) -> int:
    numbers = column.small
    return len(np.unique(numbers)) if numbers is not None else len(column.cells.unique())


def may_number_sequences(column: Column) -> bool:
    """Whether a column holds whole numbers, and others than 0 and 1."""
    numbers = column.small
    if numbers is None or (numbers[:200] != np.round(numbers[:200])).any():
        return False
    return bool((numbers == np.round(numbers)).all() and not ((numbers == 0) | (numbers == 1)).all())


def _in_blocks(table: Table, column: Column, times: Sequence[Column]) -> Keys | None:
    """Whether a column stays the same over blocks of rows, in each of which a clock begins anew."""
    small = column.small
    cells = groups_of(table, column.name) if small is None else small
    borders = np.flatnonzero(cells[1:] != cells[:-1]) + 1
    count = len(column.categories) or _different(column)
    if len(borders) + 1 != count:
        return None
    lengths = np.diff(np.concatenate([[0], borders, [table.rows]]))
    blocks = f"'{column.name}' stays the same over blocks of {_span(lengths)} rows"
    named, slow = is_id_name(column.name), ""
    for time in _clocks_within(table, column, times):
        numbers = time.numbers
        assert numbers is not None
        steps = np.diff(numbers)
        inside = np.ones(len(steps), bool)
        inside[borders - 1] = False
        if np.isnan(steps).any():
            continue
        if not (way := _way(steps, inside, lengths)):
            if _rises_slowly(steps, inside):
                slow = slow or f"{blocks} while '{time.name}' rises: {count:,} sequences."
            continue
        if not (way * steps[borders - 1] <= 0).mean() > 0.5:
            continue
        clock = time.name if way > 0 or time.kind == "time" else ""  # what counts down is seldom a clock
        reason = f"{blocks} while '{time.name}' counts {'up' if way > 0 else 'down'}: {count:,} sequences."
        if named or time.kind == "time" or not _like_a_calendar(column, lengths):
            return Keys((column.name,), clock, 0.95, reason)
        jump = _border_jump(table, {column.name, time.name}, borders)
        return Keys((column.name,), clock, 0.5 if jump is None else 0.3 if jump < 2 else 0.9, reason)
    if slow and not named:
        return Keys((column.name,), "", 0.68, slow)
    if named and (column.kind != "number" or count >= 3):
        return Keys((column.name,), "", 0.79, f"{blocks}: {count:,} sequences.")
    return None


def _in_nested_blocks(table: Table, times: Sequence[Column]) -> list[Keys]:
    """Return two columns that only together stay the same over blocks, in each of which a third counts up anew."""
    free = [
        column
        for column in table.columns
        if column.kind in ("category", "number") and not column.missing and not is_label_name(column.name)
        if column.kind == "category" or may_number_sequences(column)
        if not is_calendar_name(column.name) and 2 <= (len(column.categories) or _different(column)) <= table.rows / 4
    ][:MOST_CANDIDATES]
    for pair in combinations(free, 2):
        if _runs(pair) > table.rows / 4:
            continue
        identity = JOINED.join(column.name for column in pair)
        both = with_key(table, identity)
        if keys := _in_blocks(both, both.column(identity), [c for c in times if c not in pair]):
            return [replace(keys, names=tuple(column.name for column in pair))]
    return []


def _runs(columns: Sequence[Column]) -> int:
    """Return in how many runs of rows several columns stay the same together."""
    changes = [small[1:] != small[:-1] for column in columns if (small := column.small) is not None]
    return 1 + int(np.logical_or.reduce(changes).sum())


def _clocks_within(table: Table, key: Column, times: Sequence[Column]) -> Iterator[Column]:
    """Yield what may count within blocks: the likely clocks first, then every column of whole numbers."""
    yield from (time for time in times if time.name != key.name)
    known = {time.name for time in times}
    for column in table.columns:
        if column.kind == "number" and column.name not in known | {key.name} and not column.missing:
            small = column.small
            if small is not None and (small[:200] == np.round(small[:200])).all():
                yield column


def _way(steps: NDArray[np.float64], inside: NDArray[np.bool_], lengths: NDArray[np.int64]) -> int:
    """Return 1 where numbers rise with every row of a sequence, -1 where they fall, 0 where that may be an accident."""
    own = steps[inside]
    bits = float(np.sum(np.log2(np.arange(1, int(lengths.max()) + 1)).cumsum()[lengths - 1]))
    if len(own) == 0 or bits < _SURE_BITS:
        return 0
    return 1 if (own > 0).all() else -1 if (own < 0).all() else 0


def _rises_slowly(steps: NDArray[np.float64], inside: NDArray[np.bool_]) -> bool:
    """Whether numbers never fall within a sequence, rise now and then, and fall from each sequence to the next."""
    own, over = steps[inside], steps[~inside]
    if len(own) == 0 or len(over) < 2:
        return False
    return bool((own >= 0).all() and (own > 0).mean() > 0.02 and (over < 0).all())


def _like_a_calendar(key: Column, lengths: NDArray[np.int64]) -> bool:
    """Whether a key and its clock may be a day and its hour: numbers that rise, in blocks of equal length."""
    numbers = key.numbers
    if key.kind != "number" or numbers is None or not (np.diff(numbers) >= 0).all():
        return False
    whole = lengths[1:-1] if len(lengths) > 2 else lengths
    return bool((whole == whole[0]).all() or ((whole >= _MONTHS[0]).all() and (whole <= _MONTHS[1]).all()))


def _border_jump(table: Table, taken: set[str], borders: NDArray[np.int64]) -> float | None:
    """Return how many times larger steps over borders of blocks are than within; None where all values are rough."""
    jumps = []
    for column in table.columns:
        if column.kind != "number" or column.name in taken or column.constant or column.numbers is None:
            continue
        steps = np.abs(np.diff(column.numbers))
        inside = np.delete(steps, borders - 1)
        usual, over = np.nanmean(inside), np.nanmean(steps[borders - 1])
        if usual > 0 and roughness(column.numbers) < 0.7:
            jumps.append(over / usual)
    return float(np.median(jumps)) if jumps else None


def _of_repeated_times(
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
    for together in range(1, min(MOST_TOGETHER, len(free)) + 1):
        for columns in combinations(free, together):
            seen = np.stack([moments[few], *(groups[column.name][few] for column in columns)], 1)
            if len(np.unique(seen, axis=0)) < _UNIQUE * len(few) - 1:
                continue  # a time stands twice among the first ones already
            own = groups[columns[0].name] if together == 1 else _together([groups[c.name] for c in columns])
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
    if different < _UNIQUE * table.rows:
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
    score = 0.95 if named or words else 0.85
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


def _span(lengths: NDArray[np.int64]) -> str:
    low, high = int(lengths.min()), int(lengths.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
