"""Which columns are suggested as targets and as inputs where the user names none, and why."""

import re

import numpy as np

from rnncore.data.dataset import DataError
from rnncore.data.files.limits import MAX_CATEGORIES, MAX_CLASSES
from rnncore.data.files.table import Column, Table
from rnncore.data.roles.names import is_calendar_name, is_id_name, is_label_name
from rnncore.data.roles.smoothness import roughness
from rnncore.data.roles.wide import different, is_answer
from rnncore.data.sequences import Floats
from rnncore.words import listed, many

MAY_NOT_BE = "the rows may not be timesteps"
STATE = "a class that stays the same over many rows"
WHOLE = "the same in all rows of a sequence"

_FIRST = 2_000  # values by which columns are told apart before all are compared
_MANY_INPUTS = 10
_THINGS = 1e9
_FEW = 20  # rows, below which numbers are different in every row by chance
_COMMON = {"data", "value", "time", "date", "train", "test", "file", "daily", "hour", "month", "year", "series"}
_COMMON |= {"hourly", "weekly", "monthly", "yearly", "feature", "label", "small", "large", "sample", "full", "mean"}
_ROUND = re.compile(r"[ _.-](sin|cos)$|^(sin|cos)[ _.-]", re.I)  # the clock as a place on a circle
_PLACE = re.compile(r"(^|[ _.-])(lat|lon|lng|latitude|longitude)$", re.I)  # where something is
_MOSTLY = 0.9  # of the rows have the same value in a column that is suggested last
_SENSORS, _STATES, _STAYS = 3, 30, 10  # measurements beside a class, classes, and rows that one lasts on average
_MISSING_SHARE = 0.3  # columns of which more is missing are suggested last
_LAG = re.compile(r"[_.](lag)?\d+$", re.I)  # of a column that repeats another some steps later
_VALUE_NAME = re.compile(
    r"^(price|sales|demand|pm[ _]?2[._]?5|((adj|adjusted)[ ._]?)?close([ _/].*)?|.*[ ._]close"
    r"|umsatz|ums[aä]tze|preis|absatz|ventas|precio|ventes|prix|vendite|prezzo|vendas|pre[cç]o|verkoop|prijs)$",
    re.I,
)


def step_target(table: Table, free: list[Column], taken: str) -> tuple[str, str]:
    """Return the column that is suggested as the target, and the reason, '' where there is no particular one.

    free: columns that neither order the rows nor tell sequences apart. taken: the one that does.

    Raises:
        DataError: no column varies, or none is left.
    """
    answers = [c for c in free if is_answer(c, table.rows)]
    named = [c for c in free if (c in answers or is_label_name(c.name)) and not c.constant and not _is_rare(c)]
    named = [c for c in named if c in answers] or [c for c in named if not _is_coordinate(c, free)]
    numbers = [c for c in free if c.kind == "number" and not c.constant and c not in answers]
    copies = _copies(numbers)
    values = [c for c in numbers if not (c.counts_rows or is_number_of_rows(c)) and c.name not in copies]
    names = {c.name for c in free}
    shifted = {c.name for c in values if (base := _LAG.sub("", c.name)) != c.name and base in names}
    measured = [
        c for c in values if c.numbers is not None and different(c.numbers, enough=2) > 2 and c.name not in shifted
    ]
    measured = [c for c in measured if c.missing < _MISSING_SHARE * table.rows] or measured
    measured = [c for c in measured if not _stands_for_something_else(c) and not is_number_of_things(c)] or measured
    measured = [c for c in measured if not _is_rare(c, _MOSTLY)] or measured
    usual = [c for c in measured if _VALUE_NAME.match(c.name.strip())]
    states = [] if named else _states(table, free, measured)
    words = [c for c in free if c.kind == "category" and 2 <= len(c.categories) <= MAX_CLASSES]
    last = measured[-1:] or values[-1:]
    told = _spoken_of(table.name, measured)
    for choice, why in (
        (named, "for its name"),
        (told[:1], "for the name of the file"),
        (usual, "for its name"),
        (states, STATE),
        (last, "the last column that measures"),
    ):
        if choice:
            return choice[-1].name, why
    if rest := words or numbers or [c for c in answers if not c.constant]:
        return rest[-1].name, ""
    numeric = [c for c in table.columns if c.kind == "number" and c.name != taken]
    if numeric:
        raise DataError(f"Every column of numbers in '{table.name}' is constant, so there is nothing to learn.")
    if table.numeric_columns:
        raise DataError(
            f"'{table.name}' has no column to predict beside '{table.numeric_columns[0]}', which orders the rows."
        )
    raise DataError(f"'{table.name}' has no column of numbers to learn from; its columns hold text only.")


