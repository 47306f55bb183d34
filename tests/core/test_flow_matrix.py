"""The gradient-flow matrix against autograd on unrolled cells of torch, one loss step at a time, in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from rnncore.engine.gradients import state_gradients
from rnncore.engine.instruments import NotDefinedError, flow_matrix
from rnncore.engine.losses import sequence_losses
from rnncore.engine.model import SequenceModel
from tests.support.networks import SIZES, build
from tests.support.unrolled import KINDS, unroll


def expected_flow(
    model: SequenceModel, kind: tuple[str, str], inputs: Tensor, targets: Tensor, truncation: int | None
) -> np.ndarray:
    """Return G by one backward pass of each tau through unrolled cells."""
    weights = {name.removeprefix("recurrent."): each for name, each in model.state_dict().items() if "_l" in name}
    T = inputs.shape[1]
    rows = []
    for tau in range(T):
        graph = unroll(weights, kind, inputs, truncation=truncation)
        loss = (model.readout(graph.outputs[:, tau]) - targets[:, tau]).square().mean(-1).sum() / T
        loss.backward()
        rows.append(graph.hidden_grads()[-1].norm(dim=-1).mean(-1).numpy())
    return np.stack(rows)


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    sizes=SIZES,
    truncation=st.none() | st.integers(1, 9),
    seed=st.integers(0, 2**31),
)
def test_each_loss_step_teaches_what_autograd_says(
    kind: tuple[str, str], sizes: tuple[int, ...], truncation: int | None, seed: int
) -> None:
    model, inputs = build(kind, sizes, seed, "every_step")
    model.recurrent.truncation = truncation
    targets = torch.randn(*inputs.shape[:2], 1, dtype=torch.float64)
    found = flow_matrix(model, inputs, targets)
    np.testing.assert_allclose(found, expected_flow(model, kind, inputs, targets, truncation), rtol=1e-9, atol=1e-14)
    assert not np.triu(found, 1).any(), "no loss step teaches a later state"


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    sizes=SIZES,
    readout=st.sampled_from(["last", "mean", "attention"]),
    ragged=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_of_one_answer_there_is_one_row_the_total_gradient(
    kind: tuple[str, str], sizes: tuple[int, ...], readout: str, ragged: bool, seed: int
) -> None:
    model, inputs = build(kind, sizes, seed, readout)
    B, T = inputs.shape[:2]
    lengths = torch.randint(1, T + 1, (B,)) if ragged else None
    targets = torch.randn(B, 1, dtype=torch.float64)
    found = flow_matrix(model, inputs, targets, lengths=lengths)
    total = state_gradients(model, inputs, targets, lengths=lengths).hidden[-1].norm(dim=-1).mean(-1)
    assert found.shape == (1, T)
    np.testing.assert_allclose(found[0], total.numpy(), rtol=1e-9, atol=1e-14)


def test_sequences_of_unequal_length_count_their_own_steps() -> None:
    model, inputs = build(("gru", "tanh"), (3, 7, 2, 4, 2), 1, "every_step")
    lengths, targets = torch.tensor([7, 3, 5]), torch.randn(3, 7, 1, dtype=torch.float64)
    each = [flow_matrix(model, inputs[b : b + 1, :n], targets[b : b + 1, :n]) for b, n in enumerate(lengths)]
    padded = [np.pad(one, (0, 7 - len(one))) for one in each]
    np.testing.assert_allclose(flow_matrix(model, inputs, targets, lengths=lengths), np.mean(padded, 0), rtol=1e-9)


@pytest.mark.parametrize("scale", [0.05, 30.0])
def test_what_float32_cannot_hold_is_measured_all_the_same(scale: float) -> None:
    """A state of 0, where tanh has slope 1: |d l / d h_t| = scale^(T - t) |d l / d h_T|."""
    model, _ = build(("rnn", "tanh"), (1, 2, 1, 1, 1), 0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.readout.weight.fill_(1.0)
        model.recurrent.layer_weights(0)["weight_hh"].fill_(scale)
    found = flow_matrix(model.float(), torch.zeros(2, 60, 1), torch.full((2, 1), 0.5))[0]
    np.testing.assert_allclose(np.log(found / found[-1]), np.log(scale) * np.arange(59, -1, -1), rtol=1e-5)
    assert not 1e-45 < found[0] < 1e38


def test_states_that_are_not_finite_have_no_gradients() -> None:
    model, inputs = build(("rnn", "relu"), (2, 80, 1, 3, 1), 0)
    with torch.no_grad():
        model.recurrent.layer_weights(0)["weight_hh"].fill_(1e10)
    with pytest.raises(NotDefinedError, match="not defined: the states are not finite"):
        flow_matrix(model, inputs.abs(), torch.zeros(2, 1).double())


def test_it_leaves_no_trace_on_the_model() -> None:
    model, inputs = build(("lstm", "tanh"), (2, 6, 2, 3, 2), 0, "attention")
    targets = torch.randn(2, 1, dtype=torch.float64)
    model(inputs[:1])
    shown, state = model.attention.weights, torch.get_rng_state()
    flow_matrix(model, inputs, targets)
    assert model.attention.weights is shown
    assert torch.equal(torch.get_rng_state(), state)
    assert all(weight.grad is None for weight in model.parameters())
    assert torch.equal(sequence_losses("mse", model(inputs), targets), sequence_losses("mse", model(inputs), targets))
