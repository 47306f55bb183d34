"""Text cells and whole numbers become points in time, in seconds since 1970 (UTC where cells say their offset)."""

import re
from dataclasses import dataclass
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rnncore.data.files.months import in_english
from rnncore.data.files.numbers import NUMERIC_SHARE, in_pieces

_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%y", "%d.%m.%Y", "%m/%d/%y", "%d/%m/%y", "%m/%d/%Y", "%d/%m/%Y",
    "%d-%m-%y", "%d-%m-%Y", "%m-%d-%Y", "%m-%d-%y", "%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d %Y",
    "%B %d %Y", "%b %d %y", "%d %b %y", "%Y-%b-%d", "%Y %b %d", "%d/%b/%Y", "%d/%b/%y", "%b-%d-%Y", "%d%b%Y",
    "%y-%m-%d", "%y/%m/%d", "%y.%m.%d", "%m.%d.%Y", "%Y%m%d",
)  # fmt: skip
_CLOCKS = (
    "", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %I %p", " %H", " %H-%M-%S", " %H.%M.%S", " %H.%M",
    " %H%M%S", " %H%M",
)  # fmt: skip
_FORMATS = (
    "%b %Y", "%B %Y", "%Y %b", "%b-%Y", "%Y-%b", "%b/%Y", "%Y/%b",
    *(day + clock for clock, day in product(_CLOCKS, _DAYS)),
    "%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%b-%y", "%b %y", "%b/%y", "%y-%b", "%Y%m%d%H%M%S",
    "%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H.%M.%S",
)  # fmt: skip
# A year and a part of it -> months in the part; weeks are counted as ISO 8601 does.
_PARTS = (
    (r"^(?P<y>\d{4})[-: /.]?[Qq](?P<p>[1-4])$", 3),
    (r"^[Qq](?P<p>[1-4])[-: /.']*(?P<y>\d{4}|\d{2})$", 3),
    (r"^(?P<p>[1-4])[Qq][-: /.']*(?P<y>\d{4}|\d{2})$", 3),
    (r"^(?P<y>\d{4})[-: /.]?[Mm](?P<p>\d{1,2})$", 1),
    (r"^(?P<y>\d{4})[-: /.]?[Hh](?P<p>[12])$", 6),
    (r"^(?P<y>\d{4})[-: /.]?[Ww](?P<p>\d{1,2})$", 0),
)
# Short names of times of the day -> hours ahead of UTC.
ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5,
    "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
# What the formats do not name, in the order in which it is rewritten.
_REWRITTEN = (
    (r"^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*[.,]? +", ""),
    (r"(\d)(?:st|nd|rd|th)\b", r"\1"),
    (r"([A-Za-z])\.(?:[ -]|$)", r"\1 "),
    (r"(\d)[T_](\d)", r"\1 \2"),
    (r"(\d/\w{3}/\d{4}):", r"\1 "),
    (r"\bSept\b", "Sep"),
    (r" *, *", " "),
    (r"([ap])\.? ?m\.?$", r"\1m"),
    (r"(\d)([AaPp][Mm])$", r"\1 \2"),
    (r"(:\d\d)[.,]\d+", r"\1"),
    (rf"([: ]\d\d(?: ?[AaPp][Mm])?) ?(?:{'|'.join(ZONES)}|[+-]\d\d:?\d\d|[+-]\d\d)$", r"\1"),
    (r"(^|[ T_])24([:.]00)", r"\100\2"),
)
_FRACTION = r":\d\d[.,](?P<f>\d{1,9})"
_OFFSET = r":\d\d(?:[.,]\d+)? ?(?P<s>[+-])(?P<h>\d\d):?(?P<m>\d\d)?$"
_ZONE = rf"[: ]\d\d(?:[.,]\d+)?(?: ?[AaPp]\.?[Mm]\.?)? ?(?P<z>{'|'.join(ZONES)})$"
_MARK = r"(\d) ?(?:[*\x{2020}\x{2021}]{1,3}|\(\w{1,2}\)|\[\w{1,2}\]|[a-z])$"  # of a footnote, or p for provisional
_MIDNIGHT = r"(?:[ T_]|^)24[:.]00"
_SAMPLE, _FIRST = 500, 20
_MONTHS, _DAY = 12, 86_400
_MOST_BY_CHOICE = 8  # formats in a column that is a clock by choice
_MOST_FORMATS = 3  # in one column, as where midnight is written as a day without a clock time
_NAMED = re.compile(r"time|stamp|date|epoch|unix|^ts$", re.I)
_WEEK = re.compile(r"week|(^|[ _.-])wk", re.I)
_EPOCH = 3e8, 4.1e9  # seconds: 1979 to 2099
_SURE_EPOCH = 9e8, 2.2e9


