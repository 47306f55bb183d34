"""Mistakes made on purpose: what each does to every kind of data, what it leaves alone, and where it is refused."""

from itertools import pairwise
from typing import Any, get_args

import numpy as np
import pytest

from rnncore import TrainConfig
from rnncore.config import BundledData, TaskData, UploadData, explain
from rnncore.data import SequenceDataset, load_dataset
from rnncore.data.mistakes import orders_of, with_mistake
from rnncore.data_config import TaskName
from rnncore.errors import ConfigError
from rnncore.mistakes import MISTAKES

TASKS = get_args(TaskName)
ROWS = "".join(f"{t},{20 + 3 * np.sin(t / 5):.4f},{1e5 * np.cos(t / 7):.2f}\n" for t in range(300))
TABLE = ("t,small,large\n" + ROWS).encode()
SENTENCE = ("The sun rose over the hills, and the birds began to sing. " * 40).encode()


def upload(content: bytes = TABLE, name: str = "x.csv", mistake: str = "none", **chosen: Any) -> SequenceDataset:
    data = UploadData.model_validate({"files": [{"file": "x", "name": name}], **chosen})
    return load_dataset(data, lambda _: content, mistake)


def task(name: TaskName, mistake: str = "none", **knobs: int) -> SequenceDataset:
    return load_dataset(TaskData(task=name, **knobs), mistake=mistake)


def every(mistake: str) -> list[tuple[SequenceDataset, SequenceDataset]]:
    """Every kind of data without and with a mistake, where it can be made."""
    kinds: list[Any] = [TaskData(task=name) for name in TASKS]
    kinds += [BundledData(name="sunspots"), BundledData(name="weather"), BundledData(name="vowels")]
    pairs = [(load_dataset(kind), kind) for kind in kinds]
    fitting = [(right, kind) for right, kind in pairs if right.target in MISTAKES[mistake].targets]
    made = [(right, load_dataset(kind, mistake=mistake)) for right, kind in fitting]
    made.append((upload(targets=["small"]), upload(targets=["small"], mistake=mistake)))
    if "multiclass" in MISTAKES[mistake].targets:
        made.append((upload(SENTENCE, "x.txt"), upload(SENTENCE, "x.txt", mistake)))
    return made


def test_a_config_without_the_field_makes_no_mistake() -> None:
    assert TrainConfig().mistake == "none"
    dataset = task("adding")
    assert load_dataset(TaskData(), mistake="none").train_batch.__qualname__ == dataset.train_batch.__qualname__
    assert with_mistake(dataset, "none") is dataset


def test_an_unknown_mistake_is_refused_by_name_and_value() -> None:
    with pytest.raises(ValueError, match="mistake") as refused:
        TrainConfig.model_validate({"mistake": "typo"})
    assert explain(refused.value) == (  # type: ignore[arg-type]
        "mistake: 'typo' is not allowed; allowed: one of 'none', 'unscaled_targets', 'unscaled', 'shuffled_time', "
        "'padded' or 'swapped_batch_and_time'"
    )


@pytest.mark.parametrize("mistake", [key for key in MISTAKES if key != "none"])
def test_the_data_say_that_they_are_broken_on_purpose(mistake: str) -> None:
    for right, broken in every(mistake):
        assert (right.mistake, broken.mistake) == ("none", mistake)
        assert broken.notes[-1] == f"Broken on purpose: {MISTAKES[mistake].sentence}."
        assert with_mistake(broken, mistake) is broken


def test_targets_of_a_small_spread_are_multiplied() -> None:
    right, broken = task("adding"), task("adding", "unscaled_targets")
    np.testing.assert_array_equal(broken.train_batch(3, 8, 1).targets, 1e4 * right.train_batch(3, 8, 1).targets)
    np.testing.assert_array_equal(broken.train_batch(3, 8, 1).inputs, right.train_batch(3, 8, 1).inputs)


@pytest.mark.parametrize("mistake", ["unscaled_targets", "shuffled_time", "padded"])
def test_a_metric_keeps_its_meaning(mistake: str) -> None:
    """Outputs that are right are right, whatever was done to the targets."""
    for right, broken in every(mistake):
        if right.metric_function is None:
            continue
        rng = np.random.default_rng(1)
        shape = (*right.validation.targets.shape, right.output_size)
        shape = right.validation.targets.shape if right.target != "multiclass" else shape
        outputs = rng.normal(size=shape).astype(np.float32)
        given = outputs
        if mistake == "unscaled_targets":
            before, after = right.validation.targets, broken.validation.targets
            factor = (after.max(0) - after.min(0)) / (before.max(0) - before.min(0))
            given = (outputs - before.min(0)) * factor + after.min(0)
        elif mistake == "padded" and right.per_step:
            given = np.concatenate([outputs, rng.normal(size=(len(outputs), 4 * right.seq_len, *shape[2:]))], 1)
        elif mistake == "shuffled_time" and right.per_step:
            order = orders_of(right.validation)
            given = np.take_along_axis(outputs, order.reshape(*order.shape, *[1] * (outputs.ndim - 2)), 1)
        measured, expected = (
            each.metric_function(answers, each.validation)  # type: ignore[misc]
            for each, answers in ((broken, given), (right, outputs))
        )
        assert measured == pytest.approx(expected, rel=1e-4, nan_ok=True)


