"""Files that cannot be used, and words of the sentence that each of them gets."""

import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.corpus.build import DAYS, WAVE, X, dated, npy, npz, parquet, table, ts


def _zip_bomb() -> bytes:
    stream = io.BytesIO()
    archive = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED)
    with archive, archive.open("X.npy", "w", force_zip64=True) as entry:
        for _ in range(300):
            entry.write(b"\0" * 1_000_000)
    return stream.getvalue()


def _lying_npy() -> bytes:
    return npy(np.zeros(3)).replace(b"(3,), }        ", b"(3000000,), }  ", 1)


def _parquet_bomb() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({f"c{i}": np.zeros(1_900_000, np.int8) for i in range(15)}), stream)
    return stream.getvalue()


@dataclass
class Bad:
    """Files that cannot be used, options to use them with, and words that the sentence must have."""

    name: str
    files: list[tuple[str, bytes]]
    words: str
    options: dict[str, Any] = field(default_factory=dict)


def _one(name: str, data: bytes | str, words: str, file: str = "x.csv", **options: Any) -> Bad:
    return Bad(name, [(file, data.encode() if isinstance(data, str) else data)], words, options)


def _wrong_kind() -> list[Bad]:
    signatures = {
        "PNG picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        "JPEG picture": b"\xff\xd8\xff\xe0\0\x10JFIF",
        "GIF picture": b"GIF89a\x01\0\x01\0\x80",
        "bitmap picture": b"BM\x9a\0\0\0\0\0\0\0",
        "PDF document": b"%PDF-1.7\n%\xe2",
        "ZIP archive or an Excel workbook": b"PK\x03\x04\x14\0\x06\0\x08\0xl/workbook.xml",
        "old Excel": b"\xd0\xcf\x11\xe0\xa1\xb1",
        "gzip archive": b"\x1f\x8b\x08\0\0\0\0\0",
        "bzip2 archive": b"BZh91AY&SY",
        "xz archive": b"\xfd7zXZ\0\0",
        "Arrow file": b"ARROW1\0\0\xff\xff",
        "HDF5 file": b"\x89HDF\r\n\x1a\n",
        "SQLite database": b"SQLite format 3\0\x10",
        "program": b"\x7fELF\x02\x01\x01\0",
        "sound file": b"OggS\0\x02\0\0",
        "media file": b"RIFF\x24\0\0\0WAVEfmt ",
        "RTF document": b"{\\rtf1\\ansi hello}",
        "web page or XML file": b"<!DOCTYPE html><html><body>1,2</body></html>",
    }
    return [_one(f"a {kind} named .csv", data, kind) for kind, data in signatures.items()]


def _cell(place: int, cell: str) -> str:
    lines = dated().splitlines()
    lines[place] = f"{lines[place].split(',')[0]},{cell}"
    return "\n".join(lines)


