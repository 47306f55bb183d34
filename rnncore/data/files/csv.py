"""A text file becomes a `Table`; every wrong file ends in a DataError of one sentence."""

import csv
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.decode import to_utf8
from rnncore.data.files.dialect import Dialect, find_dialect
from rnncore.data.files.header import DELIMITERS
from rnncore.data.files.limits import MAX_BYTES, MAX_CELLS, MAX_ROWS
from rnncore.data.files.numbers import MISSING_FORMS, is_plain, looks_like_number
from rnncore.data.files.table import (
    SHOWN_ROWS,
    Column,
    Table,
    make_column,
    number_column,
    select_rows,
    shorten,
    smallest,
)
from rnncore.data.sequences import Floats
from rnncore.words import listed, many

_FOOTER_LINES = 10
_NOTES_BELOW = 100  # lines that are looked at for notes below a table
_MEASURING = 3  # columns of numbers or times at least, without all of which a row says nothing
_BLOCK, _BLOCK_PER_COLUMN = 1 << 20, 1 << 10  # bytes that are split at once; small blocks of wide tables cost memory
_LONG = 100_000  # rows
_WANTED = {"number": "number", "time": "date or time"}  # of a cell in a column of this kind
_READINGS = 4  # attempts, each with one more column read as text, until all are
_QUOTED_OR_COMMENT = re.compile(rb'("[^"]*")|(?<=\n)#[^\r\n]*')
_CONVERSION = re.compile(r"In CSV column #(\d+): .*[Cc]onversion error")
_SPACED_QUOTE = re.compile(rb"([,;|])[ \t]+(?=\")")  # the parser takes a quote as one only right after a delimiter
_FIRST_LINE = re.compile(rb"(?:\A|[\r\n])(?=[^#\s])")


def read_csv(data: bytes, name: str, *, delimiter: str = "auto", decimal: str = "auto", header: str = "auto") -> Table:
    """Read a text table of any common dialect: encoding, delimiter, decimal mark, header or none, comments, titles.

    delimiter: one character. decimal: "point" or "comma". header: "yes" or "no". All of them found out where "auto".

    Raises:
        DataError: the file is too large, empty, no text, has no data, too many columns, or rows of different length.
    """
    if len(data) > MAX_BYTES:
        raise DataError(
            f"'{name}' is {len(data) / 1e6:,.1f} MB; files of at most {MAX_BYTES / 1e6:.0f} MB can be read."
        )
    text, encoding = to_utf8(data, name)
    if not re.search(rb"\S", text):
        raise DataError(f"'{name}' is empty.")
    text = _without_comments(text)
    dialect = find_dialect(text, name, delimiter, decimal, header)
    if dialect.delimiter == " ":
        text, dialect = _tabbed(text, dialect)
    elif _SPACED_QUOTE.search(text, dialect.start, dialect.start + _BLOCK):
        text = text[: dialect.start] + _SPACED_QUOTE.sub(rb"\1", text[dialect.start :])
    text, repeated = _without_repeated_header(text, dialect)
    text, below = _without_notes_below(text, dialect)
    _check_size(text, dialect, name)
    parts, footer = _parse(text, name, dialect)
    rows = sum(map(len, parts[0]))
    parts.reverse()
    # Each column's cells are given back before the next one is read, which halves the memory at its peak.
    columns = []
    for place, column in enumerate(dialect.names):
        shown = tuple(row[place] for row in dialect.sample[:SHOWN_ROWS])
        columns.append(_column(column, parts.pop(), dialect.decimal, shown))
        if rows > _LONG or not parts:
            pa.default_memory_pool().release_unused()
    columns, rows, blank = _without_blank_rows(columns, rows)
    if rows == 0:
        raise DataError(f"'{name}' has no rows of data: all its cells are empty.")
    first_row = text.count(b"\n", 0, dialect.start) + 1
    notes = [*dialect.notes, *footer]
    notes += [] if encoding == "utf-8" else [f"The file was read as {encoding}."]
    notes += [f"{many(blank, 'empty row')} left out."] if blank else []
    again = f"The line of column names stands {many(repeated, 'more time')} further down; left out."
    notes += [again] if repeated else []
    notes += [f"{many(below, 'line')} of notes below the table left out."] if below else []
    notes += _conventions(columns) + _wrong_cells(columns, first_row)
    return Table(name, tuple(columns), rows, first_row, tuple(notes), dialect.has_header)


def _column(name: str, parts: list[Any], decimal: str, shown: tuple[str, ...]) -> Column:
    if parts and isinstance(parts[0], np.ndarray):
        return number_column(name, np.concatenate(parts), shown, f"decimal {decimal}")
    cells = pa.chunked_array(parts, pa.string())
    parts.clear()
    return make_column(name, cells, decimal, shown)


def _without_comments(text: bytes) -> bytes:
    """Blank out comment lines (#) below the first line that is none: the parser does not know comments."""
    first = _FIRST_LINE.search(text)
    if first is None or text.find(b"\n#", first.end()) < 0:
        return text
    kept, start = bytearray(), 0
    for match in _QUOTED_OR_COMMENT.finditer(text, first.end()):  # re.sub would keep an object for each comment
        if match[1] is None:
            kept += text[start : match.start()]
            start = match.end()
    kept += text[start:]
    return bytes(kept)


