"""Files built to be slow or large for whoever reads them; each kind is made in several sizes and spellings."""

import io
import zipfile
from collections.abc import Callable, Iterator
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

LARGE = 4_000_000  # bytes, about
Maker = Callable[[Random], bytes]


def _repeated(*pieces: bytes, head: bytes = b"", tail: bytes = b"", size: int = LARGE) -> Maker:
    """Return what makes a file of one of the pieces again and again."""

    def make(random: Random) -> bytes:
        piece = random.choice(pieces)
        return head + piece * (random.randint(size // 2, size) // len(piece)) + tail

    return make


def _long_cells(*pieces: bytes, separator: bytes = b",") -> Maker:
    """Return what makes a small table whose header or rows have cells of tens of thousands of characters."""

    def make(random: Random) -> bytes:
        def cell() -> bytes:
            piece = random.choice(pieces)
            ends = random.choice([b"", b"a", b"-", b"%", b"e", b"."])
            return piece * (random.randint(5_000, 40_000) // len(piece)) + ends

        header = separator.join(random.choice([cell(), b"name"]) for _ in range(random.randint(1, 4)))
        width = header.count(separator) + 1
        rows = [
            separator.join(random.choice([cell(), b"1"]) for _ in range(width)) for _ in range(random.randint(1, 9))
        ]
        return b"\n".join([header, *rows, b""])

    return make


def _npz(random: Random) -> bytes:
    content, array = io.BytesIO(), io.BytesIO()
    np.save(array, np.zeros(random.choice([0, 1, 5])))
    with zipfile.ZipFile(content, "w", random.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for number in range(random.randint(5_000, 20_000)):
            archive.writestr(f"array {number}.npy", array.getvalue())
    return content.getvalue()


def _npz_bomb(random: Random) -> bytes:
    content, array = io.BytesIO(), io.BytesIO()
    np.save(array, np.zeros(random.randint(20_000_000, 40_000_000)))
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", array.getvalue())
    return content.getvalue()


def _npy_lie(random: Random) -> bytes:
    shape = random.choice(["(-1, -3)", "(999999999999,)", "(1, 2, 3, 4, 5, 6)", "(" + "1," * 5000 + ")", "(0,)"])
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)


def _parquet_dictionary(random: Random) -> bytes:
    rows, text = random.randint(100_000, 500_000), "x" * random.randint(500, 5_000)
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([text]))
    content = io.BytesIO()
    pq.write_table(pa.table({"t": texts, "v": pa.array(np.arange(float(rows)))}), content)
    return content.getvalue()


def _parquet_wide(random: Random) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table({f"c{number}": [1.0] for number in range(random.randint(2_001, 4_000))}), content)
    return content.getvalue()


KINDS: dict[str, tuple[str, Maker]] = {
    "digits": ("a.csv", _long_cells(b"1", b"10", b"0.1", b"1e", b"1.", b"1,", b"1 ")),
    "digits with semicolons": ("a.csv", _long_cells(b"1", b"1.", b"1,", b"1.000", separator=b";")),
    "digits by spaces": ("a.txt", _long_cells(b"1", b"1.", b"-1", separator=b" ")),
    "dates": ("a.csv", _long_cells(b"2020-01-01 ", b"1/", b"12:00:", b"Q1 ", b"\xc2\xa0")),
    "quotes": ("a.csv", _repeated(b'"', b'"x",', b'""', b'"\n', b',"', head=b"a,b\n")),
    "spaces": ("a.csv", _repeated(b" ", b"\t", b", ", b"  \n", b'," "', head=b"a,b\n", tail=b"1")),
    "blank lines": ("a.csv", _repeated(b"\n", b"\r", b"\r\n", b" \n", b",\n", head=b"a,b\n1,2\n", tail=b"1,2\n")),
    "comments": ("a.csv", _repeated(b"# x\n", b"#\n", b"% 1\n", b"//\n", head=b"a,b\n1,2\n", tail=b"3,4\n")),
    "nothing but comments": ("a.csv", _repeated(b"#\n", b"# x\n")),
    "separators": ("a.csv", _repeated(b",", b";", b"\t", b"|", b",;|")),
    "ragged rows": ("a.csv", _repeated(b"1,2,3\n", b"1\n", b"1,2,3,4\n", head=b"a,b\n")),
    "words": ("a.csv", _repeated(b"2020Q1,1\n", b"1/2/20,x\n", b"yes,no\n", b"1 %,$2\n", head=b"a,b\n")),
    "colons in a case": ("a.ts", _repeated(b":", b"(1,2):", b"(", b")", b"(:", b"1,", head=b"@data\n")),
    "colons and a class": (
        "a.ts",
        _repeated(b":", b"(1,2):", b"?:", head=b"@classlabel true a b\n@data\n(", tail=b":a"),
    ),
    "tags": ("a.ts", _repeated(b"@a b\n", b"@\n", b"@data\n", b"@attribute\n", tail=b"@data\n1,2\n")),
    "attributes": ("a.arff", _repeated(b"@attribute a numeric\n", b"@attribute b {x,y}\n", head=b"@relation r\n")),
    "classes": ("a.arff", _repeated(b"v,", b"'v w',", head=b"@relation r\n@attribute a {", tail=b"x}\n@data\nv\n")),
    "one letter": ("a.txt", _repeated(b"a", b"ab", b"a ", b"\xe9", "\u4e00".encode())),
    "control characters": ("a.csv", _repeated(b"\x01", b"a\x0b", b"\x7f,", b"\x1b[0m")),
    "bytes of no encoding": ("a.csv", _repeated(b"\xff\xfe", b"\x81\x8d,", b"\xc3(", b"\xed\xa0\x80")),
    "many arrays": ("a.npz", _npz),
    "an array that unpacks": ("a.npz", _npz_bomb),
    "a shape that lies": ("a.npy", _npy_lie),
    "a dictionary of long texts": ("a.parquet", _parquet_dictionary),
    "many columns": ("a.parquet", _parquet_wide),
}


def hostile_files(count: int, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield kind, name and content of `count` files of every kind."""
    random = Random(seed)
    for kind, (name, make) in KINDS.items():
        for _ in range(count):
            yield kind, name, make(random)
