"""Small parts of data by themselves: the choice of a part, what can be predicted on, constant guesses."""

import datetime as dt
import math

import numpy as np
import pytest

from rnncore import TrainConfig
from rnncore.config import TaskData
from rnncore.data.dataset import Batch, DataError
from rnncore.data.files.cells import cell_text, table_of_rows
from rnncore.data.files.parts import MAX_PARTS, chosen_part, told
from rnncore.data.files.refused import refused
from rnncore.data.findings import DataSummary
from rnncore.data.guesses import constant, last_again
from rnncore.data.predictable import check_can_predict
from rnncore.data.tasks import task_dataset
from rnncore.data.templates import TEMPLATES
from rnncore.data.upload import inspect


def test_a_part_that_a_file_does_not_have_is_refused_with_those_that_it_has():
    assert chosen_part("", ("a", "b"), "b", "x.xlsx", "sheet") == "b"
    assert chosen_part("a", ("a", "b"), "b", "x.xlsx", "sheet") == "a"
    with pytest.raises(DataError, match=r"^'x.xlsx' has no sheet 'c'; it has 'a', 'b'\.$"):
        chosen_part("c", ("a", "b"), "b", "x.xlsx", "sheet")
    names = [f"{number} {'n' * 60}" for number in range(12)]
    with pytest.raises(DataError) as error:
        chosen_part("m" * 60, names, "", "x.xlsx", "sheet")
    sentence = str(error.value)
    assert "m" * 41 not in sentence
    assert "n" * 41 not in sentence
    assert ("9 nnn" in sentence, "10 nnn" in sentence) == (True, False), "ten of them are named"


def test_parts_are_offered_where_there_is_a_choice_and_not_without_end():
    assert told(["one"]) == ()
    assert told(["one", "two"]) == ("one", "two")
    assert len(told([str(number) for number in range(MAX_PARTS + 5)])) == MAX_PARTS


UPLOADED = {"data": {"kind": "upload", "files": [{"file": "sha256:" + 64 * "0", "name": "x.csv"}]}}


def test_what_can_be_predicted_on_a_file():
    check_can_predict(TrainConfig.model_validate(UPLOADED))
    with pytest.raises(DataError, match=r"^This run learned a synthetic task, which has no columns of a file: "):
        check_can_predict(TrainConfig())
    broken = TrainConfig.model_validate(UPLOADED | {"mistake": "swapped_batch_and_time"})
    with pytest.raises(DataError, match=r"^This run was broken on purpose \('swapped_batch_and_time'\), so what it "):
        check_can_predict(broken)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


def test_constant_guesses_are_the_mean_or_the_shares_with_one_more_of_each():
    inputs = np.zeros((4, 3, 1), np.float32)
    numbers = Batch(inputs, np.array([[1.0], [2.0], [3.0], [6.0]], np.float32))
    np.testing.assert_array_equal(constant("regression", 1, numbers).answers(numbers), [[3.0]] * 4)
    classes = Batch(inputs, np.array([0, 0, 2, 0]))
    shares = softmax(constant("multiclass", 4, classes).answers(classes))
    np.testing.assert_allclose(shares, [[4 / 8, 1 / 8, 2 / 8, 1 / 8]] * 4, rtol=1e-12)
    yes = Batch(inputs, np.array([[1.0], [0.0], [1.0], [1.0]], np.float32))
    logit = constant("binary", 1, yes).answers(yes)
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), [[4 / 6]] * 4, rtol=1e-12)


def test_padded_steps_have_no_share_in_a_constant_guess():
    stepwise = Batch(np.zeros((2, 3, 1), np.float32), np.array([[1, 0, 0], [1, 1, 1]]), np.array([1, 3]))
    shares = softmax(constant("multiclass", 2, stepwise).answers(stepwise))
    np.testing.assert_allclose(shares[0, 0], [1 / 6, 5 / 6], rtol=1e-12)
    assert shares.shape == (2, 3, 2)


def test_the_last_class_again_has_the_share_in_which_that_was_right():
    batch = Batch(np.zeros((4, 3, 1), np.float32), np.array([0, 1, 2, 2]), last=np.array([0, 1, 2, 0]))
    shares = softmax(last_again("multiclass", 3, batch).answers(batch))
    stays = 4 / 6
    np.testing.assert_allclose(shares[np.arange(4), [0, 1, 2, 0]], stays, rtol=1e-12)
    np.testing.assert_allclose(shares.sum(-1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(shares[0, 1:], [(1 - stays) * 2 / 5, (1 - stays) * 3 / 5], rtol=1e-12)


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><html><body>no</body></html>", b"<?xml version='1.0'?><a/>"])
def test_a_web_page_is_called_what_it_is(content):
    found = refused(content, "x.csv")
    assert found is not None
    assert found.kind == "a web page or XML file"


def test_a_summary_of_data_travels_whole():
    rows = "".join(f"{day},{math.sin(day):.3f}\n" for day in range(60))
    dataset = inspect([("sales.csv", f"day,v\n{rows}".encode())]).dataset
    summary = DataSummary.of(dataset)
    again = DataSummary.from_parts(*summary.to_parts())
    assert again.to_parts()[0] == summary.to_parts()[0]
    assert summary.to_parts()[0]["name"] == "sales.csv"
    for name, array in summary.to_parts()[1].items():
        np.testing.assert_array_equal(again.to_parts()[1][name], array)


def test_a_template_is_lines_and_cells_and_nothing_else():
    for template in TEMPLATES.values():
        assert template.text.endswith("\n")
        assert "X" not in template.text


def test_fresh_batches_have_no_epoch():
    task = task_dataset(TaskData(task="adding", seq_len=5))
    assert [task.epoch(step, 4) for step in (1, 100)] == [0, 0]


def test_a_setting_that_a_task_does_not_have_is_refused_with_those_that_it_has():
    with pytest.raises(DataError, match=r"whose settings are [\w]+( and [\w]+)*; leave it empty\.$"):
        task_dataset(TaskData(task="delayed_recall", seq_len=10, delay=3, symbols=4))


def test_cells_of_workbooks_are_written_as_text_tables_write_them():
    zone = dt.timezone(dt.timedelta(hours=2))
    assert cell_text(dt.datetime(2020, 1, 2)) == "2020-01-02"
    assert cell_text(dt.datetime(2020, 1, 2, tzinfo=zone)) == "2020-01-02 00:00:00+02:00"
    assert cell_text(dt.datetime(2020, 1, 2, 3, 4)) == "2020-01-02 03:04:00"
    lone = table_of_rows([["a", "b"], ["x\ud800", 1], ["y", 2], ["z", 3]], "x.xlsx")
    assert lone.rows == 3


def test_a_summary_keeps_its_metric_and_the_lengths_of_its_first_sequences():
    dataset = task_dataset(TaskData(task="lorenz", seq_len=8))
    summary = DataSummary.of(dataset)
    assert summary.metric == dataset.metric == "normalised error (RMSE / standard deviation)"