@dataclass(frozen=True, slots=True)
class Times:
    """Cells as points in time: seconds (N,) float64, NaN where missing or odd; places of filled cells that are none."""

    seconds: NDArray[np.float64]
    odd: NDArray[np.int64]


def parse_times(filled: pa.Array) -> Times | None:
    """Return a column of trimmed text (null where missing) as points in time, or None where most of it is none.

    Day and month are told apart by what parses in most rows; where both do, by which one is more in order.
    """
    sample = filled.drop_null().slice(0, _SAMPLE)
    first = sample.slice(0, _FIRST).to_pylist()
    if len(sample) == 0 or 2 * sum(map(_may_be_time, first)) < len(first):
        return None
    for form, months in _PARTS:
        if pc.sum(pc.match_substring_regex(sample, form)).as_py() >= NUMERIC_SHARE * len(sample):
            return _times(_year_parts(filled, form, months), filled)
    for kind in (pa.timestamp("ms"), pa.timestamp("ms", "UTC")):
        try:
            pc.cast(sample, kind)
            seconds = in_pieces(lambda part, kind=kind: _seconds(pc.cast(part, kind)), filled)
        except pa.ArrowInvalid:
            continue
        return _times(seconds, filled)
    shifting = _shifts(sample)
    candidates = _fitting_formats(_normalised(sample))
    found = [_parsed(filled, form, shifting) for form in candidates]
    if not found:
        english = in_english(pc.replace_substring_regex(filled, _MARK, r"\1"))
        return None if english.equals(filled) else parse_times(english)
    best = max(found, key=lambda seconds: (int((~np.isnan(seconds)).sum()), _orderly(seconds), _regular(seconds)))
    times = _times(best, filled)
    return times if len(times.odd) <= (1 - NUMERIC_SHARE) * (len(filled) - filled.null_count) else None


def parse_time_cells(filled: pa.Array) -> NDArray[np.float64]:
    """Return a column of trimmed text as seconds, (N,), in as many formats as it takes: a clock by choice.

    NaN where a cell is no time in any of them.
    """
    text, seconds = _normalised(filled), np.full(len(filled), np.nan)
    for _ in range(_MOST_BY_CHOICE):
        places = np.flatnonzero(np.isnan(seconds) & np.asarray(text.is_valid()))
        sample = text.take(pa.array(places[:_SAMPLE]))
        fits = {form: int(_plausible(sample, form).sum()) for form in _FORMATS}
        best = max(fits, key=lambda form: fits[form])
        if not fits[best]:
            break
        seconds[places] = _seconds(_parse(text.take(pa.array(places)), best))
    return seconds + np.where(np.isnan(seconds), 0.0, _shift(filled))


def parse_time_numbers(values: NDArray[np.float64], name: str) -> NDArray[np.float64] | None:
    """Return numbers that are points in time as seconds, (N,) float64, or None where they are something else.

    They may be days (20240131), minutes or seconds (202401311530), and, in order and more than a year's months of
    them, months (202401) or days of this or the last century (240131); or Unix time in seconds to nanoseconds, where
    the name says so or they rise in equal steps.
    """
    known = values[~np.isnan(values)]
    low, high = float(known.min()), float(known.max())
    if low < 10_01_01 or not np.isfinite(high):
        return None
    if high <= 2199_12_31:
        return _week_numbers(values, known, name) if _WEEK.search(name) else _day_numbers(values, known)
    if low < _EPOCH[0] or (known != np.round(known)).any():
        return None
    for form, smallest, largest in (("%Y%m%d%H%M", 1600_01_01_00_00, 2199_12_31_23_59),
                                    ("%Y%m%d%H%M%S", 1600_01_01_00_00_00, 2199_12_31_23_59_59),
                                    ("%Y%m%d%H", 1600_01_01_00, 2199_12_31_23)):  # fmt: skip
        stamps = low >= smallest and high <= largest
        if stamps and (seconds := _digits(values, form)) is not None and _is_stamp(known, seconds):
            return seconds
    return _unix(values, known, name)


def _unix(
    values: NDArray[np.float64], known: NDArray[np.float64], name: str
) -> NDArray[np.float64] | None:  # fmt: skip
    named = bool(_NAMED.search(name))
    for scale in (1.0, 1e3, 1e6, 1e9):
        low, high = (bound * scale for bound in (_EPOCH if named else _SURE_EPOCH))
        if low <= known.min() and known.max() <= high:
            return values / scale if named or _in_equal_steps(known) else None
    return None