def _wrong_text() -> list[Bad]:
    days = dated()
    lines = days.splitlines()
    broken = {
        "too many columns": "\n".join([*lines[:50], lines[50] + ",7", *lines[51:]]),
        "too few columns": "\n".join([*lines[:50], lines[50].split(",")[0] + "0", *lines[51:]]),
        "another delimiter": "\n".join([*lines[:50], lines[50].replace(",", ";"), *lines[51:]]),
    }
    wave = [[v] for v in WAVE]
    return [
        *[_one(name, text, "Row 51") for name, text in broken.items()],
        _one("open quotation mark", days.replace("2020-02-20", '"2020-02-20'), "quotation mark"),
        _one("empty", b"", "empty"),
        _one("blank", " \n\n  \n", "empty"),
        _one("utf-8 mark only", b"\xef\xbb\xbf", "empty"),
        _one("utf-16 mark only", b"\xff\xfe", "empty"),
        _one("comments only", "# a\n# b\n", "comments and nothing else"),
        _one("header only", "date,value\n", "no rows of data"),
        _one("header and blank lines", "date,value\n\n\n", "no rows of data"),
        _one("header and empty cells", "date,value\n,\n,\n", "all its cells are empty"),
        _one("missing words only", "a,b\nNA,NA\nNA,NA\n", "all its cells are empty"),
        _one("one row", "a,b\n1,2\n", "constant|same in every row|too short"),
        _one("two rows", "a,b\n1,2\n2,4\n", "too short"),
        _one(
            "all text",
            table([[f"word {i}", f"other {i * 7}"] for i in range(60)], ",", ["a", "b"]),
            "text only|too short|class",
        ),
        _one("days and nothing else", table([[day] for day in DAYS], header=["date"]), "text only|no column"),
        _one("a counter and nothing else", table([[i] for i in range(50)], header=["year"]), "no column to predict"),
        _one("constant", table([[d, 5] for d in DAYS], ",", ["date", "value"]), "constant"),
        _one(
            "constant at first",
            table([[d, 5 if i < 100 else 9] for i, d in enumerate(DAYS)], ",", ["date", "value"]),
            "constant in its training part",
        ),
        _one("NUL byte", days.replace("2020-02-20", "2020-02\x0020"), "NUL byte in line 23"),
        _one("NUL bytes in utf-16", b"\xff\xfe" + days.replace("2020-02-20", "2020\x00").encode("utf-16-le"), "NUL"),
        _one("random bytes", bytes(np.random.default_rng(1).integers(0, 256, 3_000, np.uint8)), "NUL|control"),
        _one("control characters", "\x01\x02\x03\x04 1,2\n" * 50, "control characters"),
        _one("odd utf-16", b"\xff\xfe" + "a,b\n1,2\n".encode("utf-16-le") + b"x", "UTF-16"),
        _one("infinite", _cell(60, "inf"), "infinite value in row 61"),
        _one("1e308", _cell(60, "1e308"), "too large"),
        _one("-1e308", _cell(110, "-1e308"), "too large"),
        _one("1e400", _cell(110, "1e400"), "infinite value in row 111"),
        _one("100,000 columns", ",".join(["1"] * 100_000) + "\n" + ",".join(["2"] * 100_000) + "\n", "100,000 columns"),
        _one("3,000 named columns", table([[1] * 3_000] * 2, ",", [f"c{i}" for i in range(3_000)]), "3,000 columns"),
        _one("too many rows", "a\n" + "1\n2\n" * 1_000_001, "rows; at most"),
        _one("too many bytes", b"a,b\n" + b"1,2\n" * 5_000_001, "MB"),
        _one("window too long", table(wave, header=["value"]), "too short", window=200),
        _one("horizon too long", table(wave, header=["value"]), "too short", horizon=500),
        _one("no such target", days, "no column 'price'; its columns are 'date', 'value'", targets=("price",)),
        _one("no such feature", days, "no column 'x'", features=("x",)),
        _one("no such id", days, "no column 'unit'", id="unit"),
        _one("time as target", days, "cannot be predicted: it holds dates", targets=("date",)),
        _one("days as feature", days, "cannot be a feature: it holds dates", features=("date",)),
        _one(
            "text as target",
            table([[f"{i} x", v] for i, v in enumerate(WAVE)], ",", ["name", "v"]),
            "cannot be predicted|classes|one class",
            targets=("name",),
        ),
        _one(
            "words as numbers",
            table([["ab"[i % 2], v] for i, v in enumerate(WAVE)], ",", ["kind", "v"]),
            "cannot be predicted as a number",
            targets=("kind",),
            target_kind="regression",
        ),
        _one(
            "three classes as yes or no",
            table([[v, i % 3] for i, v in enumerate(WAVE)], ",", ["v", "class"]),
            "not a yes/no target",
            target_kind="binary",
        ),
        _one(
            "one class only",
            table([[v, "a"] for v in WAVE], ",", ["v", "label"]),
            "same in every row",
            targets=("label",),
        ),
        _one(
            "one class in training",
            table([[v, "ab"[i > 100]] for i, v in enumerate(WAVE)], ",", ["v", "label"]),
            "one class only",
            targets=("label",),
        ),
        _one("no id for the long form", days, "needs a column that tells the sequences apart", layout="long"),
        _one(
            "no steps for rows", table([["a", "b"]] * 30, ",", ["x", "label"]), "no columns of numbers", layout="rows"
        ),
        _one(
            "one sequence",
            "id,t,x,label\n" + "".join(f"a,{i},{i % 5},y\n" for i in range(20)),
            "same in every row|one class",
            id="id",
            targets=("label",),
        ),
        _one(
            "one sequence per class",
            table([[f"s{i // 5}", i % 5, i % 3, f"k{i // 5}"] for i in range(40)], ",", ["id", "t", "x", "label"]),
            "one sequence only",
            targets=("label",),
        ),
        _one("no features", days, "no column that the network could see", features=()),
        _one("short text", "hello", "too short", "x.txt", layout="text"),
        _one("text of one character", "a" * 5_000, "one character", "x.txt", layout="text"),
        _one("text, window too long", "hello world " * 20, "too short", "x.txt", layout="text", window=500),
    ]


