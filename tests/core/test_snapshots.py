"""Snapshots: every figure against an independent computation, and that taking them changes nothing."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rnncore import TrainConfig, train
from rnncore.codec import pack
from rnncore.config import ModelConfig
from rnncore.data import load_dataset
from rnncore.data.dataset import Batch, SequenceDataset
from rnncore.data.tasks.text import text_dataset
from rnncore.engine import train as training
from rnncore.engine.cells.recurrent import Recurrent
from rnncore.engine.flat import FlatParameters
from rnncore.engine.gradients import state_gradients
from rnncore.engine.instruments.gates import gate_activations
from rnncore.engine.instruments.parameters import parameter_statistics
from rnncore.engine.instruments.predictions import answers_on
from rnncore.engine.instruments.spectral import largest_singular_value, spectral_bound
from rnncore.engine.model import SequenceModel
from rnncore.engine.train import Trainer
from rnncore.json_arrays import floats
from rnncore.records import Record
from rnncore.snapshot import Snapshot
from rnncore.snapshot_parts import MAX_CLASSES, Classification, Regression
from tests.support.wire import unpack

CELLS: dict[str, Any] = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}


def config(**changes: Any) -> TrainConfig:
    small: dict[str, Any] = {
        "data": {"kind": "task", "task": "adding", "seq_len": 6},
        "model": {"hidden_size": 4} | changes.pop("model", {}),
        "steps": 7,
        "batch_size": 3,
        "eval_every": 3,
    }
    return TrainConfig.model_validate(small | changes)


def dataset_of(target: str, targets: Any, output_size: int, lengths: Any = None, **more: Any) -> SequenceDataset:
    """A data set that is nothing but its validation targets."""
    targets = np.asarray(targets)
    inputs = np.zeros((len(targets), 5, 2), np.float32)
    per_step = targets.ndim == (2 if target == "multiclass" else 3)
    held = Batch(inputs, targets, lengths)
    return SequenceDataset("x", 2, output_size, 5, target, per_step, lambda *_: held, held, **more)  # type: ignore[arg-type]


# --- when -----------------------------------------------------------------------------------------------------------


def test_snapshots_come_with_the_evaluations_and_only_with_them() -> None:
    records = list(train(config()))
    assert [r.step for r in records if r.snapshot] == [1, 3, 6, 7]
    assert [r.step for r in records if r.val_loss is not None] == [1, 3, 6, 7]


@pytest.mark.parametrize(
    "model",
    [{}, {"cell": "lstm", "num_layers": 2, "dropout": 0.5}, {"cell": "gru", "readout": "attention"}],
    ids=["rnn", "lstm with dropout", "gru with attention"],
)
def test_taking_them_changes_nothing(model: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with_snapshots, random_state = list(train(config(model=model))), torch.get_rng_state()

    class Without:
        def __init__(self, *_: Any) -> None: ...
        def backward(self, *_: Any) -> str:
            return "none"

        def finish(self, *_: Any) -> None: ...

    monkeypatch.setattr(training, "SnapshotTaker", Without)
    without = list(train(config(model=model)))
    assert torch.equal(random_state, torch.get_rng_state())
    for a, b in zip(with_snapshots, without, strict=True):
        assert replace(a, elapsed_s=0, snapshot=None).to_json() == replace(b, elapsed_s=0).to_json()


def test_twins_whose_threshold_is_never_reached_have_the_same_snapshots() -> None:
    clipped = train(config(clip={"method": "norm", "threshold": 1e9}))
    for a, b in zip(train(config()), clipped, strict=True):
        assert a.snapshot == b.snapshot
    assert next(train(config())).snapshot != next(train(config(seed=1))).snapshot


def test_a_step_that_diverges_has_none() -> None:
    *_, last = train(config(optimizer={"name": "sgd", "learning_rate": 100}, model={"nonlinearity": "relu"}, steps=200,
                            eval_every=1))  # fmt: skip
    assert last.diverged
    assert last.snapshot is None


# --- parameters -----------------------------------------------------------------------------------------------------


def test_norms_are_of_the_backward_pass_before_clipping_and_update() -> None:
    trainer = Trainer(config(clip={"method": "norm", "threshold": 1e-3}))
    before = trainer.last_finite_state()
    record = next(trainer.records())
    assert record.snapshot is not None
    statistics = record.snapshot.parameters
    assert statistics.names == tuple(before)
    assert statistics.shapes == tuple(tuple(value.shape) for value in before.values())
    expected = [np.linalg.norm(value.numpy().astype(np.float64)) for value in before.values()]
    np.testing.assert_allclose(statistics.weight_norm, expected, rtol=1e-6)
    assert math.hypot(*statistics.gradient_norm) == pytest.approx(record.grad_norm, rel=1e-6)
    assert record.clip_coef < 1
    assert statistics.histogram.shape == (len(before), 24)


def test_each_gradient_element_is_counted_in_its_decade() -> None:
    model = nn.Linear(4, 3, bias=False)
    parameters = FlatParameters(model)
    values = [0.0, -0.0, 1e-21, -1e-30, 1.5e-20, 1e-3, -9.9e-4, 1.0, 9.9999e3, -1e4, math.inf, math.nan]
    parameters.gradient_views[0].copy_(torch.tensor(values).view(3, 4))
    found = parameter_statistics(parameters)
    assert (found.zeros[0], found.below[0], found.above[0]) == (2, 2, 3)
    expected = {-20: 1, -3: 1, -4: 1, 0: 1, 3: 1}  # decade -> elements; 1e-3 in float32 is a little above 1e-3
    assert {int(k) - 20: int(found.histogram[0, k]) for k in np.flatnonzero(found.histogram[0])} == expected
    assert found.zeros[0] + found.below[0] + found.above[0] + found.histogram[0].sum() == 12


@given(exponent=st.floats(-25, 8), seed=st.integers(0, 99))
def test_decades_agree_with_logarithms(exponent: float, seed: int) -> None:
    parameters = FlatParameters(nn.Linear(7, 5, dtype=torch.float64))
    values = np.random.default_rng(seed).normal(size=(5, 7)) * 10**exponent
    parameters.gradient_views[0].copy_(torch.from_numpy(values))
    found = parameter_statistics(parameters)
    decades = [math.floor(math.log10(abs(value))) for value in values.flat]
    assert found.histogram[0].tolist() == [decades.count(k) for k in range(-20, 4)]
    assert found.below[0] == sum(k < -20 for k in decades)
    assert found.above[0] == sum(k >= 4 for k in decades)
    assert found.zeros[0] == 0
    assert found.zeros[1] == 5, "the bias has no gradient"


# --- the theory bound -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e25])
def test_sigma_max_is_the_largest_singular_value(scale: float) -> None:
    matrix = torch.from_numpy(np.random.default_rng(0).normal(size=(9, 9))) * scale
    assert largest_singular_value(matrix) == pytest.approx(np.linalg.svd(matrix.numpy())[1][0], rel=1e-12)
    assert largest_singular_value(torch.zeros(3, 3)) == 0


@settings(max_examples=60, deadline=None)
@given(
    nonlinearity=st.sampled_from(["tanh", "relu"]), layers=st.integers(1, 3), hidden=st.integers(1, 9),
    T=st.integers(2, 12), gain=st.floats(0.1, 3), seed=st.integers(0, 999), truncation=st.sampled_from([None, 3]),
)  # fmt: skip
def test_no_measured_profile_violates_the_bound(
    nonlinearity: Any, layers: int, hidden: int, T: int, gain: float, seed: int, truncation: int | None
) -> None:
    rng = torch.Generator().manual_seed(seed)
    model = SequenceModel(ModelConfig(nonlinearity=nonlinearity, hidden_size=hidden, num_layers=layers), 2, 1)
    model.recurrent.truncation = truncation
    for parameter in model.parameters():
        parameter.data = torch.randn(parameter.shape, generator=rng) * gain / hidden**0.5
    bound = spectral_bound(model)
    assert bound is not None
    assert bound.bound_layer == layers - 1
    inputs, targets = torch.randn(4, T, 2, generator=rng), torch.randn(4, 1, generator=rng)
    profile = state_gradients(model, inputs, targets).hidden.double().norm(dim=-1).mean(-1)[layers - 1].numpy()  # (T,)
    lag = np.arange(T - 1, -1, -1)
    assert (profile <= (bound.values[layers - 1] * bound.gamma) ** lag * profile[-1] * (1 + 1e-5 * T)).all()


def test_an_identity_network_reaches_the_bound() -> None:
    model = SequenceModel(ModelConfig(nonlinearity="relu", hidden_size=3), 1, 1)
    model.recurrent.get_parameter("weight_hh_l0").data = 1.25 * torch.eye(3)
    model.recurrent.get_parameter("bias_ih_l0").data.fill_(9.0)  # no unit is ever off
    profile = state_gradients(model, torch.zeros(1, 5, 1), torch.zeros(1, 1)).hidden.norm(dim=-1).flatten()
    bound = spectral_bound(model)
    assert bound is not None
    np.testing.assert_allclose(bound.values, [1.25], rtol=1e-7)
    np.testing.assert_allclose(profile / profile[-1], 1.25 ** np.arange(4, -1, -1), rtol=1e-5)


@pytest.mark.parametrize("readout", ["mean", "attention", "every_step"])
def test_the_bound_is_not_claimed_where_other_timesteps_have_gradients_of_their_own(readout: Any) -> None:
    bound = spectral_bound(SequenceModel(ModelConfig(readout=readout, hidden_size=3), 1, 1))
    assert bound is not None
    assert bound.bound_layer is None
    ragged = spectral_bound(SequenceModel(ModelConfig(hidden_size=3), 1, 1), ragged=True)
    assert ragged is not None
    assert ragged.bound_layer is None
    assert spectral_bound(SequenceModel(ModelConfig(cell="gru", hidden_size=3), 1, 1)) is None


# --- gates ----------------------------------------------------------------------------------------------------------


def gates_of_cells(recurrent: Recurrent, inputs: torch.Tensor, lengths: list[int]) -> np.ndarray:
    """Mean activations (L, G, T) at the states of torch.nn's own cells, sequence by sequence."""
    B, T, _ = inputs.shape
    H, wanted = recurrent.hidden_size, {"lstm": (0, 1, 3), "gru": (0, 1)}[recurrent.entry.key]
    sums = np.zeros((recurrent.num_layers, len(wanted), T))
    for b in range(B):
        sequence = list(inputs[b : b + 1].unbind(1))
        for layer in range(recurrent.num_layers):
            w_ih, w_hh, b_ih, b_hh = recurrent.layer_weights(layer).values()
            cell = CELLS[recurrent.entry.key](w_ih.shape[1], H, dtype=inputs.dtype)
            cell.load_state_dict({"weight_ih": w_ih, "weight_hh": w_hh, "bias_ih": b_ih, "bias_hh": b_hh})
            h, c = inputs.new_zeros(1, H), inputs.new_zeros(1, H)
            for t, x in enumerate(sequence):
                gates = torch.sigmoid(w_ih @ x[0] + b_ih + w_hh @ h[0] + b_hh).detach().view(-1, H)
                if t < lengths[b]:
                    sums[layer, :, t] += gates.mean(1).numpy()[list(wanted)]
                h, c = cell(x, (h, c)) if recurrent.entry.key == "lstm" else (cell(x, h), c)
                sequence[t] = h
    counts = np.array([sum(t < length for length in lengths) for t in range(T)])
    with np.errstate(invalid="ignore"):
        return sums / counts


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("lengths", [None, [3, 1, 4]])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("T", [1, 6])
def test_gates_are_those_of_torchs_cells(cell: Any, lengths: list[int] | None, layers: int, T: int) -> None:
    torch.manual_seed(1)
    recurrent = Recurrent(cell, 2, 5, layers, dropout=0.5).double()
    inputs = torch.randn(3, T, 2, dtype=torch.float64)
    found = gate_activations(recurrent, inputs, None if lengths is None else torch.tensor(lengths))
    assert found is not None
    assert found.names == {"lstm": ("i", "f", "o"), "gru": ("r", "z")}[cell]
    assert found.mean.dtype == np.float32
    expected = gates_of_cells(recurrent, inputs, lengths or [T] * 3)
    np.testing.assert_allclose(found.mean, expected, rtol=1e-6)  # NaN where no sequence is left
    assert recurrent.training


