"""A file of labels beside files of sequences: its values are put beside the rows of the sequence that each is for."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rnncore.data.files.table import Column, Table, cells_as_text, make_column
from rnncore.data.roles.clocks import likely_clocks
from rnncore.data.roles.file_names import is_labels_file
from rnncore.data.roles.groups import different_in, groups_of, with_key
from rnncore.data.roles.keys import find_keys
from rnncore.words import listed, many

_KNOWN = 0.95  # of the keys of the rows that a file of labels must have
_SURE = 0.75  # score of keys by which sequences are counted
_FILES, _MOST_COLUMNS = 3, 12  # files that are told apart by a file of labels, at least; columns of such a file
_NUMBER = re.compile(r"(\d+)(?!.*\d)")


def with_labels(tables: Sequence[Table]) -> tuple[Sequence[Table], list[str]]:
    """Return the tables with the values of a file of labels beside their rows, and notes; as they are without one.

    A row of such a file is for a file of the others (by the number in its name), for a value of a column that both
    have, or for a sequence, in the order of the others. Of several such files the one called labels, or the first, is
    used.
    """
    usual = Counter(frozenset(table.names) for table in tables).most_common(1)[0][0]
    rows = {frozenset(table.names): table.rows for table in tables}
    if len(tables) == len(rows):  # all differ: the longest holds the sequences
        usual = max(rows, key=lambda names: rows[names])
    others = [table for table in tables if frozenset(table.names) == usual]
    beside = [table for table in tables if frozenset(table.names) != usual and len(table.columns) <= _MOST_COLUMNS]
    if not beside or len(others) + len(beside) < len(tables):
        return tables, []
    beside.sort(key=lambda table: not is_labels_file(table.name))
    found = [_found(labels, others) for labels in beside]
    if not all(found) or found[0] is None:
        return tables, []
    left = [f"{listed([t.name for t in beside[1:]], 4)} left out, which hold other labels."] if beside[1:] else []
    return found[0][0], [found[0][1], *left]


def _found(labels: Table, others: Sequence[Table]) -> tuple[list[Table], str] | None:
    return _by_file(labels, others) or _by_key(labels, others) or _by_order(labels, others)


def _by_file(labels: Table, others: Sequence[Table]) -> tuple[list[Table], str] | None:
    """Put the row of each file beside all of its rows."""
    if not _FILES <= len(others) <= labels.rows:
        return None
    stems = [table.name.rsplit("/", 1)[-1].rsplit(".", 1)[0] for table in others]
    numbers = [match[1].lstrip("0") or "0" if (match := _NUMBER.search(stem)) else "" for stem in stems]
    for key in labels.columns:
        cells = [_as_key(cell) for cell in cells_as_text(key).to_pylist()]
        places = {cell: place for place, cell in enumerate(cells)}
        if len(places) < len(cells):
            continue
        named = {cell.rsplit("/", 1)[-1].rsplit(".", 1)[0]: place for cell, place in places.items()}
        for names, known in ((numbers, places), (stems, named)):
            if len(set(names)) == len(others) and all(name in known for name in names):
                rows = [np.full(table.rows, known[name]) for table, name in zip(others, names, strict=True)]
                note = f"Each row of '{labels.name}' is for the file that '{key.name}' names."
                return [_beside(t, labels, key.name, row) for t, row in zip(others, rows, strict=True)], note
    return None


def _by_key(labels: Table, others: Sequence[Table]) -> tuple[list[Table], str] | None:
    """Put the row of each value of a column that both have beside the rows that have it."""
    for name in labels.names:
        if name not in others[0].names or len(labels.columns) < 2 or labels.rows >= min(t.rows for t in others):
            continue
        keys = [_as_key(cell) for cell in cells_as_text(labels.column(name)).to_pylist()]
        places = {key: place for place, key in enumerate(keys)}
        if len(places) < len(keys) or any(column != name and column in others[0].names for column in labels.names):
            continue
        rows = []
        for table in others:
            codes = cells_as_text(table.column(name)).dictionary_encode()
            found = np.array([places.get(_as_key(word), -1) for word in codes.dictionary.to_pylist()])
            rows.append(found[np.asarray(codes.indices)])
        if np.mean(np.concatenate(rows) >= 0) < _KNOWN or max(t.rows for t in others) < 2 * labels.rows:
            continue
        note = f"Each row of '{labels.name}' is for a value of '{name}'."
        return [_beside(t, labels, name, row) for t, row in zip(others, rows, strict=True)], note
    return None


def _by_order(labels: Table, others: Sequence[Table]) -> tuple[list[Table], str] | None:
    """Put the first row beside the first sequence, and so on, where there are as many; one column alone."""
    counted = [_sequences(table) for table in others]
    fitting = [place for place, groups in enumerate(counted) if groups is not None and groups.max() + 1 == labels.rows]
    if len(labels.columns) != 1 or not fitting:
        return None
    whole = " or ".join(f"'{others[place].name}'" for place in fitting)
    each = f"'{labels.name}' has a value for each of the {many(labels.rows, 'sequence')} of {whole}"
    if len(others) > 1:
        return list(others), f"{each}: it was left out. Upload it with the one file that it is for to learn it."
    column = replace(labels.columns[0], name="label")
    own = replace(labels, columns=(column,))
    tables = [_beside(t, own, "", groups) for t, groups in zip(others, counted, strict=True) if groups is not None]
    return tables, f"{each}, in their order: it is their label."


def _sequences(table: Table) -> NDArray[np.int64] | None:
    """Return the number of the sequence of each row, (rows,); None where there is no sure key."""
    keys = find_keys(table, likely_clocks(table))
    if not keys or keys[0].score < _SURE:
        return None
    return groups_of(with_key(table, keys[0].column), keys[0].column)


def _beside(table: Table, labels: Table, key: str, rows: NDArray[np.int64]) -> Table:
    """Return a table with the columns of `labels` but its key, of the given rows of it, (table.rows,); -1 for none."""
    taken = pa.array(rows, mask=rows < 0)
    columns: list[Column] = []
    for column in labels.columns:
        if column.name != key and column.kind != "empty" and (different_in(column) > 1 or len(labels.columns) < 3):
            name = f"{column.name} ({labels.name})" if column.name in table.names else column.name
            columns.append(make_column(name, cells_as_text(column).take(taken).fill_null("")))
    return replace(table, columns=(*table.columns, *columns))


def _as_key(cell: str) -> str:
    """Return a cell as it is compared: whole numbers without zeros in front or behind a point."""
    return str(int(float(cell))) if re.fullmatch(r"\d{1,15}(\.0*)?", cell) else cell
