"""Lines of numbers of different length become `Sequences`: one sequence a line, a class first where there is one."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.decode import to_utf8
from rnncore.data.files.limits import MAX_CELLS
from rnncore.data.files.numbers import is_plain
from rnncore.data.files.table import shorten
from rnncore.data.sequences import Feature, Labels, Sequences, numbered_classes, offsets_of

_SAMPLE, _LINES, _USUAL = 100_000, 5, 0.8
_BETWEEN = re.compile(rb"[,;\t ]+")
_CLASSES = 20


def is_ragged(data: bytes) -> bool:
    """Whether a file begins with lines of numbers whose counts differ, and has nothing else."""
    lines = [line.strip(b"\r ") for line in data[:_SAMPLE].split(b"\n")]
    lines = [line for line in (lines[:-1] if len(data) > _SAMPLE else lines) if line][:200]
    if len(lines) < _LINES or not all(line[:1] in b"+-.0123456789" for line in lines):
        return False
    rows = [re.split(rb"[,;\t]", line) if re.search(rb"[,;\t]", line) else line.split() for line in lines]
    widths = Counter(map(len, rows))
    if min(widths) < 2 or widths.most_common(1)[0][1] > _USUAL * len(rows):
        return False
    return all(is_plain(cell.decode("latin-1")) for row in rows for cell in row[:50])


def read_ragged(data: bytes, name: str) -> Sequences:
    """Read lines of numbers, split by commas, semicolons, tabs or spaces, as a sequence each.

    Raises:
        DataError: a cell that is no number; its line is named. Too many values.
    """
    text, _ = to_utf8(data, name)
    rows: list[NDArray[np.float64]] = []
    cells = 0
    for number, line in enumerate(text.split(b"\n"), 1):
        words = [word for word in _BETWEEN.split(line.strip(b"\r ,;\t")) if word]
        if not words:
            continue
        try:
            rows.append(np.array([float(word) for word in words]))
        except ValueError as error:
            raise DataError(f"Line {number:,} of '{name}' holds no number: {shorten(str(error)[-40:])}.") from None
        cells += len(words)
        if cells > MAX_CELLS:
            raise DataError(f"'{name}' holds more than {MAX_CELLS:,} values; that many cannot be read.")
    firsts = np.array([row[0] for row in rows])
    classes = len(np.unique(firsts))
    whole = bool((firsts == np.round(firsts)).all()) and 2 <= classes <= min(_CLASSES, len(rows) // 3)
    labelled = whole and not all((row == np.round(row)).all() for row in rows)
    if labelled:
        rows = [row[1:] for row in rows]
    offsets = offsets_of([len(row) for row in rows])
    ids = tuple(str(place + 1) for place in range(len(rows)))
    notes = ("Every line is a sequence" + (", its first number the class." if labelled else "."),)
    found = Sequences(name, (Feature("value"),), (np.concatenate(rows),), offsets, ids, (0,), (0,), notes=notes)
    return (
        replace(found, targets=(), labels=numbered_classes(Labels(("class",), firsts[:, None]))) if labelled else found
    )
