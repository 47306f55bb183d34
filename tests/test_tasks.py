"""Synthetic tasks: exact definitions, reproducible batches, baselines that hold."""

import numpy as np
import pytest

from rnncore.config import TaskData
from rnncore.data import TASKS, load_dataset

MANY = 20_000


def test_adding_target_is_the_sum_of_the_two_marked_numbers():
    batch = load_dataset(TaskData(task="adding", seq_len=11)).train_batch(1, 64, 0)
    for row, target in zip(batch.inputs, batch.targets, strict=True):
        places = [t for t in range(11) if row[t, 1] == 1]
        assert len(places) == 2
        assert places[0] < 11 // 2 <= places[1]
        assert target[0] == pytest.approx(row[places[0], 0] + row[places[1], 0], abs=1e-6)
        assert set(row[:, 1]) == {0, 1}


@pytest.mark.parametrize("seq_len", [2, 3, 50])
def test_adding_uses_every_place_of_each_half(seq_len):
    batch = load_dataset(TaskData(task="adding", seq_len=seq_len)).train_batch(1, 2_000, 3)
    assert batch.inputs.shape == (2_000, seq_len, 2)
    assert batch.inputs[:, :, 1].any(axis=0).all()


def test_adding_metric_counts_errors_below_four_hundredths():
    dataset = load_dataset(TaskData(task="adding"))
    errors = np.where(np.arange(256) < 64, 0.039, 0.041)[:, None]
    assert dataset.metric_function(dataset.validation.targets + errors, dataset.validation) == 0.25


@pytest.mark.parametrize(("task", "constant"), [("adding", 1.0), ("noise", 0.5)])
def test_constant_baselines_are_what_the_constant_reaches(task, constant):
    dataset = load_dataset(TaskData(task=task))
    batch = dataset.train_batch(1, MANY, 0) if dataset.train_size is None else dataset.validation
    error = np.abs(constant - batch.targets.astype(np.float64))
    measured = {"mse": error**2, "mae": error, "huber": error**2 / 2}
    for loss, values in measured.items():
        tolerance = 5 * values.std() / np.sqrt(len(values))
        assert dataset.baselines[loss][0].loss == pytest.approx(values.mean(), abs=tolerance)


def test_knowing_one_addend_reaches_the_second_baseline():
    dataset = load_dataset(TaskData(task="adding"))
    batch = dataset.train_batch(1, MANY, 0)
    first = (batch.inputs[:, :25, 0] * batch.inputs[:, :25, 1]).sum(1)
    error = np.abs(first + 0.5 - batch.targets[:, 0])
    for loss, values in {"mse": error**2, "mae": error, "huber": error**2 / 2}.items():
        assert dataset.baselines[loss][1].loss == pytest.approx(values.mean(), abs=5 * values.std() / np.sqrt(MANY))


@pytest.mark.parametrize("task", TASKS)
def test_batches_are_a_function_of_seed_and_step(task):
    first, again = load_dataset(TaskData(task=task)), load_dataset(TaskData(task=task))
    for left, right in zip(vars_of(first.train_batch(7, 5, 1)), vars_of(again.train_batch(7, 5, 1)), strict=True):
        np.testing.assert_array_equal(left, right)
    assert not np.array_equal(first.train_batch(7, 5, 1).inputs, first.train_batch(8, 5, 1).inputs)
    assert not np.array_equal(first.train_batch(7, 5, 1).inputs, first.train_batch(7, 5, 2).inputs)
    np.testing.assert_array_equal(first.validation.inputs, again.validation.inputs)


def vars_of(batch):
    return [batch.inputs, batch.targets]


def test_noise_visits_its_hundred_sequences_once_per_epoch():
    dataset = load_dataset(TaskData(task="noise"))
    assert dataset.train_size == 100
    epochs = [[dataset.train_batch(step, 30, 5).inputs for step in range(4 * e + 1, 4 * e + 5)] for e in range(2)]
    assert [len(batch) for batch in epochs[0]] == [30, 30, 30, 10]
    rows = [{row.tobytes() for batch in epoch for row in batch} for epoch in epochs]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 100
    assert not np.array_equal(epochs[0][0], epochs[1][0])
    assert not rows[0] & {row.tobytes() for row in dataset.validation.inputs}


@pytest.mark.parametrize("task", TASKS)
def test_shapes_and_kinds_are_what_the_dataset_says(task):
    dataset = load_dataset(TaskData(task=task, seq_len=12))
    for batch in (dataset.train_batch(1, 4, 0), dataset.validation):
        assert batch.inputs.dtype == np.float32
        assert batch.inputs.shape[1:] == (dataset.seq_len, dataset.input_size)
        steps = (dataset.seq_len,) if dataset.per_step else ()
        if dataset.target == "multiclass":
            assert batch.targets.dtype == np.int64
            assert batch.targets.shape[1:] == steps
            assert 0 <= batch.targets.min() <= batch.targets.max() < dataset.output_size
        else:
            assert batch.targets.dtype == np.float32
            assert batch.targets.shape[1:] == (*steps, dataset.output_size)
