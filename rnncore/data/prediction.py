"""What a network answers to a new file, as a table: with the file's own keys, times, units and names of classes."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.data.coding import Coding, only_known
from rnncore.data.dataset import DataError
from rnncore.data.files.table import Column, Table
from rnncore.data.new_file import NewFile
from rnncore.data.prepare import Inputs, drop_missing
from rnncore.data.roles.calendar import JOINED, is_part_of_a_day
from rnncore.data.roles.file_names import FILE_COLUMN
from rnncore.data.sequences import Sequences, kept_steps
from rnncore.words import many

# inputs (B, T, F) and lengths (B,) or None -> outputs (B, O) or (B, T, O)
Network = Callable[[NDArray[np.float32], NDArray[np.int64] | None], NDArray[np.floating]]

_CHUNK = 2_000_000  # numbers of inputs in one call of the network
_DRAWN = 1_000  # points of the picture
_BARS = 50  # classes of the picture


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Columns of text, all of the same length, what was done, and a picture of it (JSON-ready).

    picture: `kind` "line" with `title`, `x_title`, `y_title`, `x`, `predicted` and `actual` (None where not known), or
    "bars" with `title`, `classes` and `counts`.
    """

    columns: dict[str, list[str]]
    notes: tuple[str, ...]
    picture: dict[str, Any]

    @property
    def rows(self) -> int:
        """How many predictions there are."""
        return len(next(iter(self.columns.values())))

    def csv(self) -> str:
        """Return the table as CSV, RFC 4180, with a line that names the columns."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(self.columns)
        writer.writerows(zip(*self.columns.values(), strict=True))
        return text.getvalue()


@dataclass(frozen=True, slots=True, eq=False)
class _Answered:
    """Outputs (K, O); series: (K,) which sequence; seen: (K,) its last timestep seen; ahead: (K,) the timestep that is
    predicted, -1 beyond the end; beyond: (K,) how many steps it is beyond the end.
    """

    outputs: NDArray[np.floating]
    series: NDArray[np.int64]
    seen: NDArray[np.int64]
    ahead: NDArray[np.int64]
    beyond: NDArray[np.int64]


def predicted(file: NewFile, coding: Coding, network: Network, max_cells: int | None = None) -> Prediction:
    """Return what a network answers to every sequence, timestep or window of a new file.

    max_cells: of the table, rows x columns; None: any number.

    Raises:
        DataError: the file is too short, its values are too large to compute with, or the table would be too large.
    """
    sequences = file.sequences
    known, notes = only_known(coding, sequences)
    if not known.all():
        sequences = kept_steps(sequences, np.repeat(known, sequences.lengths))
    before = len(sequences.notes)
    sequences = drop_missing(sequences) if coding.missing == "drop" else sequences
    notes += sequences.notes[before:]
    if coding.max_length and (long := int((sequences.lengths > coding.max_length).sum())):
        notes.append(
            f"{many(long, 'sequence')} longer than {coding.max_length:,} timesteps: only the end of each is used."
        )
        kept = np.minimum(sequences.lengths, coding.max_length)
        sequences = kept_steps(
            sequences, np.arange(sequences.rows) >= np.repeat(sequences.offsets[1:] - kept, sequences.lengths)
        )
    inputs, more = coding.coded(sequences)
    if coding.window:
        answered, said = _windows(sequences, coding, inputs, network)
        more += said
    else:
        answered = _whole(sequences, coding, inputs, network)
    if max_cells is not None:
        _check_size(len(answered.outputs), 5 + len(coding.targets) + len(coding.classes), sequences.name, max_cells)
    columns, picture = _written(replace(file, sequences=sequences), coding, answered)
    return Prediction(columns, (*file.notes, *notes, *more), picture)


def _check_size(rows: int, columns: int, name: str, max_cells: int) -> None:
    if rows * columns > max_cells:
        raise DataError(
            f"The predictions on '{name}' would be a table of {rows:,} rows and about {columns:,} columns; at most "
            f"{max_cells:,} cells can be given out, so send a part of the file."
        )


def _windows(sequences: Sequences, coding: Coding, inputs: Inputs, network: Network) -> tuple[_Answered, list[str]]:
    """Answer to every window of every series."""
    counts = np.maximum(sequences.lengths - coding.window + 1, 0)
    total = int(counts.sum())
    if not total:
        which = "the longest series" if sequences.count > 1 else "the series"
        raise DataError(
            f"'{sequences.name}' is too short: {which} has {many(int(sequences.lengths.max()), 'timestep')}, and "
            f"this run looks at {coding.window:,} to make a prediction."
        )
    series = np.repeat(np.arange(sequences.count), counts)
    starts = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts) + sequences.offsets[series]
    seen = starts + coding.window - 1
    ahead = seen + coding.horizon
    beyond = np.maximum(ahead - sequences.offsets[series + 1] + 1, 0)
    steps = np.arange(coding.window)
    size = max(1, _CHUNK // (coding.window * inputs.width))
    outputs = [network(inputs.take(starts[k : k + size, None] + steps), None) for k in range(0, total, size)]
    short = int((counts == 0).sum())
    notes = (
        [f"{many(short, 'series')} shorter than the {coding.window:,} timesteps of a window left out."] if short else []
    )
    return _Answered(np.concatenate(outputs), series, seen, np.where(beyond, -1, ahead), beyond), notes


def _whole(sequences: Sequences, coding: Coding, inputs: Inputs, network: Network) -> _Answered:
    """Answer to every sequence, or to each of its timesteps."""
    outputs = list(_batches(sequences, inputs, network, coding.every_step))
    if coding.every_step:
        seen = np.arange(sequences.rows)
        series = np.repeat(np.arange(sequences.count), sequences.lengths)
    else:
        seen, series = sequences.offsets[1:] - 1, np.arange(sequences.count)
    return _Answered(np.concatenate(outputs), series, seen, seen, np.zeros(len(seen), np.int64))


def _batches(
    sequences: Sequences, inputs: Inputs, network: Network, every_step: bool
) -> Iterator[NDArray[np.floating]]:
    lengths, start = sequences.lengths, 0
    while start < sequences.count:
        size = max(1, _CHUNK // (int(lengths[start:].max()) * inputs.width))
        own = lengths[start : start + size]
        steps = np.arange(int(own.max()))
        places = np.minimum(sequences.offsets[start : start + size][: len(own), None] + steps, sequences.rows - 1)
        inside = steps < own[:, None]
        outputs = network(inputs.take(places) * inside[:, :, None], None if inside.all() else own)
        yield outputs[inside] if every_step else outputs
        start += size


def _written(file: NewFile, coding: Coding, answered: _Answered) -> tuple[dict[str, list[str]], dict[str, Any]]:
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
    return columns, _picture(file, coding, answered, values, actual, columns)


def _answers(file: NewFile, coding: Coding, answered: _Answered) -> tuple[dict[str, list[str]], NDArray[np.float64]]:
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
    """Return the columns that tell the series apart, as the file has them."""
    parts = identity.split(JOINED) if identity else []
    parts = parts if all(part in table.names for part in parts) else [identity]
    return [part for part in parts if part != FILE_COLUMN]


def cell_texts(column: Column, rows: NDArray[np.int64]) -> list[str]:
    """Return cells as text, '' where missing: times as ISO 8601, numbers in their shortest exact form."""
    if not isinstance(column.content, np.ndarray):
        return ["" if cell is None else str(cell) for cell in column.cells.take(rows).to_pylist()]
    values = column.content[rows].astype(np.float64)
    missing = np.isnan(values)
    if column.kind != "time":
        words = [str(int(v)) if not lost and v == int(v) and abs(v) < 1e15 else repr(float(v))
                 for v, lost in zip(values, missing, strict=True)]  # fmt: skip
        return _where(words, ~missing)
    whole = column.content.astype(np.float64)
    unit = "D" if (whole[~np.isnan(whole)] % 86_400 == 0).all() else "s"
    texts = np.where(missing, 0, values).round().astype("datetime64[s]").astype(f"datetime64[{unit}]").astype(str)
    return _where([text[11:] for text in texts] if is_part_of_a_day(column) else list(map(str, texts)), ~missing)


def _where(words: list[str], there: NDArray[np.bool_]) -> list[str]:
    return [word if known else "" for word, known in zip(words, there, strict=True)]


def _picture(
    file: NewFile, coding: Coding, answered: _Answered, values: NDArray[np.float64], actual: NDArray[np.float64],
    columns: dict[str, list[str]],
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
    dated = stepwise and time in columns and len(in_file) > 1 and columns[time][in_file[0]][4:5] == "-"
    if dated:  # what lies beyond the end has no date, and stands in the table alone
        own = in_file
        x, x_title = [columns[time][place] for place in own], time
    elif stepwise:
        x_title, x = "timestep", (answered.seen[own] - file.sequences.offsets[answered.series[own]] + 1
                                  + (coding.horizon if coding.window else 0)).tolist()  # fmt: skip
    known = [None if np.isnan(value) else float(value) for value in actual[own]]
    return {
        "kind": "line", "title": f"Predicted {name}{of}", "x_title": x_title, "y_title": name, "x": x,
        "predicted": values[own, 0].tolist(), "actual": known,
    }  # fmt: skip
