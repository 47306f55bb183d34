"""Pascanu's Omega: its definition, its gradient by finite differences, and what it does to a run."""

import numpy as np
import pytest
import torch
from torch import Tensor

from rnncore.engine.cells.recurrent import Recurrent, StateTape
from rnncore.engine.regularization import add_omega_gradient, omega

T, B, H = 5, 3, 4


def tape_and_weights(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    totals, states = (torch.randn(T, B, H, dtype=torch.float64, generator=generator) for _ in range(2))
    return totals, torch.tanh(states), torch.randn(H, H, dtype=torch.float64, generator=generator)


def by_definition(totals: Tensor, states: Tensor, w_hh: Tensor, nonlinearity: str) -> float:
    """Eq. 9, one timestep and one sequence at a time, with the whole Jacobian."""
    terms = []
    for t in range(T - 1):
        for b in range(B):
            h, delta, weights = states[t + 1, b].numpy(), totals[t + 1, b].numpy(), w_hh.detach().numpy()
            slope = 1 - h**2 if nonlinearity == "tanh" else (h > 0).astype(float)
            jacobian = np.diag(slope) @ weights  # d h_{t+1} / d h_t
            if np.linalg.norm(delta) > 0:
                terms.append((np.linalg.norm(delta @ jacobian) / np.linalg.norm(delta) - 1) ** 2)
    return float(np.mean(terms))


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_omega_is_its_definition(nonlinearity: str) -> None:
    arguments = (*tape_and_weights(), nonlinearity)
    assert float(omega(*arguments)) == pytest.approx(by_definition(*arguments), rel=1e-12)


def test_timesteps_without_gradient_do_not_count() -> None:
    totals, states, w_hh = tape_and_weights()
    totals[3, 1] = 0.0  # padding
    totals[:2] = 0.0  # beyond a truncation
    assert float(omega(totals, states, w_hh, "tanh")) == pytest.approx(by_definition(totals, states, w_hh, "tanh"))
    assert float(omega(torch.zeros(T, B, H), states.float(), w_hh.float(), "tanh")) == 0.0


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_scale_of_the_gradient_does_not_matter(scale: float) -> None:
    totals, states, w_hh = (value.float() for value in tape_and_weights())
    expected = float(omega(totals, states, w_hh, "tanh"))
    assert float(omega(totals * scale, states, w_hh, "tanh")) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_gradient_by_finite_differences(nonlinearity: str) -> None:
    totals, states, w_hh = tape_and_weights()
    w_hh.requires_grad_()
    (gradient,) = torch.autograd.grad(omega(totals, states, w_hh, nonlinearity), w_hh)
    step = 1e-6
    for row in range(H):
        for column in range(H):
            nudge = torch.zeros(H, H, dtype=torch.float64)
            nudge[row, column] = step
            up, down = (by_definition(totals, states, w_hh + sign * nudge, nonlinearity) for sign in (1, -1))
            assert float(gradient[row, column]) == pytest.approx((up - down) / (2 * step), rel=1e-6, abs=1e-9)


def test_the_gradient_of_every_layer_gets_its_share() -> None:
    torch.manual_seed(0)
    recurrent = Recurrent("rnn", 2, H, num_layers=2)
    tape = StateTape()
    recurrent(torch.randn(B, T, 2), tape)[:, -1].sum().backward()
    before = {name: p.grad.clone() for name, p in recurrent.named_parameters() if p.grad is not None}
    add_omega_gradient(recurrent, tape, 2.0)
    for layer in range(2):
        w_hh = recurrent.layer_weights(layer)["weight_hh"]
        value = omega(tape.hidden[layer], tape.states[layer], w_hh, "tanh")
        (expected,) = torch.autograd.grad(value, w_hh)
        assert w_hh.grad is not None
        torch.testing.assert_close(w_hh.grad - before[f"weight_hh_l{layer}"], 2 * expected, rtol=1e-3, atol=1e-6)
    assert torch.equal(recurrent.get_parameter("weight_ih_l0").grad, before["weight_ih_l0"])
