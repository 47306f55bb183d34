"""The reading of a table with one sequence per row: its columns are timesteps, one after another."""

from rnncore.config import UploadData
from rnncore.data.files.table import Table
from rnncore.data.roles.clocks import clock_of, likely_clocks
from rnncore.data.roles.names import is_label_name
from rnncore.data.roles.readings import READINGS, Reading, ReadingKind
from rnncore.data.roles.smoothness import smoothness
from rnncore.data.roles.wide import moments_across, step_columns

_CURVE = 20  # columns without names that may be a curve although they are not smooth


def _propose(table: Table, options: UploadData) -> list[Reading]:
    if options.layout not in ("auto", "rows"):
        return []
    if moments := moments_across(table):
        why = f"The columns '{moments[0]}' to '{moments[-1]}' are points in time: each row is a series of its own."
        return [Reading("rows", "rows", 0.97, why, steps={"value": moments}, timely=True)]
    steps = step_columns(table, options)
    if not steps:
        return []
    first = next(iter(steps.values()))
    if options.layout == "rows":
        return [Reading("rows", "rows", 1.0, "As chosen: each row is a sequence.", steps=steps)]
    if any(clock.kind == "time" for clock in likely_clocks(table)):
        return []
    down, across = smoothness(table, first)
    labelled = any(is_label_name(c.name) or c.kind == "category" for c in table.columns) or not table.has_header
    score = 0.78 if labelled else 0.62
    if not table.has_header and len(first) < _CURVE:  # their numbers are ours
        score = 0.66
    why = f"The columns '{first[0]}' to '{first[-1]}' are numbered: each row may be a sequence."
    if across > down + 0.2:
        why = f"Values change less from '{first[0]}' to '{first[-1]}' than from row to row: each row is a sequence."
        score = 0.95
    elif down > across + 0.2:
        score = 0.4
    score -= 0.2 * bool(clock_of(table))
    return [Reading("rows", "rows", score, why, steps=steps)]


READINGS.register(
    ReadingKind(
        key="rows",
        title="Each row is a whole sequence",
        help="The columns are timesteps; a label beside them belongs to the whole row.",
        propose=_propose,
    )
)
