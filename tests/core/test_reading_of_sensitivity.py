"""The sensitivity of states to parameters: closed form of a linear unit, autograd, and what is said of it."""

import numpy as np
import pytest
import torch

from rnncore.cells import CELLS
from rnncore.config import ModelConfig
from rnncore.engine.instruments.jacobians import NotDefinedError, layers_with
from rnncore.engine.instruments.sensitivity import state_sensitivity
from rnncore.engine.model import SequenceModel
from rnncore.engine.readings.sensitivity import said
from tests.support.networks import build


@pytest.mark.parametrize("memory", [0.5, 0.9])
def test_a_linear_unit_has_its_closed_form(memory: float) -> None:
    """E (dh/dl)^2 = s^2 (1 + l^2) / (1 - l^2)^3 for white noise of variance s^2, within three standard errors."""
    torch.manual_seed(1)
    model = SequenceModel(ModelConfig(cell="rnn", hidden_size=1), 1, 1).double()
    scale = 1e-4  # so small that tanh is a straight line
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.recurrent.layer_weights(0)["weight_ih"].fill_(scale)
        model.recurrent.layer_weights(0)["weight_hh"].fill_(memory)
    values, errors = state_sensitivity(model, torch.randn(4000, 120, 1).double(), names=("weight_hh",))
    expected = scale**2 * (1 + memory**2) / (1 - memory**2) ** 3
    assert abs(values[-1] - expected) < 3 * errors[-1]
    assert errors[-1] < 0.1 * expected


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("names", [None, ("weight", "nu", "C_re")])
def test_few_parameters_are_taken_exactly(cell: str, names: tuple[str, ...] | None) -> None:
    model, inputs = build((cell, "tanh"), (2, 5, 1, 2, 2), 4)
    each_layer = [model.recurrent.layer_weights(layer) for layer in range(2)]
    weights = [{name: each.detach().requires_grad_() for name, each in layer.items()} for layer in each_layer]
    theta = [each for layer in weights for name, each in layer.items() if names is None or name.startswith(names)]
    values, _ = state_sensitivity(model, inputs, sum(each.numel() for each in theta), names)
    states = layers_with(model.recurrent.definition, [tuple(each.values()) for each in weights], inputs)[-1].states[0]
    expected = torch.zeros(5, dtype=torch.float64)
    for t, row in enumerate(states):
        for number in row.flatten():
            gradients = torch.autograd.grad(number, theta, retain_graph=True, allow_unused=True)
            expected[t] += sum(each.square().sum() for each in gradients if each is not None)
    np.testing.assert_allclose(values, expected.numpy() / 2, rtol=1e-9, atol=1e-15)


def test_directions_estimate_the_same_within_their_error() -> None:
    model, inputs = build(("gru", "tanh"), (3, 8, 2, 5, 1), 2)
    count = sum(each.numel() for each in model.recurrent.parameters())
    exact, _ = state_sensitivity(model, inputs, directions=count)
    estimate, errors = state_sensitivity(model, inputs, directions=40)
    assert (np.abs(estimate - exact) < 4 * errors).all()
    np.testing.assert_array_equal(estimate, state_sensitivity(model, inputs, directions=40)[0])


def test_names_that_no_parameter_has_have_no_sensitivity() -> None:
    model, inputs = build(("rnn", "tanh"), (1, 3, 1, 2, 1), 0)
    with pytest.raises(NotDefinedError, match="no parameters of these names"):
        state_sensitivity(model, inputs, names=("x",))


def test_the_sentence_compares_the_last_state_with_the_first_tenth() -> None:
    (sentence,) = said(np.array([2.0] * 2 + [5.0] * 17 + [8.0]))
    assert sentence == "E‖∂h/∂θ‖² of the last state is about 4 times that of the states of the first tenth."
    assert said(np.zeros(10)) == ()
