"""Numbers that stand for missing, such as -999: far from all others, and frequent."""

from dataclasses import replace

import numpy as np

from rnncore.data.files.table import Column, Table, smallest
from rnncore.data.sequences import Floats
from rnncore.words import listed, many

_MEASURES = 6  # different numbers that a column has beside one that stands for missing
_NINES = tuple(
    sign * base for sign in (1, -1) for base in (99, 999, 9999, 99999, 999999, 99.9, 999.9, 99.99, 999.99, 9999.9)
)
_LIMITS = (-32768, 32767, 65535, 2147483647, -2147483648, 1e20, 1e30, -1e30, 1e36)
_NONE = -1.0  # for what cannot be negative; too common a number to be told from measurements that are near it
_SHARE = 0.002  # of the rows, for numbers that are no usual placeholder
_LEAST = 50  # of a round number above all others that is no usual placeholder
_ENORMOUS = 1e15  # what nobody measures
_SPARSE = 10  # times the usual distance between neighbours that one which stands for missing is away


def placeholders_of(table: Table) -> dict[str, float]:
    """Return name -> the number that stands for missing, of each column that has one."""
    found = {column.name: value for column in table.columns if (value := placeholder(column)) is not None}
    for value in {value for value in found.values() if _is_usual(value)}:
        found |= {column.name: value for column in table.columns if column.name not in found and _holds(column, value)}
    return found


def without_placeholders(table: Table) -> Table:
    """Return a table in which numbers that stand for missing are missing, with a note that names them."""
    found = placeholders_of(table)
    if not found:
        return table
    columns = tuple(_without(c, found[c.name]) if c.name in found else c for c in table.columns)
    cells = sum(int((c.small == found[c.name]).sum()) for c in table.columns if c.name in found and c.small is not None)
    notes = []
    for value in sorted(set(found.values())):
        names = [name for name, own in found.items() if own == value]
        notes.append(
            f"{value:g} in {listed(names, 4)} stands for missing: it is far from all other values and frequent."
        )
    notes.append(f"{many(cells, 'cell')} of such numbers count as missing.")
    return replace(table, columns=columns, notes=(*table.notes, *notes))


def without_numbers(table: Table, found: dict[str, float]) -> Table:
    """Return a table in which the number that `found` names for a column counts as missing there."""
    held = {
        c.name for c in table.columns if c.kind == "number" and c.name in found and np.any(c.content == found[c.name])
    }
    columns = tuple(_without(column, found[column.name]) if column.name in held else column for column in table.columns)
    return replace(table, columns=columns) if held else table


def placeholder(column: Column) -> float | None:
    """Return the number of a column that stands for missing, None where there is none."""
    if column.kind != "number" or (small := column.small) is None:
        return None
    missing = np.isnan(small)
    known = small[~missing] if missing.any() else small
    low, high = float(known.min()), float(known.max())
    if len(known) < _MEASURES or not (np.isfinite(low) and np.isfinite(high)):
        return None
    for extreme in (low, high):
        if extreme and _recurs(known, extreme) and _stands_apart(known, extreme):
            return extreme
    return None


def _holds(column: Column, value: float) -> bool:
    """Whether a number that stands for missing elsewhere is an extreme of a column as well, and far from the rest."""
    if column.kind != "number" or (small := column.small) is None or not (small == value).any():
        return False
    rest = small[~np.isnan(small) & (small != value)]
    if len(rest) == 0:
        return True
    gap = max(float(rest.min()) - value, value - float(rest.max()))
    return gap > float(rest.max()) - float(rest.min())


def _recurs(known: Floats, extreme: float) -> bool:
    """Whether a number is frequent: twice for the usual placeholders, a share of the rows for others."""
    count = int((known == extreme).sum())
    return count >= (2 if _is_usual(extreme) else max(3, _SHARE * len(known)))


def _is_usual(value: float) -> bool:
    return bool(np.isclose(value, _NINES, rtol=1e-4).any() or np.isclose(value, _LIMITS, rtol=1e-6).any())


def _stands_apart(known: Floats, extreme: float) -> bool:
    """Whether a number is away from the others by more than all their range, or of another sign and far from dense."""
    rest = known[known != extreme]
    if len(rest) < _MEASURES:
        return False
    low, high = float(rest.min()), float(rest.max())
    gap = low - extreme if extreme < low else extreme - high
    usual = _is_usual(extreme) or extreme == _NONE
    far = gap > (1 if usual else 3) * (high - low)
    round_number = _is_usual(extreme) or float(f"{extreme:.1g}") == extreme
    if extreme > 0:  # 1 beside shares, or 43 of one sequence, is a value like the others
        round_number &= extreme >= _LEAST or _is_usual(extreme)
    if far and not (round_number or abs(extreme) > _ENORMOUS):
        return False
    if not far and not (extreme < 0 <= low and round_number and abs(extreme) >= 50):
        return False
    different = np.unique(rest.astype(np.float64))
    if len(different) < _MEASURES:
        return False
    frequent = len(known) - len(rest) > _SHARE * len(known)
    return far or (frequent and gap > _SPARSE * float(np.median(np.diff(different))))


def _without(column: Column, value: float) -> Column:
    assert isinstance(column.content, np.ndarray)
    content = column.content.copy()
    content[content == value] = np.nan
    return replace(column, content=smallest(content))
