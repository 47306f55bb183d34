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
_MISSING_WORDS_OF_A_COLUMN, _MEASURES = 2, 10  # a word or two that mean missing, beside more than so many numbers
_TRIED = 200
_PIECE = 1 << 16  # cells that are rewritten at once, which bounds the memory for copies

_SIGN, _EXPONENT = r"^[+-]?", r"([eE][+-]?\d+)?$"
# Every pattern takes linear time in both engines: no two parts of it can match the same characters.
_PLAIN = _SIGN + r"(\d+(\.\d*)?|\.\d+)" + _EXPONENT + r"|^[+-]?[iI][nN][fF]([iI][nN][iI][tT][yY])?$"
# As the re module and RE2 (Arrow) both read them; spaces are plain, no-break or thin.
_PLAIN_NUMBER = re.compile(_PLAIN)
_SPACES = "[ \u00a0\u2009\u202f'\u2019]"
_COMPARED = "[<>~\u2264\u2265\u2248] ?"  # below or above what can be measured: the bound counts as the value
_UNIT = "(?:[%$\u20ac\u00a3\u00a5\u20b9\u20a9\u00b0]" r"|R\$|US\$|Rs\.?|USD|EUR|GBP|JPY|CHF|INR|CNY|kr)"
# Stars, daggers and the like, letters or numbers in brackets, and the letters of offices of statistics: provisional,
# revised, estimated, forecast, break, ...
_FOOTNOTE = " ?(?:[*\u2020\u2021\u00a7#\u00b9\u00b2\u00b3]{1,3}" r"|\[\w{1,3}\]|\(\w{1,2}\)|[a-jl-su-z]{1,2})"
_LARGE = {"K": "e3", "k": "e3", "M": "e6", "Mn": "e6", "mn": "e6", "B": "e9", "bn": "e9",
          "Bn": "e9", "T": "e12"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Convention:
    """A way to write numbers: what such a cell looks like, and how to rewrite it as Arrow reads it."""

    name: str
    pattern: str
    rewrite: Callable[[pa.Array], pa.Array]
    beside_plain: bool = False  # only where half of the cells are numbers without it: '12b' is a code


def _without(characters: str) -> Callable[[pa.Array], pa.Array]:
    return lambda text: pc.replace_substring_regex(text, characters, "")


def _comma_to_point(text: pa.Array) -> pa.Array:
    return pc.replace_substring(text, ",", ".")


def _marked(whole: str, mark: str) -> str:
    """Return the pattern of a number among marks: bounds, units, currencies, brackets for minus, K, M and B."""
    number = rf"(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?"
    large = "(?: ?(?:" + "|".join(_LARGE) + "))?"
    plain = rf"^(?:{_COMPARED})?[+-]?(?:{_UNIT} ?)?[+-]?{number}{large}(?: ?{_UNIT})?$"
    return rf"{plain}|^\((?:{_UNIT} ?)?{number}{large}(?: ?{_UNIT})?\)$|^{number}-$"


def _unmarked(thousands: str, comma: bool) -> Callable[[pa.Array], pa.Array]:
    def rewrite(text: pa.Array) -> pa.Array:
        text = pc.replace_substring_regex(text, r"^\((.*)\)$|^(.*)-$", r"-\1\2")
        text = pc.replace_substring_regex(text, f"{_COMPARED}|{_UNIT}|{thousands}|[ \u00a0\u202f]", "")
        for word, power in _LARGE.items():
            text = pc.replace_substring_regex(text, rf"(\d[.,]?){word}$", rf"\1{power}")
        text = pc.replace_substring_regex(text, r"^([+-])([+-])", r"\1")
        return _comma_to_point(text) if comma else text

    return rewrite


def _without_footnotes(comma: bool) -> Callable[[pa.Array], pa.Array]:
    def rewrite(text: pa.Array) -> pa.Array:
        text = pc.replace_substring_regex(text, _FOOTNOTE + "$", "")
        return _comma_to_point(_without(r"\.")(text)) if comma else _without(",")(text)

    return rewrite


POINT = Convention("decimal point", _PLAIN, lambda text: text)
COMMA = Convention("decimal comma", _SIGN + r"(\d+(,\d*)?|,\d+)" + _EXPONENT, _comma_to_point)
THOUSANDS = Convention(
    "thousands commas",
    _SIGN + r"[1-9]\d{0,2}(,\d{3})+(\.\d*)?$|" + _SIGN + r"[1-9]\d?(,\d\d)+,\d{3}(\.\d*)?$",
    _without(","),
)
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
MARKED = Convention("units, bounds or other marks", _marked(r"\d+(?:,\d{2,3})*", r"\."), _unmarked(",", comma=False))
MARKED_COMMA = Convention(
    "units, bounds or other marks", _marked(r"\d+(?:[. ]\d{3})*", ","), _unmarked(r"\.", comma=True)
)
NOTED = Convention(
    "footnote marks", _SIGN + rf"\d+(?:,\d{{3}})*(?:\.\d*)?(?:{_FOOTNOTE})?$", _without_footnotes(comma=False), True
)
NOTED_COMMA = Convention(
    "footnote marks", _SIGN + rf"\d+(?:\.\d{{3}})*(?:,\d*)?(?:{_FOOTNOTE})?$", _without_footnotes(comma=True), True
)
# In the order in which they are tried, for files whose decimal mark is a point or a comma.
CONVENTIONS = {
    "point": (POINT, THOUSANDS, SPACED, MARKED, COMMA, POINTS, MARKED_COMMA, NOTED),
    "comma": (COMMA, POINTS, SPACED, POINT, THOUSANDS, MARKED_COMMA, MARKED, NOTED_COMMA),
}
_AMBIGUOUS = (POINTS, MARKED_COMMA)  # whose cells may look plain: '1.234'


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
    first, *others = CONVENTIONS[decimal]
    if _is_of_words(filled.slice(0, len(filled) // 5 + 1), decimal, most=known - NUMERIC_SHARE * known):
        return None
    plain = _fits(filled, first)
    best, own, best_count = first, plain, _count(plain)
    for convention in others:
        if best_count == known or (convention.beside_plain and best_count < known / 2):
            break
        fits = _fits(filled, convention)
        if (count := _count(pc.or_(plain, fits))) > best_count:
            best, own, best_count = convention, fits, count
    fits = pc.or_(plain, own)
    wrong = pc.and_(pc.invert(fits), pc.is_valid(filled))
    if best_count < NUMERIC_SHARE * known and not _is_one_word(filled, fits, wrong, best_count):
        return None
    if best not in _AMBIGUOUS or pc.any(pc.and_(pc.and_not(plain, own), pc.match_substring(filled, "."))).as_py():
        own = pc.and_not(own, plain)
    empty = pa.scalar(None, pa.string())

    def read(text: pa.Array, fits: pa.Array, own: pa.Array) -> NDArray[np.float64]:
        rewritten = best.rewrite(pc.if_else(own, text, empty))
        rest = first.rewrite(pc.if_else(pc.and_not(fits, own), text, empty))
        return _cast(pc.coalesce(rewritten, rest))

    return Numbers(in_pieces(read, filled, fits, own), np.flatnonzero(np.asarray(wrong)), best.name)


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
        re.match(convention.pattern, text) for convention in CONVENTIONS["point"] if not convention.beside_plain
    )


def _is_of_words(filled: pa.Array, decimal: str, most: float) -> bool:
    """Whether more than `most` filled cells are a number in no convention, and not always the same word or two."""
    fitting = reduce(pc.or_, (_fits(filled, convention) for convention in CONVENTIONS[decimal]))
    if len(filled) - filled.null_count - _count(fitting) <= most:
        return False
    return len(pc.unique(filled.filter(pc.invert(fitting)).drop_null())) > _MISSING_WORDS_OF_A_COLUMN


def _is_one_word(filled: pa.Array, fits: pa.Array, wrong: pa.Array, count: int) -> bool:
    """Whether the cells that are no numbers hold a word or two, and the others measure: then these mean missing."""
    share = count / max(1, len(filled) - filled.null_count)
    if share < 0.02:
        return False
    words, numbers = pc.unique(filled.filter(wrong)), pc.unique(filled.filter(fits))
    few = len(words) <= (_MISSING_WORDS_OF_A_COLUMN if share >= 0.5 else 1)
    return few and len(numbers) > _MEASURES


def _fits(text: pa.Array, convention: Convention) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(text, convention.pattern), False)


def _count(mask: pa.Array) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _cast(text: pa.Array) -> NDArray[np.float64]:
    return np.asarray(pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False), np.float64)
