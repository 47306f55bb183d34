"""Several files become one data set: tables one below the other, sequences one after another."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from rnncore.data.dataset import DataError
from rnncore.data.files.table import Column, Table, cells_as_text, make_column, numeric_column, smallest
from rnncore.data.roles.file_names import (
    FILE_COLUMN,
    FILE_LABEL,
    classes_by_name,
    held_out_files,
    is_labels_file,
    split_of,
)
from rnncore.data.roles.join_labels import with_labels
from rnncore.data.sequences import Labels, Sequences, class_labels
from rnncore.words import listed, many

_ANSWERS = 2  # columns at most that a test file without answers lacks
_WORDLESS = re.compile(r"^(column )?\d+$")


def join_files(tables: Sequence[Table]) -> Table:
    """Put tables together: features and labels in files of their own side by side, files of the same columns below.

    Raises:
        DataError: the files have different columns.
    """
    paired, notes = _without_unanswered(_paired(tables))
    if len(paired) > 1 and len({frozenset(table.names) for table in paired}) > 1:
        paired, more = with_labels(paired)
        notes = [*notes, *more]
    joined = paired[0] if len(paired) == 1 else join_tables(paired)
    return replace(joined, notes=(*notes, *joined.notes)) if notes else joined


def _without_unanswered(tables: Sequence[Table]) -> tuple[Sequence[Table], list[str]]:
    """Leave out test files without a column of the others, the answer, which are for predictions; say so."""
    training = [table for table in tables if split_of(table.name) != "test"]
    if not training or len(training) == len(tables):
        return tables, []
    whole = set(training[0].names)
    fewer = [table for table in tables if table not in training and set(table.names) < whole]
    lacking = [table for table in fewer if len(whole) - len(table.names) <= _ANSWERS]
    notes = [
        f"'{table.name}' has no {listed(sorted(whole - set(table.names)))}, so it cannot be for validation; it was "
        "left out, and is a file for predictions."
        for table in lacking
    ]
    return [table for table in tables if table not in lacking], notes


def _paired(tables: Sequence[Table]) -> Sequence[Table]:
    """Return the tables with each file of labels beside its file of features, as they are where there is none."""
    groups: dict[str, list[Table]] = {}
    for table in tables:
        groups.setdefault(split_of(table.name), []).append(table)
    for group in groups.values():
        labels = [table for table in group if is_labels_file(table.name)]
        same = len({table.rows for table in group}) == 1
        if len(labels) != 1 or len(group) < 2 or not same or len(labels[0].columns) > 3:
            return tables
    return [_side_by_side(name, group) for name, group in groups.items()]


def _side_by_side(name: str, group: Sequence[Table]) -> Table:
    """Return tables of the same rows as one: features first, labels last; columns without a name get their file's."""
    columns: list[Column] = []
    for table in sorted(group, key=lambda table: is_labels_file(table.name)):
        stem = re.sub(
            r"[_\-. ]?(train|test|val|valid)(ing)?$", "", table.name.rsplit("/", 1)[-1].rsplit(".", 1)[0], flags=re.I
        )
        for place, column in enumerate(table.columns, 1):
            wanted = column.name if table.has_header else f"{stem} {place}"
            if is_labels_file(table.name) and len(table.columns) == 1:
                wanted = column.name if table.has_header and not _WORDLESS.match(column.name) else "label"
            taken = {each.name for each in columns}
            columns.append(replace(column, name=f"{wanted} ({stem})" if wanted in taken else wanted))
    notes = tuple(dict.fromkeys(note for table in group for note in table.notes))
    files = f"The rows of {listed([table.name for table in group], 4)} belong together."
    named = any(table.has_header for table in group)
    return Table(name or group[0].name, tuple(columns), group[0].rows, group[0].first_row, (files, *notes)[:10], named)


def join_tables(tables: Sequence[Table]) -> Table:
    """Put tables of the same columns one below the other, with a column that names the file of each row.

    Raises:
        DataError: the files have different columns.
    """
    first = tables[0]
    for table in tables[1:]:
        if not (first.has_header or table.has_header) and len(table.columns) != len(first.columns):
            raise DataError(
                f"'{table.name}' has {many(len(table.columns), 'column')} and '{first.name}' has "
                f"{len(first.columns):,}, so they are no parts of one table; upload files of one kind together."
            )
        if set(table.names) != set(first.names):
            other = sorted(set(table.names) ^ set(first.names))
            raise DataError(
                f"'{table.name}' and '{first.name}' have different columns ({listed(other, 4)} only in one of them); "
                "upload files of one kind together."
            )
    columns = [_join([table.column(name) for table in tables]) for name in first.names]
    files = FILE_COLUMN if FILE_COLUMN not in first.names else f"{FILE_COLUMN} name"
    columns.insert(0, make_column(files, _of_rows([table.name for table in tables], tables)))
    if classes := classes_by_name([table.name for table in tables]):
        columns.insert(1, make_column(FILE_LABEL, _of_rows(classes, tables)))
    notes = dict.fromkeys(f"{table.name}: {note}" for table in tables for note in table.notes)
    rows = sum(table.rows for table in tables)
    return Table(f"{len(tables)} files", tuple(columns), rows, first.first_row, tuple(notes)[:10], first.has_header)


def _of_rows(words: Sequence[str], tables: Sequence[Table]) -> pa.ChunkedArray:
    """Return a word for each table as a column of all their rows."""
    return pa.chunked_array(
        [pa.repeat(pa.scalar(word, pa.string()), table.rows) for word, table in zip(words, tables, strict=True)]
    )


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
