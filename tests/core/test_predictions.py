"""The instruments of predictions and attention: what is shown are the answers of the updated model."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rnncore import train
from rnncore.data import load_dataset
from rnncore.data.dataset import Batch, SequenceDataset
from rnncore.data.tasks.text import text_dataset
from rnncore.engine.instruments.predictions import answers_on
from rnncore.engine.train import Trainer
from rnncore.snapshot_parts import MAX_CLASSES, Classification, Regression
from tests.support import training

config = partial(training.config, steps=7)


def dataset_of(target: str, targets: Any, output_size: int, lengths: Any = None, **more: Any) -> SequenceDataset:
    """A data set that is nothing but its validation targets."""
    targets = np.asarray(targets)
    inputs = np.zeros((len(targets), 5, 2), np.float32)
    per_step = targets.ndim == (2 if target == "multiclass" else 3)
    held = Batch(inputs, targets, lengths)
    return SequenceDataset("x", 2, output_size, 5, target, per_step, lambda *_: held, held, **more)  # type: ignore[arg-type]


def test_predictions_are_the_updated_models_outputs() -> None:
    trainer = Trainer(config())
    record = next(trainer.records())
    assert record.snapshot is not None
    found = record.snapshot.predictions
    assert isinstance(found, Regression)
    held = load_dataset(config().data).validation
    reference = nn.RNN(2, 4, batch_first=True)
    reference.load_state_dict(trainer.model.recurrent.state_dict())
    with torch.no_grad():
        outputs = trainer.model.readout(reference(torch.from_numpy(held.inputs))[0][:, -1])[:, 0].numpy()
    np.testing.assert_allclose(found.outputs, outputs[:200], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found.targets, held.targets[:200, 0])
    assert (found.sequences, found.output, found.output_size) == (len(held.targets), 0, 1)


def test_curves_of_every_step_end_where_the_sequence_ends() -> None:
    targets = np.arange(40, dtype=np.float32).reshape(4, 5, 2)
    dataset = dataset_of("regression", targets, 2, lengths=np.array([5, 2, 4, 1]))
    found = answers_on(dataset, torch.from_numpy(targets) + 100)
    assert isinstance(found, Regression)
    nan = math.nan
    expected = [[0, 2, 4, 6, 8], [10, 12, nan, nan, nan], [20, 22, 24, 26, nan]]
    np.testing.assert_array_equal(found.targets, np.array(expected))
    np.testing.assert_array_equal(found.outputs, np.array(expected) + 100)
    assert (found.sequences, found.output_size) == (4, 2)


def test_numbers_that_are_not_finite_pass_through() -> None:
    dataset = dataset_of("regression", np.zeros((3, 1), np.float32), 1)
    found = answers_on(dataset, torch.tensor([[math.nan], [math.inf], [1e300]], dtype=torch.float64))
    assert isinstance(found, Regression)
    np.testing.assert_array_equal(found.outputs, [math.nan, math.inf, math.inf])


def test_the_confusion_matrix_counts_targets_by_answers() -> None:
    dataset = dataset_of("multiclass", [0, 0, 1, 2, 2, 0], 3, class_names=("a", "b", "c"))
    answers = [0, 1, 1, 0, 2, 2]
    outputs = torch.full((6, 3), -5.0)
    outputs[torch.arange(6), answers] = 5.0
    outputs[5] = math.nan
    found = answers_on(dataset, outputs)
    assert isinstance(found, Classification)
    assert found.classes == ("a", "b", "c")
    assert found.counts.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
    assert (found.total, found.correct, found.left_out, found.per_step) == (6, 3, 1, False)


@pytest.mark.parametrize("ragged", [False, True])
def test_a_yes_no_target_at_every_step_is_decided_by_the_sign(ragged: bool) -> None:
    rng = np.random.default_rng(2)
    targets = (rng.random((7, 5, 1)) > 0.5).astype(np.float32)
    outputs = rng.normal(size=(7, 5, 1)).astype(np.float32)
    lengths = rng.integers(1, 6, 7) if ragged else None
    found = answers_on(dataset_of("binary", targets, 1, lengths), torch.from_numpy(outputs))
    assert isinstance(found, Classification)
    expected = np.zeros((2, 2), int)
    for b in range(7):
        for t in range(5 if lengths is None else lengths[b]):
            expected[int(targets[b, t, 0]), int(outputs[b, t, 0] > 0)] += 1
    assert found.counts.tolist() == expected.tolist()
    assert found.correct == expected.trace()
    assert found.classes == ("0", "1")


def test_of_many_classes_the_most_frequent_are_shown() -> None:
    often = np.repeat(np.arange(20, 60), 3)
    targets = np.concatenate([often, np.arange(0, 20), [59]])
    outputs = nn.functional.one_hot(torch.from_numpy(targets), 100).float()
    outputs[-1] = nn.functional.one_hot(torch.tensor(99), 100)
    found = answers_on(dataset_of("multiclass", targets, 100), outputs)
    assert isinstance(found, Classification)
    assert found.classes == tuple(str(number) for number in range(20, 60))
    assert found.counts.shape == (MAX_CLASSES, MAX_CLASSES)
    assert found.counts.tolist() == (3 * np.eye(40)).tolist()
    assert (found.total, found.correct, found.left_out) == (141, 140, 21)


@pytest.mark.parametrize(
    ("data", "readout", "names"),
    [
        ({"kind": "task", "task": "temporal_order", "seq_len": 10}, "last", ("AA", "BA", "AB", "BB")),
        ({"kind": "task", "task": "parity", "seq_len": 4}, "last", ("negative", "positive")),
        ({"kind": "task", "task": "copy_memory", "seq_len": 2, "symbols": 1}, "every_step", (*"01234567", "blank")),
        ({"kind": "task", "task": "delayed_xor", "seq_len": 6, "delay": 1}, "every_step", ("0", "1")),
    ],
)
def test_classes_have_their_names(data: dict[str, Any], readout: str, names: tuple[str, ...]) -> None:
    snapshot = next(train(config(data=data, model={"readout": readout}))).snapshot
    assert snapshot is not None
    assert isinstance(snapshot.predictions, Classification)
    assert snapshot.predictions.classes == names


def test_the_name_of_a_class_is_that_of_its_sequences() -> None:
    dataset = load_dataset(config(data={"kind": "task", "task": "temporal_order", "seq_len": 20}).data)
    assert dataset.class_names is not None
    for symbols, target in zip(dataset.validation.inputs.argmax(-1), dataset.validation.targets, strict=True):
        assert "".join("AB"[symbol] for symbol in symbols if symbol < 2) == dataset.class_names[target]
    text = text_dataset("x", "ab c\n" * 20 + "z" * 20, 5, val_fraction=0.2)  # z only where it is not trained on
    assert text.class_names == ("newline", "space", "a", "b", "c", "other")


def test_attention_weights_are_the_mean_over_the_validation_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnncore.engine.evaluation._CHUNK", 24 * 7)  # 7 sequences at a time
    trainer = Trainer(config(model={"readout": "attention"}))
    snapshot = next(trainer.records()).snapshot
    assert snapshot is not None
    assert snapshot.attention is not None
    model, attention = trainer.model, trainer.model.attention
    assert attention is not None
    with torch.no_grad():
        states = model.recurrent(torch.from_numpy(load_dataset(config().data).validation.inputs))  # (N, T, H)
        scores = torch.tanh(states @ attention.project.weight.t() + attention.project.bias) @ attention.score.weight[0]
    np.testing.assert_allclose(snapshot.attention, scores.softmax(1).mean(0).numpy(), rtol=1e-5)
    assert snapshot.attention.sum() == pytest.approx(1, rel=1e-5)