def _without_repeated_header(text: bytes, dialect: Dialect) -> tuple[bytes, int]:
    """Blank out lines further down that are the header again, as in files put together; return how many there were."""
    header = text[: dialect.start].rstrip(b"\r\n").rpartition(b"\n")[2].strip()
    if not (dialect.has_header and header) or text.find(b"\n" + header, dialect.start - 1) < 0:
        return text, 0
    again = re.compile(rb"(?<=\n)" + re.escape(header) + rb"[ \t]*(?=\r?(\n|\Z))")
    below, count = again.subn(b"", text[dialect.start - 1 :])
    return text[: dialect.start - 1] + below, count


def _without_notes_below(text: bytes, dialect: Dialect) -> tuple[bytes, int]:
    """Cut off lines at the end that hold words in one cell alone, as sheets have; return how many there were."""
    end, count = len(text), 0
    if len(dialect.names) < 3 or dialect.delimiter in (" ", "\t"):
        return text, 0
    for _ in range(_NOTES_BELOW):
        start = text.rfind(b"\n", dialect.start, end - 1) + 1
        line = text[start:end].decode("utf-8", "replace").strip("\r\n")
        try:
            cells = [cell for cell in next(csv.reader([line], delimiter=dialect.delimiter), []) if cell.strip()]
        except csv.Error:  # a line end or a null inside of it
            break
        if start <= dialect.start or len(cells) > 1 or ('"' in line and line.count('"') % 2):
            break
        if cells and (is_plain(cells[0]) or looks_like_number(cells[0]) or dialect.delimiter not in line):
            break
        end, count = start, count + bool(cells)
    return (text[:end], count) if count else (text, 0)


def _tabbed(text: bytes, dialect: Dialect) -> tuple[bytes, Dialect]:
    """Turn runs of spaces between columns into tabs; lines keep their number."""
    tabbed, start = bytearray(text[: dialect.start]), dialect.start
    while start < len(text):  # some lines at a time
        end = text.find(b"\n", start + _BLOCK) + 1 or len(text)
        tabbed += _with_tabs(np.frombuffer(text, np.uint8, end - start, start))
        start = end
    return bytes(tabbed), replace(dialect, delimiter="\t")


def _with_tabs(lines: NDArray[np.uint8]) -> bytes:
    gap, line_end = (lines == ord(" ")) | (lines == ord("\t")), (lines == ord("\n")) | (lines == ord("\r"))
    edges = np.flatnonzero(np.diff(gap, prepend=False, append=False))
    first, last = edges[0::2], edges[1::2]  # of each run, the last one excluded
    inside = (first > 0) & (last < len(lines))
    first, last = first[inside], last[inside]
    first = first[~line_end[first - 1] & ~line_end[last]]
    kept, tabs = ~gap, lines.copy()
    kept[first], tabs[first] = True, ord("\t")
    return bytes(tabs[kept])


def _check_size(text: bytes, dialect: Dialect, name: str) -> None:
    rows, width = text.count(b"\n") + 1, len(dialect.names)
    if rows > MAX_ROWS:
        raise DataError(f"'{name}' has {rows:,} rows; at most {MAX_ROWS:,} can be read, so thin it out or split it.")
    if rows * width > MAX_CELLS:
        raise DataError(f"'{name}' has {rows:,} rows of {width:,} columns; at most {MAX_CELLS:,} cells can be read.")


def _parse(text: bytes, name: str, dialect: Dialect) -> tuple[list[list[Any]], list[str]]:
    """Split the rows into columns, block by block; return notes on what stands below the table."""
    wrong: list[tuple[int, int, str]] = []

    def refuse(row: pacsv.InvalidRow) -> str:
        if row.text.strip(dialect.delimiter + ' \t"'):
            wrong.append((row.number, row.actual_columns, row.text))
        return "error" if len(wrong) > _FOOTER_LINES else "skip"

    # Names are given by place: the parser would not keep two columns of one name apart.
    keys = [str(place) for place in range(len(dialect.names))]
    kinds, gaps = _expected_kinds(dialect), len(keys) == 1 and _has_gaps(text, dialect.start)
    parts: list[list[Any]] = []  # of each column: text, or numbers in their smallest form
    block = max(_BLOCK, _BLOCK_PER_COLUMN * len(keys))
    for attempt in range(_READINGS + 1):
        wrong.clear()
        try:
            blocks = pacsv.open_csv(
                pa.py_buffer(text).slice(dialect.start),
                pacsv.ReadOptions(column_names=keys, use_threads=False, block_size=block),
                pacsv.ParseOptions(
                    delimiter=dialect.delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=not gaps,
                    invalid_row_handler=refuse,
                ),
                pacsv.ConvertOptions(
                    column_types=dict(zip(keys, kinds, strict=True)),
                    strings_can_be_null=False,
                    null_values=MISSING_FORMS,
                    decimal_point="," if dialect.decimal == "comma" else ".",
                ),
            )
            parts = [[] for _ in keys]
            for cells in blocks:
                for own, part in zip(parts, cells.columns, strict=True):
                    own.append(_copied(part) if part.type == pa.float64() else part)
                pa.default_memory_pool().release_unused()
            break
        except pa.ArrowInvalid as error:
            parts, what = [], str(error).splitlines()[0].rstrip(".")
            column = _CONVERSION.match(what)
            if column is None:
                break
            if attempt < _READINGS - 1:
                kinds[int(column[1])] = pa.string()
            else:
                kinds = [pa.string()] * len(keys)
    if not parts and not wrong:
        raise DataError(f"'{name}' cannot be read as a table: {what}.")
    if parts and (not wrong or _is_footer(wrong, sum(map(len, parts[0])))):
        return parts, [f"The last lines are no data ({shorten(wrong[0][2])}) and were left out."] if wrong else []
    number, width, _ = wrong[0]
    quote = ", or a quotation mark before it is not closed" if text.count(b'"') % 2 else ""
    raise DataError(
        f"Row {_line_of(text, dialect.start, number):,} of '{name}' has {many(width, 'column')} where the "
        f"table has {len(dialect.names):,}{quote}; columns are separated by {DELIMITERS[dialect.delimiter]}."
    )


