"""JSON becomes a `Table`, or `Sequences` where it holds lists of numbers of different length."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnncore.data.dataset import DataError
from rnncore.data.files.arrays import of_arrays
from rnncore.data.files.cells import table_of_rows
from rnncore.data.files.decode import to_utf8
from rnncore.data.files.limits import MAX_CELLS, MAX_COLUMNS, MAX_ROWS
from rnncore.data.files.parts import chosen_part, told
from rnncore.data.files.table import Table, shorten
from rnncore.data.sequences import Sequences
from rnncore.words import listed

ENDINGS = (".json", ".jsonl", ".ndjson", ".geojson")
_BEGINS = re.compile(rb"""\A(\xef\xbb\xbf)?\s*[\[{]\s*(["{\[\d\-]|null|true|false)""")
_DEPTH = 5  # of tables inside of others, and of values inside of a record
_SERIES = 5  # values at least, of lists and objects that are taken for series
_SPLIT = re.compile(r"(^|[._\- ])(train|test|val|eval)", re.I)  # parts that follow one another
_COUNTED = re.compile(r"\d+")


def is_json(data: bytes, name: str) -> bool:
    """Whether a file is JSON by its name, or by its content from the first to the last byte."""
    if name.lower().endswith(ENDINGS):
        return True
    if not _BEGINS.match(data):
        return False
    try:
        return isinstance(_parsed(data, name), dict | list)
    except DataError:
        return False


def read_json(data: bytes, name: str, part: str = "") -> Table | Sequences:
    """Read records, JSON lines, columns, or lists of numbers, wherever in the file they are.

    part: the path of the table that is read, such as 'hourly' or 'data.rows'; '' = the longest one.

    Raises:
        DataError: no JSON (the line is named), nested too deep, or no table in it.
    """
    tables: dict[str, Any] = {}
    _find(_parsed(data, name), (), tables)
    if not tables:
        raise DataError(
            f"'{name}' holds JSON without a table: no list of records, columns or numbers; choose the layout "
            "'Text, character by character' to learn its characters."
        )
    if not part and (rows := _one_below_the_other(tables)):
        return replace(_read(rows, name), parts=told(list(tables)))
    usual = max(tables, key=lambda path: len(tables[path]))
    if not part and (rows := _side_by_side(tables, len(tables[usual]))):
        return replace(_read(rows, name), parts=told(list(tables)))
    chosen = chosen_part(part, list(tables), usual, name, "table")
    source = _read(tables[chosen], name)
    return replace(source, parts=told(list(tables)), part=chosen if len(tables) > 1 else "")


def _side_by_side(tables: dict[str, Any], length: int) -> list[dict[str, Any]] | None:
    """Return the tables of this length as one, where they are columns of the same rows: lists, or records, no two of
    which have a name in common, and none of which is a test set.
    """
    own = {path: table for path, table in tables.items() if len(table) == length}
    if len(own) < 2 or length < _SERIES or any(map(_SPLIT.search, own)):
        return None
    named: dict[str, list[Any]] = {}
    for path, rows in own.items():
        if _scalars(rows):
            columns = {path: rows}
        elif _all(rows, dict) and all(map(_flat, rows)) and all(row.keys() == rows[0].keys() for row in rows):
            columns = {f"{path}.{key}" if path else key: [row[key] for row in rows] for key in rows[0]}
        else:
            return None
        named |= columns
    keys = [{*rows[0]} if isinstance(rows[0], dict) else {path} for path, rows in own.items()]
    if len(set().union(*keys)) < sum(map(len, keys)):
        return None
    return [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=True)]


def _one_below_the_other(tables: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return lists of records of the same names, in one object, as one table that says which list each is of."""
    if len(tables) < 2 or any(map(_SPLIT.search, tables)) or len({path.rpartition(".")[0] for path in tables}) > 1:
        return None
    first = next(iter(tables.values()))
    if not all(_all(rows, dict) and all(map(_flat, rows)) for rows in tables.values()) or "key" in first[0]:
        return None
    if any(rows[0].keys() != first[0].keys() for rows in tables.values()):
        return None
    return [{"key": path.rpartition(".")[2], **row} for path, rows in tables.items() for row in rows]


def _parsed(data: bytes, name: str) -> Any:
    text = to_utf8(data, name)[0].decode("utf-8")
    try:
        return json.loads(text)
    except RecursionError:
        raise DataError(f"'{name}' holds lists or objects nested too deep to be a table.") from None
    except ValueError as error:
        whole = error
    try:
        lines = [json.loads(line) for line in text.split("\n") if line.strip()]
        if len(lines) > 1:
            return lines
    except RecursionError:
        raise DataError(f"'{name}' holds lists or objects nested too deep to be a table.") from None
    except ValueError:
        pass
    raise DataError(f"'{name}' is damaged JSON: {shorten(str(whole), 100)}; export it again.") from None


def _find(value: Any, path: tuple[str, ...], tables: dict[str, Any]) -> None:
    """Collect the tables in a value by their paths, each as a list of records or of rows."""
    if isinstance(value, list):
        if len(value) > 1 and (_all(value, dict) or _all(value, list) or (_scalars(value) and not _words(value))):
            tables[".".join(path)] = value
        elif len(value) == 1 and len(path) < _DEPTH:
            _find(value[0], path, tables)
        return
    if not isinstance(value, dict) or len(path) >= _DEPTH:
        return
    if {"columns", "data"} <= value.keys() and isinstance(value["data"], list) and _all(value["data"], list):
        tables[".".join(path)] = [list(value["columns"]), *value["data"]]
        return
    if records := _of_columns(value):
        tables[".".join(path)] = records
        return
    for key, inner in value.items():
        _find(inner, (*path, str(key)), tables)


def _of_columns(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return columns, or objects of equal keys by their names, as records; None where these are none."""
    inner = list(value.values())
    if len(inner) >= _SERIES and all(isinstance(each, int | float) or each is None for each in inner):
        return [{"index": key, "value": each} for key, each in value.items()]
    lists = {key: each for key, each in value.items() if isinstance(each, list) and len(each) > 1 and _scalars(each)}
    if lists:
        if len(lists) == 1 and len(value) > 1:
            return None  # found as a list
        (length, count), *_ = Counter(map(len, lists.values())).most_common()
        if count < 2 and len(value) > 1:
            return None
        kept = {key: each for key, each in lists.items() if len(each) == length}
        return [dict(zip(kept, row, strict=True)) for row in zip(*kept.values(), strict=True)]
    if len(inner) < 1 or not _all(inner, dict) or not all(map(_flat, inner)):
        return None
    keys = list(inner[0])
    counted = len(keys) > 1 and all(_COUNTED.fullmatch(key) for key in keys)
    if counted or (
        len(keys) >= len(inner) > 1 and len(keys) > 2 and all(each.keys() == inner[0].keys() for each in inner)
    ):
        named = {} if [str(place) for place in range(len(keys))] == keys else {"index": keys}
        columns = {**dict.fromkeys(named), **value}
        return [{column: key if column in named else columns[column].get(key) for column in columns} for key in keys]
    return [{"index": key, **each} for key, each in value.items()] if len(inner) > 1 else None


def _read(rows: list[Any], name: str) -> Table | Sequences:
    _check_size(len(rows), 1, name)
    if isinstance(rows[0], dict):
        return _of_records(rows, name)
    if not isinstance(rows[0], list):
        return table_of_rows(([each] for each in rows), name)
    if all(map(_scalars, rows)) and (len(set(map(len, rows))) == 1 or any(map(_words, rows))):
        return table_of_rows(rows, name)
    try:
        cube = np.array(rows, np.float64) if len(set(map(len, rows))) == 1 else None
        arrays = (
            {str(place): np.array(row, np.float64) for place, row in enumerate(rows)} if cube is None else {"x": cube}
        )
    except (ValueError, TypeError):
        raise DataError(f"'{name}' holds lists inside of lists that are no table of numbers.") from None
    return of_arrays(arrays, name)


def _of_records(records: list[dict[str, Any]], name: str) -> Table:
    flat = [_with_lists(_flattened(record)) for record in records]
    names: dict[str, None] = {}
    for record in flat:
        names.update(dict.fromkeys(record))
        if len(names) > MAX_COLUMNS:
            raise DataError(f"The records in '{name}' have more than {MAX_COLUMNS:,} different names of columns.")
    if len(flat) * len(names) > MAX_CELLS:
        raise DataError(
            f"'{name}' has {len(flat):,} records of {len(names):,} columns; at most {MAX_CELLS:,} cells fit."
        )
    lists = [each for each in names if any(isinstance(record.get(each), list) for record in flat)]
    series = [each for each in lists if _are_series([record.get(each) for record in flat])]
    series += [each for each in lists if series and each not in series and _beside_series(flat, each, series[0])]
    left_out = [each for each in lists if each not in series]
    kept = [each for each in names if each not in left_out]
    if not kept:
        raise DataError(f"The records in '{name}' hold nothing but lists and objects.")
    if series:
        _check_size(sum(len(record[series[0]]) for record in flat), 1 + len(kept), name)
        names_each = [each for each in kept if each not in series and _are_different(flat, each)]
        first = [] if names_each else ["sequence"]  # its number, where nothing else tells it
        rows = (row[1 - len(first) :] for row in _unfolded(flat, kept, series, name))
        header = [*first, *kept]
    else:
        rows, header = ([record.get(each) for each in kept] for record in flat), kept
    table = table_of_rows(_chain(header, rows), name, header="yes")
    notes: tuple[str, ...] = (f"Left out, because they hold lists: {listed(left_out, 5)}.",) if left_out else ()
    notes += (f"Each record is a sequence, whose values stand in {listed(series, 5)}.",) if series else ()
    return replace(table, notes=(*notes, *table.notes))


def _check_size(rows: int, columns: int, name: str) -> None:
    if rows > MAX_ROWS:
        raise DataError(f"'{name}' has {rows:,} rows; at most {MAX_ROWS:,} can be read, so thin it out or split it.")
    if rows * columns > MAX_CELLS:
        raise DataError(f"'{name}' has {rows:,} rows of {columns:,} columns; at most {MAX_CELLS:,} cells fit.")


def _chain(header: Sequence[object], rows: Any) -> Iterator[Sequence[object]]:
    yield header
    yield from rows


def _unfolded(flat: list[dict[str, Any]], kept: list[str], series: list[str], name: str) -> Iterator[list[object]]:
    """Yield a row for each timestep of records that hold lists of numbers."""
    for place, record in enumerate(flat):
        lengths = {len(record[each]) for each in series}
        if len(lengths) > 1:
            raise DataError(f"The lists of record {place + 1:,} in '{name}' have different lengths.")
        for step in range(lengths.pop()):
            yield [place, *(record[each][step] if each in series else record.get(each) for each in kept)]


def _flattened(record: dict[str, Any], path: str = "", depth: int = 0) -> dict[str, Any]:
    """Return a record with the values of objects in it beside the others, named 'outer.inner'."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, dict):
            if depth < _DEPTH:
                flat.update(_flattened(value, f"{path}{key}.", depth + 1))
        else:
            flat[f"{path}{key}"] = value
    return flat


def _are_series(values: list[Any]) -> bool:
    """Whether there are lists of numbers alone, which are no points of two or three coordinates each."""
    lists = [value for value in values if isinstance(value, list)]
    if len(lists) < len(values) or max(map(len, lists)) < _SERIES or min(map(len, lists)) == 0:
        return False
    return all(isinstance(each, int | float) or each is None for value in lists for each in value)


def _with_lists(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record that holds one list of flat records with a list of each of their values instead."""
    inner = [key for key, value in record.items() if isinstance(value, list) and value and _all(value, dict)]
    if len(inner) != 1 or not all(map(_flat, record[inner[0]])):
        return record
    rows = record[inner[0]]
    names = dict.fromkeys(name for row in rows for name in row)
    rest = {key: value for key, value in record.items() if key != inner[0]}
    return rest | {f"{inner[0]}.{name}" if name in rest else name: [row.get(name) for row in rows] for name in names}


def _are_different(flat: list[dict[str, Any]], name: str) -> bool:
    values = [record.get(name) for record in flat]
    return len(flat) > 1 and _scalars(values) and len(set(values)) == len(flat)


def _beside_series(flat: list[dict[str, Any]], name: str, series: str) -> bool:
    """Whether a column holds lists of words or times, as many as there are numbers in another one."""
    pairs = [(record.get(name), record[series]) for record in flat]
    return all(isinstance(own, list) and _scalars(own) and len(own) == len(other) for own, other in pairs)


def _all(values: list[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)


def _scalars(values: list[Any]) -> bool:
    return not any(isinstance(value, dict | list) for value in values)


def _words(values: list[Any]) -> bool:
    return any(isinstance(value, str) for value in values)


def _flat(record: dict[str, Any]) -> bool:
    return bool(record) and _scalars(list(record.values()))
