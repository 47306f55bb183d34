"""Archives, workbooks and JSON built to do harm end in one sentence, soon and in bounded memory."""

import io
import re
import time
import zipfile

import numpy as np
import pytest

from rnncore.data import DataError
from rnncore.data.files import hdf5, json
from rnncore.data.upload import inspect
from tests.support.formats import sheet_xml, xlsx, zipped
from tests.support.hostile_formats import HOSTILE, REFUSED


@pytest.mark.parametrize("kind", HOSTILE | REFUSED)
def test_what_does_harm_ends_in_one_sentence(kind):
    name, data, words = (HOSTILE | REFUSED)[kind]
    began = time.process_time()
    try:
        sentence = inspect([(name, data)]).error or ""
    except DataError as error:
        sentence = str(error)
    assert re.search(words, sentence), sentence
    assert "\n" not in sentence
    assert len(sentence) < 400
    assert time.process_time() - began < 5


def test_hdf5_takes_nothing_from_other_files(tmp_path):
    h5py = pytest.importorskip("h5py")
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["v"] = np.arange(100.0)
    (tmp_path / "secret.bin").write_bytes(bytes(800))
    for kind in ("link", "raw", "virtual"):
        content = io.BytesIO()
        with h5py.File(content, "w") as file:
            if kind == "link":
                file["v"] = h5py.ExternalLink(str(secret), "v")
            elif kind == "raw":
                file.create_dataset("v", (100,), "f8", external=[(str(tmp_path / "secret.bin"), 0, 800)])
            else:
                layout = h5py.VirtualLayout((100,), "f8")
                layout[:] = h5py.VirtualSource(str(secret), "v", (100,))
                file.create_virtual_dataset("v", layout)
        with pytest.raises(DataError, match="from another file, which is not followed"):
            inspect([("t.h5", content.getvalue())])


def test_a_size_that_hdf5_only_claims_takes_no_memory():
    h5py = pytest.importorskip("h5py")
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("v", (10**12,), "f8", chunks=(1_000,))
    with pytest.raises(DataError, match="1,000,000,000,000 values"):
        inspect([("t.h5", content.getvalue())])


@pytest.mark.parametrize(
    ("count", "dtype", "size"),
    [(100_000, "S60000", "6,000"), (9_000_000, [(f"f{n}", "f8") for n in range(99)], "7,128"),
     (900_000, [("x", "f8", (100, 100))], "72,000")],
)  # fmt: skip
def test_values_of_hdf5_that_are_long_take_no_memory(count, dtype, size):
    h5py = pytest.importorskip("h5py")
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("v", (count,), np.dtype(dtype), chunks=(10,), compression="gzip")
    with pytest.raises(DataError, match=f"take {size} MB or more; at most 100 MB can be read"):
        inspect([("t.h5", content.getvalue())])


def test_texts_of_hdf5_of_any_length_are_read_until_they_are_too_long(monkeypatch):
    h5py = pytest.importorskip("h5py")
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        words = np.array([["ab" * 3], ["c"]] * 1_500, object)
        file.create_dataset("v", data=words, dtype=h5py.string_dtype())
    found = hdf5.read_hdf5(content.getvalue(), "t.h5")
    assert found.columns[0].cells.to_pylist() == ["ababab", "c"] * 1_500
    monkeypatch.setattr(hdf5, "MAX_UNPACKED_BYTES", 60_000)  # it keeps a pointer of 16 bytes for each
    hdf5.read_hdf5(content.getvalue(), "t.h5")
    monkeypatch.setattr(hdf5, "MAX_UNPACKED_BYTES", 10_000)
    with pytest.raises(DataError, match="MB or more"):
        hdf5.read_hdf5(content.getvalue(), "t.h5")


def test_groups_of_hdf5_that_hold_each_other_are_not_followed_for_ever():
    h5py = pytest.importorskip("h5py")
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["v"] = np.arange(10.0)
        group = file.create_group("g")
        for number in range(12):
            group[f"up {number}"] = file["/"]
    with pytest.raises(DataError, match="more than 1,000 arrays"):
        inspect([("t.h5", content.getvalue())])


@pytest.mark.parametrize(
    ("content", "rows"),
    [(b"[" + b"1," * 1_000 + b"1]", "1,001"), (b"[" + b"[]," * 1_000 + b"[]]", "1,001"),
     (b"[" + b"{}," * 1_000 + b"{}]", "1,001"), (b'{"a":[' + b'{"b":1},' * 1_000 + b'{"b":2}]}', "1,001"),
     (b"[" + b",".join([b'{"x":[' + b"1," * 99 + b"1]}"] * 11) + b"]", "1,100")],
)  # fmt: skip
def test_json_of_too_many_rows_is_refused_before_they_are_laid_out(monkeypatch, content, rows):
    monkeypatch.setattr(json, "MAX_ROWS", 1_000)
    monkeypatch.setattr(json, "table_of_rows", lambda *_, **__: pytest.fail("laid out"))
    with pytest.raises(DataError, match=f"'t.json' has {rows} rows; at most 1,000 can be read"):
        inspect([("t.json", content)])


def test_a_keras_model_in_hdf5_is_no_data():
    h5py = pytest.importorskip("h5py")
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.attrs["model_config"] = "{}"
        file["w"] = np.zeros(3)
    with pytest.raises(DataError, match="a Keras model"):
        inspect([("t.h5", content.getvalue())])


def test_a_sheet_is_read_in_time_that_grows_with_it():
    table = [["a", "b"], *([n % 7, n % 11] for n in range(20_000))]
    began = time.process_time()
    assert inspect([("t.xlsx", xlsx(A=sheet_xml(table)))]).error is None
    assert time.process_time() - began < 5


def test_an_archive_says_its_size_before_anything_is_unpacked(monkeypatch):
    data = zipped(("t.csv", bytes(50_000_000)))
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(DataError, match="unpacks to 50 MB"):
        inspect([("t.zip", data)])
