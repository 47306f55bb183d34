"""Files of the newer formats that were made to do harm, or that hold no data, with what is said of them."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather

from tests.support.formats import csv, ods_of, rows, xlsx, zipped

GOOD = csv(rows(0))
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {new} "{10 * f"&{old};"}">' for old, new in zip("abcdefghi", "bcdefghij", strict=True))
    + ']><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    '<c r="A1" t="inlineStr"><is><t>&j;</t></is></c></row></sheetData></worksheet>'
)


def _lying_zip() -> bytes:
    """A member that says it is small, and is not."""
    data = bytearray(zipped(("t.csv", b"a,b\n" + b"1,2\n" * 1_000_000)))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(mark) + place, 100)
    return bytes(data)


def _encrypted() -> bytes:
    data = bytearray(zipped(("t.csv", GOOD)))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    return bytes(data)


def _feather_bomb() -> bytes:
    content = io.BytesIO()
    feather.write_feather(pa.table({"v": np.zeros(20_000_000)}), content, compression="zstd")
    return content.getvalue()


def _dictionary_bomb() -> bytes:
    content = io.BytesIO()
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(300_000, np.int32)), pa.array(["x" * 5_000]))
    feather.write_feather(pa.table({"t": texts}), content, compression="zstd")
    return content.getvalue()


def _ods(row: str) -> bytes:
    return ods_of(f'<table:table table:name="S">{row}</table:table>')


_CELL = '<table:table-cell table:number-columns-repeated="{}" office:value-type="float" office:value="1"/>'
_ROW = '<table:table-row table:number-rows-repeated="{}">{}</table:table-row>'
_FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
_SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)

_REPEATED = '<table:table-cell table:number-columns-repeated="{}" office:value-type="float" office:value="1"/>'
_WIDE = '<row r="1">' + "<c><v>1</v></c>" * 16_000 + '</row><row r="1000000"><c><v>2</v></c></row>'
_SPACES = '<table:table-cell office:value-type="string"><text:p><text:s text:c="2000000000"/></text:p>'


def _sharing(text: str, cells: int) -> bytes:
    """A workbook of which many cells are the same text, which it keeps once."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    uses = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, cells + 1))
    with zipfile.ZipFile(io.BytesIO(xlsx(A=_SHEET.format(uses)))) as book:
        files = [(name, book.read(name)) for name in book.namelist()]
    return zipped(*files, ("xl/sharedStrings.xml", f'<sst xmlns="{main}"><si><t>{text}</t></si></sst>'))