def test_gates_follow_the_update_and_a_forget_bias_can_be_seen() -> None:
    record = next(train(config(model={"cell": "lstm"}, init={"forget_bias": 5.0}, optimizer={"learning_rate": 1e-9})))
    assert record.snapshot is not None
    assert record.snapshot.gates is not None
    forget = record.snapshot.gates.mean[0, 1]
    np.testing.assert_allclose(forget, 1 / (1 + math.exp(-5)), atol=0.01)
    assert record.snapshot.sigma_max is None


# --- predictions ----------------------------------------------------------------------------------------------------


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


# --- the wire -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": {"cell": "lstm", "num_layers": 2}},
        {"data": {"kind": "task", "task": "temporal_order", "seq_len": 12}, "model": {"cell": "gru"}},
        {"data": {"kind": "task", "task": "lorenz", "seq_len": 8}, "model": {"readout": "mean"}},
        {"data": {"kind": "task", "task": "delayed_recall", "seq_len": 8, "delay": 2},
         "model": {"readout": "every_step"}},
        {"model": {"readout": "attention"}, "dtype": "float64"},
    ],
    ids=["regression", "lstm", "multiclass", "lorenz", "binary per step", "attention"],
)  # fmt: skip
def test_records_with_snapshots_survive_the_wire(changes: dict[str, Any]) -> None:
    records = list(train(config(**changes, profile_every=2)))
    again = unpack(*pack(records))
    assert [record.snapshot for record in again] == [record.snapshot for record in records]
    np.testing.assert_array_equal(again[-1].hidden_grad_norm, records[-1].hidden_grad_norm)
    assert "snapshot" not in records[0].to_json()


def test_json_is_strict_where_numbers_are_not_finite() -> None:
    snapshot = next(train(config())).snapshot
    assert snapshot is not None
    norms = snapshot.parameters.gradient_norm.copy()
    norms[0], norms[1] = math.nan, 1e-200
    attention = np.array([math.nan, math.inf, 1e-40], np.float32)
    parameters = replace(snapshot.parameters, gradient_norm=norms).to_json()
    odd = Snapshot({**snapshot, "parameters": parameters, "attention": floats(attention)})
    value = json.loads(odd.to_bytes(), parse_constant=lambda name: pytest.fail(name))
    assert value["parameters"]["gradient_norm"][:2] == [None, 1e-200]
    again = Snapshot.from_bytes(odd.to_bytes())
    np.testing.assert_array_equal(again.parameters.gradient_norm, norms)
    np.testing.assert_array_equal(again.attention, attention)


def test_a_record_without_a_snapshot_has_none_after_the_wire() -> None:
    record = Record(1, 0, 0.1, 0.1, 1.0, 1.0, 0.1)
    assert unpack(*pack([record]))[0].snapshot is None
