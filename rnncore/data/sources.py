"""Bytes of uploaded files become a table, sequences or a text, by what they hold rather than by their name."""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from rnncore.config import UploadData
from rnncore.data.dataset import DataError
from rnncore.data.files.csv import read_csv
from rnncore.data.files.decode import to_utf8
from rnncore.data.files.limits import MAX_BYTES, MAX_FILES
from rnncore.data.files.parts import chosen_part, told
from rnncore.data.files.refused import refused
from rnncore.data.files.table import Table
from rnncore.data.formats import TABLE_ENDINGS, TEXT_ENDINGS, Files, Source, format_of
from rnncore.data.roles.file_names import FILE_LABEL, split_of
from rnncore.data.roles.join import join_files, join_sequences
from rnncore.data.roles.reading_texts import is_of_texts
from rnncore.data.sequences import Sequences
from rnncore.data.texts import Texts
from rnncore.words import listed

_FEW = 2  # tables for each text beside them, at least, that is taken for a description
_MAY_HOLD_TEXT = (*TEXT_ENDINGS, ".json", ".zip", ".gz")


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
    source = _read_all(files, options)
    pa.default_memory_pool().release_unused()
    return source


def _read_all(files: Sequence[tuple[str, bytes]], options: UploadData, inside: str = "") -> Source:
    """Read files as one data set; inside: the archive that they were in."""
    tables = any(name.lower().endswith(TABLE_ENDINGS) for name, _ in files)  # beside which a text describes them
    aside = options.model_copy(update={"layout": "auto"}) if tables else options
    own = [aside if name.lower().endswith(TEXT_ENDINGS) else options for name, _ in files]
    pairs = zip(files, own, strict=True)
    return _joined([_read(name or "the file", data, each, inside) for (name, data), each in pairs])


def _joined(sources: list[Source]) -> Source:
    if len(sources) == 1:
        return sources[0]
    tables = [source for source in sources if isinstance(source, Table)]
    sequences = [source for source in sources if isinstance(source, Sequences)]
    texts = [source for source in sources if isinstance(source, Texts)]
    if len(tables) == len(sources):
        return join_files(tables)
    if texts and len(texts) + len(tables) == len(sources) and len(tables) >= _FEW * len(texts):
        left = listed([name for text in texts for name in text.names], 4)
        joined = join_files(tables) if len(tables) > 1 else tables[0]
        return replace(joined, notes=(f"Texts beside the tables left out: {left}.", *joined.notes))
    if len(sequences) == len(sources):
        return join_sequences(sequences)
    if len(texts) == len(sources):
        return Texts(*(tuple(each) for each in zip(*((t.names[0], t.contents[0]) for t in texts), strict=True)))
    raise DataError("The files are of different kinds (tables, sequences, texts); upload files of one kind together.")


def reading(options: UploadData) -> tuple[object, ...]:
    """Return the options that reading depends on: where these are the same, so is what is read from the files."""
    texts = any(entry.name.lower().endswith(_MAY_HOLD_TEXT) for entry in options.files)
    layout = options.layout if texts or options.layout == "text" else ""
    return (
        options.files,
        options.delimiter,
        options.decimal,
        options.header,
        options.part,
        layout,
        _names_a_column(options),
    )


def _read(name: str, data: bytes, options: UploadData, inside: str = "") -> Source:
    if not data:
        raise DataError(f"'{name}' is empty.")
    if kind := refused(data, name):
        raise DataError(f"'{name}' is {kind.kind}, which cannot be read; {kind.advice}.")
    as_text = options.layout == "text" and not _names_a_column(options)
    entry = format_of(data, name)
    if as_text and (entry is None or entry.text):
        return _text(name, data)
    if entry is None:
        return _table_or_text(name, data, options, sure=name.lower().endswith(TEXT_ENDINGS))
    content = entry.read(data, name, options)
    if not isinstance(content, Files):
        return content
    if inside:
        raise DataError(f"'{inside}' holds another archive, '{name}'; unpack that one and upload its files.")
    return _of_archive(list(content.content), name, options)


def _of_archive(files: list[tuple[str, bytes]], name: str, options: UploadData) -> Source:
    """Read the files of an archive as one data set, or one of them where they do not go together."""
    if len(files) == 1:
        return _read_all(files, options, name)
    names = [file for file, _ in files]
    problem: DataError | None = None
    if options.part not in names:
        try:
            return _read_all(files, options, name)
        except DataError as error:
            problem = error
    largest = max(files, key=lambda file: (split_of(file[0]) == "train", len(file[1])))[0]
    chosen = chosen_part(options.part, names, largest, name, "file")
    try:
        source = _read(chosen, dict(files)[chosen], options.model_copy(update={"part": ""}), name)
    except DataError as error:
        raise (problem or error) from None
    if isinstance(source, Texts):
        return source
    note = f"'{chosen}' was read, one of {len(files):,} files that do not go together."
    return replace(source, parts=told(names), part=chosen, notes=(note, *source.notes))


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
