"""The reading of a table of texts with a label each: the characters of a text are its timesteps."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rnncore.config import UploadData
from rnncore.data.files.table import Column, Table
from rnncore.data.roles.names import is_calendar_name, is_id_name, is_label_name
from rnncore.data.roles.readings import READINGS, Reading, ReadingKind
from rnncore.data.roles.wide import is_class

_CLASSES, _EACH = 100, 3  # classes at most, and texts of each at least, on average
_SENTENCE = 20  # characters of a text, on average, that is no name


def _propose(table: Table, options: UploadData) -> list[Reading]:
    if options.layout not in ("auto", "text"):
        return []
    text = options.features[0] if options.layout == "text" and options.features else _texts(table)
    if not text:
        return []
    label = options.targets[0] if options.targets else text_label(table, text)
    if not label or label == text:
        return []
    reason = f"Each row has a text in '{text}' and its class in '{label}'."
    if options.layout == "text":
        return [Reading("texts", "text", 1.0, reason, text=text)]
    others = [column for column in table.columns if column.name not in (text, label)]
    measures = [column for column in others if _measures(column)]
    if not measures:
        score = 1.1  # there is nothing else to learn from
    elif length(table.column(text)) < _SENTENCE:
        return []
    else:
        score = 0.3 if any(column.kind == "time" for column in others) and len(measures) > 2 else 0.72
    return [Reading("texts", "text", score, reason, text=text)]


def is_of_texts(table: Table) -> bool:
    """Whether a table is one of texts with a label, and nothing that measures."""
    text = _texts(table)
    label = text_label(table, text) if text else ""
    filled = [column for column in table.columns if column.kind != "empty"]
    if not label or table.column(label).missing or (len(filled) > 2 and not is_label_name(label)):
        return False
    return not any(_measures(c) for c in table.columns if c.name not in (text, label))


def _texts(table: Table) -> str:
    """Return the column of texts: mostly different words, the longest of them; '' for none."""
    columns = [
        column
        for column in table.columns
        if (
            column.kind == "text"
            or (column.kind == "category" and len(column.categories) > max(_EACH, 0.3 * (table.rows - column.missing)))
        )
        and _has_letters(column)
    ]
    return max(columns, key=length).name if columns else ""


def _has_letters(column: Column) -> bool:
    """Whether cells are made of letters rather than of digits and marks, as times and codes are."""
    cells = column.cells.slice(0, 200)
    cells = cells.dictionary_decode() if isinstance(cells, pa.DictionaryArray) else cells
    characters = [each for cell in cells.to_pylist() for each in cell or "" if not each.isspace()]
    return sum(map(str.isalpha, characters)) >= 0.5 * len(characters) > 0


def length(column: Column) -> float:
    """Return how many characters the cells of a column have on average."""
    cells = column.cells.slice(0, 500)
    cells = cells.dictionary_decode() if isinstance(cells, pa.DictionaryArray) else cells
    return float(pc.mean(pc.utf8_length(cells)).as_py() or 0) if pa.types.is_string(cells.type) else 0.0


def text_label(table: Table, text: str) -> str:
    """Return the column that labels texts, '' for none."""
    fitting = [
        column
        for column in table.columns
        if column.name != text and not column.constant and is_class(column, table.rows, eager=True)
        if _few(column, table.rows)
    ]
    named = [column for column in fitting if is_label_name(column.name)]
    words = [c for c in fitting if c.kind == "category"]
    choice = named or words or [c for c in fitting if not is_id_name(c.name.strip())]
    return choice[0].name if choice else ""


def _few(column: Column, rows: int) -> bool:
    small = column.small
    if small is None:
        return False
    count = len(column.categories) or len(np.unique(small[~np.isnan(small)]))
    return 2 <= count <= min(_CLASSES, max(2, rows // _EACH))


def _measures(column: Column) -> bool:
    """Whether a column measures something, so that the rows may be timesteps."""
    if column.kind != "number" or column.constant or column.counts_rows:
        return False
    name = column.name.strip()
    small = column.small
    whole = small is not None and bool((small[~np.isnan(small)] == np.round(small[~np.isnan(small)])).all())
    return not (is_id_name(name) or is_calendar_name(name) or (whole and "len" in name.lower()))


READINGS.register(
    ReadingKind(
        key="texts",
        title="Each row is a text with a label",
        help="The characters of a text are its timesteps; the network says the label at its end.",
        propose=_propose,
    )
)
