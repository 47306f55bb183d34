"""The `.tsf` format of the Monash forecasting archive becomes `Sequences`."""

import re

import numpy as np

from rnncore.data.dataset import DataError
from rnncore.data.files.decode import to_utf8
from rnncore.data.files.limits import MAX_CELLS
from rnncore.data.files.table import shorten
from rnncore.data.sequences import Feature, Floats, Sequences, columns_of, offsets_of

_MARKS = re.compile(rb"(?im)^@(frequency|horizon|missing|equallength)\b")
_ATTRIBUTE = re.compile(r"^@attribute\s+(\S+)\s+(string|numeric|date)\s*$", re.I)


def is_tsf(data: bytes, name: str) -> bool:
    """Whether a file is a .tsf file by its tags, of which no other format has these beside attributes."""
    head = data[:20_000]
    return bool(_MARKS.search(head) and re.search(rb"(?im)^@attribute\b", head))


def read_tsf(data: bytes, name: str) -> Sequences:
    """Read a `.tsf` file: a series a line, attributes before it split by ':', values by ',', '?' for missing.

    Raises:
        DataError: no @data, or a line that does not fit; the line is named.
    """
    text = to_utf8(data, name)[0].decode("utf-8")
    attributes: list[str] = []
    frequency = ""
    series: list[Floats] = []
    ids: list[str] = []
    inside, cells = False, 0
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if not inside:
            if match := _ATTRIBUTE.match(line):
                attributes.append(match[1])
            frequency = line.split(None, 1)[1] if line.lower().startswith("@frequency ") else frequency
            inside = line.lower() == "@data"
            continue
        parts = line.split(":", len(attributes))
        if len(parts) <= len(attributes):
            raise DataError(
                f"Line {number:,} of '{name}' has {len(parts) - 1:,} attributes before its values; there are "
                f"{len(attributes):,}."
            )
        words = parts[-1].split(",")
        cells += len(words)
        if cells > MAX_CELLS:
            raise DataError(f"'{name}' holds more than {MAX_CELLS:,} values; that many cannot be read.")
        try:
            series.append(np.array([np.nan if word.strip() in ("?", "", "NaN") else float(word) for word in words]))
        except ValueError as error:
            raise DataError(f"Line {number:,} of '{name}' holds no number: {shorten(str(error)[-40:])}.") from None
        ids.append(parts[0] if attributes else str(len(ids) + 1))
    if not series:
        raise DataError(f"'{name}' has no series after '@data'.")
    values = columns_of(np.concatenate(series)[:, None])
    notes = (f"A series a line, {shorten(frequency)[1:-1]}.",) if frequency else ()
    return Sequences(
        name,
        (Feature("value"),),
        values,
        offsets_of([len(each) for each in series]),
        tuple(ids),
        (0,),
        (0,),
        notes=notes,
    )
