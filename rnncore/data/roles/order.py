"""The order of a table's rows in time, and how evenly their times are spaced."""

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.table import Column, Table
from rnncore.data.roles.columns import Roles
from rnncore.words import many


def order_of(table: Table, roles: Roles, groups: NDArray[np.int64]) -> tuple[NDArray[np.int64] | None, list[str]]:
    """Return the rows by sequence and time (None = as they are), without those that have no time, and notes."""
    together = not roles.id or bool((np.diff(groups) >= 0).all())
    if not roles.time:
        return (None if together else np.argsort(groups, kind="stable")), []
    column = table.column(roles.time)
    notes: list[str] = []
    if column.numbers is None:
        raise DataError(f"Column '{roles.time}' cannot order the timesteps: it holds text.")
    moments = column.numbers
    if together and not column.missing:
        steps = np.diff(moments)
        steps = steps[np.diff(groups) == 0] if roles.id else steps
        if (steps >= 0).all():
            return None, _spacing(steps, column, roles)
    rows, missing = np.arange(table.rows), np.isnan(moments)
    if missing.any():
        notes.append(f"{many(int(missing.sum()), 'row')} without a value in '{roles.time}' left out.")
        rows = rows[~missing]
    order = rows[np.lexsort((moments[rows], groups[rows]))]
    within = np.diff(groups[rows]) == 0
    if bool((np.diff(moments[rows])[within] < 0).any()):
        notes.append(f"The rows were not in order; they were sorted by '{roles.time}'.")
    steps = np.diff(moments[order])[np.diff(groups[order]) == 0]
    return order, notes + _spacing(steps, column, roles)


def _spacing(steps: NDArray[np.float64], column: Column, roles: Roles) -> list[str]:
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


def _extremes(odd: NDArray[np.float64], usual: float, column: Column) -> str:
    ends = (("shortest", odd.min(), odd.min() < usual), ("longest", odd.max(), odd.max() > usual))
    return ", ".join(f"{name} {_duration(float(amount), column)}" for name, amount, beyond in ends if beyond)


def _duration(amount: float, column: Column) -> str:
    if column.kind != "time":
        return f"{amount:g}"
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if amount >= seconds:
            return f"{amount / seconds:g} {unit}{'s' * (amount != seconds)}"
    return f"{amount:g} second{'s' * (amount != 1)}"
