"""A table as it was read: columns with their kind, values and what is missing or wrong in them."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rnncore.data.dataset import DataError

ColumnKind = Literal["number", "text", "empty"]

MISSING_WORDS = ("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "missing", "#value!")
# A column counts as numeric when at least this share of its filled cells are numbers; the others become missing.
_NUMERIC_SHARE = 0.95
_ORDER_NAME = re.compile(
    r"^(unnamed.*|column 1|id|idx|index|no|nr|row|t|time|timestamp|date|datetime|day|week|month|year|step)$", re.I
)


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column. cells: the text as read. numbers: (N,) float64 with NaN for missing, None for text.

    missing: empty cells and words like NA. bad: cells of a numeric column that are no numbers, counted as missing.
    """

    name: str
    kind: ColumnKind
    cells: pa.ChunkedArray
    numbers: NDArray[np.float64] | None
    missing: int
    bad: int = 0
    first_bad: tuple[int, str] | None = None

    @property
    def constant(self) -> bool:
        """Whether all filled cells are the same."""
        if self.numbers is not None:
            return bool(np.nanmin(self.numbers) == np.nanmax(self.numbers))
        return self.kind == "empty" or len(pc.unique(self.cells)) == 1

    @property
    def counts_rows(self) -> bool:
        """Whether the column is a row number, a year or the like: named so, or rising by the same amount each row."""
        if self.numbers is None:
            return False
        if _ORDER_NAME.match(self.name.strip()):
            return True
        steps = np.diff(self.numbers)
        return len(steps) > 1 and bool((steps > 0).all()) and bool(np.allclose(steps, steps[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A file as a table. first_row: the file's row number of the first data row, as a spreadsheet counts."""

    name: str
    columns: tuple[Column, ...]
    rows: int
    first_row: int
    notes: tuple[str, ...] = ()

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """Names of the columns that hold numbers."""
        return tuple(column.name for column in self.columns if column.kind == "number")

    @property
    def suggested_target(self) -> str:
        """The column to predict unless the user says otherwise: the last numeric one that varies and is no counter."""
        numeric = [column for column in self.columns if column.kind == "number"]
        varying = [column for column in numeric if not column.constant]
        values = [column for column in varying if not column.counts_rows]
        return (values or varying or numeric)[-1].name

    def column(self, name: str) -> Column:
        """Return the column `name`, or raise a DataError that lists the columns there are."""
        for column in self.columns:
            if column.name == name:
                return column
        shown = ", ".join(repr(column.name) for column in self.columns[:10])
        more = f" and {len(self.columns) - 10:,} more" if len(self.columns) > 10 else ""
        raise DataError(f"'{self.name}' has no column {name!r}; its columns are {shown}{more}.")

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a numeric column, (N,) float64 with NaN for missing, or raise a DataError that says what it holds."""
        column = self.column(name)
        if column.numbers is not None:
            return column.numbers
        if column.kind == "empty":
            raise DataError(f"Column {name!r} of '{self.name}' is empty.")
        row, cell = _first_word(column.cells)
        raise DataError(
            f"Column {name!r} of '{self.name}' holds text ({_short(cell)} in row {self.first_row + row:,}); "
            f"choose a numeric column: {', '.join(map(repr, self.numeric_columns[:10])) or 'there is none'}."
        )

    def head(self, count: int = 20) -> list[dict[str, str]]:
        """Return the first rows as the text they are in the file."""
        rows = [column.cells.slice(0, count).to_pylist() for column in self.columns]
        names = [column.name for column in self.columns]
        return [dict(zip(names, cells, strict=True)) for cells in zip(*rows, strict=True)]


def make_column(name: str, cells: pa.ChunkedArray) -> Column:
    """Find out what a column of text cells holds: numbers (point or comma, thousands marks), text, or nothing."""
    trimmed = pc.utf8_trim_whitespace(cells)
    words = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(MISSING_WORDS))
    missing = pc.sum(words).as_py() or 0
    if missing == len(cells):
        return Column(name, "empty", cells, None, missing)
    filled = pc.if_else(words, pa.scalar(None, pa.string()), trimmed)
    numbers, wrong = _parse_numbers(filled)
    if numbers is None:
        return Column(name, "text", cells, None, missing)
    first = None
    if len(wrong):
        first = (int(wrong[0]), cells[int(wrong[0])].as_py())
    return Column(name, "number", cells, numbers, missing, len(wrong), first)


_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?[iI][nN][fF]([iI][nN][iI][tT][yY])?$"
_COMMA = r"^[+-]?(\d{1,3}(\.\d{3})+|\d*)(,\d+)?([eE][+-]?\d+)?$"
_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"
_SPACED = r"^[+-]?\d{1,3}([ \x{a0}\x{202f}'\x{2019}]\d{3})+([.,]\d*)?$"


def _parse_numbers(filled: pa.ChunkedArray) -> tuple[NDArray[np.float64] | None, NDArray[np.int64]]:
    """Return the numbers of a column of text (None where too few are numbers) and the places of the wrong cells."""
    nothing = np.empty(0, np.int64)
    try:
        return _cast(filled), nothing
    except pa.ArrowInvalid:
        pass
    text = filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled
    best, best_count = None, 0
    for convention, rewrite in _CONVENTIONS.items():
        fits = pc.fill_null(pc.or_(_matches(text, convention), _matches(text, _PLAIN)), False)
        count = pc.sum(fits).as_py() or 0
        if count > best_count:
            best, best_count = (fits, convention, rewrite), count
    if best is None or best_count < _NUMERIC_SHARE * (len(text) - text.null_count):
        return None, nothing
    fits, convention, rewrite = best
    fitting = pc.if_else(fits, text, pa.scalar(None, pa.string()))
    wrong = np.flatnonzero(np.asarray(pc.and_(pc.invert(fits), pc.is_valid(text))))
    special = pc.fill_null(_matches(fitting, convention), False)
    return _cast(pc.if_else(special, rewrite(fitting), fitting)), wrong


def _matches(text: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(text, pattern)


def _decimal_comma(text: pa.Array) -> pa.Array:
    return pc.replace_substring(pc.replace_substring(text, ".", ""), ",", ".")


def _no_commas(text: pa.Array) -> pa.Array:
    return pc.replace_substring(text, ",", "")


def _no_spaces(text: pa.Array) -> pa.Array:
    return pc.replace_substring(pc.replace_substring_regex(text, r"[ \x{a0}\x{202f}'\x{2019}]", ""), ",", ".")


# Pattern of a way to write numbers -> how to rewrite it as Arrow reads them; in order of preference.
_CONVENTIONS: dict[str, Any] = {
    _PLAIN: lambda text: text,
    _THOUSANDS: _no_commas,
    _COMMA: _decimal_comma,
    _SPACED: _no_spaces,
}


def _cast(text: pa.ChunkedArray | pa.Array) -> NDArray[np.float64]:
    numbers = pc.cast(text, pa.float64())
    values = numbers.to_numpy(zero_copy_only=False) if isinstance(numbers, pa.Array) else numbers.to_numpy()
    return np.asarray(values, np.float64)


def _first_word(cells: pa.ChunkedArray) -> tuple[int, str]:
    for row, cell in enumerate(cells.to_pylist()):
        text = cell.strip()
        if text.lower() not in MISSING_WORDS and not re.match(_PLAIN, text):
            return row, cell
    return 0, cells[0].as_py()


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")
