"""The ARFF format of Weka and OpenML becomes a `Table`."""

import re

from rnncore.data.dataset import DataError
from rnncore.data.files.csv import read_csv
from rnncore.data.files.decode import to_utf8
from rnncore.data.files.table import Table

_ATTRIBUTE = re.compile(rb"(?im)^[ \t]*@attribute[ \t]+('[^'\r\n]*'|\"[^\"\r\n]*\"|[^\s'\"]+)[ \t]+([^\s({]+|\{)")
_DATA = re.compile(rb"(?im)^[ \t]*@data[^\r\n]*(\r\n|\r|\n)?")
_COMMENT = re.compile(rb"(?m)^[ \t]*%[^\r\n]*")


def is_arff(data: bytes) -> bool:
    """Whether a file begins with attributes as ARFF writes them."""
    return bool(_ATTRIBUTE.search(data, 0, 20_000))


def read_arff(data: bytes, name: str) -> Table:
    """Read an ARFF file: a column for each attribute, a row for each line after @data, '?' for missing.

    Raises:
        DataError: no @data, several series in one cell (relational), sparse rows, or what `read_csv` raises.
    """
    text, _ = to_utf8(data, name)
    begin = _DATA.search(text)
    if begin is None:
        raise DataError(f"'{name}' is an ARFF file without '@data'.")
    attributes = _ATTRIBUTE.findall(text, 0, begin.start())
    if any(kind.lower() == b"relational" for _, kind in attributes):
        raise DataError(
            f"'{name}' is an ARFF file with several series in one cell, which cannot be read; the UEA archive has the "
            "same data as a .ts file."
        )
    rows = _COMMENT.sub(b"", text[begin.end() :])
    if rows.lstrip()[:1] == b"{":
        raise DataError(f"'{name}' is an ARFF file of sparse rows, which cannot be read; save it as CSV.")
    header = b",".join(b'"' + word.strip(b"'\"").replace(b'"', b"") + b'"' for word, _ in attributes)
    # As many lines above the rows as in the file, so that messages name its own.
    above = b"\n" * text.count(b"\n", 0, begin.start())
    return read_csv(above + header + b"\n" + rows, name, delimiter=",", decimal="point", header="yes")
