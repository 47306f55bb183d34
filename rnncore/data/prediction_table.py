"""Answers of a network as a table and a picture: with the file's own keys, times, units and names of classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.data.coding import Coding
from rnncore.data.files.table import Column, Table
from rnncore.data.files.time_forms import own_form
from rnncore.data.new_file import NewFile
from rnncore.data.roles.calendar import JOINED, is_part_of_a_day
from rnncore.data.roles.file_names import FILE_COLUMN

_DRAWN = 1_000  # points of the picture
_BARS = 50  # classes of the picture


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """Outputs (K, O); series: (K,) which sequence; seen: (K,) its last timestep seen; ahead: (K,) the timestep that is
    predicted, -1 beyond the end; beyond: (K,) how many steps it is beyond the end.
    """

    outputs: NDArray[np.floating]
    series: NDArray[np.int64]
    seen: NDArray[np.int64]
    ahead: NDArray[np.int64]
    beyond: NDArray[np.int64]


def written(file: NewFile, coding: Coding, answered: Answered) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """Return the columns of the table, and its picture."""
    sequences, table, roles = file.sequences, file.table, file.roles
    assert sequences.moments is not None
    rows = sequences.moments.values.astype(np.int64)  # of each timestep
    there = answered.ahead >= 0
    now, last = rows[answered.ahead], rows[answered.seen]
    columns: dict[str, list[str]] = {}

    def put(name: str, cells: list[str]) -> None:
        while name in columns:
            name += "_"
        columns[name] = cells

    stepwise = bool(coding.window) or coding.every_step
    first = rows[sequences.offsets[:-1]][answered.series]
    if table is None or roles.layout == "rows":
        names = np.array([str(name) for name in sequences.ids], object)
        put("row" if table is not None else "sequence", list(names[answered.series]))
        if stepwise:
            ends = answered.seen - sequences.offsets[answered.series] + 1 + (coding.horizon if coding.window else 0)
            put("step", [str(step) for step in ends])
    else:
        for name in _keys(table, roles.id):
            put(name, cell_texts(table.column(name), first))
        if stepwise or roles.layout == "text":
            if file.same_rows:
                put("row", _where([str(row + table.first_row) for row in now], there))
            if roles.time:
                put(roles.time, _where(cell_texts(table.column(roles.time), now), there))
        if coding.window and coding.horizon:
            if roles.time:
                put(f"{roles.time} of the last timestep seen", cell_texts(table.column(roles.time), last))
            elif file.same_rows:
                put("last row seen", [str(row + table.first_row) for row in last])
            put("timesteps beyond the end", [str(step) for step in answered.beyond])
    words, values = _answers(file, coding, answered)
    for name, cells in words.items():
        put(name, cells)
    actual = np.full(len(there), np.nan)
    if table is not None:
        for place, name in enumerate(coding.targets):
            if name not in table.names or (roles.layout == "rows" and coding.window):
                continue
            column, at = table.column(name), now if stepwise else first
            put(f"actual {name}", _where(cell_texts(column, at), there))
            if not place and column.kind == "number" and column.numbers is not None:
                actual = np.where(there, column.numbers[at], np.nan)
    return columns, _picture(file, coding, answered, values, actual, _dates(file, now))


def _answers(file: NewFile, coding: Coding, answered: Answered) -> tuple[dict[str, list[str]], NDArray[np.float64]]:
    """Return columns of what was answered, and numbers: the values (K, O), or the number of each class (K,)."""
    if not coding.classes:
        values = coding.in_own_units(answered.outputs, answered.series, file.sequences.ids)
        cells = {
            f"predicted {name}": [f"{value:.7g}" for value in values[:, place]]
            for place, name in enumerate(coding.targets)
        }
        return cells, values
    logits = answered.outputs.astype(np.float64)
    if coding.kind == "binary":
        logits = np.concatenate([np.zeros_like(logits[:, :1]), logits[:, :1]], 1)
    chances = np.exp(logits - logits.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    best = chances.argmax(1)
    cells = {f"predicted {coding.targets[0]}": [coding.classes[place] for place in best]}
    cells |= {f"probability of {word}": [f"{p:.4g}" for p in chances[:, k]] for k, word in enumerate(coding.classes)}
    return cells, best.astype(np.float64)


def _keys(table: Table, identity: str) -> list[str]:
    """Return the columns that tell the series apart, as the file has them; of several files their names too."""
    parts = identity.split(JOINED) if identity else []
    parts = parts if all(part in table.names for part in parts) else [identity]
    return [part for part in parts if part != FILE_COLUMN or len(table.column(part).categories) > 1]


def cell_texts(column: Column, rows: NDArray[np.int64]) -> list[str]:
    """Return cells as text, '' where missing: times as the file writes them, numbers in their shortest exact form.

    Times whose way of writing is not known are ISO 8601.
    """
    if not isinstance(column.content, np.ndarray):
        return ["" if cell is None else str(cell) for cell in column.cells.take(rows).to_pylist()]
    values = column.content[rows].astype(np.float64)
    missing = np.isnan(values)
    if column.kind != "time":
        words = [str(int(v)) if not lost and v == int(v) and abs(v) < 1e15 else repr(float(v))
                 for v, lost in zip(values, missing, strict=True)]  # fmt: skip
        return _where(words, ~missing)
    if form := own_form(column):
        return _where(form(np.where(missing, 0, values)), ~missing)
    return iso_texts(column, values)


def iso_texts(column: Column, values: NDArray[np.float64]) -> list[str]:
    """Return seconds of a column of times as ISO 8601, as days where all of the column are whole days."""
    missing = np.isnan(values)
    assert isinstance(column.content, np.ndarray)
    whole = column.content.astype(np.float64)
    unit = "D" if (whole[~np.isnan(whole)] % 86_400 == 0).all() else "s"
    texts = np.where(missing, 0, values).round().astype("datetime64[s]").astype(f"datetime64[{unit}]").astype(str)
    return _where([text[11:] for text in texts] if is_part_of_a_day(column) else list(map(str, texts)), ~missing)


def _where(words: list[str], there: NDArray[np.bool_]) -> list[str]:
    return [word if known else "" for word, known in zip(words, there, strict=True)]


def _dates(file: NewFile, rows: NDArray[np.int64]) -> list[str]:
    """Return the dates of rows as ISO 8601, nothing where the file has none."""
    table, name = file.table, file.roles.time
    if table is None or not name or file.roles.layout == "rows":
        return []
    column = table.column(name)
    if column.kind != "time" or is_part_of_a_day(column) or not isinstance(column.content, np.ndarray):
        return []
    return iso_texts(column, column.content[rows].astype(np.float64))


def _picture(
    file: NewFile, coding: Coding, answered: Answered, values: NDArray[np.float64], actual: NDArray[np.float64],
    dates: list[str],
) -> dict[str, Any]:  # fmt: skip
    """Return what is drawn: the first series, or how often each class is predicted."""
    name = coding.targets[0]
    if coding.classes:
        counts = np.bincount(values.astype(np.int64), minlength=len(coding.classes))
        shown = np.sort(np.argsort(-counts, kind="stable")[:_BARS])
        return {
            "kind": "bars", "title": f"How often each {name} is predicted", "y_title": "predictions",
            "classes": [coding.classes[place] for place in shown], "counts": counts[shown].tolist(),
        }  # fmt: skip
    stepwise = bool(coding.window) or coding.every_step
    own = np.flatnonzero(answered.series == answered.series[0]) if stepwise else np.arange(len(values))
    own = own[-_DRAWN:]
    of = f", series '{file.sequences.ids[int(answered.series[0])]}'" if stepwise and file.sequences.count > 1 else ""
    x: list[Any] = (np.arange(len(own)) + 1).tolist()
    x_title = "prediction"
    time = file.roles.time
    in_file = own[answered.beyond[own] == 0]
    dated = bool(stepwise and dates and len(in_file) > 1)
    if dated:  # what lies beyond the end has no date, and stands in the table alone
        own = in_file
        x, x_title = [dates[place] for place in own], time
    elif stepwise:
        x_title, x = "timestep", (answered.seen[own] - file.sequences.offsets[answered.series[own]] + 1
                                  + (coding.horizon if coding.window else 0)).tolist()  # fmt: skip
    known = [None if np.isnan(value) else float(value) for value in actual[own]]
    return {
        "kind": "line", "title": f"Predicted {name}{of}", "x_title": x_title, "y_title": name, "x": x,
        "predicted": values[own, 0].tolist(), "actual": known,
    }  # fmt: skip
