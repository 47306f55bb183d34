"""Tables with one sequence per row: which columns are its steps, and which is its label."""

import re

import numpy as np
from numpy.typing import NDArray

from rnncore.config import UploadData
from rnncore.data.files.table import Column, Table

LABEL_NAME = re.compile(
    r"^(label|labels|target|targets|class|classes|y|outcome|output|activity|category|answer)$", re.I
)
EVENT_NAME = re.compile(
    r"(^|.*[ _.-])(anomal(y|ies|ous)|outliers?|faults?|failures?|attacks?|alarms?|event|label|class|target)"
    r"([ _.-].*|$)",
    re.I,
)
_CLASSES = 20  # at most, of whole numbers that count as classes
_FIRST = 2_000  # values that are looked at before all
_STEP_NAME = re.compile(r"^(.*?)[ _.\-\[(]*(\d+)[\])]*$")


def different(values: NDArray[np.float64], enough: int | None = None) -> int:
    """Return how many different known values there are; where the first ones hold more than `enough`, how many they do.

    By sorting, which is fast for many of them.
    """
    known = values[~np.isnan(values)]
    if enough is not None and len(known) > _FIRST and (found := different(known[:_FIRST])) > enough:
        return found
    known = np.sort(known) if (known[1:] < known[:-1]).any() else known
    return int((known[1:] != known[:-1]).sum()) + (len(known) > 0)


def is_class(column: Column, count: int, eager: bool) -> bool:
    """Whether a target column holds classes; eager: also whole numbers of few different values, whatever the name."""
    if column.kind == "category":
        return True
    if column.kind != "number" or column.numbers is None:
        return False
    known = column.numbers[~np.isnan(column.numbers)]
    if len(known) == 0 or (known != np.round(known)).any():
        return False
    count_of_values = different(known, enough=_CLASSES)
    if not (eager or LABEL_NAME.match(column.name.strip()) or EVENT_NAME.match(column.name.strip())):
        return count_of_values == 2 and bool(np.isin(known, (0, 1)).all())
    return count_of_values <= max(2, min(_CLASSES, count // 3))


def is_answer(column: Column, count: int) -> bool:
    """Whether a column is an answer rather than a measurement: called label, anomaly, event, ..., with few values."""
    name = column.name.strip()
    if not (LABEL_NAME.match(name) or EVENT_NAME.match(name)):
        return False
    return is_class(column, count, eager=False)


def step_columns(table: Table, options: UploadData) -> dict[str, tuple[str, ...]]:
    """Return the columns that are the steps of one sequence per row, by feature; empty where the rows are timesteps."""
    numeric = [c.name for c in table.columns if c.kind in ("number", "empty") and c.name not in (options.targets or ())]
    groups: dict[str, list[tuple[int, str]]] = {}
    for name in numeric:
        if match := _STEP_NAME.match(name):
            groups.setdefault(match[1], []).append((int(match[2]), name))
    sizes = {len(group) for group in groups.values()}
    longest = max(sizes, default=0)
    groups = {prefix: sorted(group) for prefix, group in groups.items() if len(group) == longest}
    if options.layout == "rows" and longest < 2:
        plain = tuple(name for name in numeric if not LABEL_NAME.match(name))
        return {"value": plain} if len(plain) > 1 else {}
    covered = sum(map(len, groups.values()))
    has_label = any(LABEL_NAME.match(c.name) or c.kind == "category" for c in table.columns)
    ordered = any(c.kind == "time" for c in table.columns)
    nameless = not table.has_header and set(groups) == {"column"}
    needed = 20 if nameless else 5 if "" in groups else 5 if has_label else 12
    if nameless and any(c.name == "class" for c in table.columns):
        needed = 2  # named by the line that counts features and classes
    elif nameless and longest >= 8 and _label_place(table, numeric) is not None:
        needed = 8
    if options.layout != "rows" and (longest < needed or covered < 0.6 * len(numeric) or ordered):
        return {}
    steps = {prefix.strip(" _.-") or "value": tuple(name for _, name in group) for prefix, group in groups.items()}
    if nameless and options.targets is None and (label := _label_place(table, numeric)) is not None:
        steps = {feature: tuple(name for name in names if name != label) for feature, names in steps.items()}
    return steps


def _label_place(table: Table, numeric: list[str]) -> str | None:
    """Return the first or last column where it holds few whole numbers and the others do not."""
    for name in (numeric[0], numeric[-1]):
        if is_class(table.column(name), table.rows, eager=True) and not table.column(name).constant:
            others = [table.column(other).numbers for other in numeric[:60] if other != name]
            counts = [different(values) for values in others if values is not None]
            own = table.column(name).numbers
            if counts and own is not None and different(own) <= np.median(counts):
                return name
    return None
