"""How a text file writes its table: comments, title lines, delimiter, header, decimal mark."""

import csv
import itertools
import re
from collections import Counter
from dataclasses import dataclass, field

from rnncore.data.dataset import DataError
from rnncore.data.files.header import DELIMITERS, find_header
from rnncore.data.files.limits import MAX_COLUMNS, MAX_RECOGNISED
from rnncore.data.files.numbers import looks_like_number
from rnncore.words import listed

_SAMPLE_BYTES, _SAMPLE_ROWS = 200_000, 300
_LINE = re.compile(rb"[^\r\n]+")
_DECIMAL_COMMA = re.compile(r"^[+-]?(\d*,(\d{1,2}|\d{4,})|0,\d+|\d{4,},\d+|\d{1,3}(\.\d{3})+,\d+)$")
_DECIMAL_POINT = re.compile(r"^[+-]?(\d*\.(\d{1,2}|\d{4,})|0\.\d+|\d{4,}\.\d+)$")
_ONE_COMMA = re.compile(r"^[+-]?\d{1,3}(\.?\d{3})*,\d+$")
_EITHER_COMMA = re.compile(r"^[+-]?\d{1,3},\d{3}$")


@dataclass(frozen=True, slots=True)
class Dialect:
    """delimiter: one character, a space for runs of spaces. names: of the columns. start: byte of the first data row.

    sample: the first rows of data.
    """

    delimiter: str
    names: tuple[str, ...]
    has_header: bool
    start: int
    decimal: str
    sample: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Sample:
    lines: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # byte of each line


def find_dialect(
    text: bytes, name: str, delimiter: str = "auto", decimal: str = "auto", header: str = "auto"
) -> Dialect:
    """Find out how the table is written; what is not "auto" is taken as given.

    Raises:
        DataError: nothing but comments, more columns than can be read, or a header and nothing below it.
    """
    sample = _sample(text)
    hint = (
        sample.lines[0].lower().removeprefix("sep=")
        if sample.lines and sample.lines[0].lower().startswith("sep=")
        else ""
    )
    if hint in DELIMITERS:
        delimiter = hint if delimiter == "auto" else delimiter
        del sample.lines[0], sample.starts[0]
    commented = _drop_comments(sample)
    if not sample.lines:
        raise DataError(f"'{name}' holds comments and nothing else.")
    chosen = _find_delimiter(sample.lines) if delimiter == "auto" else delimiter
    rows, first_lines = _rows(sample.lines, chosen)
    if not rows:
        raise DataError(f"'{name}' begins with a cell of more than 100,000 characters, so it is no table.")
    widest = max(map(len, rows))
    if widest > MAX_COLUMNS:
        line = _LINE.search(text, sample.starts[0])
        widest = max(widest, line[0].count(chosen.encode()) + 1) if line else widest
        raise DataError(f"'{name}' has {widest:,} columns; at most {MAX_COLUMNS:,} can be read.")
    width = _usual_width(rows)
    top = next(place for place, row in enumerate(rows) if len(row) == width)
    names, has_header, below, notes = find_header(rows, top, width, header, commented, chosen)
    if below >= len(rows):
        shown = listed([column[:30] for column in names], 5)
        raise DataError(f"'{name}' has a header ({shown}) but no rows of data.")
    start = sample.starts[first_lines[below]]
    mark, mark_notes = (decimal, []) if decimal != "auto" else _decimal_mark(rows[below:], chosen)
    data = tuple(tuple(row) for row in rows[below:] if len(row) == width)
    return Dialect(chosen, tuple(names), has_header, start, mark, data, (*notes, *mark_notes))


