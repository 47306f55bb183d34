"""Text cells become numbers: decimal point or comma, thousands marks, percent and currency signs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rnncore.data.files.limits import MAX_RECOGNISED

MISSING_WORDS = (
    "", "na", "n/a", "#n/a", "n.a.", "nan", "null", "none", "nil", "-", "--", "---", "?", ".", "..", "missing",
    "#value!", "#div/0!", "<na>", "nat", r"\n",
)  # fmt: skip
# In the spellings that occur; comparing them costs less memory than a lower-case copy of a column.
MISSING_FORMS = sorted(
    {form(word) for word in MISSING_WORDS for form in (str.lower, str.upper, str.capitalize)} | {"NaN"}
)
# A column counts as numeric when at least this share of its filled cells are numbers; the others become missing.
NUMERIC_SHARE = 0.9
_TRIED = 200
_PIECE = 1 << 16  # cells that are rewritten at once, which bounds the memory for copies

_SIGN, _EXPONENT = r"^[+-]?", r"([eE][+-]?\d+)?$"
# Every pattern takes linear time in both engines: no two parts of it can match the same characters.
_PLAIN = _SIGN + r"(\d+(\.\d*)?|\.\d+)" + _EXPONENT + r"|^[+-]?[iI][nN][fF]([iI][nN][iI][tT][yY])?$"
# As the re module and RE2 (Arrow) both read them; spaces are plain, no-break or thin.
_PLAIN_NUMBER = re.compile(_PLAIN)
_SPACES = "[ \u00a0\u2009\u202f'\u2019]"
_UNITS = "[%$\u20ac\u00a3\u00a5]"


@dataclass(frozen=True, slots=True)
class Convention:
    """A way to write numbers: what such a cell looks like, and how to rewrite it as Arrow reads it."""

    name: str
    pattern: str
    rewrite: Callable[[pa.Array], pa.Array]


def _without(characters: str) -> Callable[[pa.Array], pa.Array]:
    return lambda text: pc.replace_substring_regex(text, characters, "")


def _comma_to_point(text: pa.Array) -> pa.Array:
    return pc.replace_substring(text, ",", ".")


POINT = Convention("decimal point", _PLAIN, lambda text: text)
COMMA = Convention("decimal comma", _SIGN + r"(\d+(,\d*)?|,\d+)" + _EXPONENT, _comma_to_point)
THOUSANDS = Convention("thousands commas", _SIGN + r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?$", _without(","))
POINTS = Convention(
    "thousands points",
    _SIGN + r"[1-9]\d{0,2}(\.\d{3})+(,\d*)?$",
    lambda text: _comma_to_point(pc.replace_substring(text, ".", "")),
)
SPACED = Convention(
    "thousands spaces",
    _SIGN + r"\d{1,3}(" + _SPACES + r"\d{3})+([.,]\d*)?$",
    lambda text: _comma_to_point(_without(_SPACES)(text)),
)
UNITS = Convention(
    "percent or currency",
    rf"^[+-]?{_UNITS} ?[+-]?\d[\d,]*(\.\d+)?$|^[+-]?\d[\d,]*(\.\d+)? ?{_UNITS}$",
    lambda text: _without("[ ,]|" + _UNITS)(text),
)
# In the order in which they are tried, for files whose decimal mark is a point or a comma.
CONVENTIONS = {"point": (POINT, THOUSANDS, SPACED, UNITS, COMMA), "comma": (COMMA, POINTS, SPACED, POINT, THOUSANDS)}


@dataclass(frozen=True, slots=True)
class Numbers:
    """Cells as numbers: values (N,) float64 with NaN for missing; places of filled cells that are no numbers."""

    values: NDArray[np.float64]
    wrong: NDArray[np.int64]
    convention: str


def missing_cells(cells: pa.Array) -> pa.Array:
    """Return which cells are empty or a word for missing, (N,) boolean Arrow array."""
    return pc.is_in(cells, value_set=pa.array(MISSING_FORMS))


def plain_numbers(cells: pa.Array | pa.ChunkedArray, convention: Convention = POINT) -> NDArray[np.float64] | None:
    """Return cells that are all numbers of one convention, or None; the common case, and a fast one.

    The first cells are tried alone: Arrow writes a message for every cell that it cannot cast, which takes long.
    """
    try:
        _cast(convention.rewrite(cells.slice(0, _TRIED)))
        return in_pieces(lambda part: _cast(convention.rewrite(part)), cells)
    except pa.ArrowInvalid:
        return None


def parse_numbers(filled: pa.Array, decimal: str) -> Numbers | None:
    """Return a column of trimmed text (null where missing) as numbers, or None where it is not one of numbers.

    decimal: "point" or "comma". The column has one convention; cells that fit neither it nor the plain one are wrong.
    """
    nothing = np.empty(0, np.int64)
    usual = CONVENTIONS[decimal][0]
    may_be_usual = decimal == "point" or not pc.any(pc.match_substring(filled, ".")).as_py()
    if may_be_usual and (values := plain_numbers(filled, usual)) is not None:
        return Numbers(values, nothing, usual.name)
    known = len(filled) - filled.null_count
    if _too_many_words(filled.slice(0, len(filled) // 5 + 1), decimal, most=known - NUMERIC_SHARE * known):
        return None
    first, *others = CONVENTIONS[decimal]
    plain = _fits(filled, first)
    best, best_count = (first, plain), _count(plain)
    for convention in others:
        if best_count == known:
            break
        fits = pc.or_(plain, _fits(filled, convention))
        if (count := _count(fits)) > best_count:
            best, best_count = (convention, fits), count
    if best_count < NUMERIC_SHARE * known:
        return None
    convention, fits = best
    empty = pa.scalar(None, pa.string())

    def read(text: pa.Array, fits: pa.Array, plain: pa.Array) -> NDArray[np.float64]:
        special = pc.and_not(fits, plain) if convention is not first else plain
        rewritten = convention.rewrite(pc.if_else(special, text, empty))
        rest = first.rewrite(pc.if_else(pc.and_not(fits, special), text, empty))
        return _cast(pc.coalesce(rewritten, rest))

    wrong = np.flatnonzero(np.asarray(pc.and_(pc.invert(fits), pc.is_valid(filled))))
    return Numbers(in_pieces(read, filled, fits, plain), wrong, convention.name)


def in_pieces(read: Callable[..., NDArray[np.float64]], *columns: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
    """Return what `read` makes of columns of equal length (N,), piece by piece."""
    values = np.empty(len(columns[0]))
    for start in range(0, len(values), _PIECE):
        values[start : start + _PIECE] = read(*(column.slice(start, _PIECE) for column in columns))
    return values


def is_plain(cell: str) -> bool:
    """Whether a single cell is missing or a number with a decimal point."""
    text = cell.strip()
    return text.lower() in MISSING_WORDS or (len(text) <= MAX_RECOGNISED and bool(_PLAIN_NUMBER.match(text)))


def looks_like_number(cell: str) -> bool:
    """Whether a single cell is a number in any convention."""
    text = cell.strip()
    return len(text) <= MAX_RECOGNISED and any(
        re.match(convention.pattern, text) for convention in CONVENTIONS["point"]
    )


def _too_many_words(filled: pa.Array, decimal: str, most: float) -> bool:
    """Whether more than `most` filled cells are a number in no convention."""
    fitting = reduce(pc.or_, (_fits(filled, convention) for convention in CONVENTIONS[decimal]))
    return bool(len(filled) - filled.null_count - _count(fitting) > most)


def _fits(text: pa.Array, convention: Convention) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(text, convention.pattern), False)


def _count(mask: pa.Array) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _cast(text: pa.Array) -> NDArray[np.float64]:
    return np.asarray(pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False), np.float64)
