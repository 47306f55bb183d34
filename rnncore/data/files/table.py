"""A table as it was read: columns with their kind, values, and what is missing or wrong in them."""

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.limits import MAX_CATEGORIES
from rnncore.data.files.numbers import missing_cells, parse_numbers, plain_numbers
from rnncore.data.files.times import parse_time_numbers, parse_times
from rnncore.data.sequences import Floats

ColumnKind = Literal["number", "category", "time", "text", "empty"]

SHOWN_ROWS = 50
_PIECE = 1 << 16  # values
_CODES, _SHARE_OF_CODE = 8, 0.001  # different cells at most of a column of codes, and rows that each word has at least

ORDER_NAME = re.compile(
    r"^(unnamed.*|id|idx|index|no|nr|row|t|time|timestamp|time.?stamp|date|datetime|day|week|month|year|step"
    r"|hour|minute|second|seconds|ms|order|seq|frame|tick|sample|quarter|period|rownames)$",
    re.I,
)

_WANDERING = re.compile(r"^(t|time|ms|period|sample|order)$", re.I)  # names that measurements have as well


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column. content: (N,) in the smallest form: numbers or seconds of the smallest float type that holds them
    exactly, NaN where missing; coded words or text, null where missing.

    shown: the first cells as text. bad: filled cells of a column of numbers or times that are none, which count as
    missing; first_bad: place and text of the first.
    """

    name: str
    kind: ColumnKind
    content: pa.Array | Floats
    categories: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    bad: int = 0
    first_bad: tuple[int, str] | None = None
    convention: str = ""

    @property
    def small(self) -> Floats | None:
        """The numbers, a category's codes, or seconds, (N,), NaN for missing; None for text.

        They are of the smallest float type that holds them exactly. Codes are in the order of `categories`.
        """
        if isinstance(self.content, np.ndarray):
            return self.content
        return _word_codes(self.content, self.categories) if self.categories else None

    @property
    def numbers(self) -> NDArray[np.float64] | None:
        """The same in float64, made anew each time."""
        small = self.small
        return None if small is None else small.astype(np.float64, copy=False)

    @property
    def cells(self) -> pa.Array:
        """The cells for Arrow: float64, coded words or text, null where missing."""
        return pa.array(self.numbers, from_pandas=True) if isinstance(self.content, np.ndarray) else self.content

    @property
    def missing(self) -> int:
        """How many cells are empty, a word for missing, or no number (or time) in a column of numbers (or times)."""
        if isinstance(self.content, np.ndarray):
            return int(np.isnan(self.content).sum())
        return int(self.content.null_count)

    @property
    def constant(self) -> bool:
        """Whether all filled cells are the same."""
        if (small := self.small) is not None:
            return bool(np.nanmin(small) == np.nanmax(small))
        return self.kind == "empty"

    @property
    def counts_rows(self) -> bool:
        """Whether a column of numbers is a row number, a year or the like: by its name or its equal rising steps."""
        if self.kind != "number" or (numbers := self.numbers) is None:
            return False
        steps = np.diff(numbers[~np.isnan(numbers)])
        if ORDER_NAME.match(self.name.strip()):
            known = numbers[~np.isnan(numbers)]
            whole = bool((known == np.round(known)).all())
            return bool((steps >= 0).all()) or (whole and (not _WANDERING.match(self.name.strip()) or _saws(known)))
        return len(steps) > 1 and bool((steps > 0).all()) and bool(np.allclose(steps, steps[0], rtol=1e-9))


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A file as a table. first_row: the file's row number of the first data row, as a spreadsheet counts.

    parts: the sheets, files or arrays to choose from, none where there is no choice; part: the one that this is.
    """

    name: str
    columns: tuple[Column, ...]
    rows: int
    first_row: int = 1
    notes: tuple[str, ...] = ()
    has_header: bool = True
    parts: tuple[str, ...] = ()
    part: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all columns."""
        return tuple(column.name for column in self.columns)

    @property
    def numeric_columns(self) -> tuple[str, ...]:
        """Names of the columns that hold numbers."""
        return tuple(column.name for column in self.columns if column.kind == "number")

    def column(self, name: str) -> Column:
        """Return the column `name`, or raise a DataError that lists the columns there are."""
        for column in self.columns:
            if column.name == name:
                return column
        shown = ", ".join(repr(column.name) for column in self.columns[:10])
        more = f" and {len(self.columns) - 10:,} more" if len(self.columns) > 10 else ""
        raise DataError(f"'{self.name}' has no column {name!r}; its columns are {shown}{more}.")

    def head(self, count: int = 20) -> list[dict[str, str]]:
        """Return the first rows as the text they are in the file."""
        rows = [column.shown[:count] for column in self.columns]
        return [dict(zip(self.names, cells, strict=True)) for cells in zip(*rows, strict=True)]


def _saws(known: NDArray[np.float64]) -> bool:
    """Whether numbers rise step by step and begin anew where they fall."""
    falls = np.flatnonzero(np.diff(known) < 0) + 1
    if not len(falls):
        return True
    return len(falls) < 0.4 * len(known) and bool((known[falls] <= known.min() + 1).mean() > 0.9)


def make_column(
    name: str, cells: pa.Array | pa.ChunkedArray, decimal: str = "point", shown: tuple[str, ...] | None = None
) -> Column:
    """Find out what a column of text cells holds: numbers, times, few different words, other text, or nothing.

    shown: the first cells as they are in the file.
    """
    shown = tuple(cells.slice(0, SHOWN_ROWS).to_pylist()) if shown is None else shown
    if decimal == "point" and (values := plain_numbers(cells)) is not None:
        return number_column(name, values, shown)
    chunks = cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]
    del cells
    filled = _filled(chunks)
    if filled.null_count == len(filled):
        return Column(name, "empty", pa.nulls(len(filled), pa.string()), shown=shown)
    if numbers := parse_numbers(filled, decimal):
        if len(numbers.wrong) == 0:
            return number_column(name, numbers.values, shown, numbers.convention)
        if _are_codes(filled, numbers.wrong) and (codes := _coded(filled)) is not None:
            return coded_column(name, codes, shown)
        first = int(numbers.wrong[0]), str(filled[int(numbers.wrong[0])])
        return number_column(name, numbers.values, shown, numbers.convention, len(numbers.wrong), first)
    if times := parse_times(filled):
        odd = times.odd
        first_odd = (int(odd[0]), str(filled[int(odd[0])])) if len(odd) else None
        return Column(name, "time", smallest(times.seconds), (), shown, len(odd), first_odd)
    if (codes := _coded(filled)) is not None:
        return coded_column(name, codes, shown)
    return Column(name, "text", filled, shown=shown)


def _are_codes(filled: pa.Array, wrong: NDArray[np.int64]) -> bool:
    """Whether a few numbers and a few words, each more than once or twice, are all names of classes (0, a, b, c)."""
    if len(pc.unique(filled.slice(0, _PIECE))) > _CODES + 1 or len(pc.unique(filled).drop_null()) > _CODES:
        return False
    counts = pc.value_counts(filled.take(pa.array(wrong))).field("counts").to_numpy()
    return bool(len(counts) < _CODES - 1 and counts.min() >= max(3, _SHARE_OF_CODE * len(filled)))


def _filled(chunks: list[pa.Array]) -> pa.Array:
    """Return text trimmed, null where missing; each chunk is taken out of the list once it is done."""
    done = []
    while chunks:
        trimmed = pc.utf8_trim_whitespace(chunks.pop(0))
        missing = missing_cells(trimmed)
        done.append(pc.if_else(missing, pa.scalar(None, pa.string()), trimmed) if pc.any(missing).as_py() else trimmed)
    return pa.concat_arrays(done) if done else pa.array([], pa.string())


def number_column(
    name: str,
    values: Floats,
    shown: tuple[str, ...],
    convention: str = "decimal point",
    bad: int = 0,
    first_bad: tuple[int, str] | None = None,
) -> Column:
    """Return a column of numbers (N,), NaN where missing, or of days written as numbers; see `Column`."""
    if np.isnan(values).all():
        return Column(name, "empty", pa.nulls(len(values), pa.float64()), shown=shown)
    may_be_days = not bad and values.dtype != np.float16  # whose largest number is 65504
    if may_be_days and (times := parse_time_numbers(values.astype(np.float64, copy=False), name)) is not None:
        return Column(name, "time", smallest(times), shown=shown)
    return Column(name, "number", smallest(values), (), shown, bad, first_bad, convention)


def smallest(values: Floats) -> Floats:
    """Return numbers (N,) in the smallest float type that holds each of them exactly, NaN included."""
    with np.errstate(over="ignore"):
        for kind in (np.float16, np.float32):
            if values.dtype.itemsize > np.dtype(kind).itemsize and all(
                np.array_equal(part.astype(kind), part, equal_nan=True)
                for part in (values[start : start + _PIECE] for start in range(0, len(values), _PIECE))
            ):
                return values.astype(kind)
    return values


def _coded(filled: pa.Array) -> pa.DictionaryArray | None:
    """Return text as coded words, or None where there are too many different ones; given up as soon as that is sure."""
    most = max(MAX_CATEGORIES, min(len(filled) // 2, 10_000))
    if len(pc.unique(filled.slice(0, 2 * most + _PIECE))) > most + 1:
        return None
    codes = filled.dictionary_encode()
    return codes if len(codes.dictionary) <= most else None


def coded_column(name: str, codes: pa.DictionaryArray, shown: tuple[str, ...]) -> Column:
    """Return a column of few different words, given as codes in any order, null where missing."""
    size = np.min_scalar_type(-max(1, len(codes.dictionary)))
    small = pa.DictionaryArray.from_arrays(codes.indices.cast(pa.from_numpy_dtype(size)), codes.dictionary)
    return Column(name, "category", small, tuple(sorted(codes.dictionary.to_pylist())), shown)


def _word_codes(codes: pa.DictionaryArray, words: tuple[str, ...]) -> Floats:
    """Return coded words as places in `words`, (N,), NaN where missing."""
    place = {word: number for number, word in enumerate(words)}
    rank = smallest(np.array([*(place[word] for word in codes.dictionary.to_pylist()), np.nan]))
    places = codes.indices.cast(pa.int32()).fill_null(len(words)).to_numpy(zero_copy_only=False)
    numbers: Floats = rank.take(places)
    return numbers


def numeric_column(name: str, values: NDArray[np.float64]) -> Column:
    """Return a column of numbers that did not come as text (Parquet, NumPy)."""
    values = np.asarray(values, np.float64)
    shown = tuple("" if np.isnan(value) else f"{value:g}" for value in values[:SHOWN_ROWS])
    return number_column(name, values, shown)


def time_column(name: str, cells: pa.Array, seconds: NDArray[np.float64]) -> Column:
    """Return a column of points in time that did not come as text."""
    shown = tuple(pc.cast(cells.slice(0, SHOWN_ROWS), pa.string()).fill_null("").to_pylist())
    if cells.null_count == len(cells):
        return Column(name, "empty", cells, shown=shown)
    return Column(name, "time", smallest(seconds), shown=shown)


def cells_as_text(column: Column) -> pa.Array:
    """Return all cells of a column as text again, '' where missing; numbers in their shortest exact form."""
    return pc.cast(column.cells, pa.string()).fill_null("")


def select_rows(column: Column, mask: NDArray[np.bool_]) -> Column:
    """Return a column of the rows where `mask` holds."""
    content = column.content
    kept = content[mask] if isinstance(content, np.ndarray) else content.filter(pa.array(mask))
    shown = tuple(cell for cell, keep in zip(column.shown, mask, strict=False) if keep)
    return replace(column, content=kept, shown=shown)


def shorten(cell: str, width: int = 40) -> str:
    """Return a cell in quotes for a message, cut where it is long."""
    return repr(cell if len(cell) <= width else cell[: width - 3] + "...")