def _sample(text: bytes) -> _Sample:
    """Return the first lines that are not blank, complete ones only."""
    sample = _Sample()
    for match in itertools.islice(_LINE.finditer(text, 0, _SAMPLE_BYTES), _SAMPLE_ROWS):
        if match[0].strip(b" \x0b\x0c"):
            sample.lines.append(match[0].decode("utf-8", "replace"))
            sample.starts.append(match.start())
    if len(text) > _SAMPLE_BYTES and len(sample.lines) > 1 and len(sample.lines) < _SAMPLE_ROWS:
        sample.lines.pop()
    return sample


def _drop_comments(sample: _Sample) -> str | None:
    """Remove comment lines; return the last one above the data: it may be the header, as numpy.savetxt writes it."""
    above = None
    for place in range(len(sample.lines) - 1, -1, -1):
        line = sample.lines[place].lstrip()
        if line.startswith(("#", "%", "//")):
            if above is None and all(not other.lstrip().startswith("#") for other in sample.lines[place + 1 :]):
                above = line.lstrip("#%/ ")
            del sample.lines[place], sample.starts[place]
        elif sample.lines[place].strip() and above is not None:
            above = None  # a comment between rows is no header
    return above


def _find_delimiter(lines: list[str]) -> str:
    """Return what splits most lines into the same number (two or more) of columns; a comma where nothing does.

    Tab, semicolon and bar go before the comma, which may be a decimal comma, and spaces come last.
    """
    best, best_score = ",", 0.5
    for delimiter in ("\t", ";", "|", ","):
        widths = Counter(len(row) for row in _rows(lines, delimiter)[0] if row)
        if not widths:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
        score = count / widths.total()
        if width > 1 and score > best_score + 0.05:
            best, best_score = delimiter, score
    if best_score <= 0.5 and _columns_by_spaces(lines):
        return " "
    if best == "," and "," not in lines[0] and len(lines) > 1 and all(map(_ONE_COMMA.match, lines[1:])):
        return ";"  # one column of numbers with a decimal comma
    return best


def _columns_by_spaces(lines: list[str]) -> bool:
    """Whether the lines are columns of mostly numbers, aligned with spaces."""
    rows, _ = _rows(lines, " ")
    width = _usual_width(rows)
    usual = [row for row in rows if len(row) == width]
    cells = [cell for row in usual for cell in row]
    numbers = sum(looks_like_number(cell) for cell in cells)
    return width > 1 and len(usual) >= 0.8 * len(rows) and numbers >= 0.5 * len(cells)


def _rows(lines: list[str], delimiter: str) -> tuple[list[list[str]], list[int]]:
    """Return the sample as rows of cells, and the line that each row begins at."""
    if delimiter == " ":
        return [[_cut(cell) for cell in line.split()] for line in lines], list(range(len(lines)))
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter, skipinitialspace=True)
    rows: list[list[str]] = []
    starts: list[int] = []
    while True:
        start = reader.line_num
        try:
            rows.append([_cut(cell) for cell in next(reader)])
        except (StopIteration, csv.Error):
            return rows, starts
        starts.append(start)


def _cut(cell: str) -> str:
    """Return as much of a cell as it takes to see what it is, so that long cells cost no more than short ones."""
    return cell[: MAX_RECOGNISED + 1]


def _usual_width(rows: list[list[str]]) -> int:
    widths = Counter(map(len, rows))
    return max(widths.items(), key=lambda item: (item[1], item[0]))[0] if widths else 0


def _decimal_mark(rows: list[list[str]], delimiter: str) -> tuple[str, list[str]]:
    """Return "point" or "comma" by the cells that can be read in one way only."""
    if delimiter == ",":
        return "point", []
    cells = [cell.strip() for row in rows for cell in row]
    commas, points = (sum(bool(form.match(cell)) for cell in cells) for form in (_DECIMAL_COMMA, _DECIMAL_POINT))
    either = next((cell for cell in cells if _EITHER_COMMA.match(cell)), None)
    if commas > points:
        return "comma", []
    if points == 0 and either is not None and delimiter == ";":
        return "comma", [f"Numbers like {either} are read with a decimal comma."]
    return "point", []
