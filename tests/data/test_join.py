"""Several files as one data set, cell by cell: columns of different kinds, names of files, labels, splits."""

import math

import numpy as np
import pyarrow as pa
import pytest

from rnncore.data.dataset import DataError
from rnncore.data.files.table import Column, Table, make_column
from rnncore.data.roles.file_names import FILE_LABEL, classes_by_name, held_out_files
from rnncore.data.roles.join import _join, join_sequences, join_tables
from rnncore.data.sequences import Feature, Labels, Sequences
from rnncore.data.upload import inspect

NAN = math.nan


def column(name: str, *cells: str) -> Column:
    return make_column(name, pa.array(cells))


def table(name: str, notes: tuple[str, ...] = (), **columns: tuple[str, ...]) -> Table:
    rows = len(next(iter(columns.values())))
    return Table(name, tuple(column(each, *cells) for each, cells in columns.items()), rows, 7, notes)


def test_numbers_join_numbers_and_what_is_empty() -> None:
    joined = _join([column("x", "1", "2.5"), column("y", "", ""), column("x", "4", "NA")])
    assert (joined.name, joined.kind, joined.shown) == ("x", "number", ("1", "2.5"))
    np.testing.assert_array_equal(joined.numbers, [1, 2.5, NAN, NAN, 4, NAN])


def test_times_join_times() -> None:
    joined = _join([column("day", "2020-01-01", "2020-01-02"), column("date", "2020-01-03", "2020-01-04")])
    assert (joined.name, joined.kind, joined.shown) == ("day", "time", ("2020-01-01", "2020-01-02"))
    np.testing.assert_array_equal(joined.numbers, 1577836800 + 86400 * np.arange(4))


def test_what_is_of_different_kinds_joins_as_text() -> None:
    joined = _join([column("x", "1", "2"), column("y", "red", "")])
    assert (joined.name, joined.kind, joined.categories, joined.missing) == ("x", "category", ("1", "2", "red"), 1)
    times = _join([column("t", "2020-01-01", "2020-01-02"), column("t", "", "")])
    assert (times.name, times.missing, len(times.content)) == ("t", 2, 4)
    assert _join([column("x", "", ""), column("x", "")]).kind == "empty"


def test_tables_stand_one_below_the_other_beside_the_names_of_their_files() -> None:
    first = table("a.csv", ("odd",), x=("1", "2"), kind=("u", "v"))
    second = table("b.csv", ("odd", "even"), kind=("w",), x=("3",))
    joined = join_tables([first, second])
    assert (joined.name, joined.names, joined.rows, joined.first_row) == ("2 files", ("file", "x", "kind"), 3, 7)
    assert joined.column("file").cells.to_pylist() == ["a.csv", "a.csv", "b.csv"]
    assert joined.column("x").numbers.tolist() == [1, 2, 3]  # type: ignore[union-attr]
    assert joined.column("kind").cells.to_pylist() == ["u", "v", "w"]
    assert joined.notes == ("a.csv: odd", "b.csv: odd", "b.csv: even")
    many = join_tables([table("a", tuple("abcdefgh"), file=("1",)), table("b", tuple("abcd"), file=("2",))])
    assert (many.names, len(many.notes), many.has_header) == (("file name", "file"), 10, True)
    assert join_tables([first, second, first]).name == "3 files"


def test_tables_of_different_columns_are_refused() -> None:
    first, other = table("a.csv", x=("1",), y=("1",)), table("b.csv", x=("1",), z=("1",))
    with pytest.raises(DataError) as refused:
        join_tables([first, first, other])
    assert str(refused.value) == (
        "'b.csv' and 'a.csv' have different columns ('y', 'z' only in one of them); upload files of one kind together."
    )


def test_files_are_labelled_by_their_names_where_each_class_has_several() -> None:
    tables = [table(name, x=("1", "2")) for name in ("walk_1.csv", "run_1.csv", "walk_2.csv", "run_2.csv")]
    joined = join_tables(tables)
    assert joined.names == ("file", FILE_LABEL, "x")
    assert joined.column(FILE_LABEL).cells.to_pylist() == ["walk", "walk", "run", "run"] * 2


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["a/walk_1.csv", "a/walk_2.csv", "b/run 01.csv", "run-2.csv"], ["walk", "walk", "run", "run"]),
        (["walk.v1.csv", "walk.v2.csv", "run1", "run2"], ["walk.v", "walk.v", "run", "run"]),
        (["walk1.csv", "walk2.csv", "run1.csv"], None),
        (["walk1.csv", "walk2.csv"], None),
        (["1.csv", "2.csv", "run1.csv", "run2.csv"], None),
    ],
)
def test_the_class_in_the_name_of_a_file(names: list[str], classes: list[str] | None) -> None:
    assert classes_by_name(names) == classes


