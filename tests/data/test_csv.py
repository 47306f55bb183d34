"""Reading text tables: every dialect gives back what was written, and messages name the row."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncore.config import UploadData, UploadedFile
from rnncore.data import DataError, load_dataset
from rnncore.data.files.csv import read_csv
from tests.support.corpus.build import DAYS, WAVE, dated

FLOATS = st.floats(-1e12, 1e12, allow_nan=False).map(lambda value: value + 0.0)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(FLOATS, FLOATS), min_size=3, max_size=30),
    st.sampled_from([(",", "."), (";", "."), (";", ","), ("\t", "."), ("\t", ","), ("|", ".")]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.booleans(),
)
def test_every_dialect_gives_back_the_numbers(rows, marks, encoding, line_end, header, quoted):
    delimiter, decimal = marks
    stream = io.StringIO()
    writer = csv.writer(
        stream, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    )
    if header:
        writer.writerow(["first", "second"])
    writer.writerows([[f"{value:.6f}".replace(".", decimal) for value in row] for row in rows])
    table = read_csv(stream.getvalue().encode(encoding), "x.csv")
    assert table.names == (("first", "second") if header else ("column 1", "column 2"))
    read = np.stack([table.column(name).numbers for name in table.names], 1)
    np.testing.assert_allclose(read, np.array(rows), atol=1e-6, rtol=1e-15)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1", "2.5", "-3e2"], [1, 2.5, -300]),
        (["+1", ".5", "2."], [1, 0.5, 2]),
        (["1", "NA", "3", "", "n/a", "NULL", "-", "?", "nan"], [1, np.nan, 3] + [np.nan] * 6),
        (['"1,234"', '"12,345,678.5"', "5"], [1234, 12345678.5, 5]),
        (["1 234", "12 345 678.5", "5"], [1234, 12345678.5, 5]),
        (["1'234", "12'345.5", "5"], [1234, 12345.5, 5]),
        (['"0,5"', '"1,25"', '"-3,125"'], [0.5, 1.25, -3.125]),
        (["12%", "5.5 %", "-1%"], [12, 5.5, -1]),
        (["$5", "-$3", '"$1,200.50"'], [5, -3, 1200.5]),
        (["3 €", "4.5 €", "5€"], [3, 4.5, 5]),
        (["  7", "8  ", " 9 "], [7, 8, 9]),
        (["007", "08", "9"], [7, 8, 9]),
    ],
)
def test_ways_to_write_a_number(cells, numbers):
    text = "x,v\n" + "\n".join(f"a,{cell}" for cell in cells)
    np.testing.assert_allclose(read_csv(text.encode(), "x.csv").column("v").numbers, numbers)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,5", "2,25"], [1.5, 2.25]),
        (["1.234,5", "12.345.678,5", "5"], [1234.5, 12345678.5, 5]),
        (["1,234", "2,345"], [1.234, 2.345]),
        (["1.5", "2.25"], [1.5, 2.25]),
    ],
)
def test_ways_to_write_a_number_between_semicolons(cells, numbers):
    text = "x;v\n" + "\n".join(f"a;{cell}" for cell in cells)
    np.testing.assert_allclose(read_csv(text.encode(), "x.csv").column("v").numbers, numbers)


def test_wrong_cells_are_counted_and_the_first_is_named():
    text = "a,b\n" + "".join(f"{i},{'oops' if i in (17, 30) else i * 0.5}\n" for i in range(60))
    table = read_csv(text.encode(), "x.csv")
    assert np.flatnonzero(np.isnan(table.column("b").numbers)).tolist() == [17, 30]
    assert table.notes == ("Column 'b': 2 cells are no number (first 'oops' in row 19) and count as missing.",)


def test_mostly_words_is_not_a_column_of_numbers():
    table = read_csv(b"a,b\n1,x\n2,3\n4,y\n", "x.csv")
    assert [column.kind for column in table.columns] == ["number", "category"]
    assert table.columns[1].categories == ("3", "x", "y")


@pytest.mark.parametrize(("lines_above", "row"), [("", 51), ("# note\n# more\n", 53), ("\n\n", 53)])
def test_a_row_of_another_length_is_named_as_a_spreadsheet_counts(lines_above, row):
    lines = dated().splitlines()
    lines[50] += ",7"
    with pytest.raises(DataError, match=rf"^Row {row} of 'x.csv' has 3 columns where the table has 2"):
        read_csv((lines_above + "\n".join(lines)).encode(), "x.csv")


def test_comments_between_rows_are_left_out_but_not_those_in_quotes():
    text = 'a,b\n1,"x"\n# a pause\n2,"y\n# no comment"\n3,"x"\n'
    table = read_csv(text.encode(), "x.csv")
    assert table.column("a").numbers.tolist() == [1, 2, 3]
    assert table.columns[1].categories == ("x", "y\n# no comment")


def test_dates_are_points_in_time():
    for pattern in ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d %b %Y", "%Y%m%d"):
        days = [np.datetime64(day).astype(object).strftime(pattern) for day in DAYS]
        table = read_csv(
            ("day,v\n" + "\n".join(f"{day},{v}" for day, v in zip(days, WAVE, strict=True))).encode(), "x.csv"
        )
        assert table.columns[0].kind == "time", pattern
        expected = np.array(DAYS, "datetime64[s]").astype(float)
        np.testing.assert_allclose(table.columns[0].numbers, expected)


def test_day_and_month_are_told_apart_by_their_order():
    american = read_csv(b"d,v\n1/2/2020,1\n2/1/2020,2\n3/1/2020,3\n", "x.csv").columns[0].numbers
    european = read_csv(b"d,v\n1/2/2020,1\n2/2/2020,2\n1/3/2020,3\n", "x.csv").columns[0].numbers
    assert np.diff(american).tolist() == [30 * 86_400, 29 * 86_400]
    assert np.diff(european).tolist() == [86_400, 28 * 86_400]


def test_the_dialect_can_be_given():
    data = b"1,5;2\n2,5;3\n"
    np.testing.assert_allclose(read_csv(data, "x.csv").column("column 1").numbers, [1.5, 2.5])
    assert len(read_csv(data, "x.csv", delimiter=",").columns) == 2
    assert read_csv(b"1,2\n3,4\n5,6\n", "x.csv", header="yes").names == ("1", "2")
    assert read_csv(b"a,b\nc,d\n1,2\n", "x.csv", header="no").rows == 3
    np.testing.assert_allclose(
        read_csv(b"v;w\n1,234;1\n5,678;2\n", "x.csv", decimal="point").column("v").numbers, [1234, 5678]
    )


def test_a_csv_file_trains_by_its_path(tmp_path):
    path = tmp_path / "days.csv"
    path.write_text(dated())
    files = (UploadedFile(file=str(path)),)
    dataset = load_dataset(UploadData(files=files, targets=("value",), window=10))
    assert dataset.train_size == 96 - 10
    with pytest.raises(DataError, match="no column 'price'"):
        load_dataset(UploadData(files=files, targets=("price",)))


def test_an_upload_is_only_read_by_its_reader():
    config = UploadData(files=(UploadedFile(file="sha256:00", name="days.csv"),), targets=("value",), window=10)
    assert load_dataset(config, lambda file: dated().encode()).train_size == 86
    with pytest.raises(DataError, match="upload it again"):
        load_dataset(config)
