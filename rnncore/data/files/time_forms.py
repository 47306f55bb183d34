"""How a file writes its times, found by writing its first ones again."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rnncore.data.files.table import Column

_DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d", "%Y%m%d",
         "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%y-%m-%d", "%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%B %d, %Y",
         "%d %B %Y", "%b-%y", "%b %Y", "%B %Y", "%b-%Y", "%Y-%m", "%m/%Y", "%Y/%m", "%Y%m", "%Y")  # fmt: skip
_CLOCKS = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S", "T%H:%M", " %I:%M %p", " %I:%M:%S %p", " %H.%M.%S",
           " %H:%M:%S+00:00", "T%H:%M:%SZ", " %H")  # fmt: skip
_SHOWN = 20  # cells that are written again
_EARLIEST, _LATEST = -62_135_596_800, 253_402_300_799  # seconds that Python has dates for

Writer = Callable[[NDArray[np.float64]], list[str]]


def own_form(column: Column) -> Writer | None:
    """Return what writes seconds (N,) as a column of times does, None where that is not known."""
    if column.kind != "time" or not isinstance(column.content, np.ndarray) or not column.shown:
        return None
    seconds = column.content[: len(column.shown)].astype(np.float64)
    known = column.content[~np.isnan(column.content)]
    if len(known) == 0 or known.min() < _EARLIEST or known.max() > _LATEST:
        return None
    pairs = [(each, cell.strip()) for each, cell in zip(seconds, column.shown, strict=False) if not np.isnan(each)]
    pairs = pairs[:_SHOWN]
    if not pairs:
        return None
    values, cells = np.array([each for each, _ in pairs]), [cell for _, cell in pairs]
    for form, padded in product((day + clock for day in _DAYS for clock in _CLOCKS), (True, False)):
        if _written(values[:1], form, padded) == cells[:1] and _written(values, form, padded) == cells:
            return lambda own, form=form, padded=padded: _written(own, form, padded)  # type: ignore[misc]
    return None


def _written(values: NDArray[np.float64], form: str, padded: bool) -> list[str]:
    texts = [datetime.fromtimestamp(round(value), UTC).strftime(form) for value in values.tolist()]
    return texts if padded else [_without_zeros(text) for text in texts]


def _without_zeros(text: str) -> str:
    """Return a date without zeros in front of its day and month: 1/2/2020, but 1/2/2020 09:05."""
    day, mark, clock = text.partition(" ") if ":" in text else (text, "", "")
    for separator in "/.-":
        if separator in day:
            day = separator.join(part.lstrip("0") or "0" if len(part) == 2 else part for part in day.split(separator))
            break
    return f"{day}{mark}{clock}"
