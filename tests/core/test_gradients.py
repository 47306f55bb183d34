"""State gradients: against unrolled cells on random shapes, in closed form, and where naive tools go wrong."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from rnncore.config import ModelConfig
from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.gradients import profile, state_gradients
from rnncore.engine.losses import batch_loss
from rnncore.engine.model import SequenceModel
from tests.support.unrolled import KINDS, LAYERS, relative_error, unroll

parametrize_kinds = pytest.mark.parametrize("kind", KINDS, ids="-".join)


def build(kind: tuple[str, str], H: int, F: int = 2, O: int = 1, dtype: torch.dtype = torch.float64, **options: object):  # noqa: E741
    torch.manual_seed(0)
    config = ModelConfig(cell=kind[0], nonlinearity=kind[1], hidden_size=H, **options)
    return SequenceModel(config, F, O).to(dtype)


def reference(model: SequenceModel, kind: tuple[str, str], inputs: Tensor, targets: Tensor, lengths: Tensor | None):
    """Unroll torch's cells in float64 and sum up each sequence's own loss, one sequence after another."""
    unrolled = unroll(model.recurrent.state_dict(), kind, inputs.double())
    readout = model.readout.double()
    for b in range(len(inputs)):
        end = inputs.shape[1] if lengths is None else int(lengths[b])
        states = unrolled.outputs[b, :end]
        if model.config.readout == "every_step":
            loss = (readout(states) - targets[b, :end].double()).square().mean()
        else:
            state = {"last": states[-1], "mean": states.mean(0)}.get(model.config.readout)
            if state is None:
                attention = model.attention.double()
                weights = attention.score(torch.tanh(attention.project(states))).softmax(0)  # (t, 1)
                state = (weights * states).sum(0)
            loss = (readout(state) - targets[b].double()).square().mean()
        loss.backward(retain_graph=True)
    return unrolled


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    readout=st.sampled_from(["last", "mean", "attention", "every_step"]),
    dtype=st.sampled_from([torch.float64, torch.float32]),
    sizes=st.tuples(*(st.integers(1, n) for n in (4, 9, 3, 6, 4, 2))),
    variable=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_state_gradients_are_those_of_unrolled_cells(
    kind: tuple[str, str], readout: str, dtype: torch.dtype, sizes: tuple[int, ...], variable: bool, seed: int
) -> None:
    B, T, F, H, L, O = sizes  # noqa: E741
    model = build(kind, H, F, O, dtype, num_layers=L, readout=readout)
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(B, T, F, generator=generator, dtype=dtype)
    targets = torch.randn(*((B, T, O) if readout == "every_step" else (B, O)), generator=generator, dtype=dtype)
    lengths = torch.randint(1, T + 1, (B,), generator=generator) if variable else None
    grads = state_gradients(model, inputs, targets, "mse", lengths)

    unrolled = reference(model, kind, inputs, targets, lengths)
    tolerance = 1e-10 if dtype == torch.float64 else 1e-4
    assert grads.hidden.shape == (L, T, B, H)
    assert relative_error(grads.hidden, unrolled.hidden_grads()) <= tolerance
    if kind[0] == "lstm":
        assert relative_error(grads.cell, unrolled.cell_grads()) <= tolerance
    else:
        assert grads.cell is None
    for b, end in enumerate([] if lengths is None else lengths.tolist()):
        assert not grads.hidden[:, end:, b].any()


@parametrize_kinds
def test_state_gradients_with_dropout_use_the_masks_of_the_forward_pass(kind: tuple[str, str]) -> None:
    model = build(kind, 5, num_layers=3, dropout=0.5)
    inputs, targets = torch.randn(4, 6, 2, dtype=torch.float64), torch.randn(4, 1, dtype=torch.float64)
    torch.manual_seed(7)
    grads = state_gradients(model, inputs, targets)
    torch.manual_seed(7)
    masks = [F.dropout(torch.ones(6, 4, 5, dtype=torch.float64), 0.5) for _ in range(2)]
    unrolled = unroll(model.recurrent.state_dict(), kind, inputs, masks)
    (model.readout(unrolled.outputs[:, -1]) - targets).square().sum().backward()
    assert relative_error(grads.hidden, unrolled.hidden_grads()) <= 1e-10


def test_every_loss_gives_the_gradient_of_each_sequences_own_loss() -> None:
    """Sequence by sequence, a batch of one: its mean loss is its own."""
    targets = {
        "mse": torch.randn(4, 3),
        "mae": torch.randn(4, 3),
        "huber": 3 * torch.randn(4, 3),
        "bce": torch.rand(4, 3),
        "cross_entropy": torch.tensor([0, 2, 1, 1]),
    }
    model, inputs = build(("lstm", "tanh"), 5, O=3), torch.randn(4, 6, 2, dtype=torch.float64)
    for loss, target in targets.items():
        target = target.double() if target.is_floating_point() else target
        grads = state_gradients(model, inputs, target, loss)
        for b in range(4):
            alone = state_gradients(model, inputs[b : b + 1], target[b : b + 1], loss)
            torch.testing.assert_close(grads.hidden[:, :, b], alone.hidden[:, :, 0])
            torch.testing.assert_close(grads.cell[:, :, b], alone.cell[:, :, 0])


def test_nothing_of_the_model_changes() -> None:
    model = build(("gru", "tanh"), 4, num_layers=2)
    inputs, targets = torch.randn(2, 3, 2, dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64)
    model.eval()
    model.readout.weight.grad = torch.full_like(model.readout.weight, 7.0)
    with torch.no_grad():
        state_gradients(model, inputs, targets)
    assert not model.training
    assert inputs.grad is None
    assert not inputs.requires_grad
    assert (model.readout.weight.grad == 7.0).all()
    assert all(p.grad is None for name, p in model.named_parameters() if name != "readout.weight")


def test_frozen_parameters_do_not_matter() -> None:
    model = build(("lstm", "tanh"), 4)
    inputs, targets = torch.randn(2, 3, 2, dtype=torch.float64), torch.zeros(2, 1, dtype=torch.float64)
    grads = state_gradients(model, inputs, targets)
    model.requires_grad_(False)
    assert torch.equal(state_gradients(model, inputs, targets).hidden, grads.hidden)


# Closed forms


def set_weights(model: SequenceModel, **values: Tensor | float) -> None:
    """Set the first layer's parameters, 0 where none is given."""
    with torch.no_grad():
        for name, parameter in model.recurrent.named_parameters():
            parameter.copy_(torch.as_tensor(values.get(name.removesuffix("_l0"), 0.0), dtype=parameter.dtype))


