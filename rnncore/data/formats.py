"""The formats of files: each is one entry that knows its endings, how it is recognised and how it is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from rnncore.config import UploadData
from rnncore.data.dataset import DataError
from rnncore.data.files.archives import gunzip, unzip, zip_members
from rnncore.data.files.arff import is_arff, read_arff
from rnncore.data.files.arrays import read_npy, read_npz
from rnncore.data.files.csv import read_csv
from rnncore.data.files.feather import read_feather
from rnncore.data.files.hdf5 import read_hdf5
from rnncore.data.files.json import ENDINGS as JSON_ENDINGS
from rnncore.data.files.json import is_json, read_json
from rnncore.data.files.matlab import read_mat
from rnncore.data.files.parquet import read_parquet
from rnncore.data.files.ragged import is_ragged, read_ragged
from rnncore.data.files.spreadsheet import read_spreadsheet
from rnncore.data.files.table import Table
from rnncore.data.files.tsf import is_tsf, read_tsf
from rnncore.data.files.ucr import read_ts
from rnncore.data.sequences import Sequences
from rnncore.data.texts import Texts
from rnncore.registry import Choice, Registry

Source = Table | Sequences | Texts


@dataclass(frozen=True, slots=True)
class Files:
    """What was in an archive: (name, bytes) of each file."""

    content: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format(Choice):
    """A format. title: its name as in a list of formats. endings: of its files, with a dot.

    recognised: whether (bytes, name) are of it, asked in the order of the registry. read: (bytes, name, options) to
    what the file holds; raises DataError.
    text: whether it is text, which the layout "text" reads as such. short: what the page calls it, where it names only
    the usual ones.
    """

    endings: tuple[str, ...]
    recognised: Callable[[bytes, str], bool]
    read: Callable[[bytes, str, UploadData], Source | Files]
    text: bool = False
    short: str = ""


FORMATS: Registry[Format] = Registry("format")
TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".psv", ".dat", ".data", ".asc", ".prn")
TEXT_ENDINGS = (".txt", ".text", ".md", ".rst", ".tex", ".py", ".c", ".h", ".js", ".html", ".xml", ".log")
_TAG, _DATA_TAG = re.compile(rb"(?m)^@\w+"), re.compile(rb"(?im)^@data\b")
_WORKBOOK = re.compile(r"^(xl/workbook\.(xml|bin)|content\.xml)$", re.I)
# What is in archives that are files of their own: a member, what they are and what to do.
_IN_ARCHIVES = (
    (r"^Index/Document\.iwa$", "an Apple Numbers document; export its table as CSV in Numbers and upload that"),
    (r"^word/", "a Word document; save its table as CSV and upload that"),
    (r"^ppt/", "a PowerPoint presentation; save its table as CSV and upload that"),
    (r"(^|/)data\.pkl$", "a PyTorch file, which is never opened because it can run programs; save plain arrays with "
     "numpy.savez, or a table as CSV or Parquet"),
    (r"^model\.weights\.h5$", "a Keras model; upload the data that it was trained on"),
)  # fmt: skip


def accepted() -> tuple[str, ...]:
    """Return the endings of all formats, each once."""
    return tuple(dict.fromkeys(ending for entry in FORMATS.values() for ending in entry.endings))


def formats_in_words() -> str:
    """Return the formats as a list in words, from those that hold nearly anything to those that are known at once."""
    *others, last = reversed(FORMATS.titles().values())
    return f"{', '.join(others)} and {last}"


def usual_formats() -> str:
    """Return the short names of the usual formats, as a list in words."""
    return ", ".join(entry.short for entry in reversed(list(FORMATS.values())) if entry.short)


def format_of(data: bytes, name: str) -> Format | None:
    """Return the first format that a file is of, None where it can only be a table or a text. Raises DataError."""
    return next((entry for entry in FORMATS.values() if entry.recognised(data, name)), None)


def _begins(*signatures: bytes) -> Callable[[bytes, str], bool]:
    return lambda data, _: data.startswith(signatures)


def _in_zip(of_members: Callable[[list[str]], bool], ending: str = "") -> Callable[[bytes, str], bool]:
    def recognised(data: bytes, name: str) -> bool:
        if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return False
        return bool(ending and name.lower().endswith(ending)) or of_members(zip_members(data, name))

    return recognised


def _is_workbook(members: list[str]) -> bool:
    return any(map(_WORKBOOK.match, members))


def _is_npz(members: list[str]) -> bool:
    return bool(members) and all(member.endswith(".npy") for member in members)


def _is_ts(data: bytes, name: str) -> bool:
    tagged = name.lower().endswith(".ts") and _TAG.search(data, 0, 20_000)
    return bool(tagged or _DATA_TAG.search(data, 0, 20_000))


def _is_hdf5(data: bytes, _: str) -> bool:
    return data.startswith(b"\x89HDF\r\n\x1a\n")


def _is_mat(data: bytes, name: str) -> bool:
    old = name.lower().endswith(".mat") and data[:1] in b"\0\x01" and len(data) > 20  # version 4 has no signature
    return (data.startswith(b"MATLAB ") and data[126:128] in (b"IM", b"MI")) or old


def _unzipped(data: bytes, name: str, options: UploadData) -> Files:
    members = zip_members(data, name)
    for pattern, sentence in _IN_ARCHIVES:
        if any(re.search(pattern, member, re.I) for member in members):
            raise DataError(f"'{name}' is {sentence}.")
    return Files(tuple(unzip(data, name)))


def _table(data: bytes, name: str, options: UploadData) -> Table:
    return read_csv(data, name, delimiter=options.delimiter, decimal=options.decimal, header=options.header)


for _entry in (
    Format(key="parquet", short="Parquet", title="Parquet", help="Tables of columns.", endings=(".parquet", ".pq"),
           recognised=_begins(b"PAR1"), read=lambda data, name, _: read_parquet(data, name)),
    Format(key="feather", title="Feather", help="Tables of Arrow, version 2.", endings=(".feather", ".arrow"),
           recognised=_begins(b"ARROW1"), read=lambda data, name, _: read_feather(data, name)),
    Format(key="npy", title="NPY", help="An array of NumPy, never unpickled.", endings=(".npy",),
           recognised=_begins(b"\x93NUMPY"), read=lambda data, name, _: read_npy(data, name)),
    Format(key="npz", short="NumPy", title="NPZ", help="Arrays of NumPy, never unpickled.", endings=(".npz",),
           recognised=_in_zip(_is_npz, ".npz"), read=lambda data, name, options: read_npz(data, name, options.part)),
    Format(key="spreadsheet", short="Excel", title="Excel and OpenDocument workbooks", help="A sheet of a workbook.",
           endings=(".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"),
           recognised=lambda data, name: data.startswith(b"\xd0\xcf\x11\xe0") or _in_zip(_is_workbook)(data, name),
           read=lambda data, name, options: read_spreadsheet(data, name, options.part, options.header)),
    Format(key="zip", short="ZIP", title="ZIP archives", help="One table, or a folder of files that belong together.",
           endings=(".zip",), recognised=_in_zip(lambda members: True), read=_unzipped),
    Format(key="gzip", title="gzip archives", help="One file.", endings=(".gz",), recognised=_begins(b"\x1f\x8b"),
           read=lambda data, name, _: Files(tuple(gunzip(data, name)))),
    Format(key="matlab", title="MATLAB files up to version 7", help="Arrays; needs SciPy.", endings=(".mat",),
           recognised=_is_mat, read=lambda data, name, options: read_mat(data, name, options.part)),
    Format(key="hdf5", title="HDF5", help="Arrays; needs h5py.", endings=(".h5", ".hdf5", ".hdf"),
           recognised=_is_hdf5, read=lambda data, name, options: read_hdf5(data, name, options.part)),
    Format(key="tsf", title=".tsf of the Monash archive", help="Series to forecast.", endings=(".tsf",),
           recognised=is_tsf, read=lambda data, name, _: read_tsf(data, name), text=True),
    Format(key="arff", title="ARFF", help="Tables of Weka and OpenML.", endings=(".arff",),
           recognised=lambda data, _: is_arff(data), read=lambda data, name, _: read_arff(data, name), text=True),
    Format(key="ts", title=".ts of the UCR and UEA archives", help="Sequences with a class or a number each.",
           endings=(".ts",), recognised=_is_ts, read=lambda data, name, _: read_ts(data, name), text=True),
    Format(key="json", short="JSON", title="JSON", help="Records, one a line too, columns or lists of numbers.",
           endings=JSON_ENDINGS, recognised=is_json,
           read=lambda data, name, options: read_json(data, name, options.part), text=True),
    Format(key="ragged", title="lines of numbers", help="Lines of different length, a sequence each.",
           endings=(".txt",), recognised=lambda data, _: is_ragged(data),
           read=lambda data, name, _: read_ragged(data, name), text=True),
    Format(key="table", short="CSV", title="CSV and TSV in most dialects", help="Tables as text.",
           endings=TABLE_ENDINGS,
           recognised=lambda _, name: name.lower().endswith(TABLE_ENDINGS), read=_table, text=True),
    Format(key="text", short="Text", title="plain text", help="Characters to be learned one after another.",
           endings=TEXT_ENDINGS,
           recognised=lambda data, name: False, read=_table, text=True),
):  # fmt: skip
    FORMATS.register(_entry)