def _in_equal_steps(known: NDArray[np.float64]) -> bool:
    """Whether most steps from one number to the next are the same, and none goes back."""
    steps = np.diff(known)
    if len(steps) < 2 or steps.min() < 0 or steps.max() == 0:
        return False
    usual = float(np.median(steps))
    return usual > 0 and float((steps == usual).mean()) > 0.5


def _is_stamp(known: NDArray[np.float64], seconds: NDArray[np.float64]) -> bool:
    """Whether digits read as stamps make more sense than as Unix time: minutes below 60 by chance are rare."""
    return len(known) >= 5 and _orderly(seconds) > 0.9


def _day_numbers(values: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64] | None:
    if (known != np.round(known)).any():
        return None
    if known.min() >= 1600_01_01:
        return _digits(values, "%Y%m%d") if len(np.unique(known)) > 1 else None
    if known.max() > 99_12_31 or not _one_way(known) or len(np.unique(known)) <= _MONTHS:
        return None
    months = known.min() >= 1600_01 and known.max() <= 2199_12
    times = _digits(values * 100 + 1, "%Y%m%d") if months else None
    times = _digits(values, "%y%m%d") if times is None else times
    return times if times is not None and _one_way(times[~np.isnan(times)]) else None


def _week_numbers(values: NDArray[np.float64], known: NDArray[np.float64], name: str) -> NDArray[np.float64] | None:
    """Return years and ISO weeks (202401) as seconds of their Mondays, None where they are none."""
    year, week = values // 100, values % 100
    weeks = known % 100
    if (known % 1).any() or known.min() < 1600_01 or known.max() > 2199_53 or weeks.min() < 1 or weeks.max() > 53:
        return _day_numbers(values, known)
    there = ~np.isnan(values)
    start = (np.where(there, year, 1970) - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    fourth = start + 3  # of January, which is always in week 1
    days = fourth - (fourth + 3) % 7 + 7 * (np.where(there, week, 1) - 1)
    return np.where(there, days * float(_DAY), np.nan)


def _one_way(values: NDArray[np.float64]) -> bool:
    steps = np.diff(values)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _digits(values: NDArray[np.float64], form: str) -> NDArray[np.float64] | None:
    missing = np.isnan(values)
    whole = pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
    times = _parse(pc.cast(whole, pa.string()), form)
    if times.null_count > whole.null_count:
        return None
    return _seconds(times)


def _may_be_time(cell: str) -> bool:
    return len(cell) <= 40 and bool(re.search(r"\d", cell)) and bool(re.search(r"[-/.:, _QqMmWwHhT]", cell))


def _times(seconds: NDArray[np.float64], filled: pa.Array) -> Times:
    return Times(seconds, np.flatnonzero(np.isnan(seconds) & np.asarray(pc.is_valid(filled))))


def _fitting_formats(sample: pa.Array) -> list[tuple[str, ...]]:
    """Return the formats that fit most cells of a sample, each with those that fit some of the rest."""
    fits = {form: _plausible(sample, form) for form in _FORMATS}
    most = max(int(fit.sum()) for fit in fits.values())
    if most < 0.3 * len(sample):
        return []
    found = []
    for form in [form for form, fit in fits.items() if fit.sum() == most][:4]:
        forms, rest = [form], ~fits[form]
        while rest.any() and len(forms) < _MOST_FORMATS:
            day = form.split(" %H")[0].split(" %I")[0]
            more = [other for other in fits if other.startswith(day) and other not in forms]
            best = max(more, key=lambda other: int((fits[other] & rest).sum()), default=None)
            if best is None or not (fits[best] & rest).any():
                break
            forms.append(best)
            rest &= ~fits[best]
        if rest.sum() <= (1 - NUMERIC_SHARE) * len(sample):
            found.append(tuple(forms))
    return found


def _plausible(text: pa.Array, form: str) -> NDArray[np.bool_]:
    """Return which cells fit a format, (N,); a year of two digits that is read as one of four fits none."""
    times = _parse(text, form)
    fits = np.asarray(times.is_valid())
    if form.startswith("%Y") and "-%m" in form and len(form) == 5:
        return fits  # years that are counted from 1, as '1-01'
    if fits.any() and "%Y" in form:
        fits &= np.nan_to_num(_seconds(times), nan=-1e18) > -3.1e10  # from the year 1000 on
    return fits


def _parsed(filled: pa.Array, forms: tuple[str, ...], shifting: bool) -> NDArray[np.float64]:
    def read(part: pa.Array) -> NDArray[np.float64]:
        text = _normalised(part)
        seconds = _seconds(_parse(text, forms[0]))
        for form in forms[1:]:
            if not (rest := np.isnan(seconds)).any():
                break
            seconds[rest] = _seconds(_parse(text.filter(pa.array(rest)), form))
        if (rest := np.isnan(seconds) & np.asarray(text.is_valid())).any():
            unmarked = pc.replace_substring_regex(text.filter(pa.array(rest)), _MARK, r"\1")
            seconds[rest] = _seconds(_parse(unmarked, forms[0]))
        return seconds + _shift(part) if shifting else seconds

    return in_pieces(read, filled)


def _normalised(text: pa.Array) -> pa.Array:
    for pattern, replacement in _REWRITTEN:
        text = pc.replace_substring_regex(text, pattern, replacement)
    return text


def _shifts(sample: pa.Array) -> bool:
    """Whether cells have what the formats leave out: fractions of a second, offsets from UTC, 24:00."""
    forms = (_FRACTION, _OFFSET, _ZONE, _MIDNIGHT)
    return any(pc.any(pc.match_substring_regex(sample, form)).as_py() for form in forms)


def _shift(text: pa.Array) -> NDArray[np.float64]:
    """Return the seconds (N,) by which cells differ from what the formats read of them."""
    fraction, offset = pc.extract_regex(text, _FRACTION), pc.extract_regex(text, _OFFSET)
    shift = _number(pc.binary_join_element_wise("0", pc.struct_field(fraction, "f"), "."))
    minutes = pc.if_else(pc.equal(pc.struct_field(offset, "m"), ""), "00", pc.struct_field(offset, "m"))
    ahead: NDArray[np.float64] = 3600 * _number(pc.struct_field(offset, "h")) + 60 * _number(minutes)
    west = np.asarray(pc.fill_null(pc.equal(pc.struct_field(offset, "s"), "-"), False))
    midnight = np.asarray(pc.fill_null(pc.match_substring_regex(text, _MIDNIGHT), False))
    offset_seconds: NDArray[np.float64] = np.where(west, ahead, -ahead)
    return shift + offset_seconds - _ahead_by_name(text) + np.where(midnight, float(_DAY), 0.0)


def _ahead_by_name(text: pa.Array) -> NDArray[np.float64]:
    """Return the seconds (N,) that the name of a time zone is ahead of UTC, 0 without one."""
    names = pc.struct_field(pc.extract_regex(text, _ZONE), "z")
    places = pc.fill_null(pc.index_in(names, value_set=pa.array(list(ZONES))), 0)
    ahead: NDArray[np.float64] = 3600.0 * np.array(list(ZONES.values()))[np.asarray(places)]
    return ahead


def _number(text: pa.Array) -> NDArray[np.float64]:
    filled = pc.fill_null(pc.cast(text, pa.float64()), 0.0)
    return np.array(filled.to_numpy(zero_copy_only=False), np.float64)  # a copy: Arrow's own memory is read-only


def _parse(text: pa.Array, form: str) -> pa.Array:
    return pc.strptime(text, format=form, unit="s", error_is_null=True)


def _seconds(times: pa.Array) -> NDArray[np.float64]:
    scale = {"s": 1.0, "ms": 1e-3}[times.type.unit]
    return np.asarray(pc.cast(pc.cast(times, pa.int64()), pa.float64()).to_numpy(zero_copy_only=False)) * scale


def _orderly(seconds: NDArray[np.float64]) -> float:
    """Return the share of steps that go the way most of them go."""
    steps = np.diff(seconds[~np.isnan(seconds)])
    return max(float((steps >= 0).mean()), float((steps <= 0).mean())) if len(steps) else 0.0


def _regular(seconds: NDArray[np.float64]) -> float:
    """Return the share of steps that are about as long as the usual one: 1/2/1990 may be the second or of February."""
    steps = np.abs(np.diff(seconds[~np.isnan(seconds)]))
    usual = float(np.median(steps)) if len(steps) else 0.0
    return float((np.abs(steps - usual) <= 0.3 * usual).mean()) if usual > 0 else 0.0


def _year_parts(filled: pa.Array, form: str, months: int) -> NDArray[np.float64]:
    """Return quarters, months, half years or weeks of a year as the time of their first second, NaN where none."""
    found = pc.extract_regex(filled, form)
    valid = np.asarray(pc.is_valid(found))
    year, part = (_number(pc.struct_field(found, name)).astype(np.int64) for name in "yp")
    year = np.where(year < 100, np.where(year < 70, 2000, 1900) + year, year)
    if months:
        first = (12 * (year - 1970) + months * (part - 1)).astype("datetime64[M]").astype("datetime64[D]")
        days = first.astype(np.int64)
    else:
        fourth = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 3  # in week 1
        days = fourth - (fourth + 3) % 7 + 7 * (part - 1)
    return np.where(valid, days * float(_DAY), np.nan)
