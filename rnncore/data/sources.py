"""Bytes of uploaded files become a table, sequences or a text, by what they hold rather than by their name."""

import re
from collections.abc import Callable, Sequence

import pyarrow as pa

from rnncore.config import UploadData
from rnncore.data.dataset import DataError
from rnncore.data.files.arff import is_arff, read_arff
from rnncore.data.files.arrays import read_npy, read_npz
from rnncore.data.files.csv import read_csv
from rnncore.data.files.decode import to_utf8, what_is
from rnncore.data.files.limits import MAX_BYTES, MAX_FILES
from rnncore.data.files.parquet import read_parquet
from rnncore.data.files.ragged import is_ragged, read_ragged
from rnncore.data.files.table import Table
from rnncore.data.files.ucr import read_ts
from rnncore.data.roles.file_names import FILE_LABEL
from rnncore.data.roles.join import join_files, join_sequences
from rnncore.data.roles.reading_texts import is_of_texts
from rnncore.data.sequences import Sequences
from rnncore.data.texts import Texts

Source = Table | Sequences | Texts
_TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".psv", ".dat", ".data", ".asc", ".prn")
_TEXT_ENDINGS = (".txt", ".text", ".md", ".rst", ".tex", ".py", ".c", ".h", ".js", ".html", ".xml", ".json", ".log")
_TAG, _DATA_TAG = re.compile(rb"(?m)^@\w+"), re.compile(rb"(?im)^@data\b")


def read_source(files: Sequence[tuple[str, bytes]], options: UploadData) -> Source:
    """Read files into one table, one set of sequences or one text.

    Raises:
        DataError: too many or too large files, an unknown format, or files that do not go together.
    """
    if not files:
        raise DataError("Choose a file first.")
    total = sum(len(data) for _, data in files)
    if len(files) > MAX_FILES:
        raise DataError(f"{len(files):,} files are too many; at most {MAX_FILES:,} can be read together.")
    if total > MAX_BYTES:
        raise DataError(f"The files have {total / 1e6:,.1f} MB; at most {MAX_BYTES / 1e6:.0f} MB can be read.")
    source = _joined([_read(name or "the file", data, options) for name, data in files])
    pa.default_memory_pool().release_unused()
    return source


def _joined(sources: list[Source]) -> Source:
    if len(sources) == 1:
        return sources[0]
    tables = [source for source in sources if isinstance(source, Table)]
    sequences = [source for source in sources if isinstance(source, Sequences)]
    texts = [source for source in sources if isinstance(source, Texts)]
    if len(tables) == len(sources):
        return join_files(tables)
    if len(sequences) == len(sources):
        return join_sequences(sequences)
    if len(texts) == len(sources):
        return Texts(*(tuple(each) for each in zip(*((t.names[0], t.contents[0]) for t in texts), strict=True)))
    raise DataError("The files are of different kinds (tables, sequences, texts); upload files of one kind together.")


def reading(options: UploadData) -> tuple[object, ...]:
    """Return the options that reading depends on: where these are the same, so is what is read from the files."""
    texts = any(entry.name.lower().endswith(_TEXT_ENDINGS) for entry in options.files)
    layout = options.layout if texts or options.layout == "text" else ""
    return options.files, options.delimiter, options.decimal, options.header, layout, _names_a_column(options)


def _read(name: str, data: bytes, options: UploadData) -> Source:
    if not data:
        raise DataError(f"'{name}' is empty.")
    for signature, reader in _BINARY.items():
        if data.startswith(signature) and (signature != b"PK\x03\x04" or b".npy" in data):
            return reader(data, name)
    if kind := what_is(data):
        raise DataError(
            f"'{name}' is {kind}, which cannot be read; export the data as CSV, Parquet, NPY, NPZ, .ts or plain text."
        )
    if options.layout == "text" and not _names_a_column(options):
        return _text(name, data)
    if is_arff(data):
        return read_arff(data, name)
    ending = name.lower()
    if (ending.endswith(".ts") and _TAG.search(data, 0, 20_000)) or _DATA_TAG.search(data, 0, 20_000):
        return read_ts(data, name)
    if is_ragged(data):
        return read_ragged(data, name)
    if ending.endswith(_TABLE_ENDINGS):
        return _table(name, data, options)
    return _table_or_text(name, data, options, sure=ending.endswith(_TEXT_ENDINGS))


def _names_a_column(options: UploadData) -> bool:
    """Whether texts stand in a column of a table, and their labels in another."""
    return bool(options.targets) and options.targets != (FILE_LABEL,)


def _table(name: str, data: bytes, options: UploadData) -> Table:
    return read_csv(data, name, delimiter=options.delimiter, decimal=options.decimal, header=options.header)


def _text(name: str, data: bytes) -> Texts:
    return Texts((name,), (to_utf8(data, name)[0].decode("utf-8", "replace"),))


def _table_or_text(name: str, data: bytes, options: UploadData, sure: bool) -> Source:
    """A text file may hold a table: where it reads as one whose columns are mostly numbers, it is one.

    sure: what is no such table is a text by its name; else it has to look like prose or source code.
    """
    try:
        table = _table(name, data, options)
    except DataError:
        if options.layout == "auto" and (sure or _is_prose(data)):
            return _text(name, data)
        raise
    if len(table.columns) > 1 and is_of_texts(table):
        return table
    useful = sum(column.kind in ("number", "time") for column in table.columns)
    if options.layout != "auto" or 2 * useful >= len(table.columns):
        return table
    return _text(name, data) if sure or _is_prose(data) else table


def _is_prose(data: bytes) -> bool:
    """Whether a file begins with lines of several words, made of letters rather than of digits."""
    lines = [line for line in data[:20_000].decode("utf-8", "replace").splitlines() if line.strip()]
    characters = [character for line in lines for character in line if not character.isspace()]
    letters = sum(character.isalpha() for character in characters)
    digits = sum(character.isdigit() for character in characters)
    words = sum(len(line.split()) for line in lines)
    return words >= 3 * len(lines) > 0 and letters >= 0.6 * len(characters) and digits <= 0.1 * len(characters)


_BINARY: dict[bytes, Callable[[bytes, str], Source]] = {
    b"PAR1": read_parquet,
    b"\x93NUMPY": read_npy,
    b"PK\x03\x04": read_npz,
}
