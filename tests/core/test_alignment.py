"""Profiles of sequences of unequal length: aligned by the lag from their ends, against cells unrolled one by one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rnncore import TrainConfig, train
from rnncore.config import ModelConfig
from rnncore.diagnosis.quantities import decay
from rnncore.engine.cells.definition import CellDefinition
from rnncore.engine.cells.probe_lstm import probe_lstm
from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.gradients import profile
from rnncore.engine.losses import batch_loss
from rnncore.engine.model import SequenceModel
from tests.support.unrolled import KINDS, unroll

PATHS = ["scan", "generic", "probe"]
READOUTS = ["last", "mean", "attention", "every_step"]


def on_path(model: SequenceModel, path: str) -> SequenceModel:
    """Let the layers compute in one of the engine's ways."""
    definition = model.recurrent.definition
    whole = type(definition)
    if path == "generic":
        plain = type("Plain", (whole,), {"scan": CellDefinition.scan})
        model.recurrent.definition = plain(definition.entry, definition.hidden_size, definition.nonlinearity)
    elif path == "probe":
        probing = type("Probing", (whole,), {"scan": lambda self, x, w, recursion, tape: probe_lstm(x, w, tape)})
        model.recurrent.definition = probing(definition.entry, definition.hidden_size, definition.nonlinearity)
    return model


def own_loss(model: SequenceModel, states: Tensor, target: Tensor) -> Tensor:
    """The loss of one sequence, from its states (T_b, H) and nothing else."""
    if model.config.readout == "every_step":
        return (model.readout(states) - target).square().mean()
    state = {"last": states[-1], "mean": states.mean(0)}.get(model.config.readout)
    if state is None:
        assert model.attention is not None
        weights = model.attention.score(torch.tanh(model.attention.project(states))).softmax(0)
        state = (weights * states).sum(0)
    return (model.readout(state) - target).square().mean()


def by_lag(norms: list[np.ndarray], T: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the sequences, each (L, T_b), that have a lag, and how many they are; both (L, T)."""
    layers = len(norms[0])
    mean, count = np.full((layers, T), np.nan), np.zeros((layers, T))
    for k in range(T):
        having = [each[:, each.shape[1] - 1 - k] for each in norms if each.shape[1] > k]
        count[:, T - 1 - k] = len(having)
        if having:
            mean[:, T - 1 - k] = np.mean(having, 0)
    return mean, count


@settings(max_examples=120, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    readout=st.sampled_from(READOUTS),
    path=st.sampled_from(PATHS),
    sizes=st.tuples(*(st.integers(1, n) for n in (5, 10, 3, 5, 3, 2))),
    truncation=st.none() | st.integers(1, 6),
    seed=st.integers(0, 2**31),
)
def test_a_profile_is_the_mean_over_the_sequences_that_have_the_lag(
    kind: tuple[str, str], readout: str, path: str, sizes: tuple[int, ...], truncation: int | None, seed: int
) -> None:
    B, T, F, H, L, O = sizes  # noqa: E741
    if path == "probe" and (kind[0] != "lstm" or truncation is not None):
        path = "scan"  # the probe is of the LSTM alone, and knows no borders
    torch.manual_seed(seed)
    config = ModelConfig(cell=kind[0], nonlinearity=kind[1], hidden_size=H, num_layers=L, readout=readout)
    model = on_path(SequenceModel(config, F, O).double(), path)
    model.recurrent.truncation = truncation
    inputs = torch.randn(B, T, F, dtype=torch.float64)
    targets = torch.randn(*((B, T, O) if readout == "every_step" else (B, O)), dtype=torch.float64)
    lengths = torch.randint(1, T + 1, (B,))
    tape = StateTape()
    batch_loss("mse", model(inputs, lengths, tape), targets, lengths).backward()
    found = profile(tape, B, lengths)

    hidden, cell = [], []
    for b, end in enumerate(lengths.tolist()):
        # Borders of truncation are counted from the end of the batch, so its padding is needed to find them.
        own = inputs[b : b + 1] if truncation else inputs[b : b + 1, :end]
        alone = unroll(model.recurrent.state_dict(), kind, own, truncation=truncation)
        target = targets[b, :end] if readout == "every_step" else targets[b]
        own_loss(model, alone.outputs[0, :end], target).backward()
        hidden.append(alone.hidden_grads()[:, :end, 0].norm(dim=-1).numpy())
        if kind[0] == "lstm":
            cell.append(alone.cell_grads()[:, :end, 0].norm(dim=-1).numpy())

    mean, count = by_lag(hidden, T)
    np.testing.assert_allclose(found["hidden_grad_norm"], mean, rtol=1e-6, atol=1e-30)
    np.testing.assert_array_equal(found["sequence_count"], count)
    assert found["sequence_count"].dtype == found["hidden_grad_norm"].dtype == np.float32
    if cell:
        np.testing.assert_allclose(found["cell_grad_norm"], by_lag(cell, T)[0], rtol=1e-6, atol=1e-30)


def recorded(lengths: Tensor | None, timesteps: int | None = None) -> dict[str, np.ndarray | None]:
    torch.manual_seed(3)
    model = SequenceModel(ModelConfig(cell="gru", hidden_size=5, num_layers=2), 2, 1)
    tape = StateTape()
    batch_loss("mse", model(torch.randn(4, 9, 2), lengths, tape), torch.randn(4, 1), lengths).backward()
    return profile(tape, 4, lengths, timesteps)


def test_sequences_of_one_length_are_recorded_as_ever() -> None:
    without, equal = recorded(None), recorded(torch.full((4,), 9))
    assert "sequence_count" not in without
    for name in ("hidden_grad_norm", "direct_grad_norm"):
        np.testing.assert_array_equal(without[name], equal[name])
    np.testing.assert_array_equal(equal["sequence_count"], np.full((2, 9), 4))


def test_a_lag_that_no_sequence_has_is_no_number_and_no_zero() -> None:
    found = recorded(torch.tensor([3, 5, 4, 2]))
    assert np.isnan(found["hidden_grad_norm"][:, :4]).all()
    assert np.isfinite(found["hidden_grad_norm"][:, 4:]).all()
    assert found["sequence_count"][0].tolist() == [0, 0, 0, 0, 1, 2, 3, 4, 4]


def test_a_batch_with_fewer_timesteps_stands_at_the_end() -> None:
    short, whole = recorded(None, 12), recorded(None)
    np.testing.assert_array_equal(short["hidden_grad_norm"][:, 3:], whole["hidden_grad_norm"])
    assert np.isnan(short["hidden_grad_norm"][:, :3]).all()
    assert short["sequence_count"][0].tolist() == [0, 0, 0, *[4] * 9]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_gradient_of_japanese_vowels_halves_about_every_step(seed: int) -> None:
    """Averaged by t it seemed to grow towards the end of the longest sequence, because the others had ended."""
    config = TrainConfig.model_validate(
        {
            "data": {"kind": "bundled", "name": "vowels"}, "model": {"cell": "rnn", "hidden_size": 32},
            "steps": 5, "profile_every": 5, "seed": seed,
        }
    )  # fmt: skip
    record = list(train(config))[-1]
    assert record.hidden_grad_norm is not None
    assert record.sequence_count is not None
    assert record.sequence_count[0, -1] == 32
    trend = decay(record.hidden_grad_norm[0])
    assert trend is not None
    assert trend.vanishes
    assert 0.8 < trend.half_life < 1.5