def is_number_of_rows(column: Column) -> bool:
    """Whether whole numbers, different in every row and in no order, only name the rows, as numbers of receipts do."""
    numbers = column.numbers
    if column.kind != "number" or numbers is None or column.missing or len(numbers) < _FEW:
        return False
    if (numbers[:_FIRST] != np.round(numbers[:_FIRST])).any() or roughness(numbers) < 0.7:
        return False
    if different(numbers) < len(numbers) or (numbers != np.round(numbers)).any():
        return False
    return is_id_name(column.name.strip()) or bool(numbers.max() - numbers.min() < 2 * len(numbers))


def is_number_of_things(column: Column) -> bool:
    """Whether whole numbers of as many digits, ten or more, wander about: of cards, telephones, accounts, receipts."""
    numbers = column.numbers
    if column.kind != "number" or numbers is None:
        return False
    known = numbers[~np.isnan(numbers)]
    low, high = float(known.min()), float(known.max())
    if low < _THINGS or not np.isfinite(high) or (known[:_FIRST] != np.round(known[:_FIRST])).any():
        return False
    return len(f"{low:.0f}") == len(f"{high:.0f}") and roughness(known) > 0.7 and bool((known == np.round(known)).all())


def _spoken_of(file: str, columns: list[Column]) -> list[Column]:
    """Return the columns whose names have words of four letters or more in common with that of the file.

    Those that have most of them come first, and a total before its parts; words that all columns have tell nothing.
    """
    words = [_words(column.name) for column in columns]
    shared = set.intersection(*words) if len(words) > 1 else set()
    own = _words(file) - _COMMON - shared
    counts = [len(own & each) for each in words]
    most = max(counts, default=0)
    told = [c for c, count in zip(columns, counts, strict=True) if count == most > 0]
    return sorted(told, key=lambda column: "total" not in column.name.lower())


def _words(name: str) -> set[str]:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.rsplit("/", 1)[-1]).lower()
    return set(re.findall(r"[a-z]{4,}", re.sub(r"s\b|s(?=_)", "", apart)))


def _stands_for_something_else(column: Column) -> bool:
    """Whether numbers are a part of a date, name things, or go round with the clock as sin and cos do."""
    name, numbers = column.name.strip(), column.numbers
    if is_calendar_name(name) or _PLACE.search(name) or numbers is None:
        return True
    known = numbers[~np.isnan(numbers)]
    if is_id_name(name) and (known == np.round(known)).all():
        return True
    return bool(_ROUND.search(name)) or _is_a_wave(known[:_FIRST])


def _is_a_wave(known: Floats) -> bool:
    """Whether numbers are samples of one sine, so that each follows exactly from the two before it."""
    if len(known) < _FEW or not np.isfinite(known).all() or known.std() == 0:
        return False
    known = (known - known.mean()) / known.std()
    middle, sides = known[1:-1], known[2:] + known[:-2]
    terms = np.stack([middle, np.ones(len(middle))], 1)
    (factor, shift), *_ = np.linalg.lstsq(terms, sides, rcond=None)
    return bool(abs(factor) < 2 and np.sqrt(np.mean((sides - factor * middle - shift) ** 2)) < 1e-3)


def _states(table: Table, free: list[Column], measured: list[Column]) -> list[Column]:
    """Return the first or last column where it holds a class that stays over many rows, beside measurements."""
    if len(measured) < _SENSORS:
        return []
    ends = [c for c in (table.columns[0], table.columns[-1]) if c in free and c.kind == "category" and not c.missing]
    return [
        c
        for c in ends
        if 2 <= len(c.categories) <= _STATES and (small := c.small) is not None and not _is_rare(c)
        if 1 + int((small[1:] != small[:-1]).sum()) <= len(small) / _STAYS
    ][:1]


def _is_coordinate(column: Column, free: list[Column]) -> bool:
    """Whether a column called y is the second of three coordinates."""
    names = {c.name.strip().lower() for c in free}
    return column.name.strip().lower() == "y" and {"x", "z"} <= names


def suggestion(target: str, why: str, features: tuple[str, ...], rows: int) -> str:
    """Say in plain words which experiment is suggested."""
    if why == WHOLE:
        return f"Suggested: predict '{target}' ({why}) from whole sequences of {many(len(features), 'column')}."
    seen = f"'{target}' itself among them" if target in features else f"without '{target}'"
    note = f"Suggested: predict '{target}' ({why}) from the past of {many(len(features), 'column')}, {seen}."
    if len(features) > _MANY_INPUTS and rows < 20 * len(features):
        note += f" {len(features):,} are many for {rows:,} rows: with fewer the network overfits less."
    return note


