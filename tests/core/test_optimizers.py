"""Optimisers: one flat parameter against the update rules written out, and against torch's own per tensor."""

import numpy as np
import pytest
import torch
from torch import nn

from rnncore.choices import OPTIMIZERS
from rnncore.config import OptimizerConfig
from rnncore.engine.flat import FlatParameters, exact_norm
from rnncore.engine.optimizers import make_optimizer

RATE = 0.1
GRADIENTS = np.random.default_rng(1).normal(size=(4, 3))  # four steps of a parameter of three numbers
START = np.array([1.0, -2.0, 0.5])


def run(**config: object) -> np.ndarray:
    weights = nn.Parameter(torch.tensor(START))
    options = OptimizerConfig.model_validate({"learning_rate": RATE, **config})
    optimizer = make_optimizer([weights], options)
    for gradient in GRADIENTS:
        weights.grad = torch.tensor(gradient)
        optimizer.step()
    return weights.detach().numpy()


def by_hand(update) -> np.ndarray:  # type: ignore[no-untyped-def]
    weights, memory = START.copy(), {}
    for step, gradient in enumerate(GRADIENTS, 1):
        weights = update(weights, gradient, memory, step)
    return weights


def adam(w, g, m, step, decoupled=0.0):  # type: ignore[no-untyped-def]
    m["v"] = 0.9 * m.get("v", 0) + 0.1 * g
    m["s"] = 0.999 * m.get("s", 0) + 0.001 * g**2
    v, s = m["v"] / (1 - 0.9**step), m["s"] / (1 - 0.999**step)
    return w * (1 - RATE * decoupled) - RATE * v / (np.sqrt(s) + 1e-8)


def test_sgd() -> None:
    np.testing.assert_allclose(run(name="sgd"), START - RATE * GRADIENTS.sum(0), rtol=1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_and_nesterov(nesterov: bool) -> None:
    def update(w, g, m, step):  # type: ignore[no-untyped-def]
        m["v"] = 0.9 * m.get("v", 0) + g
        return w - RATE * (g + 0.9 * m["v"] if nesterov else m["v"])

    np.testing.assert_allclose(run(name="sgd", momentum=0.9, nesterov=nesterov), by_hand(update), rtol=1e-12)


def test_adam_and_its_two_kinds_of_weight_decay() -> None:
    np.testing.assert_allclose(run(name="adam"), by_hand(adam), rtol=1e-9)
    l2 = by_hand(lambda w, g, m, step: adam(w, g + 0.3 * w, m, step))
    np.testing.assert_allclose(run(name="adam", weight_decay=0.3), l2, rtol=1e-9)
    decoupled = by_hand(lambda w, g, m, step: adam(w, g, m, step, decoupled=0.3))
    np.testing.assert_allclose(run(name="adamw", weight_decay=0.3), decoupled, rtol=1e-9)


def test_rmsprop_with_momentum() -> None:
    def update(w, g, m, step):  # type: ignore[no-untyped-def]
        m["s"] = 0.99 * m.get("s", 0) + 0.01 * g**2
        m["v"] = 0.5 * m.get("v", 0) + g / (np.sqrt(m["s"]) + 1e-8)
        return w - RATE * m["v"]

    np.testing.assert_allclose(run(name="rmsprop", momentum=0.5), by_hand(update), rtol=1e-9)


def test_adagrad() -> None:
    def update(w, g, m, step):  # type: ignore[no-untyped-def]
        m["s"] = m.get("s", 0) + g**2
        return w - RATE * g / (np.sqrt(m["s"]) + 1e-10)

    np.testing.assert_allclose(run(name="adagrad"), by_hand(update), rtol=1e-9)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_flat_parameter_is_updated_as_torch_updates_each_tensor(name: str, dtype: torch.dtype) -> None:
    """So that a plain torch script with `model.parameters()` repeats a run."""

    def model() -> nn.Module:
        torch.manual_seed(3)
        return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).to(dtype)

    config = OptimizerConfig.model_validate({"name": name, "weight_decay": 0.01, "learning_rate": 0.01})
    ours, theirs = model(), model()
    flat = FlatParameters(ours)
    optimizers = [make_optimizer([flat.weights], config), make_optimizer(list(theirs.parameters()), config)]
    inputs = torch.linspace(-1, 1, 12, dtype=dtype).view(4, 3)
    for _ in range(5):
        for net, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad(set_to_none=False)
            net(inputs).square().mean().backward()
            optimizer.step()
    tolerance = {"rtol": 1e-5, "atol": 1e-7} if dtype == torch.float32 else {"rtol": 1e-12, "atol": 1e-14}
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, **tolerance)


def test_flat_parameters_keep_values_names_and_gradients() -> None:
    model = nn.Linear(3, 2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    inputs = torch.ones(1, 3)
    model(inputs).sum().backward()
    expected = exact_norm(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
    flat = FlatParameters(model)
    assert (flat.names, flat.count) == (["weight", "bias"], 8)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    for _ in range(2):
        flat.zero_grad()
        model(inputs).sum().backward()
        assert exact_norm(flat.gradients) == pytest.approx(expected, rel=1e-6)
    assert all(p.data_ptr() % 64 == 0 for p in model.parameters())


def test_update_norm_and_undo() -> None:
    model = nn.Linear(2, 1, bias=False)
    flat = FlatParameters(model)
    before = model.weight.detach().clone()
    with torch.no_grad():
        model.weight += torch.tensor([[3.0, 4.0]])
    assert flat.update_norm() == pytest.approx(5.0, rel=1e-6)
    after = model.weight.detach().clone()
    assert flat.update_norm() == 0.0
    with torch.no_grad():
        model.weight[0, 0] = torch.inf
    assert flat.update_norm() == torch.inf
    flat.undo()
    assert torch.equal(model.weight, after)
    assert not torch.equal(model.weight, before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e-44, 1e-37, 1e-25, 1e-10, 1.0, 1e10, 1e25, 3e37])
def test_the_norm_neither_overflows_nor_underflows(dtype: torch.dtype, scale: float) -> None:
    values = torch.tensor([3.0, -4.0, 0.0] * 30, dtype=dtype) * scale
    stored = values.double().numpy() / scale  # what rounding left of them
    assert exact_norm(values) == pytest.approx(float(np.linalg.norm(stored)) * scale, rel=1e-6)


def test_the_norm_of_huge_float64_and_of_what_is_not_finite() -> None:
    assert exact_norm(torch.tensor([3e200, 4e200], dtype=torch.float64)) == pytest.approx(5e200)
    assert exact_norm(torch.tensor([3e-200, 4e-200], dtype=torch.float64)) == pytest.approx(5e-200)
    assert exact_norm(torch.zeros(4)) == 0.0
    assert exact_norm(torch.tensor([1.0, torch.inf])) == torch.inf
    assert np.isnan(exact_norm(torch.tensor([1.0, torch.nan])))
