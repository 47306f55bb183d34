"""Tasks that tell cells apart: what they ask for, their baselines, and which timesteps decide."""

import numpy as np
import pytest

from rnncore.config import TaskData
from rnncore.data import DataError, load_dataset, preview


def symbols_of(row):
    assert (row.sum(-1) == 1).all()
    return row.argmax(-1)


def test_selective_copying_asks_for_the_symbols_in_their_order_wherever_they_stood():
    dataset = load_dataset(TaskData(task="selective_copying", seq_len=30, symbols=5))
    assert dataset.seq_len == 35
    batch = dataset.train_batch(1, 200, 0)
    places = set()
    for row, target in zip(batch.inputs, batch.targets, strict=True):
        symbols = symbols_of(row)
        assert (symbols[30:] == 9).all()
        found = np.flatnonzero(symbols[:30] != 8)
        places |= set(found.tolist())
        assert target.tolist() == [8] * 30 + symbols[found].tolist()
        assert len(found) == 5
    assert places == set(range(30))
    assert dataset.baselines["cross_entropy"][0].loss == pytest.approx(5 * np.log(8) / 35)
    outputs = np.eye(9)[dataset.validation.targets]
    assert dataset.metric_function(outputs, dataset.validation) == 1
    outputs[:, :30] = np.eye(9)[0]
    assert dataset.metric_function(outputs, dataset.validation) == 1


def test_long_recall_asks_for_the_first_symbol_after_a_thousand_steps_of_noise():
    dataset = load_dataset(TaskData(task="long_recall", seq_len=1000, symbols=3))
    batch = dataset.train_batch(1, 50, 0)
    np.testing.assert_array_equal(symbols_of(batch.inputs[:, 0, :3]), batch.targets)
    assert not batch.inputs[:, 1:, :3].any()
    noise = batch.inputs[:, 1:, 3]
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    assert dataset.baselines["cross_entropy"][0].loss == pytest.approx(np.log(3))


def test_associative_recall_asks_for_the_digit_that_went_with_a_letter():
    dataset = load_dataset(TaskData(task="associative_recall", seq_len=14, symbols=5))
    shown = preview(dataset, count=300)
    for row, marks, target in zip(shown.batch.inputs, shown.marks, shown.batch.targets, strict=True):
        symbols = symbols_of(row)
        keys, values = symbols[:10:2].tolist(), symbols[1:10:2]
        assert len(set(keys)) == 5
        assert max(keys) < 26
        assert (symbols[10:-1] == 36).all()
        place = keys.index(symbols[-1])
        assert values[place] - 26 == target
        assert np.flatnonzero(marks).tolist() == [2 * place, 2 * place + 1, 13]
    with pytest.raises(DataError, match="symbols: 5 is not allowed with the task 'associative_recall' and seq_len 9"):
        load_dataset(TaskData(task="associative_recall", seq_len=9, symbols=5))


def test_digits_come_pixel_by_pixel_and_permuted_ones_in_another_order_that_is_always_the_same():
    plain, mixed = (load_dataset(TaskData(task=name)) for name in ("digits", "permuted_digits"))
    assert (plain.train_size, len(plain.validation.inputs), plain.seq_len) == (1437, 360, 64)
    one, other = (each.validation.inputs[..., 0] for each in (plain, mixed))
    assert 0 == one.min() < one.max() == 1
    np.testing.assert_array_equal(np.sort(one, 1), np.sort(other, 1))
    order = [int(np.flatnonzero((one == other[:, [place]]).all(0))[0]) for place in range(64) if other[:, place].any()]
    assert len(set(order)) > 50
    assert order != sorted(order)
    np.testing.assert_array_equal(plain.validation.targets, mixed.validation.targets)
    assert np.bincount(plain.validation.targets).min() > 20
    seen = {row.tobytes() for step in range(1, 16) for row in plain.train_batch(step, 100, 0).inputs}
    assert len(seen) > 1400
    assert not seen & {row.tobytes() for row in plain.validation.inputs}
    longer = load_dataset(TaskData(task="digits", seq_len=80))
    np.testing.assert_array_equal(longer.validation.inputs[:, :64], plain.validation.inputs)
    assert not longer.validation.inputs[:, 64:].any()
    rows = one.reshape(-1, 8, 8)
    assert rows[:, :, 2:6].mean() > 2 * rows[:, :, [0, 7]].mean(), "a digit stands in the middle of its picture"
