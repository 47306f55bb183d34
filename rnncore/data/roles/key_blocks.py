"""Keys that stay the same over blocks of rows, in each of which a clock counts up anew."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rnncore.data.files.table import Column, Table
from rnncore.data.roles.calendar import JOINED
from rnncore.data.roles.clocks import falls_like_years
from rnncore.data.roles.groups import MOST_CANDIDATES, Keys, different_in, groups_of, may_number_sequences, with_key
from rnncore.data.roles.names import is_calendar_name, is_id_name, is_label_name, is_time_name
from rnncore.data.roles.smoothness import roughness

_SURE_BITS = 12  # log2 of the odds against numbers that rise within every sequence by chance
_MONTHS = (28, 31)
_CHOICES = 8


def in_blocks(table: Table, column: Column, times: Sequence[Column]) -> Keys | None:
    """Whether a column stays the same over blocks of rows, in each of which a clock begins anew."""
    small = None if column.missing else column.small
    cells = groups_of(table, column.name) if small is None else small
    borders = np.flatnonzero(cells[1:] != cells[:-1]) + 1
    count = len(column.categories) or different_in(column)
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
        back = time.kind == "time" or falls_like_years(time)
        clock = time.name if way > 0 or back else ""  # other numbers that count down are seldom a clock
        reason = f"{blocks} while '{time.name}' counts {'up' if way > 0 else 'down'}: {count:,} sequences."
        if time.kind != "time" and not is_time_name(time.name.strip()) and _may_be_choices(lengths):
            return Keys((column.name,), clock, 0.7, reason)
        if named or time.kind == "time" or not _like_a_calendar(column, lengths):
            return Keys((column.name,), clock, 0.95, reason)
        jump = _border_jump(table, {column.name, time.name}, borders)
        return Keys((column.name,), clock, 0.5 if jump is None else 0.3 if jump < 2 else 0.9, reason)
    if slow and not named:
        return Keys((column.name,), "", 0.68, slow)
    if named and (column.kind != "number" or count >= 3):
        return Keys((column.name,), "", 0.79, f"{blocks}: {count:,} sequences.")
    return None


def in_nested_blocks(table: Table, times: Sequence[Column]) -> list[Keys]:
    """Return two columns that only together stay the same over blocks, in each of which a third counts up anew."""
    free = [
        column
        for column in table.columns
        if column.kind in ("category", "number") and not column.missing and not is_label_name(column.name)
        if column.kind == "category" or may_number_sequences(column)
        if not is_calendar_name(column.name) and 2 <= (len(column.categories) or different_in(column)) <= table.rows / 4
    ][:MOST_CANDIDATES]
    for pair in combinations(free, 2):
        if _runs(pair) > table.rows / 4 or _runs(pair) == min(_runs([column]) for column in pair):
            continue  # too short, or one of them alone tells as many apart
        identity = JOINED.join(column.name for column in pair)
        both = with_key(table, identity)
        if keys := in_blocks(both, both.column(identity), [c for c in times if c not in pair]):
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


def _may_be_choices(lengths: NDArray[np.int64]) -> bool:
    """Whether blocks are short and of one length, so that what counts in each may number the choices of a person."""
    return bool(lengths[0] <= _CHOICES and (lengths == lengths[0]).all())


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


def _span(lengths: NDArray[np.int64]) -> str:
    low, high = int(lengths.min()), int(lengths.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
