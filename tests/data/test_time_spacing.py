"""How evenly times are spaced, and months across, word for word."""

import numpy as np
import pyarrow as pa
import pytest

from rnncore.config import UploadData, UploadedFile
from rnncore.data.files.table import Column, Table, make_column
from rnncore.data.files.times import parse_times
from rnncore.data.roles.calendar import _are_years, _month, on_the_calendar
from rnncore.data.roles.columns import Roles
from rnncore.data.roles.order import _duration, _spacing

OPTIONS = UploadData(files=(UploadedFile(file="x"),))
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "December")


def column(name: str, *cells: object) -> Column:
    return make_column(name, pa.array(list(map(str, cells))))


@pytest.mark.parametrize(
    ("amount", "text"),
    [(1, "1 second"), (0, "0 seconds"), (59.5, "59.5 seconds"), (60, "1 minute"), (90, "1.5 minutes"),
     (3599, "59.9833 minutes"), (3600, "1 hour"), (7200, "2 hours"), (86_399, "23.9997 hours"), (86_400, "1 day"),
     (172_800, "2 days")],
)  # fmt: skip
def test_durations(amount: float, text: str) -> None:
    assert _duration(amount, column("t", "2020-01-01", "2020-01-02")) == text
    assert _duration(amount, column("t", 1, 2)) == f"{amount:g}"


def spacing(*steps: float, kind: str = "number", id: str = "") -> list[str]:
    cells = ("2020-01-01", "2020-01-02") if kind == "time" else (1, 2)
    return _spacing(np.array(steps, float), column("t", *cells), Roles("series", id, "t", (), (), {}))


def irregular(count: int, of: int, usual: str, ends: str) -> str:
    steps = f"{count} step{'s' * (count != 1)} of {of} differ{'s' * (count == 1)}"
    return f"'t' is irregular: {steps} from the usual {usual} ({ends}); the rows are taken as equally spaced."


def test_steps_that_are_not_the_usual_one_are_told_with_the_extremes() -> None:
    assert spacing() == []
    assert spacing(1, 1, 1.3, 0.7) == []
    assert spacing(1, 1, 1, 1.31) == [irregular(1, 4, "1", "longest 1.31")]
    assert spacing(1, 1, 1, 0.69) == [irregular(1, 4, "1", "shortest 0.69")]
    assert spacing(2, 2, 2, 2, 5, 7, 1) == [irregular(3, 7, "2", "shortest 1, longest 7")]
    assert spacing(60, 60, 60, 7200, kind="time") == [irregular(1, 4, "1 minute", "longest 2 hours")]


def test_times_that_repeat_are_told() -> None:
    assert spacing(1, 1, 1, 0) == ["1 row of 't' repeats the time of the row before."]
    assert spacing(1, 1, 1, 1, 1, 0, 1, 0) == ["2 rows of 't' repeat the time of the row before."]
    series = (
        "A value of 't' stands in {} rows on average, which are taken one after another; if they belong to different "
        "series, choose the long form and the column that tells the series apart."
    )
    assert spacing(*[0] * 3, *[1] * 7) == [series.format("1.4")]
    assert spacing(*([0] * 9 + [1]) * 2) == [series.format("7.0")]
    assert spacing(*([0] * 9 + [1]) * 1, *[0] * 9) == [series.format("10")]
    assert spacing(*[0] * 3, *[1] * 7, id="who") == []
    assert spacing(*[0] * 3, *[1] * 7, kind="time", id="who") == ["3 rows of 't' repeat the time of the row before."]
    assert spacing(0, 0, 0) == [series.format("4.0")]


@pytest.mark.parametrize(
    ("values", "years"),
    [((1000, 2999), True), ((999, 2000), False), ((2000, 3000), False), ((2000, 2000), False), ((2000, 2001.5), False),
     ((2000, 2001, ""), False)],
)  # fmt: skip
def test_what_counts_as_years(values: tuple, years: bool) -> None:
    assert _are_years(column("x", *values)) == years


def across(names: tuple[str, ...], *extra: Column, years: tuple = (2001, 2000)) -> Table:
    """Rows of years, the later first; the values count up from the first of the earlier year."""
    per_year = len(names)
    columns = [
        column(name, *(100 + per_year * (year - min(years)) + place for year in years))
        for place, name in enumerate(names)
    ]
    return Table("t", (column("Year", *years), *columns[::-1], *extra), len(years))


