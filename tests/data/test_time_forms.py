"""Times are written again as the file writes them, or as ISO 8601 where that is not known."""

import numpy as np
import pytest

from rnncore.data.files.csv import read_csv
from rnncore.data.files.time_forms import own_form

MOMENTS = np.datetime64("2023-01-29T08:05:00") + np.arange(60) * np.timedelta64(26, "h")


@pytest.mark.parametrize(
    "form",
    ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d", "%d-%b-%y", "%m/%d/%Y %I:%M %p"],
)
def test_each_form_is_found_from_the_first_cells(form: str) -> None:
    cells = [moment.strftime(form) for moment in MOMENTS.tolist()]
    column = read_csv(("t;v\n" + "\n".join(f"{cell};{k}" for k, cell in enumerate(cells))).encode(), "x.csv").columns[0]
    assert column.kind == "time"
    assert isinstance(column.content, np.ndarray)
    write = own_form(column)
    assert write is not None
    assert write(column.content.astype(np.float64)) == cells


def test_days_and_months_without_zeros() -> None:
    cells = [f"{m.month}/{m.day}/{m.year}" for m in MOMENTS.tolist()]
    column = read_csv(("t,v\n" + "\n".join(f"{c},{k}" for k, c in enumerate(cells))).encode(), "x.csv").columns[0]
    assert isinstance(column.content, np.ndarray)
    write = own_form(column)
    assert write is not None
    assert write(column.content.astype(np.float64)) == cells


def test_a_form_that_is_not_known_is_left_to_iso() -> None:
    cells = [f"{1990 + k // 4} Q{k % 4 + 1}" for k in range(40)]
    column = read_csv(("t,v\n" + "\n".join(f"{c},{k}" for k, c in enumerate(cells))).encode(), "x.csv").columns[0]
    assert column.kind == "time"
    assert own_form(column) is None
