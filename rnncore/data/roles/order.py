"""The order of a table's rows in time, and how evenly their times are spaced."""

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.table import Column, Table
from rnncore.data.roles.calendar import SUMMARY_NAME
from rnncore.data.roles.clocks import goes_back, nearly_in_order
from rnncore.data.roles.columns import Roles
from rnncore.data.sequences import Floats
from rnncore.words import many


def order_of(table: Table, roles: Roles, groups: NDArray[np.int64]) -> tuple[NDArray[np.int64] | None, list[str]]:
    """Return the rows by sequence and time (None = as they are), and notes.

    Rows stay as they are where their times never go back; newest first they are turned round; else they are sorted,
    without those that have no time.
    """
    together = not roles.id or bool((np.diff(groups) >= 0).all())
    base = None if together else np.argsort(groups, kind="stable")
    if not roles.time:
        return base, []
    column = table.column(roles.time)
    moments = column.small
    if moments is None:
        raise DataError(f"Column '{roles.time}' cannot order the timesteps: it holds text.")
    moments = moments.astype(np.float32) if moments.dtype == np.float16 else moments
    if base is None and not column.missing:
        steps = np.diff(moments)
        steps = steps[np.diff(groups) == 0] if roles.id else steps
        if (steps >= 0).all():
            return None, _spacing(steps, column, roles)
    placed = np.arange(table.rows) if base is None else base
    total = column.first_bad is not None and bool(SUMMARY_NAME.match(column.first_bad[1]))
    known = ~np.isnan(moments[placed])
    steps = np.diff(moments[placed][known])[np.diff(groups[placed][known]) == 0]
    notes: list[str] = []
    if (steps >= 0).all() or (nearly_in_order(steps) and (steps == 0).any()):
        order, note = base, ""
    elif goes_back(column, steps):
        order = placed[::-1][np.argsort(groups[placed[::-1]], kind="stable")]
        note = f"The rows stood newest first; they were turned round, so that they are sorted by '{roles.time}'."
    else:
        rows = placed[known]
        order = rows[np.lexsort((moments[rows], groups[rows]))]
        note = f"The rows were not in order; they were sorted by '{roles.time}'."
    if not known.all():
        kept = np.arange(table.rows) if order is None else order
        if total or len(kept) < table.rows:
            order = kept[~np.isnan(moments[kept])]
            notes.append(f"{many(int((~known).sum()), 'row')} without a value in '{roles.time}' left out.")
        else:
            notes.append(f"{many(int((~known).sum()), 'row')} without a value in '{roles.time}' kept in place.")
    notes += [note] if note else []
    placed = np.arange(table.rows) if order is None else order
    known = ~np.isnan(moments[placed])
    steps = np.diff(moments[placed][known])[np.diff(groups[placed][known]) == 0]
    return order, notes + _spacing(steps, column, roles)


def _spacing(steps: Floats, column: Column, roles: Roles) -> list[str]:
    """Say where the time between rows is not always the same; months and leap years count as the same."""
    if len(steps) == 0:
        return []
    notes = []
    repeated = int((steps == 0).sum())
    # A year that stands in every row of the year is no clock, and its order is the order of the rows.
    if repeated >= 0.3 * len(steps) and not roles.id:
        rows = (len(steps) + 1) / (len(steps) + 1 - repeated)
        notes.append(
            f"A value of '{column.name}' stands in {rows:,.{rows < 10:d}f} rows on average, which are taken one after "
            "another; if they belong to different series, choose the long form and the column that tells the series "
            "apart."
        )
    elif repeated and (column.kind == "time" or repeated < 0.3 * len(steps)):
        notes.append(
            f"{many(repeated, 'row')} of '{column.name}' repeat{'s' * (repeated == 1)} the time of the row before."
        )
    usual = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    odd = (steps > 0) & ((steps > 1.3 * usual) | (steps < 0.7 * usual))
    if usual and odd.any():
        differ = "differs" if odd.sum() == 1 else "differ"
        notes.append(
            f"'{column.name}' is irregular: {many(int(odd.sum()), 'step')} of {len(steps):,} {differ} from the usual "
            f"{_duration(usual, column)} ({_extremes(steps[odd], usual, column)}); the rows are taken as equally "
            "spaced."
        )
    return notes


def _extremes(odd: Floats, usual: float, column: Column) -> str:
    ends = (("shortest", odd.min(), odd.min() < usual), ("longest", odd.max(), odd.max() > usual))
    return ", ".join(f"{name} {_duration(float(amount), column)}" for name, amount, beyond in ends if beyond)


def _duration(amount: float, column: Column) -> str:
    if column.kind != "time":
        return f"{amount:g}"
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if amount >= seconds:
            return f"{amount / seconds:g} {unit}{'s' * (amount != seconds)}"
    return f"{amount:g} second{'s' * (amount != 1)}"