def _copied(numbers: pa.Array) -> Floats:
    """Return numbers in their smallest form, apart from Arrow's memory, which can then be given back."""
    return np.array(smallest(numbers.to_numpy(zero_copy_only=False)))


def _expected_kinds(dialect: Dialect) -> list[pa.DataType]:
    """Return number for the columns whose first cells are all plain numbers, which saves reading them as text first."""
    sample = dialect.sample[:SHOWN_ROWS]
    if not sample:
        return [pa.string()] * len(dialect.names)
    decimal = str.maketrans(",", ".") if dialect.decimal == "comma" else {}
    return [
        pa.float64() if all(is_plain(cell.translate(decimal)) for cell in cells) else pa.string()
        for cells in zip(*sample, strict=True)
    ]


def _has_gaps(text: bytes, start: int) -> bool:
    """Whether blank lines between the cells of a single column are missing values, not just double spacing."""
    blank = len(re.findall(rb"(?<=\n)[ \t]*\r?\n(?=.*\S)", memoryview(text)[start:]))
    return 0 < blank < 0.4 * text.count(b"\n", start)


def _is_footer(wrong: list[tuple[int, int, str]], rows: int) -> bool:
    """Whether the rows that do not fit are lines of text below the table."""
    return rows > 0 and all(
        number > rows and width < 3 and '"' not in line and not looks_like_number(re.split("[,;\t|]", line)[0])
        for number, width, line in wrong
    )


def _line_of(text: bytes, start: int, number: int) -> int:
    """Return the line of the file that row `number` of the data (from 1, blank lines not counted) stands on."""
    line = text.count(b"\n", 0, start) + 1
    for content in re.split(rb"\r\n|\r|\n", text[start:]):
        number -= bool(content)
        if number == 0:
            break
        line += 1
    return line


def _without_blank_rows(columns: list[Column], rows: int) -> tuple[list[Column], int, int]:
    """Drop the rows in which every cell is missing, wherever they stand, or everything but a name or two."""
    measuring = [column for column in columns if column.kind in ("number", "time")]
    looked_at = measuring if len(measuring) >= _MEASURING and len(measuring) >= len(columns) / 2 else columns
    if len(columns) == 1 or any(column.missing == 0 for column in looked_at):
        return columns, rows, 0
    filled = np.zeros(rows, bool)
    for column in looked_at:
        filled |= column.cells.is_valid().to_numpy(zero_copy_only=False)
    kept = int(filled.sum())
    if kept == rows:
        return columns, rows, 0
    return [select_rows(column, filled) for column in columns], kept, rows - kept


def _conventions(columns: list[Column]) -> list[str]:
    """Say where numbers were read otherwise than with a plain decimal point."""
    ways: dict[str, list[str]] = {}
    for column in columns:
        whole = column.convention == "decimal comma" and not any("," in cell for cell in column.shown)
        if column.convention not in ("", "decimal point") and not whole:
            ways.setdefault(column.convention, []).append(column.name)
    return [f"Numbers with {way} in {listed(names, 4)}." for way, names in ways.items()]


def _wrong_cells(columns: list[Column], first_row: int) -> list[str]:
    wrong = [column for column in columns if column.first_bad]
    notes = [
        f"Column '{column.name}': {column.bad:,} cell{'s are' if column.bad > 1 else ' is'} no {_WANTED[column.kind]} "
        f"(first {shorten(column.first_bad[1])} in row {first_row + column.first_bad[0]:,}) "
        f"and count{'s' * (column.bad == 1)} as missing."
        for column in wrong[:5]
        if column.first_bad
    ]
    others = [f"The same is true of {many(len(wrong) - 5, 'more column')}."] if len(wrong) > 5 else []
    return notes + others
