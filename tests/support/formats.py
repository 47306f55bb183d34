"""The same table written in every format, by means that share nothing with the readers."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather

Rows = list[list[Any]]  # the first one names the columns
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def rows(seed: int, count: int = 90) -> Rows:
    """Return a table of days, a word, a number with holes and one without."""
    rng = np.random.default_rng(seed)
    days = np.datetime64("2021-03-01") + np.arange(count)
    wave = np.round(np.sin(np.arange(count) / 5) + rng.normal(0, 0.1, count), 3)
    cells = [[str(d), "ab"[n % 2], int(n * n % 37), float(w)] for n, (d, w) in enumerate(zip(days, wave, strict=True))]
    for place in rng.choice(np.arange(5, count - 40), 4, replace=False):
        cells[place][2] = None
    return [["day", "kind", "count", "wave"], *cells]


def csv(table: Rows) -> bytes:
    """Return a table as CSV."""
    return "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in table).encode()


def zipped(*files: tuple[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return files as a ZIP archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return content.getvalue()


def sheet_xml(table: Rows) -> str:
    """Return a table as a sheet of .xlsx."""
    lines = []
    for number, row in enumerate(table, 1):
        cells = []
        for place, cell in enumerate(row):
            at = f"{chr(ord('A') + place)}{number}"
            if isinstance(cell, str):
                cells.append(f'<c r="{at}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>')
            elif cell is not None:
                cells.append(f'<c r="{at}"><v>{cell}</v></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def xlsx(**sheets: Rows | str) -> bytes:
    """Return tables, or XML of sheets, as an .xlsx workbook."""
    names = list(sheets)
    entries = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(names, 1))
    links = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(names) + 1)
    )
    return zipped(
        ("[Content_Types].xml", _TYPES),
        ("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="w" Type="{_OFFICE}/officeDocument" '
                        'Target="xl/workbook.xml"/></Relationships>'),
        ("xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{entries}</sheets></workbook>'),
        ("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{links}</Relationships>'),
        *(
            (f"xl/worksheets/sheet{n}.xml", sheets[name] if isinstance(sheets[name], str) else sheet_xml(sheets[name]))
            for n, name in enumerate(names, 1)
        ),
    )  # fmt: skip


def ods_of(body: str) -> bytes:
    """Return the XML of tables as an .ods workbook."""
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{urn}:office:1.0" xmlns:table="{urn}:table:1.0" '
        f'xmlns:text="{urn}:text:1.0"><office:body><office:spreadsheet>{body}</office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    manifest = (
        f'<manifest:manifest xmlns:manifest="{urn}:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
        'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
    )
    return zipped(
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", content),
        ("META-INF/manifest.xml", manifest),
    )  # fmt: skip


def ods(table: Rows) -> bytes:
    """Return a table as an .ods workbook, with the empty rows to its end that LibreOffice writes."""
    lines = []
    for row in table:
        cells = []
        for cell in row:
            if cell is None:
                cells.append("<table:table-cell/>")
            elif isinstance(cell, str):
                cells.append(
                    f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p></table:table-cell>'
                )
            else:
                cells.append(f'<table:table-cell office:value-type="float" office:value="{cell}"/>')
        lines.append(f'<table:table-row>{"".join(cells)}<table:table-cell table:number-columns-repeated="16000"/>'
                     "</table:table-row>")  # fmt: skip
    empty = (
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    )
    return ods_of(f'<table:table table:name="Sheet1">{"".join(lines)}{empty}</table:table>')


def columns(table: Rows) -> dict[str, list[Any]]:
    """Return a table as columns by their names."""
    return {name: [row[place] for row in table[1:]] for place, name in enumerate(table[0])}


def records(table: Rows) -> list[dict[str, Any]]:
    """Return a table as records."""
    return [dict(zip(table[0], row, strict=True)) for row in table[1:]]


def _feather(table: Rows, compression: str) -> bytes:
    content = io.BytesIO()
    feather.write_feather(pa.table(columns(table)), content, compression=compression)
    return content.getvalue()


def _index_first(table: Rows) -> dict[str, dict[str, Any]]:
    return {name: {str(n): value for n, value in enumerate(values)} for name, values in columns(table).items()}


AS_CSV: dict[str, tuple[str, Callable[[Rows], bytes]]] = {
    "xlsx": ("t.xlsx", lambda table: xlsx(Data=table)),
    "xlsx with an empty sheet": ("t.xlsx", lambda table: xlsx(Notes=[], Data=table)),
    "xlsx with a short sheet": ("t.xlsx", lambda table: xlsx(Notes=[["made by hand"]], Data=table)),
    "xlsx named csv": ("t.csv", lambda table: xlsx(Data=table)),
    "ods": ("t.ods", ods),
    "gzip": ("t.csv.gz", lambda table: gzip.compress(csv(table))),
    "gzip of two parts": ("t.csv.gz", lambda table: gzip.compress(csv(table)[:200]) + gzip.compress(csv(table)[200:])),
    "zip": ("t.zip", lambda table: zipped(("folder/", b""), ("folder/t.csv", csv(table)))),
    "zip with a read-me": (
        "t.zip",
        lambda table: zipped(("__MACOSX/._t.csv", b"\0\5"), ("README.md", b"hello"), ("t.csv", csv(table))),
    ),
    "zip of a file that is usually no data": ("t.zip", lambda table: zipped(("README.txt", csv(table)))),
    "zip of xlsx": ("t.zip", lambda table: zipped(("t.xlsx", xlsx(Data=table)))),
    "json records": ("t.json", lambda table: json.dumps(records(table)).encode()),
    "json records without an ending": ("t", lambda table: json.dumps(records(table), indent=1).encode()),
    "json records inside": ("t.json", lambda table: json.dumps({"n": 90, "result": {"rows": records(table)}}).encode()),
    "json lines": ("t.jsonl", lambda table: "\n".join(map(json.dumps, records(table))).encode()),
    "json columns": ("t.json", lambda table: json.dumps(columns(table)).encode()),
    "json columns of pandas": ("t.json", lambda table: json.dumps(_index_first(table)).encode()),
    "json split": (
        "t.json",
        lambda table: json.dumps({"columns": table[0], "index": list(range(90)), "data": table[1:]}).encode(),
    ),
    "json rows": ("t.json", lambda table: json.dumps(table).encode()),
    "feather": ("t.feather", lambda table: _feather(table, "uncompressed")),
    "feather, lz4": ("t.feather", lambda table: _feather(table, "lz4")),
    "feather, zstd": ("t.feather", lambda table: _feather(table, "zstd")),
}
