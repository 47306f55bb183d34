"""Formats: the same table in each of them gives the data set that its CSV gives."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from rnncore.config import UploadData
from rnncore.data import DataError
from rnncore.data.formats import FORMATS, accepted, formats_in_words, usual_formats
from rnncore.data.upload import inspect
from tests.support.formats import AS_CSV, csv, rows, xlsx, zipped


def options(**chosen):
    return UploadData(files=[{"file": "x"}], **chosen)


def same(one, other):
    assert one.error is None, one.error
    assert other.error is None
    leave = {"files", "part"}
    assert one.options.model_dump(exclude=leave) == other.options.model_dump(exclude=leave)
    assert [(c.name, c.kind, c.role, c.missing) for c in one.columns] == [
        (c.name, c.kind, c.role, c.missing) for c in other.columns
    ]
    for a, b in (
        (
            one.dataset.train_batch(1, one.dataset.train_size, 0),
            other.dataset.train_batch(1, one.dataset.train_size, 0),
        ),
        (one.dataset.validation, other.dataset.validation),
    ):
        np.testing.assert_array_equal(a.inputs, b.inputs)
        np.testing.assert_array_equal(a.targets, b.targets)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", AS_CSV)
def test_the_same_table_in_any_format_is_the_same_data_set(kind, seed):
    name, write = AS_CSV[kind]
    table = rows(seed)
    same(inspect([(name, write(table))]), inspect([("t.csv", csv(table))]))


def test_a_sheet_can_be_chosen_where_there_are_several():
    first, second = rows(1), rows(2)
    data = [("t.xlsx", xlsx(North=first, South=second))]
    found = inspect(data)
    assert (found.parts, found.options.part) == (("North", "South"), "North")
    same(inspect(data, options(part="South")), inspect([("t.csv", csv(second))]))
    assert "The sheet 'North' was read, one of 2." in found.notes
    assert inspect([("t.xlsx", xlsx(North=first))]).parts == ()
    with pytest.raises(DataError, match=r"'t.xlsx' has no sheet 'West'; it has 'North', 'South'"):
        inspect(data, options(part="West"))


def test_the_sheet_that_is_read_first_is_not_a_small_one():
    assert inspect([("t.xlsx", xlsx(About=[["a", 1], ["b", 2]], Data=rows(1)))]).options.part == "Data"


def test_a_folder_in_an_archive_is_one_data_set():
    train, test = csv(rows(1)), csv(rows(2))
    found = inspect([("t.zip", zipped(("d/train.csv", train), ("d/test.csv", test)))])
    same(found, inspect([("d/train.csv", train), ("d/test.csv", test)]))
    assert found.parts == ()


def test_files_of_an_archive_that_do_not_go_together_can_be_chosen():
    other = b"a,b\n" + b"".join(b"%d,%d\n" % (n * n % 7, n % 5) for n in range(20))
    data = [("t.zip", zipped(("a.csv", csv(rows(1))), ("b.csv", other)))]
    found = inspect(data)
    assert (found.parts, found.options.part) == (("a.csv", "b.csv"), "a.csv")
    same(inspect(data, options(part="b.csv")), inspect([("b.csv", other)]))


def test_arrays_that_do_not_go_together_can_be_chosen():
    wave = np.sin(np.arange(200) / 7)
    content = io.BytesIO()
    np.savez(content, wave=wave, image=np.ones((3, 3, 3)), rate=np.array([1.0, 2.0]))
    data = [("t.npz", content.getvalue())]
    found = inspect(data)
    assert (found.parts, found.options.part) == (("wave", "image", "rate"), "wave")
    alone = io.BytesIO()
    np.savez(alone, wave=wave)
    same(found, inspect([("wave.npz", alone.getvalue())]))


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def test_records_of_lists_are_a_sequence_each():
    rng = np.random.default_rng(0)
    data = [{"label": "ab"[n % 2], "values": rng.normal(n % 2, 1, 5 + n % 3).round(3).tolist()} for n in range(30)]
    found = inspect([("t.json", json.dumps(data).encode())])
    assert found.error is None
    assert (found.layout, found.options.targets, found.dataset.target) == ("long", ("label",), "binary")


def test_a_cube_of_json_is_that_of_numpy():
    cube = np.random.default_rng(1).normal(size=(20, 6, 2)).round(3)
    same(inspect([("t.json", json.dumps(cube.tolist()).encode())]), inspect([("t.npy", npy(cube))]))


def test_json_with_several_tables_offers_them():
    hours = {"time": [f"2024-01-01 {h:02}:00" for h in range(24)], "t": [h * h % 17 for h in range(24)]}
    days = {"time": ["2024-01-01", "2024-01-02"], "sum": [1, 2]}
    found = inspect([("t.json", json.dumps({"latitude": 1, "hourly": hours, "daily": days}).encode())])
    assert (found.parts, found.options.part, found.rows) == (("hourly", "daily"), "hourly", 24)


def test_tsf_is_a_series_a_line():
    first, second = np.arange(60) % 7, np.arange(40) % 5
    lines = [f"T{n}:2001-01-01 00-00-00:{','.join(map(str, values))}" for n, values in enumerate((first, second), 1)]
    head = "# m\n@relation r\n@attribute series_name string\n@attribute start_timestamp date\n@frequency daily\n"
    head += "@missing false\n@data\n"
    found = inspect([("t.tsf", (head + "\n".join(lines)).encode())])
    assert found.error is None
    assert (found.layout, found.rows, found.dataset.target) == ("sequences", 100, "regression")
    content = io.BytesIO()
    np.savez(content, T1=first.astype(float), T2=second.astype(float))
    same(found, inspect([("t.npz", content.getvalue())]))


def test_a_missing_value_of_tsf_and_a_bad_line_are_named():
    head = "@attribute series_name string\n@frequency daily\n@missing true\n@data\n"
    good = inspect([("t.tsf", f"{head}T1:{','.join('?' if n == 5 else str(n % 7) for n in range(60))}".encode())])
    assert any("missing" in note for note in good.notes)
    with pytest.raises(DataError, match=r"Line 5 of 't.tsf' holds no number: .*x"):
        inspect([("t.tsf", f"{head}T1:1,x,3\n".encode())])


def test_matlab_and_hdf5_are_read_like_npz():
    scipy = pytest.importorskip("scipy.io")
    h5py = pytest.importorskip("h5py")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 12, 2)), np.arange(30) % 3
    content = io.BytesIO()
    np.savez(content, X=X, y=y)
    expected = inspect([("t.npz", content.getvalue())])
    mat, hdf = io.BytesIO(), io.BytesIO()
    scipy.savemat(mat, {"X": X, "y": y, "about": "words"}, do_compression=True)
    with h5py.File(hdf, "w") as file:
        file["X"], file["y"] = X, y
    same(inspect([("t.mat", mat.getvalue())]), expected)
    same(inspect([("t.h5", hdf.getvalue())]), expected)


@pytest.mark.parametrize(("package", "name", "data"), [
    ("scipy.io", "t.mat", b"MATLAB 5.0 MAT-file".ljust(126) + b"IM" + bytes(20)),
    ("h5py", "t.h5", b"\x89HDF\r\n\x1a\n" + bytes(40)),
])  # fmt: skip
def test_a_package_that_is_missing_is_named(monkeypatch, package, name, data):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(DataError, match=f"pip install {package.split('.')[0]}"):
        inspect([(name, data)])


def test_every_format_says_what_it_is():
    for entry in FORMATS.values():
        assert entry.help.endswith(".")
        assert all(ending.startswith(".") for ending in entry.endings)
    assert {".csv", ".xlsx", ".json", ".zip", ".gz", ".mat", ".h5", ".tsf", ".feather"} <= set(accepted())


def test_an_old_workbook_with_days_is_read_as_its_csv():
    days = np.datetime64("2020-01-01") + np.arange(60)
    table = [
        ["date", "kind", "value"],
        *([str(d), "ab"[n % 2], round((n * 37 % 11) / 4, 2)] for n, d in enumerate(days)),
    ]
    found = inspect([("t.xls", Path("tests/support/workbook.xls").read_bytes())])
    same(found, inspect([("t.csv", csv(table))]))
    assert found.parts == ()  # the other sheet is empty


def test_the_documentation_lists_every_format():
    text = Path("docs/data.md").read_text()
    for entry in FORMATS.values():
        endings = " ".join(f"`{ending}`" for ending in entry.endings)
        assert f"| {entry.title} | {endings} | {entry.help} |" in text


def test_a_list_of_formats_begins_with_the_usual_ones():
    assert formats_in_words().startswith("plain text, CSV and TSV")
    assert usual_formats() == "Text, CSV, JSON, ZIP, Excel, NumPy, Parquet"
    assert all(entry.title in formats_in_words() for entry in FORMATS.values())


def test_a_title_above_the_table_of_a_sheet_is_none_of_its_rows():
    table = [["Sales of the year"], [], *rows(1)]
    same(inspect([("t.xlsx", xlsx(A=table))]), inspect([("t.csv", csv(rows(1)))]))


def test_points_in_records_are_no_series():
    data = [{"time": f"2024-01-01 {n // 60:02}:{n % 60:02}", "v": n * n % 7, "at": [1, 2, n]} for n in range(90)]
    found = inspect([("t.geojson", json.dumps({"type": "F", "features": data}).encode())])
    assert (found.error, found.layout, found.rows) == (None, "series", 90)
    assert "Left out, because they hold lists: 'at'." in found.notes


def test_an_object_of_numbers_by_day_is_a_series():
    table = [["index", "value"], *([row[0], row[3]] for row in rows(1)[1:])]
    same(inspect([("t.json", json.dumps(dict(table[1:])).encode())]), inspect([("t.csv", csv(table))]))


def test_arrays_of_hdf5_with_names_of_their_own_are_no_sequences_of_one_kind():
    h5py = pytest.importorskip("h5py")
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["a/wave"], file["b/rate"] = np.sin(np.arange(90) / 7), np.arange(5.0)
    found = inspect([("t.h5", content.getvalue())])
    assert (found.parts, found.options.part, found.rows) == (("a/wave", "b/rate"), "a/wave", 90)
