"""An uploaded CSV file becomes a `Table`; every wrong file ends in a DataError of one sentence."""

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.csv as pacsv

from rnncore.data.dataset import DataError
from rnncore.data.decode import to_utf8
from rnncore.data.table import MISSING_WORDS, Table, make_column

MAX_BYTES = 20_000_000
MAX_COLUMNS = 2_000
MAX_CELL = 100_000
_SAMPLE_BYTES, _SAMPLE_ROWS = 65_536, 200
# In order of preference: a comma is tried last, because it may be a decimal comma.
DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}


def read_csv(data: bytes, name: str) -> Table:
    """Read a CSV file of any common dialect (encoding, delimiter, decimal comma, header or none) into a table.

    Raises:
        DataError: the file is too large, empty, no text, has no data rows, no numeric column, too many columns, or
            rows of different length.
    """
    if len(data) > MAX_BYTES:
        raise DataError(
            f"'{name}' is {len(data) / 1e6:,.1f} MB; files of at most {MAX_BYTES / 1e6:.0f} MB can be read."
        )
    if not data.strip():
        raise DataError(f"'{name}' is empty.")
    text, encoding = to_utf8(data, name)
    if not text.strip():
        raise DataError(f"'{name}' is empty.")
    comments = _leading_comments(text)
    sample = _sample_lines(text, comments)
    if not sample:
        raise DataError(f"'{name}' holds comments and nothing else.")
    delimiter = _find_delimiter(sample)
    first = next(csv.reader(sample, delimiter=delimiter))
    if len(first) > MAX_COLUMNS:
        raise DataError(f"'{name}' has {len(first):,} columns; at most {MAX_COLUMNS:,} can be read.")
    header = not any(_is_number(cell) for cell in first)
    names, notes = _column_names(first) if header else ([f"column {i + 1}" for i in range(len(first))], [])
    cells = _parse(text, name, delimiter, names, skip=comments)
    if header:
        cells = cells.slice(1)
    if cells.num_rows == 0:
        raise DataError(f"'{name}' has a header ({', '.join(names[:5])}) but no rows of data.")
    columns = tuple(make_column(column, cells.column(i)) for i, column in enumerate(names))
    if not any(column.kind == "number" for column in columns):
        raise DataError(f"'{name}' has no numeric column: none of {', '.join(map(repr, names[:5]))} holds numbers.")
    first_row = comments + 1 + header
    notes += [] if header else ["The file has no header line; the columns are numbered."]
    notes += [] if encoding == "utf-8" else [f"The file was read as {encoding}."]
    notes += [
        f"Column '{c.name}': {c.bad:,} cells are no numbers (first {c.first_bad[1]!r} in row "
        f"{first_row + c.first_bad[0]:,}) and count as missing."
        for c in columns
        if c.first_bad
    ]
    return Table(name, columns, cells.num_rows, first_row, tuple(notes))


def _leading_comments(text: bytes) -> int:
    """Count the comment lines (#) and blank lines at the top."""
    count, place = 0, 0
    while place < len(text):
        end = text.find(b"\n", place)
        end = len(text) if end < 0 else end
        line = text[place:end].strip()
        if line and not line.startswith(b"#"):
            break
        count, place = count + 1, end + 1
    return count


def _sample_lines(text: bytes, skip: int) -> list[str]:
    """Return the first lines, complete ones only, without blank ones."""
    head = text[: _SAMPLE_BYTES if len(text) > _SAMPLE_BYTES else len(text)]
    lines = re.split("\r\n|\r|\n", head.decode("utf-8", "replace"))[skip:]
    if len(text) > len(head) and len(lines) > 1:
        lines.pop()
    return [line for line in lines[:_SAMPLE_ROWS] if line.strip()]


def _find_delimiter(lines: list[str]) -> str:
    """Return the delimiter that splits most lines into the same number of columns, two or more; else a comma."""
    best, best_share = ",", 0.5
    for delimiter in DELIMITERS:
        widths = Counter(len(row) for row in _rows(lines, delimiter) if row)
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        share = count / widths.total()
        if width > 1 and share > best_share + 0.05:
            best, best_share = delimiter, share
    return best


def _rows(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    rows = csv.reader(lines, delimiter=delimiter)
    try:
        return list(itertools.islice(rows, _SAMPLE_ROWS))
    except csv.Error:
        return []


def _is_number(cell: str) -> bool:
    text = cell.strip().replace(",", ".")
    if text.lower() in MISSING_WORDS:
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _column_names(header: list[str]) -> tuple[list[str], list[str]]:
    """Return unique, non-empty column names and notes on what had to be changed."""
    names: list[str] = []
    repeated: set[str] = set()
    for place, cell in enumerate(header, 1):
        wanted = " ".join(cell.split()) or f"column {place}"
        unique, copy = wanted, 2
        while unique in names:
            repeated.add(wanted)
            unique, copy = f"{wanted} ({copy})", copy + 1
        names.append(unique)
    notes = [f"The column name '{name}' occurs more than once; the copies are numbered." for name in sorted(repeated)]
    return names, notes


def _parse(text: bytes, name: str, delimiter: str, names: list[str], skip: int) -> pa.Table:
    """Split the whole text into cells, all of them strings; the header, if any, is the first row."""
    wrong: list[tuple[int, int]] = []

    def refuse(row: pacsv.InvalidRow) -> str:
        wrong.append((row.number, row.actual_columns))
        return "error"

    try:
        return pacsv.read_csv(
            pa.BufferReader(text),
            pacsv.ReadOptions(column_names=names, skip_rows=skip, use_threads=False, block_size=1 << 22),
            pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse),
            pacsv.ConvertOptions(column_types={column: pa.string() for column in names}, strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        if wrong:
            row, width = wrong[0]
            quote = " (or a quotation mark in or before it is not closed)" if text.count(b'"') % 2 else ""
            raise DataError(
                f"Row {row:,} of '{name}' has {width:,} columns where the first row has {len(names):,}{quote}; "
                f"columns are separated by {DELIMITERS[delimiter]}."
            ) from None
        raise DataError(f"'{name}' cannot be read as CSV: {str(error).splitlines()[0].rstrip('.')}.") from None