HOSTILE = {
    "a zip bomb": ("t.zip", zipped(("t.csv", bytes(300_000_000))), "unpacks to 300 MB"),
    "a zip of zeros within 20 MB": ("t.zip", zipped(("t.csv", bytes(15_000_000))), "100 times its own size"),
    "a zip that lies": ("t.zip", _lying_zip(), "damaged"),
    "a gzip bomb": ("t.csv.gz", gzip.compress(bytes(300_000_000)), "unpacks to more than"),
    "a gzip of very many parts": ("t.csv.gz", gzip.compress(b"") * 100_000 + gzip.compress(GOOD)[:-30], "too early"),
    "a gzip cut off": ("t.csv.gz", gzip.compress(GOOD)[:-300], "ends too early"),
    "a gzip that is damaged": ("t.csv.gz", gzip.compress(GOOD)[:40] + b"x" * 90, "damaged gzip|ends too early"),
    "a zip in a zip": ("t.zip", zipped(("in.zip", zipped(("t.csv", GOOD)))), "holds another archive, 'in.zip'"),
    "a gzip in a zip": ("t.zip", zipped(("t.csv.gz", gzip.compress(GOOD))), "holds another archive"),
    "a gzip in a gzip": ("t.gz", gzip.compress(gzip.compress(GOOD)), "holds another archive"),
    "an absolute name": ("t.zip", zipped(("/etc/t.csv", GOOD)), "leads out of the archive"),
    "a name that leads up": ("t.zip", zipped(("a/../../t.csv", GOOD)), "leads out of the archive"),
    "a name with a drive": ("t.zip", zipped(("C:\\t.csv", GOOD)), "leads out of the archive"),
    "many members": ("t.zip", zipped(*((f"{n}.csv", b"a\n1\n") for n in range(1_001))), "holds 1,001 files"),
    "an empty zip": ("t.zip", zipped(), "without a file of data"),
    "a zip of pictures": ("t.zip", zipped(("a.png", b"\x89PNG\0")), "a PNG picture"),
    "a zip with a password": ("t.zip", _encrypted(), "needs a password"),
    "a million blank rows": (
        "t.xlsx",
        xlsx(A=_SHEET.format("".join(f'<row r="{n}"/>' for n in range(1, 1_000_001)))),
        "all empty|100 times",
    ),
    "cells far apart": ("t.xlsx", xlsx(A=_SHEET.format(_FAR)), "1,048,576 rows of 16,384 columns"),
    "cells without a place": ("t.xlsx", xlsx(A=_SHEET.format(_WIDE)), "1,000,000 rows of 16,000 columns"),
    "one text in many cells": ("t.xlsx", _sharing("x" * 30_000, 20_000), "take 600 MB"),
    "laughs": ("t.xlsx", xlsx(A=LAUGHS), "workbook|header|empty|rows|data"),
    "a sheet of nonsense": ("t.xlsx", xlsx(A="<worksheet><sheetData><row><c"), "workbook"),
    "a workbook bomb": ("t.xlsx", xlsx(A=_SHEET.format(" " * 200_000_000)), "unpacks to"),
    "a workbook without sheets": ("t.xlsx", xlsx(), "empty|workbook"),
    "a workbook cut off": ("t.xlsx", xlsx(A=rows(0))[:-400], "damaged"),
    "an old workbook of nothing": ("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000), "workbook"),
    "cells that repeat": ("t.ods", _ods(_ROW.format(1_048_576, _CELL.format(16_384))), "columns"),
    "a cell that repeats": ("t.ods", _ods(_ROW.format(1, _CELL.format(999_999_999))), "columns"),
    "rows that repeat": ("t.ods", _ods(_ROW.format(999_999_999, _CELL.format(1))), "rows"),
    "cells that repeat, in other digits": (
        "t.ods", _ods(_ROW.format("0000000000001048576", _REPEATED.format("000000000000016384"))), "columns|damaged"),
    "a cell of spaces": ("t.ods", _ods(_ROW.format(1, _SPACES + "</table:table-cell>")), "take 2,000 MB"),
    "json, deep lists": ("t.json", b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
    "json, deep objects": ("t.json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deep"),
    "json lines, deep": ("t.jsonl", b'{"a":1}\n' + b"[" * 100_000, "nested too deep|damaged JSON"),
    "json cut off": ("t.json", b'[{"a": 1}, {"a": 2', "damaged JSON"),
    "json of no table": ("t.json", b'{"name": "x", "version": 1}', "without a table"),
    "json of many names": (
        "t.json", b"[" + b",".join(b'{"k%d":1}' % n for n in range(5_000)) + b"]", "different names of columns"),
    "json, a number without end": ("t.json", b"[" + b"9" * 100_000 + b",1]", "damaged JSON|number|digits"),
    "feather bomb": ("t.feather", _feather_bomb(), "unpacks to more than 100 MB"),
    "feather of long texts": ("t.feather", _dictionary_bomb(), "unpack to 1,500 MB"),
    "feather cut off": ("t.feather", _feather_bomb()[:-300], "damaged|unpacks"),
    "feather of nothing": ("t.feather", b"ARROW1\0\0" + bytes(100), "Arrow file"),
    "tsf without data": ("t.tsf", b"@attribute n string\n@frequency daily\n", "no series after '@data'"),
    "tsf without attributes": ("t.tsf", b"@attribute n string\n@frequency daily\n@data\n1,2,3\n", "Line 4"),
    "a MATLAB file of 7.3": ("t.mat", b"MATLAB 7.3 MAT-file".ljust(126) + b"IM", "-v7"),
}  # fmt: skip
REFUSED = {
    "a pickle": ("model.pkl", b"\x80\x04\x95\x10\0\0\0\0\0\0\0]\x94.", "a pickle, which is never opened"),
    "a pickle of another name": ("data.bin", b"\x80\x03]q\0.", "a pickle"),
    "a PyTorch model": ("m.pt", zipped(("m/data.pkl", b"\x80\x02}."), ("m/data/0", b"\0")), "a PyTorch file"),
    "a Keras model": ("m.keras", zipped(("config.json", b"{}"), ("model.weights.h5", b"\x89HDF")), "a (Keras )?model"),
    "an ONNX model": ("m.onnx", b"\x08\x07\x12\x07pytorch", "a model; upload the data|a model, which cannot"),
    "safetensors": ("m.safetensors", struct.pack("<Q", 20) + b'{"a":{"dtype":"F32"}}', "a model"),
    "a picture": ("p.png", b"\x89PNG\r\n\x1a\n\0\0", "a PNG picture, which cannot be read; turn it into numbers"),
    "a sound": ("s.wav", b"RIFF\x24\0\0\0WAVEfmt ", "a media file"),
    "an MP3": ("s.mp3", b"\xff\xfb\x90\0" + bytes(50), "a sound file"),
    "a video": ("v.mp4", b"\0\0\0\x1cftypisom" + bytes(20), "a video"),
    "a Word document": ("d.docx", zipped(("word/document.xml", b"<w/>"), ("[Content_Types].xml", b"")), "a Word doc"),
    "a tar archive": ("t.tar", bytes(257) + b"ustar" + bytes(300), "a tar archive.*as .zip"),
    "a tar in a gzip": ("t.tgz", gzip.compress(bytes(257) + b"ustar" + bytes(300)), "a tar archive"),
    "a RAR archive": ("t.rar", b"Rar!\x1a\x07\x01\0", "a RAR archive"),
    "an R file": ("t.rds", gzip.compress(b"X\n\0\0\0\3\0\4" + bytes(30)), "NUL|R|control"),
    "a database": ("t.db", b"SQLite format 3\0\x10", "export a table of it as CSV"),
}
