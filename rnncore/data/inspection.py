"""What uploaded files are and become, as it is told to the user."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnncore.config import UploadData
from rnncore.data.dataset import SequenceDataset
from rnncore.data.files.numbers import MISSING_WORDS
from rnncore.data.files.table import Table
from rnncore.data.formats import Source
from rnncore.data.roles.calendar import JOINED
from rnncore.data.roles.columns import Roles


@dataclass(frozen=True, slots=True)
class ColumnFact:
    """What the UI says about a column: kind ("number", "category", "time", "text", "empty"), role and what is missing.

    role: "input", "target", "input and target", "id", "time", "step" or "unused".
    """

    name: str
    kind: str
    role: str
    missing: int
    different: int | None
    example: str


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What uploaded files are and become.

    layout: "series", "long", "rows", "sequences" (the files hold sequences, no table) or "text". options: the given
    ones with layout and roles filled in. head: the first rows as text, to be shown as text. sample, sample_names: the
    first sequence to draw, (T, C) at most 2,000 steps. notes: what was found and done. dataset: ready to train on, or
    None with `error`, one sentence. title: what a row is taken to be; reason: why, one sentence. alternatives: other
    readings that are nearly as likely, empty where it is sure; choosing one is to use its options. parts: the sheets,
    files or arrays to choose from (the option `part`), empty where there is no choice. roles: of a table's columns.
    """

    layout: str
    options: UploadData
    rows: int
    columns: tuple[ColumnFact, ...]
    head: list[dict[str, str]]
    sample: NDArray[np.float64]
    sample_names: tuple[str, ...]
    notes: tuple[str, ...]
    dataset: SequenceDataset | None
    error: str | None
    title: str = ""
    reason: str = ""
    alternatives: tuple["Alternative", ...] = ()
    parts: tuple[str, ...] = ()
    roles: Roles | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Alternative:
    """Another reading of the same files: what it takes a row to be, why, its options, and a sequence to draw.

    sample, sample_names: as in `Inspection`.
    """

    title: str
    reason: str
    options: UploadData
    sample: NDArray[np.float64]
    sample_names: tuple[str, ...]


def column_facts(table: Table, roles: Roles) -> tuple[ColumnFact, ...]:
    """Return what the UI says about each column of a table."""
    steps = {name for names in roles.steps.values() for name in names}
    facts = []
    for column in table.columns:
        own = [role for role, names in (("input", roles.features), ("target", roles.targets)) if column.name in names]
        role = " and ".join(own) or "unused"
        for special, names in (
            ("id", set(roles.id.split(JOINED))),
            ("time", {roles.time}),
            ("step", steps),
        ):
            role = special if column.name in names else role
        example = next((cell for cell in column.shown if cell.strip().lower() not in MISSING_WORDS), "")
        different = len(column.categories) or None
        facts.append(ColumnFact(column.name, column.kind, role, column.missing, different, example[:60]))
    return tuple(facts)


def failed(source: Source, options: UploadData, error: str) -> Inspection:
    """Show what was read although no data set came of it, so that the user can choose otherwise."""
    nothing = np.empty((0, 0))
    if not isinstance(source, Table):
        return Inspection("sequences", options, 0, (), [], nothing, (), (), None, error)
    roles = Roles(options.layout, "", "", (), (), {})
    return Inspection(
        options.layout,
        options,
        source.rows,
        column_facts(source, roles),
        source.head(),
        nothing,
        (),
        source.notes,
        None,
        error,
    )
