"""Tables with one sequence per row: which columns are its steps, and which is its label."""

import re

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rnncore.config import UploadData
from rnncore.data.files.limits import MAX_CLASSES
from rnncore.data.files.table import Column, Table
from rnncore.data.files.times import parse_times
from rnncore.data.roles.names import EVENT_NAME, is_id_name, is_label_name

_CLASSES = 20  # at most, of whole numbers that count as classes
_FIRST = 2_000  # values that are looked at before all
_STEP_NAME = re.compile(r"^(.*?)[ _.\-\[(]*(\d+)[\])]*$")
_YEAR_NAME = re.compile(r"^[XxYy]?(1[5-9]\d\d|20\d\d|21\d\d)( ?\[.*\])?$")
_TIME_PREFIX = re.compile(r"^(t|d|day|w|wk|week|m|month|q|quarter|h|hr|hour|min|minute|step|time|timestep|lag)$", re.I)
_MOMENTS = 5  # columns that are named by times, at least


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
    """Whether a target column holds classes; eager: also whole numbers of few different values, whatever the name.

    More than 20 numbers are classes where they are numbered without a gap from 0 or 1, and each occurs several times.
    """
    if column.kind == "category":
        return True
    if column.kind != "number" or column.numbers is None:
        return False
    known = column.numbers[~np.isnan(column.numbers)]
    if len(known) == 0 or (known != np.round(known)).any():
        return False
    count_of_values = different(known, enough=MAX_CLASSES)
    named = is_label_name(column.name) or bool(EVENT_NAME.match(column.name.strip()))
    if not (eager or named):
        return count_of_values == 2 and bool(np.isin(known, (0, 1)).all())
    if count_of_values <= max(2, min(_CLASSES, count // 3)):
        return True
    if count_of_values > min(MAX_CLASSES, count // 3):
        return False
    low, high = known.min(), known.max()
    return bool(low in (0, 1) and high - low + 1 == count_of_values) and (named or _are_balanced(known))


def is_class_of_rows(column: Column, others: list[str], table: Table) -> bool:
    """Whether the label of rows that are sequences is one of classes: also where only it holds whole numbers."""
    if is_class(column, table.rows, eager=True):
        return True
    numbers = column.numbers
    return (
        column.kind == "number" and numbers is not None and not column.missing and bool((numbers % 1 == 0).all())
        and not table.has_header and _are_classes(numbers) and _mostly_fractions(table, others)
    )  # fmt: skip


def _mostly_fractions(table: Table, names: list[str]) -> bool:
    columns = [values for name in names[:60] if (values := table.column(name).numbers) is not None]
    return bool(columns) and float(np.mean([bool((v[~np.isnan(v)] % 1 == 0).all()) for v in columns])) < 0.5


def _are_balanced(known: NDArray[np.float64]) -> bool:
    """Whether the rarest of the values occurs at least a fifth as often as they do on average."""
    counts = np.unique(known, return_counts=True)[1]
    return bool(counts.min() >= 0.2 * counts.mean())


def is_answer(column: Column, count: int) -> bool:
    """Whether a column is an answer rather than a measurement: called label, anomaly, event, ..., with few values."""
    if not (is_label_name(column.name) or EVENT_NAME.match(column.name.strip())):
        return False
    return is_class(column, count, eager=False)


def moments_across(table: Table) -> tuple[str, ...]:
    """Return the columns that are named by points in time, in the order of time; () where there are too few.

    Their values are numbers, and their times go one way: '1/22/20', '2015-07-01', '1960'.
    """
    columns = [column for column in table.columns if column.kind in ("number", "empty")]
    years = [column.name for column in columns if _YEAR_NAME.match(column.name.strip())]
    if len(years) >= _MOMENTS:
        names = years
        moments = np.array([float(re.sub(r"\D", "", name)[:4]) for name in names])
    else:
        names = [column.name for column in columns if re.search(r"\d", column.name)]
        times = parse_times(pa.array([name.strip() for name in names], pa.string())) if len(names) >= _MOMENTS else None
        if times is None:
            return ()
        names = [name for name, second in zip(names, times.seconds, strict=True) if not np.isnan(second)]
        moments = times.seconds[~np.isnan(times.seconds)]
    steps = np.diff(moments)
    others = [c for c in columns if c.kind == "number" and c.name not in names]
    if len(names) < _MOMENTS or len(others) > 0.5 * len(names) or not ((steps > 0).all() or (steps < 0).all()):
        return ()
    return tuple(names if steps[0] > 0 else names[::-1])


def step_columns(table: Table, options: UploadData) -> dict[str, tuple[str, ...]]:
    """Return the columns that are the steps of one sequence per row, by feature; empty where there are none."""
    numeric = [c.name for c in table.columns if c.kind in ("number", "empty") and c.name not in (options.targets or ())]
    groups: dict[str, list[tuple[int, str]]] = {}
    for name in numeric:
        if match := _STEP_NAME.match(name):
            groups.setdefault(match[1], []).append((int(match[2]), name))
    longest = max(map(len, groups.values()), default=0)
    groups = {prefix: _in_time(group) for prefix, group in groups.items() if len(group) == longest}
    if options.layout == "rows" and longest < 2:
        plain = tuple(name for name in numeric if not is_label_name(name))
        return {"value": plain} if len(plain) > 1 else {}
    covered = sum(map(len, groups.values()))
    timely = all(_TIME_PREFIX.match(prefix.strip(" _.-")) for prefix in groups)
    has_label = any(is_label_name(c.name) or c.kind == "category" for c in table.columns)
    nameless = not table.has_header and set(groups) == {"column"}
    needed = 20 if nameless else 5 if "" in groups or timely or has_label else 12
    if nameless and any(c.name == "class" for c in table.columns):
        needed = 2  # named by the line that counts features and classes
    elif nameless and longest >= 8 and _label_place(table, numeric) is not None:
        needed = 8
    if options.layout != "rows" and (longest < needed or covered < 0.6 * len(numeric)):
        return {}
    steps = {prefix.strip(" _.-") or "value": tuple(name for _, name in group) for prefix, group in groups.items()}
    if nameless and options.targets is None and (label := _label_place(table, numeric)) is not None:
        steps = {feature: tuple(name for name in names if name != label) for feature, names in steps.items()}
    return steps


def _in_time(group: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return columns in the order of their numbers; as they stand where the numbers count down, as lags do."""
    numbers = [number for number, _ in group]
    return group if numbers == sorted(numbers, reverse=True) else sorted(group)


def sequence_label(table: Table, steps: dict[str, tuple[str, ...]], timely: bool) -> str:
    """Return the column that labels rows that are sequences, '' for none.

    timely: the steps are named by times, so that only a name makes a label of the columns beside them.
    """
    used = {name for names in steps.values() for name in names}
    free = [c for c in table.columns if c.name not in used and c.kind in ("number", "category") and c.name != "file"]
    free = [c for c in free if not c.constant]
    if named := [c for c in free if is_label_name(c.name)]:
        return named[0].name
    if timely:
        return ""
    free = [c for c in free if not is_id_name(c.name.strip())]
    classes = [c for c in free if is_class(c, table.rows, eager=True) and len(c.categories) <= table.rows // 2]
    last = [c for c in free if c.kind == "number" and not c.counts_rows and not _are_unique(c)]
    choice = classes[:1] or last[-1:]
    return choice[0].name if choice else ""


def _are_unique(column: Column) -> bool:
    """Whether a column holds whole numbers that are different in every row, as numbers of things are."""
    numbers = column.numbers
    if numbers is None or column.missing or (numbers != np.round(numbers)).any():
        return False
    return different(numbers) == len(numbers)


def _label_place(table: Table, numeric: list[str]) -> str | None:
    """Return the first or last column where it holds few whole numbers and the others do not."""
    for name in (numeric[0], numeric[-1]):
        column = table.column(name)
        values = [table.column(other).numbers for other in numeric[:60] if other != name]
        own, rest = column.numbers, [each for each in values if each is not None]
        if own is None or column.constant or not rest:
            continue
        counts = [different(each) for each in rest]
        if is_class(column, table.rows, eager=True) and different(own) <= np.median(counts):
            return name
        others = [other for other in numeric if other != name]
        if not column.missing and (own % 1 == 0).all() and _are_classes(own) and _mostly_fractions(table, others):
            return name
    return None


def _are_classes(numbers: NDArray[np.float64]) -> bool:
    """Whether whole numbers may be those of classes: a range without many gaps, each a few times on average."""
    count = different(numbers)
    return 2 <= count <= min(MAX_CLASSES, len(numbers) // 3) and numbers.max() - numbers.min() < 1.5 * count
