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
from rnncore.data.new_file import NewFile
from rnncore.data.prediction_table import Answered, written
from rnncore.data.prepare import Inputs, drop_missing
from rnncore.data.sequences import Sequences, kept_steps
from rnncore.words import many

# inputs (B, T, F) and lengths (B,) or None -> outputs (B, O) or (B, T, O)
Network = Callable[[NDArray[np.float32], NDArray[np.int64] | None], NDArray[np.floating]]

_CHUNK = 2_000_000  # numbers of inputs in one call of the network


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
    columns, picture = written(replace(file, sequences=sequences), coding, answered)
    return Prediction(columns, (*file.notes, *notes, *more), picture)


def _check_size(rows: int, columns: int, name: str, max_cells: int) -> None:
    if rows * columns > max_cells:
        raise DataError(
            f"The predictions on '{name}' would be a table of {rows:,} rows and about {columns:,} columns; at most "
            f"{max_cells:,} cells can be given out, so send a part of the file."
        )


def _windows(sequences: Sequences, coding: Coding, inputs: Inputs, network: Network) -> tuple[Answered, list[str]]:
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
    return Answered(np.concatenate(outputs), series, seen, np.where(beyond, -1, ahead), beyond), notes


def _whole(sequences: Sequences, coding: Coding, inputs: Inputs, network: Network) -> Answered:
    """Answer to every sequence, or to each of its timesteps."""
    outputs = list(_batches(sequences, inputs, network, coding.every_step))
    if coding.every_step:
        seen = np.arange(sequences.rows)
        series = np.repeat(np.arange(sequences.count), sequences.lengths)
    else:
        seen, series = sequences.offsets[1:] - 1, np.arange(sequences.count)
    return Answered(np.concatenate(outputs), series, seen, seen, np.zeros(len(seen), np.int64))


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