def test_a_linear_rnn_has_powers_of_its_matrix_as_gradients() -> None:
    """ReLU above 0 is linear: dL/dh_t = (W^T)^(T-t) dL/dh_T. All eigenvalues .9: ratio .9^40 = .01478."""
    T, H = 41, 4
    model = build(("rnn", "relu"), H)
    rotation = torch.tensor([[0.0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 0]], dtype=torch.float64)
    set_weights(model, weight_hh=0.9 * rotation, bias_ih=1.0)
    grads = state_gradients(model, torch.rand(2, T, 2).double(), torch.zeros(2, 1).double()).hidden[0]
    for t in range(T):
        expected = grads[-1] @ torch.linalg.matrix_power(0.9 * rotation, T - 1 - t)
        assert relative_error(grads[t], expected) <= 1e-12
    assert float(grads[0].norm() / grads[-1].norm()) == pytest.approx(0.01478, rel=1e-3)


def test_a_gru_with_frozen_gates_decays_with_the_update_gate() -> None:
    """Without recurrent weights h_t = (1 - z) n + z h_{t-1}, so dL/dh_t = z^(T-t) dL/dh_T."""
    T, H = 30, 3
    model = build(("gru", "tanh"), H)
    set_weights(model, bias_ih=torch.tensor([0.3] * H + [1.25] * H + [0.5] * H), bias_hh=0.125)
    grads = state_gradients(model, torch.zeros(2, T, 2).double(), torch.ones(2, 1).double()).hidden[0]
    z = torch.sigmoid(torch.tensor(1.25 + 0.125, dtype=torch.float64))
    for t in range(T):
        assert relative_error(grads[t], z ** (T - 1 - t) * grads[-1]) <= 1e-12


def test_an_lstm_with_frozen_gates_decays_with_the_forget_gate() -> None:
    """Without recurrent weights nothing comes back through h, and dL/dc_t = f^(T-t) dL/dc_T."""
    T, H = 30, 3
    model = build(("lstm", "tanh"), H)
    set_weights(model, bias_ih=torch.tensor([0.3] * H + [1.5] * H + [0.4] * H + [0.2] * H))
    grads = state_gradients(model, torch.zeros(2, T, 2).double(), torch.ones(2, 1).double())
    forget = torch.sigmoid(torch.tensor(1.5, dtype=torch.float64))
    assert not grads.hidden[0, :-1].any()
    for t in range(T):
        assert relative_error(grads.cell[0, t], forget ** (T - 1 - t) * grads.cell[0, -1]) <= 1e-12


