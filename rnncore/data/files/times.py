"""Text cells become points in time, in seconds."""

import re
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rnncore.data.files.numbers import in_pieces

_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%y", "%d.%m.%Y", "%m/%d/%y", "%d/%m/%y", "%m/%d/%Y", "%d/%m/%Y",
    "%d-%m-%y", "%d-%m-%Y", "%m-%d-%Y", "%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y",
    "%b %d %Y", "%Y-%b-%d", "%a %b %d %Y",
)  # fmt: skip
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %H")
_FORMATS = (
    *(day + clock for clock, day in product(_CLOCKS, _DAYS)),
    "%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%B %Y", "%b-%y", "%Y-%b", "%Y%m%dT%H%M%S", "%H:%M:%S", "%H:%M",
)  # fmt: skip
_QUARTER = re.compile(r"^(\d{4})[-: ]?[QqMm](\d{1,2})$")
_SAMPLE = 500
_MONTHS = 12


def parse_times(filled: pa.Array) -> NDArray[np.float64] | None:
    """Return a column of trimmed text (null where missing) as seconds, (N,) float64, or None where it is not of times.

    Day and month are told apart by what parses in every row; where both do, by which one is in order.
    """
    sample = filled.drop_null().slice(0, _SAMPLE)
    if len(sample) == 0 or not _may_be_time(str(sample[0])):
        return None
    if all(_QUARTER.match(cell) for cell in sample.to_pylist()):
        return _quarters(filled)
    try:
        pc.cast(sample, pa.timestamp("ms"))
        return in_pieces(lambda part: _seconds(pc.cast(part, pa.timestamp("ms"))), filled)
    except pa.ArrowInvalid:
        pass
    sample = _normalised(sample)
    fitting = [form for form in _FORMATS if _parse(sample, form).null_count == 0][:2]
    first = None
    for form in fitting:
        try:
            times = in_pieces(lambda part, form=form: _seconds(_parse_all(_normalised(part), form)), filled)
        except pa.ArrowInvalid:
            continue
        if _in_order(times):
            return times
        first = times if first is None else first
    return first


def parse_day_numbers(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return numbers of the form 20240131 as seconds, (N,) float64, or None where they are not all days.

    In order and more than a year's months of them, they may also be months (202401), or days of this or the last
    century (240131).
    """
    known = values[~np.isnan(values)]
    if known.min() < 10_01_01 or known.max() > 2199_12_31 or (known != np.round(known)).any():
        return None
    if known.min() >= 1600_01_01:
        return _digits(values, "%Y%m%d") if len(np.unique(known)) > 1 else None
    if known.max() > 99_12_31 or not (np.diff(known) >= 0).all() or len(np.unique(known)) <= _MONTHS:
        return None
    months = known.min() >= 1600_01 and known.max() <= 2199_12
    times = _digits(values * 100 + 1, "%Y%m%d") if months else None
    times = _digits(values, "%y%m%d") if times is None else times
    return times if times is not None and _in_order(times) else None


def _digits(values: NDArray[np.float64], form: str) -> NDArray[np.float64] | None:
    missing = np.isnan(values)
    whole = pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
    times = _parse(pc.cast(whole, pa.string()), form)
    if times.null_count > whole.null_count:
        return None
    return _seconds(times)


def _may_be_time(cell: str) -> bool:
    return bool(re.search(r"\d", cell)) and bool(re.search(r"[-/.:, QqMm]", cell)) and len(cell) <= 40


def _normalised(text: pa.Array) -> pa.Array:
    """Drop what the formats do not name: T between day and clock, fractions of a second, time zones."""
    text = pc.replace_substring_regex(text, r"(\d)T(\d)", r"\1 \2")
    text = pc.replace_substring_regex(text, r"(:\d\d)[.,]\d+", r"\1")
    return pc.replace_substring_regex(text, r"(:\d\d) ?(Z|UTC|GMT|[+-]\d\d:?\d\d)$", r"\1")


def _parse(text: pa.Array, form: str) -> pa.Array:
    return pc.strptime(text, format=form, unit="s", error_is_null=True)


def _parse_all(text: pa.Array, form: str) -> pa.Array:
    """Parse text, and raise ArrowInvalid where a filled cell does not fit."""
    return pc.strptime(text, format=form, unit="s")


def _seconds(times: pa.Array) -> NDArray[np.float64]:
    scale = {"s": 1.0, "ms": 1e-3}[times.type.unit]
    return np.asarray(pc.cast(pc.cast(times, pa.int64()), pa.float64()).to_numpy(zero_copy_only=False)) * scale


def _in_order(times: NDArray[np.float64]) -> bool:
    return bool((np.diff(times[~np.isnan(times)]) >= 0).all())


def _quarters(filled: pa.Array) -> NDArray[np.float64] | None:
    parts = [None if cell is None else _QUARTER.match(cell) for cell in filled.to_pylist()]
    if sum(part is None for part in parts) > filled.null_count:
        return None
    year = 365.2425 * 86_400
    quarterly = any("q" in cell.lower() for cell in filled.drop_null().slice(0, 1).to_pylist())
    share = year / (4 if quarterly else 12)
    return np.array([np.nan if p is None else (int(p[1]) - 1970) * year + (int(p[2]) - 1) * share for p in parts])
