"""A table becomes a data set, in the likeliest of its readings."""

from dataclasses import replace

from rnncore.config import UploadData
from rnncore.data.dataset import DataError
from rnncore.data.files.table import Table
from rnncore.data.inspection import Alternative, Inspection, column_facts
from rnncore.data.of_sequences import of_sequences
from rnncore.data.of_texts import labelled_texts
from rnncore.data.roles import reading_panel, reading_rows, reading_series, reading_texts  # noqa: F401 (they register themselves)
from rnncore.data.roles.clocks import with_clock
from rnncore.data.roles.columns import Roles, check_named, find_roles
from rnncore.data.roles.groups import with_key
from rnncore.data.roles.layouts import arrange, arrange_texts
from rnncore.data.roles.readings import READINGS, Reading, close, ranked
from rnncore.data.scaling import Scaling


def of_table(table: Table, options: UploadData, scaling: Scaling) -> Inspection:
    """Read a table in the likeliest way that gives a data set, and say which others are nearly as likely."""
    table = with_clock(with_key(table, options.id), options.time)
    check_named(table, options)
    readings = ranked(table, options)
    others: list[Alternative] = []
    first, problem = None, None
    for reading in (readings[0], *close(readings)):
        try:
            read = _read_as(table, options, reading, scaling)
        except DataError as error:
            problem = problem or error
            continue
        if first is None or (first.dataset is None and read.dataset is not None):
            first = read
        elif read.dataset is not None:
            title = READINGS[reading.kind].title
            others.append(Alternative(title, reading.reason, read.options, read.sample, read.sample_names))
    if first is None:
        raise problem or DataError(f"'{table.name}' cannot be used.")
    return replace(first, alternatives=tuple(others))


def _read_as(table: Table, options: UploadData, reading: Reading, scaling: Scaling) -> Inspection:
    if reading.text:
        return _of_text_column(table, options, reading, scaling)
    roles = find_roles(table, options, reading)
    sequences = arrange(table, roles, options)
    filled = options.model_copy(
        update={
            "layout": roles.layout,
            "id": roles.id,
            "time": roles.time,
            "targets": roles.targets or (() if roles.layout == "rows" else None),
            "features": None if roles.layout == "rows" else roles.features,
        }
    )
    notes = (*table.notes, *roles.notes)
    result = of_sequences(replace(sequences, notes=(*notes, *sequences.notes)), filled, scaling)
    return replace(
        result, layout=roles.layout, rows=table.rows, columns=column_facts(table, roles), head=table.head(),
        title=READINGS[reading.kind].title, reason=reading.reason, roles=roles,
    )  # fmt: skip


def _of_text_column(table: Table, options: UploadData, reading: Reading, scaling: Scaling) -> Inspection:
    """Read a table of texts with a label in another column."""
    label, sequences = arrange_texts(table, options, reading)
    filled = options.model_copy(
        update={"layout": "text", "id": "", "time": "", "features": (reading.text,), "targets": (label,)}
    )
    notes = (*table.notes, *sequences.notes)
    result = labelled_texts(replace(sequences, notes=notes), filled, scaling)
    roles = Roles("text", "", "", (reading.text,), (label,), {})
    return replace(
        result,
        rows=table.rows,
        columns=column_facts(table, roles),
        head=table.head(),
        title=READINGS[reading.kind].title,
        reason=reading.reason,
        roles=roles,
    )