# Profiles


def recorded(model: SequenceModel, inputs: Tensor, targets: Tensor) -> dict[str, np.ndarray | None]:
    tape = StateTape()
    batch_loss("mse", model(inputs, None, tape), targets).backward()
    return profile(tape, len(inputs))


@parametrize_kinds
def test_a_profile_is_the_mean_norm_over_the_batch(kind: tuple[str, str]) -> None:
    model = build(kind, 5, num_layers=2, readout="mean")
    inputs, targets = torch.randn(4, 7, 2, dtype=torch.float64), torch.randn(4, 1, dtype=torch.float64)
    grads, profiles = state_gradients(model, inputs, targets), recorded(model, inputs, targets)
    for name, tensor in (("hidden", grads.hidden), ("direct", grads.direct), ("cell", grads.cell)):
        values = profiles[f"{name}_grad_norm"]
        if tensor is None:
            assert values is None
        else:
            assert values.shape == (2, 7)
            assert values.dtype == np.float32
            np.testing.assert_allclose(values, tensor.norm(dim=-1).mean(-1).numpy(), rtol=1e-6)


def test_a_profile_does_not_depend_on_the_batch_size() -> None:
    model = build(("lstm", "tanh"), 5, num_layers=2)
    inputs, targets = torch.randn(3, 7, 2, dtype=torch.float64), torch.randn(3, 1, dtype=torch.float64)
    once, twice = recorded(model, inputs, targets), recorded(model, inputs.repeat(4, 1, 1), targets.repeat(4, 1))
    for name, values in once.items():
        np.testing.assert_allclose(twice[name], values, rtol=1e-6)


@parametrize_kinds
def test_norms_of_1e_37_survive_in_float32(kind: tuple[str, str]) -> None:
    """A factor of .1 per step, 37 steps; the squares would be 1e-74, 0 in float32."""
    T, H = 38, 2
    model = build(kind, H, dtype=torch.float32)
    small, one = 0.1 * torch.eye(H), torch.ones(H)
    logit = float(torch.logit(torch.tensor(0.1)))
    weights = {
        ("rnn", "tanh"): {"weight_hh": small},
        ("rnn", "relu"): {"weight_hh": small, "bias_ih": 1e-6},
        ("gru", "tanh"): {"bias_ih": torch.cat([0 * one, logit * one, 0 * one])},
        ("lstm", "tanh"): {"bias_ih": torch.cat([0 * one, logit * one, 0 * one, 0 * one])},
    }
    set_weights(model, **weights[kind])
    profiles = recorded(model, torch.zeros(2, T, 2), torch.ones(2, 1))
    values = profiles["cell_grad_norm" if kind[0] == "lstm" else "hidden_grad_norm"][0]
    np.testing.assert_allclose(values[0] / values[-1], 1e-37, rtol=1e-3)
    assert (values > 0).all()


# Traps


@parametrize_kinds
def test_retain_grad_on_a_fused_layer_is_wrong_and_this_is_not(kind: tuple[str, str]) -> None:
    """Hooking torch.nn's outputs gives the direct part only: 0 before the last step, where the truth is not 0."""
    model = build(kind, 5)
    inputs, targets = torch.randn(3, 6, 2, dtype=torch.float64), torch.randn(3, 1, dtype=torch.float64)
    options = {"nonlinearity": kind[1]} if kind[0] == "rnn" else {}
    fused = LAYERS[kind[0]](2, 5, batch_first=True, dtype=torch.float64, **options)
    fused.load_state_dict(model.recurrent.state_dict())
    outputs = fused(inputs)[0]
    outputs.retain_grad()
    (model.readout(outputs[:, -1]) - targets).square().sum().backward()
    grads = state_gradients(model, inputs, targets)
    assert not outputs.grad[:, :-1].any()
    torch.testing.assert_close(grads.direct[0], outputs.grad.transpose(0, 1))
    assert (grads.hidden[0].norm(dim=-1) > 0).all()
    unrolled = reference(model, kind, inputs, targets, None)
    assert relative_error(grads.hidden, unrolled.hidden_grads()) <= 1e-10


def test_attention_reaches_every_step_directly_and_the_last_step_readout_only_one() -> None:
    inputs, targets = torch.randn(3, 6, 2, dtype=torch.float64), torch.randn(3, 1, dtype=torch.float64)
    for readout, reached in (("attention", [True] * 6), ("last", [False] * 5 + [True])):
        direct = state_gradients(build(("gru", "tanh"), 5, readout=readout), inputs, targets).direct[0]
        assert direct.any(-1).all(-1).tolist() == reached