def test_numbers_of_a_file_come_in_their_own_units() -> None:
    right, broken = upload(targets=["large"], window=5), upload(targets=["large"], window=5, mistake="unscaled_targets")
    known = 1e5 * np.cos(np.arange(300) / 7)
    np.testing.assert_allclose(broken.validation.targets[:, 0], known[245:], atol=0.1)
    np.testing.assert_array_equal(broken.validation.inputs, right.validation.inputs)
    assert broken.metric == right.metric == "root mean square error, original units"

    small = upload(targets=["small"], window=5, mistake="unscaled_targets")
    np.testing.assert_allclose(
        small.validation.targets[:, 0], 1e4 * (20 + 3 * np.sin(np.arange(245, 300) / 5)), rtol=1e-5
    )
    assert small.answers is not None
    np.testing.assert_allclose(
        small.validation.targets[:, 0] * small.answers.std + small.answers.mean,
        20 + 3 * np.sin(np.arange(245, 300) / 5),
        rtol=1e-4,
    )


def test_inputs_of_a_file_come_in_their_own_units() -> None:
    right, broken = upload(targets=["small"], window=5), upload(targets=["small"], window=5, mistake="unscaled")
    np.testing.assert_array_equal(broken.validation.targets, right.validation.targets)
    assert broken.input_names == ("small", "large")
    t = np.arange(240, 245)
    np.testing.assert_allclose(broken.validation.inputs[0, :, 0], 1e4 * (20 + 3 * np.sin(t / 5)), rtol=1e-5)
    np.testing.assert_allclose(broken.validation.inputs[0, :, 1], 1e5 * np.cos(t / 7), atol=0.01)


def test_the_symbols_of_a_text_are_inputs_too() -> None:
    right, broken = upload(SENTENCE, "x.txt"), upload(SENTENCE, "x.txt", "unscaled")
    np.testing.assert_array_equal(broken.validation.inputs, 1e4 * right.validation.inputs)
    np.testing.assert_array_equal(broken.validation.targets, right.validation.targets)


@pytest.mark.parametrize("name", ["parity", "temporal_order", "text"])
def test_classes_have_no_scale(name: TaskName) -> None:
    word = {"parity": "a yes/no target", "temporal_order": "a target of several classes"}.get(name)
    word = word or "a target of several classes"
    with pytest.raises(ConfigError) as refused:
        task(name, "unscaled_targets")
    assert str(refused.value) == (
        f"mistake: 'unscaled_targets' is not allowed with the data '{name}', which has {word}; allowed: 'none', "
        "'unscaled', 'shuffled_time', 'padded' or 'swapped_batch_and_time'"
    )


def test_shuffled_time_keeps_every_timestep_and_its_target() -> None:
    for right, broken in every("shuffled_time"):
        one, other = right.train_batch(2, 6, 3), broken.train_batch(2, 6, 3)
        order = orders_of(one)
        np.testing.assert_array_equal(other.inputs, np.take_along_axis(one.inputs, order[:, :, None], 1))
        np.testing.assert_array_equal(np.sort(order, 1), np.tile(np.arange(order.shape[1]), (len(order), 1)))
        targets = one.targets
        if right.per_step:
            targets = np.take_along_axis(targets, order.reshape(*order.shape, *[1] * (targets.ndim - 2)), 1)
        np.testing.assert_array_equal(other.targets, targets)
        if one.lengths is not None:
            np.testing.assert_array_equal(other.lengths, one.lengths)
            for row, length in zip(order, one.lengths, strict=True):
                np.testing.assert_array_equal(row[length:], np.arange(length, len(row)))


def test_each_sequence_has_an_order_of_its_own_and_keeps_it() -> None:
    broken = task("noise", "shuffled_time", seq_len=12)
    assert broken.train_size == 100
    epochs = [
        np.concatenate([broken.train_batch(step, 25, 0).inputs for step in steps])
        for steps in ((1, 2, 3, 4), (5, 6, 7, 8))
    ]
    sets = [{row.tobytes() for row in epoch} for epoch in epochs]
    assert sets[0] == sets[1]
    assert len(sets[0]) == 100
    orders = orders_of(task("noise", seq_len=12).train_batch(1, 100, 0))
    assert len({tuple(row) for row in orders.tolist()}) > 95
    assert any((one != other).any() for one, other in pairwise(orders))


def test_a_padded_sequence_is_followed_by_four_times_as_many_zeros() -> None:
    for right, broken in every("padded"):
        T = right.seq_len
        one, other = right.train_batch(2, 6, 3), broken.train_batch(2, 6, 3)
        assert broken.seq_len == other.inputs.shape[1] == 5 * T
        assert other.lengths is None
        np.testing.assert_array_equal(other.inputs[:, :T], one.inputs)
        assert not other.inputs[:, T:].any()
        if right.per_step:
            np.testing.assert_array_equal(other.targets[:, :T], one.targets)
            assert not other.targets[:, T:].any()
        else:
            np.testing.assert_array_equal(other.targets, one.targets)


def test_padding_is_bounded() -> None:
    assert task("adding", "padded", seq_len=1000).seq_len == 5000
    with pytest.raises(ConfigError) as refused:
        task("adding", "padded", seq_len=1001)
    assert str(refused.value) == (
        "mistake: 'padded' is not allowed with sequences of 1,001 timesteps, which it makes 5 times as long; allowed: "
        "sequences of at most 1,000 timesteps"
    )
