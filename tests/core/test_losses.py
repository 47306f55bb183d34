"""Losses against numpy, masks, and the fit of loss and data."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from rnncore.checks import check_loss, resolve_loss
from rnncore.choices import LOSSES
from rnncore.data.dataset import Batch, SequenceDataset, TargetKind
from rnncore.engine.losses import batch_loss, loss_function, sequence_losses, valid_steps
from rnncore.errors import ConfigError

B, T, WIDTH = 3, 5, 2
RNG = np.random.default_rng(0)
OUTPUTS = RNG.normal(size=(B, T, WIDTH)) * 2
TARGETS = RNG.normal(size=(B, T, WIDTH))
CLASSES = RNG.integers(0, WIDTH, (B, T))
LENGTHS = np.array([5, 2, 3])


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


ERROR = OUTPUTS - TARGETS
# Elementwise losses by numpy alone, (B, T, WIDTH), cross-entropy (B, T).
EXPECTED = {
    "mse": ERROR**2,
    "mae": np.abs(ERROR),
    "huber": np.where(np.abs(ERROR) <= 1, ERROR**2 / 2, np.abs(ERROR) - 0.5),
    "bce": np.log1p(np.exp(OUTPUTS)) - OUTPUTS * (TARGETS > 0),
    "cross_entropy": -np.take_along_axis(log_softmax(OUTPUTS), CLASSES[..., None], -1)[..., 0],
}


def targets_of(name: str) -> torch.Tensor:
    numpy_targets = {"cross_entropy": CLASSES, "bce": (TARGETS > 0).astype(float)}.get(name, TARGETS)
    return torch.tensor(numpy_targets)


def test_every_loss_has_an_expected_value() -> None:
    assert set(EXPECTED) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_elementwise(name: str) -> None:
    losses = loss_function(name)(torch.tensor(OUTPUTS), targets_of(name))
    np.testing.assert_allclose(losses, EXPECTED[name], rtol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_one_target_per_sequence(name: str) -> None:
    outputs, targets, expected = torch.tensor(OUTPUTS[:, 0]), targets_of(name)[:, 0], EXPECTED[name][:, 0]
    per_sequence = expected if expected.ndim == 1 else expected.mean(1)
    np.testing.assert_allclose(sequence_losses(name, outputs, targets), per_sequence, rtol=1e-12)
    for lengths in (None, torch.tensor(LENGTHS)):
        assert float(batch_loss(name, outputs, targets, lengths)) == pytest.approx(per_sequence.mean(), rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_a_target_at_every_step_with_and_without_lengths(name: str) -> None:
    outputs, targets = torch.tensor(OUTPUTS), targets_of(name)
    per_step = EXPECTED[name] if EXPECTED[name].ndim == 2 else EXPECTED[name].mean(2)  # (B, T)
    np.testing.assert_allclose(sequence_losses(name, outputs, targets), per_step.mean(1), rtol=1e-12)
    assert float(batch_loss(name, outputs, targets)) == pytest.approx(per_step.mean(), rel=1e-12)
    masked = np.array([per_step[b, :length].mean() for b, length in enumerate(LENGTHS)])
    lengths = torch.tensor(LENGTHS)
    np.testing.assert_allclose(sequence_losses(name, outputs, targets, lengths), masked, rtol=1e-12)
    assert float(batch_loss(name, outputs, targets, lengths)) == pytest.approx(masked.mean(), rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_padding_gets_no_gradient_and_does_not_count(name: str) -> None:
    outputs = torch.tensor(OUTPUTS, requires_grad=True)
    batch_loss(name, outputs, targets_of(name), torch.tensor(LENGTHS)).backward()
    mask = valid_steps(torch.tensor(LENGTHS), T)
    assert outputs.grad is not None
    assert (outputs.grad[~mask] == 0).all()
    assert (outputs.grad[mask] != 0).all()


def dataset(target: TargetKind) -> SequenceDataset:
    batch = Batch(np.zeros((2, 4, 1), np.float32), np.zeros((2, 1), np.float32))
    return SequenceDataset("rain", 1, 1, 4, target, False, lambda step, batch_size, seed: batch, batch)


@pytest.mark.parametrize(
    ("target", "auto", "fitting"),
    [("regression", "mse", {"mse", "mae", "huber"}), ("binary", "bce", {"bce"}),
     ("multiclass", "cross_entropy", {"cross_entropy"})],
)  # fmt: skip
def test_the_loss_must_fit_the_target(target: TargetKind, auto: str, fitting: set[str]) -> None:
    data = dataset(target)
    assert resolve_loss("auto", data) == auto
    for name in LOSSES:
        if name in fitting:
            check_loss(name, data)
            assert resolve_loss(name, data) == name
        else:
            with pytest.raises(ConfigError, match=f"^loss: '{name}' is not allowed with the data 'rain'"):
                check_loss(name, data)


def test_the_error_says_what_is_allowed() -> None:
    with pytest.raises(ConfigError) as error:
        resolve_loss("cross_entropy", replace(dataset("regression"), name="sunspots"))
    assert str(error.value) == (
        "loss: 'cross_entropy' is not allowed with the data 'sunspots', which has a continuous target; "
        "allowed: 'auto', 'mse', 'mae' or 'huber'"
    )


def test_bce_takes_logits_of_any_size() -> None:
    loss = loss_function("bce")(torch.tensor([[800.0], [-800.0]]), torch.tensor([[0.0], [0.0]]))
    assert loss.tolist() == [[800.0], [0.0]]
    assert math.isfinite(float(loss.sum()))
