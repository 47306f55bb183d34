"""Lyapunov exponents against closed forms: determinants, rotations, eigenvalues, and random matrices (Newman 1986)."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rnncore.cells import CELLS
from rnncore.config import ModelConfig
from rnncore.engine.instruments import lyapunov_spectrum
from rnncore.engine.instruments.jacobians import layers_of, network_jacobians
from rnncore.engine.instruments.lyapunov import first_directions, mean_exponents
from rnncore.engine.model import SequenceModel
from tests.support.networks import SIZES, build
from tests.support.unrolled import KINDS


def linear(weight: torch.Tensor) -> tuple[SequenceModel, torch.Tensor]:
    """Return an RNN whose state stays 0, so that it is linear there and all its Jacobians are `weight`; and inputs."""
    model = SequenceModel(ModelConfig(cell="rnn", hidden_size=len(weight)), 1, 1).double()
    with torch.no_grad():
        for each in model.parameters():
            each.zero_()
        model.recurrent.layer_weights(0)["weight_hh"].copy_(weight)
    return model, torch.zeros(2, 400, 1, dtype=torch.float64)


@settings(max_examples=40, deadline=None)
@given(kind=st.sampled_from([kind for kind in KINDS if kind[1] == "tanh"]), sizes=SIZES, seed=st.integers(0, 2**31))
def test_the_exponents_add_up_to_the_mean_log_determinant(
    kind: tuple[str, str], sizes: tuple[int, ...], seed: int
) -> None:
    model, inputs = build(kind, sizes, seed)
    found = lyapunov_spectrum(model, inputs)
    logs = [torch.linalg.slogdet(each).logabsdet.mean() for each in network_jacobians(layers_of(model, inputs))]
    assert (np.diff(found) <= 0).all()
    assert found.sum() == pytest.approx(float(sum(logs)) / len(logs), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("rho", [1e-4, 0.5, 1.0, 1.3, 1e4])  # 1e-4 over 400 timesteps is less than float64 can hold
def test_a_scaled_rotation_has_one_exponent(rho: float) -> None:
    torch.manual_seed(0)
    rotation = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64)).Q
    np.testing.assert_allclose(lyapunov_spectrum(*linear(rho * rotation)), math.log(rho), rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_a_linear_network_has_the_logarithms_of_its_eigenvalues(seed: int) -> None:
    torch.manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64)).Q + 0.2 * torch.randn(4, 4, dtype=torch.float64)
    values = torch.tensor([1.4, -1.0, 0.6, 0.3], dtype=torch.float64)
    weight = basis @ values.diag() @ torch.linalg.inv(basis)
    found = lyapunov_spectrum(*linear(weight))
    np.testing.assert_allclose(found, values.abs().log().numpy(), rtol=0, atol=0.02)  # 1/T of a constant
    some = lyapunov_spectrum(*linear(weight), exponents=2)  # which begins with other directions
    np.testing.assert_allclose(some, values.abs().log().numpy()[:2], rtol=0, atol=0.02)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_products_of_gaussian_matrices_have_newmans_exponents(size: int) -> None:
    """lambda_i = (ln 2 + psi((N - i + 1) / 2)) / 2 of matrices of independent N(0, 1)."""
    torch.manual_seed(size)
    batch, steps = 40, 400
    found = mean_exponents(
        (torch.randn(batch, size, size, dtype=torch.float64).matmul for _ in range(steps)), batch, size, size
    )
    places = torch.arange(size, 0, -1, dtype=torch.float64) / 2
    expected = (math.log(2) + torch.digamma(places).numpy()) / 2
    error = np.sqrt(torch.polygamma(1, places).numpy()) / 2 / math.sqrt(batch * steps)
    assert (np.abs(found - expected) < 4 * error + 2 / steps).all()


def with_300_digits(jacobians: list[torch.Tensor], start: torch.Tensor) -> np.ndarray:
    """Return ln |R_ii| / T, descending, of the product of matrices (N, N) with `start` (N, K), from its definition."""
    with mpmath.workdps(300):
        product = mpmath.matrix(start.tolist())
        for each in jacobians:
            product = mpmath.matrix(each.tolist()) * product
        _, r = mpmath.qr(product, mode="skinny")
        logs = [float(mpmath.log(abs(r[i, i]))) / len(jacobians) for i in range(start.shape[1])]
    return np.sort(logs)[::-1]


SMALL = st.tuples(*(st.integers(1, most) for most in (1, 5, 2, 3, 2)))  # B, T, F, H, L


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(cell=st.sampled_from(list(CELLS)), sizes=SMALL, seed=st.integers(0, 2**31), share=st.sampled_from([0.5, 1.0]))
def test_exponents_are_those_of_the_whole_product(cell: str, sizes: tuple[int, ...], seed: int, share: float) -> None:
    model, inputs = build((cell, "tanh"), sizes, seed)
    inputs = inputs.repeat(1, 6, 1)  # so long that there is something to put off
    jacobians = [each[0] for each in network_jacobians(layers_of(model, inputs))]
    values = torch.linalg.svdvals(torch.stack(jacobians))
    assume(bool((values[:, 0] < 1e6 * values[:, -1]).all()))  # else float64 does not know the smallest ones
    size = len(values[0])
    count = max(1, round(share * size))
    start = torch.eye(size, dtype=torch.float64) if count == size else first_directions(size, count)
    expected = with_300_digits(jacobians, start)
    np.testing.assert_allclose(lyapunov_spectrum(model, inputs, count), expected, rtol=0, atol=1e-7)


def test_units_that_are_cut_off_leave_as_many_exponents_as_there_are_others() -> None:
    model, inputs = build(("rnn", "relu"), (1, 30, 2, 12, 1), 5)
    (top,) = layers_of(model, inputs)
    active = int((top.states[0] > 0).sum(-1).min())
    assert 0 < active < 12
    assert np.isfinite(lyapunov_spectrum(model, inputs)).sum() <= active


def test_what_is_wiped_out_exactly_is_minus_infinity_and_large_states_have_the_first_64() -> None:
    weight = torch.diag(torch.tensor([0.5, 0.0], dtype=torch.float64))
    assert lyapunov_spectrum(*linear(weight)).tolist() == [pytest.approx(math.log(0.5)), -math.inf]
    model = SequenceModel(ModelConfig(cell="rnn", hidden_size=520), 1, 1)
    assert lyapunov_spectrum(model, torch.zeros(1, 2, 1)).shape == (64,)
    model = SequenceModel(ModelConfig(cell="rnn", hidden_size=70), 1, 1)
    assert lyapunov_spectrum(model, torch.zeros(1, 2, 1)).shape == (70,)
    assert lyapunov_spectrum(model, torch.zeros(1, 2, 1), exponents=99).shape == (70,)
