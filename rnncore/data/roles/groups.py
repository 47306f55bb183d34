"""Rows that belong together: columns as numbers of groups, several columns as one key, and what was found of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rnncore.data.files.table import Column, Table, coded_column
from rnncore.data.roles.calendar import JOINED

MOST_CANDIDATES, MOST_TOGETHER = 6, 3
_FEW, _RECUR = 12, 10  # different numbers of a condition, such as a dose, and rows of each


@dataclass(frozen=True, slots=True)
class Keys:
    """Columns that tell sequences apart, and how sure that is.

    names: one to three columns. time: the clock within each sequence, '' for the order of the rows. score: 0 to 1.
    reason: one short sentence.
    """

    names: tuple[str, ...]
    time: str
    score: float
    reason: str

    @property
    def column(self) -> str:
        """The name of the column that stands for all of them."""
        return JOINED.join(self.names)


def groups_of(table: Table, identity: str) -> NDArray[np.int64]:
    """Return the number of the sequence that each row belongs to, in the order of their first rows, (rows,)."""
    cells = table.column(identity).cells
    codes = cells if isinstance(cells, pa.DictionaryArray) else cells.dictionary_encode()
    places = codes.indices.fill_null(len(codes.dictionary))
    numbers = np.asarray(places.to_numpy(zero_copy_only=False), np.int64)
    return numbers if _in_order_of_appearance(numbers) else _renumbered(numbers)


def _in_order_of_appearance(numbers: NDArray[np.int64]) -> bool:
    top = np.maximum.accumulate(numbers)
    return bool(len(numbers) == 0 or (numbers[0] == 0 and (np.diff(top) <= 1).all()))


def _renumbered(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    first = np.full(int(numbers.max()) + 1, len(numbers))
    np.minimum.at(first, numbers, np.arange(len(numbers)))
    place = np.empty(len(first), np.int64)
    place[np.argsort(first, kind="stable")] = np.arange(len(first))
    return place[numbers]


def with_key(table: Table, identity: str | None) -> Table:
    """Return a table in which several columns named together ('store + item') stand as one column that says them."""
    if not identity or identity in table.names or JOINED not in identity:
        return table
    columns = [table.column(name) for name in identity.split(JOINED)]
    numbers = together([groups_of(table, column.name) for column in columns])
    first = np.unique(numbers, return_index=True)[1]
    parts = [column.cells.take(pa.array(first)).to_pylist() for column in columns]
    words = [JOINED.join(_word(cell) for cell in cells) for cells in zip(*parts, strict=True)]
    shown = tuple(words[number] for number in numbers[: len(columns[0].shown)])
    codes = pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()), pa.array(words, pa.string()))
    return Table(
        table.name, (coded_column(identity, codes, shown), *table.columns), table.rows, table.first_row, table.notes,
        table.has_header,
    )  # fmt: skip


def _word(cell: object) -> str:
    return "–" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell)


def together(groups: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the number of each combination, in the order of their first rows, (rows,)."""
    joined = groups[0]
    for other in groups[1:]:
        joined = np.unique(joined * (int(other.max()) + 1) + other, return_inverse=True)[1]
    return _renumbered(joined)


def different_in(column: Column) -> int:
    """Return how many different cells a column has."""
    numbers = column.small
    return len(np.unique(numbers)) if numbers is not None else len(column.cells.unique())


def may_number_sequences(column: Column) -> bool:
    """Whether a column holds whole numbers, and others than 0 and 1, or few different numbers that each recur."""
    numbers = column.small
    if numbers is None:
        return False
    if (numbers[:200] != np.round(numbers[:200])).any():
        return len(np.unique(numbers[:1_000])) <= _FEW and bool(
            np.unique(numbers, return_counts=True)[1].min() >= _RECUR
        )
    return bool((numbers == np.round(numbers)).all() and not ((numbers == 0) | (numbers == 1)).all())
