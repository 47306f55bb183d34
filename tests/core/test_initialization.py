"""Initial weights: gate by gate, against their definitions."""

import math

import pytest
import torch
from torch import Tensor, nn

from rnncore.config import InitConfig, ModelConfig
from rnncore.engine.initialization import initialize, spectral_radius
from rnncore.engine.model import SequenceModel

H, T_MAX = 40, 100
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


def build(cell: str, seed: int = 0, num_layers: int = 2, hidden_size: int = H, **init: object) -> SequenceModel:
    torch.manual_seed(0)
    config = ModelConfig.model_validate({"cell": cell, "hidden_size": hidden_size, "num_layers": num_layers})
    model = SequenceModel(config, input_size=3, output_size=2)
    initialize(model, InitConfig.model_validate(init), T_MAX, seed)
    return model


def recurrent_blocks(model: SequenceModel) -> list[Tensor]:
    """Every gate's W_hh of every layer, (H, H) each."""
    blocks: list[Tensor] = []
    for name, value in model.recurrent.state_dict().items():
        if name.startswith("weight_hh"):
            blocks += value.chunk(GATES[model.config.cell])
    assert len(blocks) == model.config.num_layers * GATES[model.config.cell]
    return blocks


def gate_bias(model: SequenceModel, layer: int, position: int) -> Tensor:
    """Sum of torch's two biases of one gate, (H,)."""
    state = model.recurrent.state_dict()
    rows = slice(position * H, (position + 1) * H)
    return state[f"bias_ih_l{layer}"][rows] + state[f"bias_hh_l{layer}"][rows]


@pytest.mark.parametrize("cell", GATES)
def test_default_is_torchs(cell: str) -> None:
    torch.manual_seed(0)
    theirs = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](3, H, 2)
    for name, value in build(cell).recurrent.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[name]), name


@pytest.mark.parametrize("cell", GATES)
def test_orthogonal_gate_by_gate(cell: str) -> None:
    for block in recurrent_blocks(build(cell, scheme="orthogonal")):
        torch.testing.assert_close(block @ block.T, torch.eye(H), rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", GATES)
def test_identity_gate_by_gate_with_zero_biases(cell: str) -> None:
    model = build(cell, scheme="identity")
    assert all(torch.equal(block, torch.eye(H)) for block in recurrent_blocks(model))
    assert all(not value.any() for name, value in model.state_dict().items() if "bias" in name)


@pytest.mark.parametrize("cell", GATES)
@pytest.mark.parametrize("scheme", ["spectral", "sparse"])
def test_spectral_radius(cell: str, scheme: str) -> None:
    for block in recurrent_blocks(build(cell, scheme=scheme, spectral_radius=1.25)):
        assert abs(torch.linalg.eigvals(block)).max() == pytest.approx(1.25, rel=1e-4)


def test_spectral_radius_of_a_known_matrix() -> None:
    assert spectral_radius(torch.tensor([[0.0, -2.0], [2.0, 0.0]])) == pytest.approx(2.0)


@pytest.mark.parametrize("scheme", ["normal", "sparse"])
def test_normal_weights_have_their_standard_deviation_and_biases_are_zero(scheme: str) -> None:
    model = build("rnn", scheme=scheme, std=0.3, hidden_size=200)
    state = model.state_dict()
    assert float(state["recurrent.weight_ih_l0"].std()) == pytest.approx(0.3, rel=0.1)
    assert float(state["recurrent.weight_ih_l1"].std()) == pytest.approx(0.3, rel=0.02)
    assert float(state["readout.weight"].std()) == pytest.approx(0.3, rel=0.1)
    assert all(not value.any() for name, value in state.items() if "bias" in name)
    if scheme == "normal":
        assert float(state["recurrent.weight_hh_l0"].std()) == pytest.approx(0.3, rel=0.02)


def test_sparse_units_have_fifteen_inputs_each_at_random_places() -> None:
    first, second = recurrent_blocks(build("rnn", scheme="sparse"))
    for block in (first, second):
        assert (block != 0).sum(1).tolist() == [15] * H
        assert (block != 0).any(0).all(), "every unit is heard by some other"
    assert not torch.equal(first != 0, second != 0)


def test_a_sparse_layer_of_fewer_units_is_dense() -> None:
    (block,) = recurrent_blocks(build("rnn", scheme="sparse", num_layers=1, hidden_size=4, spectral_radius=0.5))
    assert (block != 0).all()
    assert spectral_radius(block) == pytest.approx(0.5, rel=1e-5)


def test_forget_bias_is_the_sum_of_torchs_two_biases() -> None:
    model, default = build("lstm", forget_bias=2.0), build("lstm")
    for layer in range(2):
        assert torch.equal(gate_bias(model, layer, 1), torch.full((H,), 2.0))
        for other in (0, 2, 3):
            assert torch.equal(gate_bias(model, layer, other), gate_bias(default, layer, other))


def test_chrono_lstm_remembers_between_1_and_the_sequence_length() -> None:
    model, default = build("lstm", chrono=True), build("lstm")
    for layer in range(2):
        forget = gate_bias(model, layer, 1)
        assert (forget >= 0).all()
        assert (forget <= math.log(T_MAX - 1)).all()
        assert float(forget.exp().mean()) == pytest.approx(T_MAX / 2, rel=0.25), "uniform times"
        assert torch.equal(gate_bias(model, layer, 0), -forget)
        assert torch.equal(gate_bias(model, layer, 2), gate_bias(default, layer, 2))


def test_chrono_gru_keeps_the_state_through_torchs_update_gate() -> None:
    """h' = (1 - z) n + z h: a memory of u steps is z = u / (1 + u), the sigmoid of + ln u."""
    update = gate_bias(build("gru", chrono=True), 0, 1)
    times = 1 / (1 - torch.sigmoid(update))
    assert (times >= 2 - 1e-5).all()
    assert (times <= T_MAX + 1e-3).all()
    assert float(times.mean()) == pytest.approx(T_MAX / 2, rel=0.25)


@pytest.mark.parametrize("scheme", ["orthogonal", "spectral", "normal", "sparse"])
def test_the_seed_decides(scheme: str) -> None:
    first, again, other = (build("gru", seed, scheme=scheme) for seed in (1, 1, 2))
    for a, b, c in zip(recurrent_blocks(first), recurrent_blocks(again), recurrent_blocks(other), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)


@pytest.mark.parametrize("scheme", ["normal", "spectral"])
def test_random_weights_have_mean_0(scheme: str) -> None:
    (block,) = recurrent_blocks(build("rnn", num_layers=1, hidden_size=100, scheme=scheme))
    assert abs(float(block.mean())) < 5 * float(block.std()) / 100
    assert float(block.min()) < 0 < float(block.max())
