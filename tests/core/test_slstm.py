"""The sLSTM: the paper's with a stabiliser of its own, finite whatever its exponential gates are."""

import pytest
import torch

from rnncore.config import ModelConfig
from rnncore.engine.gradients import state_gradients
from rnncore.engine.model import SequenceModel
from tests.support.cells_by_hand import slstm_stabilised
from tests.support.networks import build


def test_slstm_is_the_papers_with_its_own_stabiliser() -> None:
    model, inputs = build(("slstm", "tanh"), (3, 20, 2, 4, 1), 3)
    weights = {name: each.detach() for name, each in model.recurrent.layer_weights(0).items()}
    zeros = torch.zeros(3, 4, dtype=torch.float64)
    h, c, n, m = zeros, zeros, zeros, zeros - 1e9
    with torch.no_grad():
        found = model.recurrent.definition.states(inputs.transpose(0, 1), tuple(weights.values()))
    for t in range(20):
        h, c, n, m = slstm_stabilised(weights, inputs[:, t], (h, c, n, m))
        for ours, theirs in zip(found, (h, c / n, n.log() + m), strict=True):
            torch.testing.assert_close(ours[t], theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("enter", [-200.0, 0.0, 200.0])
@pytest.mark.parametrize("forget", [-200.0, 0.0, 200.0])
def test_slstm_stays_finite_where_its_exponential_gates_do_not(dtype: str, enter: float, forget: float) -> None:
    torch.manual_seed(0)
    model = SequenceModel(ModelConfig(cell="slstm", hidden_size=4), 2, 1).to(getattr(torch, dtype))
    weights = model.recurrent.layer_weights(0)
    with torch.no_grad():
        weights["bias_ih"][:8] = torch.tensor([enter] * 4 + [forget] * 4)
        weights["weight_ih"].mul_(50)  # and gates that jump from step to step
    inputs = torch.randn(3, 60, 2).to(weights["bias_ih"])
    for each in model.recurrent.definition.states(inputs.transpose(0, 1), tuple(weights.values())):
        assert bool(each.isfinite().all())
    gradients = state_gradients(model, inputs, torch.ones(3, 1).to(inputs))
    assert gradients.cell is not None
    for each in (gradients.hidden, gradients.cell, *(p.grad for p in model.parameters() if p.grad is not None)):
        assert bool(each.isfinite().all())


def test_slstm_what_is_kept_of_the_second_state_carries_its_gradient() -> None:
    model, inputs = build(("slstm", "tanh"), (2, 12, 2, 4, 1), 1)
    weights = model.recurrent.layer_weights(0)
    with torch.no_grad():
        weights["weight_hh"].zero_()  # what is left is the direct path alone
    found = state_gradients(model, inputs, torch.randn(2, 1, dtype=torch.float64)).cell
    assert found is not None
    (gates,) = model.recurrent.gates(inputs)  # (T, B, 2, H)
    for t in range(11):
        expected = found[0, -1] * gates[t + 1 :, :, 0].prod(0)
        torch.testing.assert_close(found[0, t], expected, rtol=1e-10, atol=1e-300)
    with torch.no_grad():
        for name in ("weight_ih", "bias_ih", "bias_hh"):
            weights[name][:8].zero_()  # both gates exp(0): the second state is the mean of all that came
    (gates,) = model.recurrent.gates(inputs)
    for t in range(12):
        expected = torch.full((2, 4), t / (t + 1), dtype=torch.float64)
        torch.testing.assert_close(gates[t, :, 0], expected, rtol=1e-12, atol=1e-15)
