"""Several files become one data set: tables one below the other, sequences one after another."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rnncore.data.dataset import DataError
from rnncore.data.files.table import Column, Table, cells_as_text, make_column, numeric_column, smallest
from rnncore.data.roles.columns import FILE_COLUMN
from rnncore.data.sequences import Labels, Sequences, class_labels
from rnncore.words import listed

FILE_LABEL = "label by file name"
_HELD_OUT = re.compile(r"(^|[_\-. ])(test|val|valid|validation)\b", re.I)
_TRAINING = re.compile(r"(^|[_\-. ])train(ing)?\b", re.I)


def join_tables(tables: Sequence[Table]) -> Table:
    """Put tables of the same columns one below the other, with a column that names the file of each row.

    Raises:
        DataError: the files have different columns.
    """
    first = tables[0]
    for table in tables[1:]:
        if set(table.names) != set(first.names):
            other = sorted(set(table.names) ^ set(first.names))
            raise DataError(
                f"'{table.name}' and '{first.name}' have different columns ({listed(other, 4)} only in one of them); "
                "upload files of one kind together."
            )
    columns = [_join([table.column(name) for table in tables]) for name in first.names]
    files = FILE_COLUMN if FILE_COLUMN not in first.names else f"{FILE_COLUMN} name"
    columns.insert(0, make_column(files, _of_rows([table.name for table in tables], tables)))
    if classes := _classes_by_name([table.name for table in tables]):
        columns.insert(1, make_column(FILE_LABEL, _of_rows(classes, tables)))
    notes = dict.fromkeys(f"{table.name}: {note}" for table in tables for note in table.notes)
    rows = sum(table.rows for table in tables)
    return Table(f"{len(tables)} files", tuple(columns), rows, first.first_row, tuple(notes)[:10], first.has_header)


def _of_rows(words: Sequence[str], tables: Sequence[Table]) -> pa.ChunkedArray:
    """Return a word for each table as a column of all their rows."""
    return pa.chunked_array(
        [pa.repeat(pa.scalar(word, pa.string()), table.rows) for word, table in zip(words, tables, strict=True)]
    )


def _classes_by_name(names: Sequence[str]) -> list[str] | None:
    """Return the class of each file where the names say it: walk_1, walk_2, run_1, run_2; else None."""
    words = [re.sub(r"[\W_]*\d+[\W_]*$", "", name.rsplit("/", 1)[-1].rsplit(".", 1)[0]) for name in names]
    counts = Counter(words)
    return words if len(counts) > 1 and all(words) and min(counts.values()) > 1 else None


def _join(parts: Sequence[Column]) -> Column:
    """Put one column of several tables together; where they hold different kinds, as text."""
    kinds = {part.kind for part in parts} - {"empty"}
    if kinds == {"number"}:
        values = [np.full(len(p.content), np.nan) if p.numbers is None else p.numbers for p in parts]
        return replace(numeric_column(parts[0].name, np.concatenate(values)), shown=parts[0].shown)
    if kinds == {"time"} and len(parts) == len([p for p in parts if p.kind == "time"]):
        seconds = np.concatenate([p.numbers for p in parts if p.numbers is not None])
        return Column(parts[0].name, "time", smallest(seconds), shown=parts[0].shown)
    return make_column(parts[0].name, pa.concat_arrays([cells_as_text(part) for part in parts]))


def held_out_files(names: Sequence[str]) -> NDArray[np.bool_] | None:
    """Return which files are a test set by their name, where others are a training set; else None, (files,)."""
    held_out = np.array([bool(_HELD_OUT.search(name)) for name in names])
    training = any(_TRAINING.search(name) for name in names)
    return held_out if held_out.any() and training and not held_out.all() else None


def join_sequences(parts: Sequence[Sequences]) -> Sequences:
    """Put the sequences of several files together; train and test files keep their split.

    Raises:
        DataError: the files have different features, or only some have targets.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.columns != first.columns or (part.labels is None) != (first.labels is None):
            raise DataError(f"'{part.name}' and '{first.name}' hold sequences of different features or targets.")
    by_file = held_out_files([part.name for part in parts])
    counts = [part.count for part in parts]
    lengths = np.concatenate([part.lengths for part in parts])
    return replace(
        first,
        name=first.name if len(parts) == 1 else f"{len(parts)} files",
        values=tuple(map(np.concatenate, zip(*(part.values for part in parts), strict=True))),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        ids=tuple(f"{part.name}: {name}" for part in parts for name in part.ids),
        labels=_join_labels([part.labels for part in parts if part.labels is not None]),
        held_out=None if by_file is None else np.repeat(by_file, counts),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _join_labels(parts: Sequence[Labels]) -> Labels | None:
    if not parts:
        return None
    if parts[0].classes:
        answers = [part.classes[int(code)] for part in parts for code in part.values[:, 0]]
        return class_labels(parts[0].names[0], answers)
    return replace(parts[0], values=np.concatenate([part.values for part in parts]))
