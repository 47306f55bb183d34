"""A new file read as the files of a run were: the same roles, the same codes, nothing found out anew."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rnncore.config import UploadData
from rnncore.data.coding import Coding
from rnncore.data.dataset import DataError
from rnncore.data.files.table import Column, Table, coded_column, shorten
from rnncore.data.formats import Source
from rnncore.data.prepare import InputCode
from rnncore.data.roles.calendar import JOINED, on_the_calendar
from rnncore.data.roles.clocks import with_clock
from rnncore.data.roles.columns import Roles
from rnncore.data.roles.file_names import FILE_COLUMN, FILE_LABEL
from rnncore.data.roles.groups import with_key
from rnncore.data.roles.layouts import check_finite, placed, sequences_of_rows
from rnncore.data.roles.placeholders import without_numbers
from rnncore.data.sequences import Feature, Floats, Moments, Sequences, offsets_of
from rnncore.data.texts import Texts, label_of_files
from rnncore.words import listed, many


@dataclass(frozen=True, slots=True, eq=False)
class NewFile:
    """Sequences to be predicted, their columns the inputs of the run's coding, in its order.

    `sequences.moments` holds the row of `table` of each timestep (its step where there is no table). table: None for
    files of sequences. same_rows: whether the rows of the table are those of the file.
    """

    sequences: Sequences
    roles: Roles
    table: Table | None = None
    same_rows: bool = True
    notes: tuple[str, ...] = ()


def read_as(
    source: Source,
    trained: Source,
    options: UploadData,
    roles: Roles | None,
    coding: Coding,
    stand_in: dict[str, float],
) -> NewFile:
    """Return a new file in the form that a run learned from.

    source, trained: what was read from the new file and from the run's. options, roles: as they were filled in for the
    run. stand_in: numbers that stand for missing, by column.

    Raises:
        DataError: columns are missing, or hold something else; the file is of another kind.
    """
    if isinstance(source, Table) and isinstance(trained, Table) and roles is not None:
        if FILE_COLUMN in source.names and FILE_COLUMN not in trained.names and roles.layout == "series":
            roles = replace(
                roles, id=FILE_COLUMN, layout="long"
            )  # several files for a run of one series are a series each
        return _of_table(_named(source, trained, roles, coding), options, roles, coding, stand_in)
    if isinstance(source, Sequences) and isinstance(trained, Sequences):
        return _of_sequences(source, coding)
    if isinstance(source, Texts) and isinstance(trained, Texts):
        return _of_texts(source, bool(label_of_files(trained)), coding)
    kinds = {Table: "a table with named columns", Sequences: "sequences of numbers"}
    was, now = (kinds.get(type(each), "a text") for each in (trained, source))
    raise DataError(f"The run learned from {was}, but this file is read as {now}; use a file like those of the run.")


def _of_table(source: Table, options: UploadData, roles: Roles, coding: Coding, stand_in: dict[str, float]) -> NewFile:
    table = without_numbers(on_the_calendar(source, options), stand_in)
    same_rows = table.rows == source.rows
    seen = {*roles.id.split(JOINED), *(code.name for code in coding.inputs)}
    if FILE_COLUMN in seen and FILE_COLUMN not in table.names:  # which only several files have
        table = replace(table, columns=(_file_name(table), *table.columns))
    _check_there(table, roles, coding)
    table = with_clock(with_key(table, roles.id), roles.time)
    if roles.layout == "text":
        sequences, notes = _texts(table, roles.features[0], coding.inputs[0])
    elif roles.layout == "rows":
        for name in (name for names in roles.steps.values() for name in names):
            _check_numbers(table, name)
        whole = sequences_of_rows(table, replace(roles, targets=()), options)
        sequences, notes = _chosen(whole, coding, np.repeat(np.arange(table.rows), whole.lengths)), []
    else:
        sequences, notes = _steps(table, roles, coding)
    extra = _extra(source, table, roles, coding)
    more = [f"Not used, because the run did not learn from them: {listed(extra)}."] if extra else []
    return NewFile(sequences, roles, table, same_rows, (*table.notes, *notes, *more))


def _named(source: Table, trained: Table, roles: Roles, coding: Coding) -> Table:
    """Return a table without a header under the names that its columns have in the run, where there are as many.

    So features whose answers stood in a file of their own can be predicted without such a file.
    """
    needed = [name for name in trained.names if name not in (*coding.targets, FILE_COLUMN, FILE_LABEL)]
    if source.has_header or set(needed) <= set(source.names) or len(source.columns) != len(needed):
        return source
    columns = (replace(column, name=name) for column, name in zip(source.columns, needed, strict=True))
    return replace(source, columns=tuple(columns))


def _extra(source: Table, table: Table, roles: Roles, coding: Coding) -> list[str]:
    """Return the columns of a file that play no part: neither seen nor predicted, nor a key or a time."""
    known = {*roles.id.split(JOINED), *roles.time.split(JOINED), *roles.features, *coding.targets, roles.time}
    known |= {name for names in roles.steps.values() for name in names} | {code.name for code in coding.inputs}
    return [name for name in source.names if name in table.names and name not in known | {FILE_COLUMN, FILE_LABEL}]


def _file_name(table: Table) -> Column:
    codes = pa.DictionaryArray.from_arrays(pa.array(np.zeros(table.rows, np.int32)), pa.array([table.name]))
    return coded_column(FILE_COLUMN, codes, (table.name,))


def _check_there(table: Table, roles: Roles, coding: Coding) -> None:
    """Raise a DataError that names every column that the run needs and the file has not."""
    steps = [name for names in roles.steps.values() for name in names]
    seen = steps or ([*roles.features] if roles.layout == "text" else [code.name for code in coding.inputs])
    needed = [*roles.id.split(JOINED), *_parts(table, roles.time), *seen]
    missing = [name for name in dict.fromkeys(needed) if name and name not in table.names]
    if not missing:
        return
    have = f"it has {listed(table.names, 10)}" if table.names else "it has none"
    raise DataError(
        f"'{table.name}' has no column {listed(missing, 10)}, which this run needs; {have}."
        if len(missing) == 1
        else f"'{table.name}' has no columns {listed(missing, 10)}, which this run needs; {have}."
    )


def _parts(table: Table, time: str) -> list[str]:
    """Return the columns that a time is made of: itself where it is there, else what is joined in it."""
    if time in table.names or JOINED not in time:
        return [time]
    missing = [name for name in time.split(JOINED) if name not in table.names]
    return missing or [time]


def _check_numbers(table: Table, name: str) -> None:
    column = table.column(name)
    if column.kind not in ("number", "empty"):
        example = shorten(next((cell for cell in column.shown if cell.strip()), ""))
        raise DataError(
            f"Column '{name}' of '{table.name}' is no column of numbers (a cell is {example}); it is in the run."
        )
    check_finite(table, column)


def _steps(table: Table, roles: Roles, coding: Coding) -> tuple[Sequences, list[str]]:
    """Return sequences of a table whose rows are timesteps."""
    place = placed(table, roles)
    values: list[Floats] = []
    notes = list(place.notes)
    for code in coding.inputs:
        if code.scale is None:
            cells, more = _words(table.column(code.name), code)
            notes += more
        else:
            _check_numbers(table, code.name)
            numbers = table.column(code.name).small
            cells = np.full(table.rows, np.nan, np.float32) if numbers is None else numbers
        values.append(cells if place.order is None else cells[place.order])
    rows = np.arange(table.rows) if place.order is None else place.order
    return _sequences(table.name, coding.inputs, values, place.offsets, place.ids, rows), notes


def _words(column: Column, code: InputCode) -> tuple[Floats, list[str]]:
    """Return cells as places in the words of a run, NaN where missing or never seen there, and notes."""
    places = {word: place for place, word in enumerate(code.words)}
    if isinstance(column.content, np.ndarray):
        different, inverse = np.unique(column.content.astype(np.float64), return_inverse=True)
        words = ["" if np.isnan(value) else f"{value:g}" for value in different]
    else:
        cells = column.cells if isinstance(column.cells, pa.DictionaryArray) else column.cells.dictionary_encode()
        words = [*("" if word is None else str(word) for word in cells.dictionary.to_pylist()), ""]
        inverse = cells.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
    codes = np.array([places.get(word, np.nan) for word in words])
    unseen = [word for word in words if word and word not in places]
    note = f"The run has not seen {listed(unseen, 5)} in '{code.name}': no input is 1 there."
    return codes[inverse], [note] if unseen else []


def _texts(table: Table, name: str, code: InputCode) -> tuple[Sequences, list[str]]:
    """Return the cells of a column as sequences of characters."""
    column = table.column(name)
    if isinstance(column.content, np.ndarray):
        raise DataError(f"Column '{name}' of '{table.name}' holds no texts; it does in the run.")
    cells = column.cells.dictionary_decode() if isinstance(column.cells, pa.DictionaryArray) else column.cells
    sequences, kept, notes = _characters(table.name, [text or "" for text in cells.to_pylist()], code)
    assert sequences.moments is not None
    rows = np.repeat(kept, sequences.lengths).astype(np.float64)
    return replace(sequences, moments=replace(sequences.moments, values=rows)), notes


def _of_texts(source: Texts, whole: bool, coding: Coding) -> NewFile:
    """Return files as texts to be classified: each as a whole, or each of their lines, as in the run."""
    named = list(zip(source.names, source.contents, strict=True))
    if not whole:
        lines = [(line.strip(), place + 1) for _, content in named for place, line in enumerate(content.splitlines())]
        named = [(f"line {place}", line) for line, place in lines if line]
    sequences, kept, notes = _characters(source.names[0], [text for _, text in named], coding.inputs[0])
    sequences = replace(sequences, ids=tuple(named[place][0] for place in kept))
    return NewFile(sequences, Roles("text", "", "", (coding.inputs[0].name,), coding.targets, {}), notes=tuple(notes))


def _characters(name: str, texts: Sequence[str], code: InputCode) -> tuple[Sequences, NDArray[np.int64], list[str]]:
    """Return texts as sequences of characters, which of them have any, and notes."""
    lengths = np.array([len(text) for text in texts], np.int64)
    kept = np.flatnonzero(lengths)
    if not len(kept):
        raise DataError(f"Every text of '{name}' is empty.")
    white = {" ": "space", "\n": "newline", "\t": "tab"}
    places = {word: place for place, word in enumerate(code.words)}
    other = places.get("other", np.nan)
    joined = "".join(texts[row] for row in kept.tolist())
    values = np.array([places.get(white.get(character, character), other) for character in joined], np.float32)
    notes = []
    if empty := len(texts) - len(kept):
        notes.append(f"{many(empty, 'empty text')} left out.")
    if unseen := int(np.isnan(values).sum()):
        notes.append(f"{many(unseen, 'character')} that the run has not seen: no input is 1 there.")
    ids = tuple(str(row + 1) for row in kept.tolist())
    offsets = offsets_of(lengths[kept])
    steps = np.arange(len(values)) - np.repeat(offsets[:-1], np.diff(offsets)) + 1
    return _sequences(name, (code,), [values], offsets, ids, steps), kept, notes


def _of_sequences(source: Sequences, coding: Coding) -> NewFile:
    """Return sequences of a file that is no table, with the columns of the run by their names."""
    steps = np.arange(source.rows) - np.repeat(source.offsets[:-1], source.lengths) + 1
    roles = Roles("sequences", "", "", tuple(code.name for code in coding.inputs), coding.targets, {})
    return NewFile(_chosen(source, coding, steps), roles, notes=source.notes)


def _chosen(source: Sequences, coding: Coding, rows: NDArray[np.integer]) -> Sequences:
    """Return sequences with the columns that a run has as inputs, in its order. Raises DataError."""
    places = {column.name: place for place, column in enumerate(source.columns)}
    if missing := [code.name for code in coding.inputs if code.name not in places]:
        raise DataError(
            f"'{source.name}' has no {listed(missing, 10)}, which this run needs; it has {listed([*places], 10)}."
        )
    values: list[Floats] = []
    for code in coding.inputs:
        column, cells = source.columns[places[code.name]], source.values[places[code.name]]
        if bool(column.categories) != (code.scale is None):
            raise DataError(f"'{code.name}' of '{source.name}' holds {'words' if column.categories else 'numbers'}; "
                            "it does not in the run.")  # fmt: skip
        if column.categories:
            known = {word: place for place, word in enumerate(code.words)}
            codes = np.array([*(known.get(word, np.nan) for word in column.categories), np.nan])
            cells = codes[np.nan_to_num(cells, nan=len(codes) - 1).astype(np.int64)]
        values.append(cells)
    return _sequences(source.name, coding.inputs, values, source.offsets, source.ids, rows, source.notes)


def _sequences(
    name: str, codes: Sequence[InputCode], values: Sequence[Floats], offsets: NDArray[np.int64], ids: tuple[str, ...],
    rows: NDArray[np.integer], notes: tuple[str, ...] = (),
) -> Sequences:  # fmt: skip
    columns = tuple(Feature(code.name, code.words) for code in codes)
    moments = Moments("row", rows.astype(np.float64), False)
    return Sequences(
        name, columns, tuple(values), offsets, ids, tuple(range(len(columns))), notes=notes, moments=moments
    )