@pytest.mark.parametrize(
    ("names", "unit", "apart"), [(MONTHS, "month", 1), (("Q1", "q2", "Quarter 3", "q_4"), "quarter", 3)]
)
def test_years_by_months_or_quarters_are_one_long_series(names: tuple[str, ...], unit: str, apart: int) -> None:
    total = column("Annual", 5, 9)
    read = on_the_calendar(across(names, total), OPTIONS)
    count = 2 * len(names)
    assert (read.names, read.rows) == ((unit, "value"), count)
    np.testing.assert_array_equal(read.column("value").numbers, 100 + np.arange(count))
    months = (np.datetime64("2000-01") + apart * np.arange(count)).astype("datetime64[s]").astype(float)
    np.testing.assert_array_equal(read.column(unit).numbers, months)
    assert read.notes == (
        f"Every row is a year and the columns '{names[0]}' to '{names[-1]}' are its {unit}s: they are read as one long "
        f"series of {count} {unit}s; left out: 'Annual'.",
    )
    assert on_the_calendar(across(names), OPTIONS).notes[0].endswith(f"{count} {unit}s.")


def test_what_is_no_table_of_years_by_months_stays_as_it_is() -> None:
    for table in (
        across(MONTHS, column("station", 3, 4)),
        across(MONTHS, years=(2000, 2000)),
        across(MONTHS[:11]),
        across(("Q1", "Q2", "Q3")),
    ):
        assert on_the_calendar(table, OPTIONS).names == table.names
    named = OPTIONS.model_copy(update={"targets": ("Jan",)})
    assert on_the_calendar(across(MONTHS), named).names == across(MONTHS).names
    assert [_month(name) for name in MONTHS] == list(range(12))


def seconds(*days: str) -> list[float]:
    return np.array(days, "datetime64[s]").astype(float).tolist()


@pytest.mark.parametrize(
    ("columns", "name", "times"),
    [
        ({"year": (2000, 2001), "month": (12, 1)}, "year + month", ("2000-12-01", "2001-01-01")),
        ({"yr": (2000, 2001), "mon": ("Feb", "March")}, "yr + mon", ("2000-02-01", "2001-03-01")),
        ({"year": (2000, 2000), "quarter": (1, 4)}, "year + quarter", ("2000-01-01", "2000-10-01")),
        ({"year": (2000, 2000), "month": (2, 3), "day": (29, 31)}, "year + month + day", ("2000-02-29", "2000-03-31")),
        ({"year": (2001, 2000), "month": (2, 3), "day": (29, 31)}, "year + month", ("2001-02-01", "2000-03-01")),
        ({"year": (2000, 2000), "month": (2, 3), "day": (1, 2), "hour": (5, 24), "min": (0, 59)},
         "year + month + day + hour + min", ("2000-02-01T05:00", "2000-03-03T00:59")),
        ({"year": (2000, 2000), "month": (2, 3), "day": (1, 2), "min": (0, 59)}, "year + month + day",
         ("2000-02-01", "2000-03-02")),
        ({"date": ("2000-05-01", "2000-05-01"), "hour": (0, 23)}, "date + hour",
         ("2000-05-01T00:00", "2000-05-01T23:00")),
    ],
)  # fmt: skip
def test_parts_of_a_date_become_one_time(columns: dict, name: str, times: tuple[str, str]) -> None:
    table = Table("t", tuple(column(each, *cells) for each, cells in columns.items()), 2, notes=("before",))
    read = on_the_calendar(table, OPTIONS)
    assert read.names == (name, *columns)
    assert read.column(name).numbers.tolist() == seconds(*times)  # type: ignore[union-attr]
    told = ", ".join(f"'{part}'" for part in name.split(" + "))
    assert read.notes == ("before", f"{told} are read as one time, '{name}'.")


@pytest.mark.parametrize(
    "columns",
    [{"year": (2000, 2001), "month": (0, 1)}, {"year": (2000, 2001), "month": (12, 13)}, {"year": (999, 1000), "month":
     (1, 2)}, {"year": (2000, 2001), "day": (1, 2)}, {"date": ("2000-05-01", "2000-05-02"), "hour": (0, 23)},
     {"month": (1, 2), "day": (1, 2)}, {"year": (2000, 2001), "month": (1.5, 2)},
     {"year": (2000, ""), "month": (1, 2)}],
)  # fmt: skip
def test_what_is_no_date_stays_as_it_is(columns: dict) -> None:
    table = Table("t", tuple(column(each, *cells) for each, cells in columns.items()), 2)
    assert on_the_calendar(table, OPTIONS).names == tuple(columns)


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("2020-01-01 24:00", 86_400.0),
        ("2020-01-01 00:00:00.5", 0.5),
        ("2020-01-01 02:00+02:00", 0.0),
        ("2020-01-01 00:00:00.25-01:30", 5_400.25),
    ],
)
@pytest.mark.parametrize("others", [(), ("2020-01-02 12:00",)])
def test_every_cell_may_have_what_the_formats_leave_out(cell: str, seconds: float, others: tuple[str, ...]) -> None:
    found = parse_times(pa.array([cell, cell, *others]))
    assert found is not None
    assert (found.seconds[:2] - 1_577_836_800.0).tolist() == [seconds, seconds]
