"""Rows of values that did not come as text become a `Table`, by way of the text table that they would be."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence

from rnncore.data.dataset import DataError
from rnncore.data.files.csv import read_csv
from rnncore.data.files.limits import MAX_BYTES
from rnncore.data.files.table import Table

_WHOLE = 1e15  # beyond it a float is not written as a whole number
_MIDNIGHT = dt.time()


def table_of_rows(rows: Iterable[Sequence[object]], name: str, header: str = "auto") -> Table:
    """Return rows of numbers, words, times and None as the table that `read_csv` makes of them.

    header: "yes", "no" or "auto", whether the first row names the columns.

    Raises:
        DataError: more text than a file may have, or what `read_csv` raises.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        # A row without any cell would be a line that a parser skips.
        writer.writerow([cell_text(value) for value in row] or [""])
        if text.tell() > MAX_BYTES:
            break
    data = text.getvalue().encode("utf-8", "replace")
    if len(data) > MAX_BYTES:
        raise DataError(
            f"The table in '{name}' is more than {MAX_BYTES / 1e6:.0f} MB of text; that much cannot be read."
        )
    return read_csv(data, name, delimiter=",", decimal="point", header=header)


def cell_text(value: object) -> str:
    """Return a value as a text table writes it: '' for None, dates without a time of midnight."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)
    if isinstance(value, dt.datetime):
        return str(value.date()) if value.time() == _MIDNIGHT and value.tzinfo is None else value.isoformat(" ")
    if isinstance(value, dt.timedelta):
        return cell_text(value.total_seconds())
    return " ".join(str(value).splitlines()) if isinstance(value, str) else str(value)