@pytest.mark.parametrize(
    ("names", "held_out"),
    [
        (["x_TRAIN.ts", "x_TEST.ts"], [False, True]),
        (["training.csv", "valid.csv", "more.csv"], [False, True, False]),
        (["train.csv", "contest.csv"], None),
        (["a.csv", "test.csv"], [False, True]),
        (["test train.csv", "test.csv"], [False, True]),
        (["test train.csv", "other.csv"], None),
        (["datatraining.txt", "datatest.txt", "datatest2.txt"], [False, True, True]),
        (["a_val.csv", "a_eval.csv", "a.csv"], [True, True, False]),
        (["occupancyTest.csv", "occupancy.csv"], [True, False]),
        (["test.csv", "testing.csv"], None),
    ],
)
def test_which_files_are_a_test_set(names: list[str], held_out: list[bool] | None) -> None:
    found = held_out_files(names)
    assert (None if found is None else found.tolist()) == held_out


def sequences(name: str, labels: Labels | None = None, feature: str = "x", notes: tuple[str, ...] = ()) -> Sequences:
    values = np.arange(5.0)
    return Sequences(
        name, (Feature(feature),), (values,), np.array([0, 2, 5]), ("1", "2"), (0,), labels=labels, notes=notes
    )


def test_sequences_stand_one_after_another_and_keep_the_split_of_their_files() -> None:
    words = [Labels(("kind",), np.array([[0.0], [1.0]]), names) for names in (("u", "v"), ("v", "w"))]
    first, second = sequences("train", words[0], notes=("a", "b")), sequences("test", words[1], notes=("b", "c"))
    joined = join_sequences([first, second])
    assert (joined.name, joined.notes) == ("2 files", ("a", "b", "c"))
    assert joined.ids == ("train: 1", "train: 2", "test: 1", "test: 2")
    assert joined.offsets.tolist() == [0, 2, 5, 7, 10]
    assert [each.tolist() for each in joined.values] == [[0, 1, 2, 3, 4] * 2]
    assert joined.held_out is not None
    assert joined.held_out.tolist() == [False, False, True, True]
    assert joined.labels is not None
    assert (joined.labels.names, joined.labels.classes) == (("kind",), ("u", "v", "w"))
    assert joined.labels.values.tolist() == [[0], [1], [1], [2]]
    assert join_sequences([first]).name == "train"
    assert join_sequences([sequences("a"), sequences("b")]).held_out is None
    assert join_sequences([sequences("a"), sequences("b")]).labels is None


def test_targets_that_are_numbers_stand_one_below_the_other() -> None:
    parts = [sequences(name, Labels(("y",), np.array([[1.5], [2.5]]))) for name in "ab"]
    labels = join_sequences(parts).labels
    assert labels is not None
    assert (labels.names, labels.values.tolist()) == (("y",), [[1.5], [2.5], [1.5], [2.5]])


@pytest.mark.parametrize("other", [sequences("b", feature="z"), sequences("b", Labels(("y",), np.ones((2, 1))))])
def test_sequences_of_different_features_or_targets_are_refused(other: Sequences) -> None:
    with pytest.raises(DataError, match=r"^'b' and 'a' hold sequences of different features or targets\.$"):
        join_sequences([sequences("a"), sequences("a"), other])


def test_a_test_file_without_the_answer_is_left_out_and_said() -> None:
    def lines(header: str, answer: bool) -> bytes:
        rows = [f"2024-01-{1 + k % 28:02d},{k % 7},{k}" + (f",{k * 5 % 11}" if answer else "") for k in range(28)]
        return "\n".join([header, *rows]).encode()

    files = [("train.csv", lines("date,a,b,sales", True)), ("test.csv", lines("date,a,b", False))]
    found = inspect(files)
    assert found.error is None
    assert found.options.targets == ("sales",)
    assert any("'test.csv' has no 'sales'" in note for note in found.notes)


def test_headerless_files_of_other_widths_are_refused_by_their_widths() -> None:
    wide, narrow = ("\n".join(" ".join(str((k * c) % 17) for c in range(1, n)) for k in range(30)) for n in (9, 2))
    with pytest.raises(DataError, match=r"'b\.txt' has 1 column and 'a\.txt' has 8"):
        inspect([("a.txt", wide.encode()), ("b.txt", narrow.encode())])
