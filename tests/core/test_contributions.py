"""Which steps teach: the contributions of timesteps add up to autograd's gradient, and each is that of its own copy."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rnncore.engine.cells.scan import Recursion
from rnncore.engine.instruments import NotDefinedError, norms_and_cosines, step_contributions
from rnncore.engine.instruments.contributions import _step_by_step
from rnncore.engine.instruments.jacobians import layers_of
from rnncore.engine.losses import batch_loss
from tests.support.networks import SIZES, build
from tests.support.toy_cell import KEY, toy_cell
from tests.support.unrolled import KINDS, LAYERS

READOUTS = ["last", "mean", "attention", "every_step"]


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    sizes=SIZES,
    readout=st.sampled_from(READOUTS),
    truncation=st.none() | st.integers(1, 9),
    seed=st.integers(0, 2**31),
)
def test_each_is_the_gradient_by_a_copy_of_the_matrix_for_its_timestep(
    kind: tuple[str, str], sizes: tuple[int, ...], readout: str, truncation: int | None, seed: int
) -> None:
    model, inputs = build(kind, sizes, seed, readout)
    model.recurrent.truncation = truncation
    B, T = inputs.shape[:2]
    targets = torch.randn(B, T, 1, dtype=torch.float64) if readout == "every_step" else torch.randn(B, 1).double()
    found = step_contributions(model, inputs, targets)
    top = layers_of(model, inputs)[-1]
    expected = _step_by_step(model, top, Recursion(truncation), 1, targets, "mse", None)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-9, atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from(KINDS), sizes=SIZES, readout=st.sampled_from(READOUTS), seed=st.integers(0, 2**31))
def test_they_add_up_to_the_gradient_of_torchs_own_layers(
    kind: tuple[str, str], sizes: tuple[int, ...], readout: str, seed: int
) -> None:
    model, inputs = build(kind, sizes, seed, readout)
    B, T, F, H, L = sizes
    targets = torch.randn(B, T, 1, dtype=torch.float64) if readout == "every_step" else torch.randn(B, 1).double()
    options = {"nonlinearity": kind[1]} if kind[0] == "rnn" else {}
    layers: nn.RNNBase = LAYERS[kind[0]](F, H, L, batch_first=True, dtype=torch.float64, **options)
    weights = model.recurrent.state_dict()
    layers.load_state_dict(weights)
    batch_loss("mse", model.read(layers(inputs)[0]), targets).backward()
    expected = getattr(layers, f"weight_hh_l{L - 1}").grad
    np.testing.assert_allclose(step_contributions(model, inputs, targets).sum(0), expected, rtol=1e-9, atol=1e-13)


def test_norms_and_cosines_are_those_of_the_matrices_whatever_their_size() -> None:
    matrices = np.random.default_rng(0).normal(size=(5, 6, 3))
    matrices[2] = 0
    norms, cosines = norms_and_cosines(matrices * 1e-200)
    total = matrices.sum(0)
    np.testing.assert_allclose(norms, [np.linalg.norm(each) * 1e-200 for each in matrices], rtol=1e-12)
    own = [np.vdot(each, total) / np.linalg.norm(each) / np.linalg.norm(total) for each in matrices[[0, 1, 3, 4]]]
    np.testing.assert_allclose(cosines[[0, 1, 3, 4]], own, rtol=1e-12)
    assert np.isnan(cosines[2])
    assert np.isnan(norms_and_cosines(np.zeros((2, 3, 3)))[1]).all()


def test_a_cell_without_a_recurrent_matrix_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with toy_cell(tmp_path, monkeypatch):
        model, inputs = build((KEY, "tanh"), (2, 5, 2, 3, 1), 0)
        with pytest.raises(NotDefinedError, match="not defined for a minimal GRU, which has no recurrent matrix"):
            step_contributions(model, inputs, torch.zeros(2, 1).double())
