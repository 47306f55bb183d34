"""Instruments that look at weights, gradients and gates, each against an independent computation."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rnncore import train
from rnncore.config import ModelConfig
from rnncore.engine.cells.recurrent import Recurrent
from rnncore.engine.flat import FlatParameters
from rnncore.engine.gradients import state_gradients
from rnncore.engine.instruments.gates import gate_activations
from rnncore.engine.instruments.parameters import parameter_statistics
from rnncore.engine.instruments.spectral import largest_singular_value, spectral_bound
from rnncore.engine.model import SequenceModel
from rnncore.engine.train import Trainer
from tests.support import training

CELLS: dict[str, Any] = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}
config = partial(training.config, steps=7)


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


def test_gates_are_those_of_the_first_32_sequences_or_of_as_many_as_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options: dict[str, Any] = {"model": {"cell": "gru", "hidden_size": 4}, "steps": 1}
    for room, sequences in ((500_000, 32), (1, 1)):
        monkeypatch.setattr("rnncore.engine.instruments.gates._MAX_STATES", room)
        (record,) = train(config(**options))
        assert record.snapshot is not None
        assert record.snapshot.gates is not None
        assert record.snapshot.gates.sequences == sequences


def test_only_the_read_out_that_attends_has_weights_to_show() -> None:
    for readout, shown in (("attention", True), ("mean", False)):
        (record,) = train(config(model={"readout": readout}, steps=1))
        assert record.snapshot is not None
        assert (record.snapshot.attention is not None) == shown


def test_the_bound_holds_in_the_top_layer_under_last_with_slopes_of_at_most_1() -> None:
    for readout, ragged, layer in (("last", False, 1), ("last", True, None), ("mean", False, None)):
        model = SequenceModel(ModelConfig(cell="rnn", hidden_size=4, num_layers=2, readout=readout), 1, 1)
        bound = spectral_bound(model, ragged)
        assert bound is not None
        assert (bound.gamma, bound.bound_layer, bound.values.shape) == (1.0, layer, (2,))