def _wrong_binary() -> list[Bad]:
    good, days = parquet(date=DAYS, value=WAVE), dated().encode()
    labels = np.arange(30) % 3
    return [
        _one("half a parquet", good[: len(good) // 2], "damaged or cut off", "x.parquet"),
        _one("parquet without its end", good[:-4], "damaged or cut off", "x.parquet"),
        _one("parquet without a middle", good[:200] + good[400:], "damaged|constant|Couldn't", "x.parquet"),
        _one("parquet magic only", b"PAR1", "damaged", "x.parquet"),
        _one("parquet, no rows", parquet(a=np.zeros(0)), "no rows of data", "x.parquet"),
        _one("parquet, nested", parquet(a=[[1, 2]] * 5), "nested", "x.parquet"),
        _one("parquet, many columns", parquet(**{f"c{i}": [1] for i in range(2_100)}), "2,100 columns", "x.parquet"),
        _one("parquet, too large inside", _parquet_bomb(), "cells", "x.parquet"),
        _one("npy with objects", _object_npy(), "never unpickled", "x.npy"),
        _one("npz with objects", npz(X=np.array([[1, 2], "x"], object)), "never unpickled", "x.npz"),
        _one("npy cut off", npy(WAVE)[:-50], "damaged", "x.npy"),
        _one("npy magic only", b"\x93NUMPY", "damaged", "x.npy"),
        _one("npy that lies", _lying_npy(), "damaged|values", "x.npy"),
        _one("npy of complex numbers", npy(WAVE + 1j), "complex", "x.npy"),
        _one("npy with no values", npy(np.zeros((0, 3))), "0 values", "x.npy"),
        _one("npy of four dimensions", npy(np.zeros((3, 3, 3, 3))), "shape", "x.npy"),
        _one("npy of one value", npy(np.array(3.0)), "shape", "x.npy"),
        _one("npz bomb", _zip_bomb(), "unpacks to 300 MB", "x.npz"),
        _one("npz cut off", npz(X=X, y=labels)[:-100], "damaged", "x.npz"),
        _one("npz without arrays", _zip(notes=b"hello"), "ZIP archive", "x.npz"),
        _one("npz, X and y of other length", npz(X=X, y=labels[:9]), "30 sequences and y 9 labels", "x.npz"),
        _one("npz, arrays that do not fit", npz(a=np.zeros((3, 3, 3)), b=np.zeros(4)), "constant", "x.npz"),
        _one("npz, one class", npz(X=X, y=np.zeros(30, int)), "one class|same", "x.npz"),
        _one("npz, a constant number", npz(X=X, y=np.full(30, 0.5)), "same in every", "x.npz"),
        _one("npz, constant inputs", npz(X=np.zeros((30, 5, 2)), y=labels), "No feature varies", "x.npz"),
        _one("npz, infinite", npz(X=np.where(X > 2, np.inf, X), y=labels), "infinite", "x.npz"),
        _one("npz, one sequence", npz(X=X[:1], y=labels[:1]), "1 sequence|one class", "x.npz"),
        _one("arff without data", "@relation x\n@attribute a numeric\n", "without '@data'", "x.arff"),
        _one(
            "arff, relational", "@attribute a relational\n@data\n'1,2\\n3,4'\n", "several series in one cell", "x.arff"
        ),
        _one("arff, sparse", "@attribute a numeric\n@data\n{0 1}\n", "sparse rows", "x.arff"),
        _one("arff, too many values", "@attribute a real\n@data\n1\n2\n3,4\n", "Row 5", "x.arff"),
        _one("npz, targets of other steps", npz(X=X, y=X[:, :9]), "one at every step", "x.npz"),
        _one("ts without data", "@problemName x\n@classLabel true a b\n", "no cases", "x.ts"),
        _one("ts with words", "@classLabel true a b\n@data\n1,2,x:a\n", "Line 3", "x.ts"),
        _one("ts with a missing dimension", "@classLabel true a b\n@data\n1,2:3,4:a\n1,2:b\n", "Line 4", "x.ts"),
        _one("ts, target no number", "@targetLabel true\n@data\n1,2,3:a\n", "no number", "x.ts"),
        Bad(
            "tables of different columns",
            [("a.csv", days), ("b.csv", days.replace(b"value", b"price"))],
            "different columns",
        ),
        Bad("files of different kinds", [("a.csv", days), ("b.ts", ts().encode())], "different kinds"),
        Bad("a good file and an empty one", [("a.csv", days), ("b.csv", b"")], "'b.csv' is empty"),
        Bad(
            "sequences of different features",
            [("a.ts", ts(1).encode()), ("b.ts", ts(2).encode())],
            "different features",
        ),
        Bad("too many files", [("a.csv", b"a\n1\n")] * 1_001, "1,001 files"),
        Bad("no file", [], "Choose a file"),
        _one("one endless cell", "a" * 300_000, "100,000 characters"),
    ]


def _object_npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([[1, 2], "x"], object), allow_pickle=True)
    return stream.getvalue()


def _zip(**entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


BAD = _wrong_kind() + _wrong_text() + _wrong_binary()
