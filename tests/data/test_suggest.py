"""What is suggested for a table, at its bounds: too many inputs, rows that may be no timesteps, names of rows."""

import numpy as np
import pyarrow as pa
import pytest

from rnncore.data.files.table import Column, Table, make_column, numeric_column
from rnncore.data.roles.groups import may_number_sequences
from rnncore.data.roles.suggest import _MANY_INPUTS, WHOLE, _copies, _is_rare, _names_rows, no_time, suggestion

PLAIN = "No column tells the time: the rows count as timesteps, in the order of the file."
WARNED = f"{PLAIN} Neighbouring values of 'y' are no more alike than any two: the rows may not be timesteps."


def numbers(*values: float, name: str = "y") -> Column:
    return numeric_column(name, np.array(values))


def words(*cells: str) -> Column:
    return make_column("w", pa.array(cells))


def test_what_is_suggested_word_for_word() -> None:
    few = tuple(map(str, range(_MANY_INPUTS)))
    many = (*few, "y")
    lead = f"Suggested: predict 'y' (why) from the past of {len(many)} columns, 'y' itself among them."
    assert suggestion("y", "why", many, 20 * len(many)) == lead
    warning = f"{lead} {len(many)} are many for {20 * len(many) - 1:,} rows: with fewer the network overfits less."
    assert suggestion("y", "why", many, 20 * len(many) - 1) == warning
    assert suggestion("y", "why", few, 1) == (
        f"Suggested: predict 'y' (why) from the past of {len(few)} columns, without 'y'."
    )
    assert suggestion("y", WHOLE, ("a",), 1) == f"Suggested: predict 'y' ({WHOLE}) from whole sequences of 1 column."


def unlike(count: int) -> np.ndarray:
    """Values whose neighbours are alike as often as not: + + - - + + - - ..., far from 0."""
    return 100 + np.resize([1.0, 1.0, -1.0, -1.0], count)


@pytest.mark.parametrize(
    ("values", "note"),
    [
        (unlike(30), WARNED),
        (unlike(29), PLAIN),
        (np.append(unlike(40), np.nan), PLAIN),
        (np.linspace(0, 1, 40) ** 2, PLAIN),
        (100 + np.resize([1.0, -1.0], 40), PLAIN),
        (np.ones(40), PLAIN),
    ],
)
def test_rows_whose_neighbours_are_not_alike_may_be_no_timesteps(values: np.ndarray, note: str) -> None:
    assert no_time(numeric_column("y", values)) == [note]
    assert no_time(words(*("b" if value > 100 else "a" for value in values))) == [PLAIN]


def test_a_value_in_more_than_95_of_100_rows_is_rare() -> None:
    assert [_is_rare(numbers(*[0.0] * many, *[1.0] * (100 - many), np.nan)) for many in (95, 96)] == [False, True]


def test_columns_that_repeat_another_are_copies() -> None:
    first, same, other = numbers(1, 2, np.nan, name="a"), numbers(1, 2, np.nan, name="b"), numbers(1, 3, 4, name="c")
    assert _copies([first, same, other, numbers(1, 3, 4, name="d")]) == {"b", "d"}
    long = np.r_[np.zeros(3000), 1.0]
    assert (
        _copies([numeric_column("a", long), numeric_column("b", long[::-1].copy()), numeric_column("c", 2 * long)])
        == set()
    )
    assert _copies([words("x", "y"), numbers(0, 1)]) == set(), "words are not their codes"


def test_a_column_that_names_the_rows() -> None:
    def names(column: Column, has_header: bool = True, place: int = 0) -> bool:
        columns = [numbers(*range(len(column.content)), name="z"), column][:: -1 if place == 0 else 1]
        return _names_rows(Table("t", tuple(columns), len(column.content), has_header=has_header), column)

    count = [f"w{number}" for number in range(16)]
    assert not names(words(*count, *count[:4])), "16 of 20 are not more than eight tenths"
    assert names(words(*count, *count[:3]))
    assert not names(words(*count[:10]))
    assert names(words(*count[:11]))
    unnamed = numbers(3, 1, 2, name="column 1")
    assert names(unnamed)
    assert not names(unnamed, has_header=False)
    assert not names(unnamed, place=1)
    assert not names(numbers(3, 1, 1, name="column 1"))
    assert not names(numbers(3, 1, 1.5, name="column 1"))
    assert not names(numbers(3, 1, 2, name="x"))


@pytest.mark.parametrize(
    ("values", "may"), [((0, 1, 2), True), ((0, 1, 0), False), ((1, 1), False), ((0, 0), False), ((1, 2.5), False)]
)
def test_whole_numbers_other_than_0_and_1may_number_sequences(values: tuple[float, ...], may: bool) -> None:
    assert may_number_sequences(numbers(*values)) == may