def no_time(target: Column) -> list[str]:
    """Say that the order of the rows is taken for time, and warn where the values give no sign that it is."""
    note = "No column tells the time: the rows count as timesteps, in the order of the file."
    values = target.numbers
    if target.kind == "number" and values is not None and len(values) >= 30 and not np.isnan(values).any():
        here, there = values[:-1] - values.mean(), values[1:] - values.mean()
        spread = float(np.mean((values - values.mean()) ** 2))
        if spread > 0 and abs(float(np.mean(here * there))) < 2 / np.sqrt(len(values)) * spread:
            pair = f"Neighbouring values of '{target.name}' are no more alike than any two"
            note += f" {pair}: {MAY_NOT_BE}."
    return [note]


def _is_rare(column: Column, share: float = 0.95) -> bool:
    """Whether one value makes up nearly the whole column, so that it would be a poor target."""
    assert column.numbers is not None
    _, counts = np.unique(column.numbers[~np.isnan(column.numbers)], return_counts=True)
    return bool(counts.max() > share * counts.sum())


def fitting_features(
    table: Table, free: list[Column], ordering: tuple[str, ...], targets: tuple[str, ...], labelled: bool
) -> tuple[tuple[str, ...], list[str]]:
    """Return the columns that can be inputs, and notes on those left out.

    ordering: columns that tell time or sequence. labelled: the targets are those of whole sequences. Columns that
    answer for their row are no inputs, the target neither, unless there is nothing else to see.
    """
    kept: list[Column] = []
    answers: list[Column] = []
    counters: list[Column] = []
    copies = _copies(free)
    left: dict[str, list[str]] = {
        "constant": [],
        "a copy of another": [],
        "a row counter or part of a date": [],
        "too many different words": [],
        "a name for each row": [],
        "numbers that name things": [],
    }
    for column in free:
        if (labelled and column.name in targets) or column.name in ordering:
            continue
        if column.constant:
            left["constant"].append(column.name)
        elif is_answer(column, table.rows):
            answers.append(column)
        elif column.kind == "category" and len(column.categories) > MAX_CATEGORIES:
            left["too many different words"].append(column.name)
        elif is_number_of_rows(column) and len(free) > 1:
            left["a name for each row"].append(column.name)
        elif is_number_of_things(column) and len(free) > 1:
            left["numbers that name things"].append(column.name)
        elif column.kind == "number" and column.counts_rows and len(free) > 1:
            counters.append(column)
        elif _names_rows(table, column):
            left["a name for each row"].append(column.name)
        elif column.name in copies:
            left["a copy of another"].append(column.name)
        else:
            kept.append(column)
    only = [] if kept or answers else [c for c in counters if c.name in targets] or counters
    left["a row counter or part of a date"] = [c.name for c in counters if c not in only]
    left["text or dates"] = [c.name for c in table.columns if c.kind in ("text", "time") and c.name not in ordering]
    left["empty"] = [c.name for c in table.columns if c.kind == "empty"]
    if kept:
        left["an answer rather than a measurement (choose it as the target to predict it)"] = [
            column.name for column in answers if column.name not in targets
        ]
    notes = [f"Left out, {why}: {listed(names)}." for why, names in left.items() if names]
    return tuple(column.name for column in kept or answers or only), notes


def _names_rows(table: Table, column: Column) -> bool:
    """Whether a column names the rows: a different word in nearly every one, or numbers below an empty heading."""
    if column.kind == "category":
        return len(column.categories) > max(10, 0.8 * (table.rows - column.missing))
    if column is not table.columns[0] or not table.has_header or column.name != "column 1" or column.numbers is None:
        return False
    numbers, steps = column.numbers, np.diff(column.numbers)
    counted = different(numbers) == table.rows or (steps == 1).mean() > 0.9 or (steps == 0).mean() > 0.5
    return bool((numbers == np.round(numbers)).all()) and bool(counted)


def _copies(columns: list[Column]) -> set[str]:
    """Return the names of the columns whose values are all those of a column before them."""
    seen: dict[object, list[Floats]] = {}
    copies = set()
    for column in columns:
        if (small := column.small) is not None:
            alike = seen.setdefault((column.categories, small[:_FIRST].tobytes()), [])
            if any(np.array_equal(small, other, equal_nan=True) for other in alike):
                copies.add(column.name)
            else:
                alike.append(small)
    return copies
