"""Modules called several times in a step, and cells in the user's own loop, against unrolled steps in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rnncore import watch

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
CELLS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell}


def norms(tensors: list[Tensor]) -> np.ndarray:
    """Mean over the batch of the norms of the gradients of (B, H) tensors, in their order."""
    return np.array([0.0 if each.grad is None else each.grad.norm(dim=1).mean().item() for each in tensors])


@given(st.sampled_from(sorted(LAYERS)), st.integers(1, 4), st.lists(st.integers(1, 4), min_size=2, max_size=4))
@settings(max_examples=25, deadline=None)
def test_calls_that_hand_on_their_state_are_one_sequence(kind: str, batch: int, parts: list[int]) -> None:
    torch.manual_seed(batch)
    one = LAYERS[kind](2, 3, num_layers=2).double()
    x = torch.randn(sum(parts), batch, 2, dtype=torch.float64)
    weights = torch.randn(sum(parts), batch, 3, dtype=torch.float64)

    def record(pieces: list[int]):
        state, outputs = None, []
        with watch(one, every=1) as lab:
            for piece in x.split(pieces):
                out, state = one(piece, state)
                outputs.append(out)
            (torch.cat(outputs) * weights).sin().sum().backward()
            lab.step()
        return lab.records[-1].profiles[""]

    whole, joined = record([sum(parts)]), record(parts)
    assert len(joined.calls) == len(parts)
    for name in ("hidden", "direct", "cell", "start", "start_cell", "count"):
        a, b = getattr(whole, name), getattr(joined, name)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-13, err_msg=name)


@given(st.sampled_from(sorted(CELLS)), st.integers(1, 4), st.integers(1, 6), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_loop_of_cells_is_recorded_as_the_fused_layer_is(kind: str, batch: int, steps: int, bias: bool) -> None:
    torch.manual_seed(batch)
    cell, layer = CELLS[kind](2, 3, bias=bias).double(), LAYERS[kind](2, 3, bias=bias).double()
    layer.load_state_dict({f"{name}_l0": each for name, each in cell.state_dict().items()})
    x = torch.randn(steps, batch, 2, dtype=torch.float64)
    weights = torch.randn(steps, batch, 3, dtype=torch.float64)
    with watch(layer, every=1) as lab:
        (layer(x)[0] * weights).sin().sum().backward()
        lab.step()
    wanted = lab.records[-1].profiles[""]
    with watch(cell, every=1) as lab:
        state, outputs = None, []
        for each in x:
            state = cell(each, state)
            outputs.append(state[0] if kind == "lstm" else state)
        (torch.stack(outputs) * weights).sin().sum().backward()
        lab.step()
    found = lab.records[-1].profiles[""]
    for name in ("hidden", "direct", "cell", "start", "start_cell", "count"):
        a, b = getattr(wanted, name), getattr(found, name)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-13, err_msg=name)


def test_a_loop_that_changes_the_state_between_its_calls_is_one_sequence_without_a_direct_part() -> None:
    cell = nn.GRUCell(2, 3).double()
    with watch(cell, every=1) as lab:
        state, kept = torch.zeros(4, 3, dtype=torch.float64), []
        for x in torch.randn(5, 4, 2, dtype=torch.float64):
            kept.append(cell(x, state))
            kept[-1].retain_grad()
            state = kept[-1] * 0.5
        state.sum().backward()
        lab.step()
    found = lab.records[-1].profiles[""]
    np.testing.assert_allclose(found.hidden[0], norms(kept), rtol=1e-10)
    assert found.direct is None


def test_two_sequences_through_one_module_are_a_mean_over_both() -> None:
    class Siamese(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.core = nn.LSTM(2, 3, batch_first=True)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return (self.core(a)[1][0] - self.core(b)[1][0]).square().sum()

    net = Siamese().double()
    a, b = torch.randn(2, 5, 2, dtype=torch.float64), torch.randn(4, 7, 2, dtype=torch.float64)
    with watch(net, every=1) as lab:
        net(a[:1].expand(4, 5, 2), b).backward()
        lab.step()
    found = lab.records[-1].profiles["core"]
    assert found.hidden.shape == (1, 7)
    assert found.count.tolist() == [4, 4, 8, 8, 8, 8, 8]
    first, second = found.calls
    np.testing.assert_allclose(found.hidden[0, 2:], (first.hidden[0] + second.hidden[0, 2:]) / 2)


def test_accumulated_batches_are_one_batch() -> None:
    net = nn.GRU(2, 3, batch_first=True).double()
    x = torch.randn(6, 5, 2, dtype=torch.float64)

    def record(sizes: list[int]):
        with watch(net, every=1) as lab:
            for part in x.split(sizes):
                net(part)[0][:, -1].square().sum().backward()
            lab.step()
        return lab.records[-1].profiles[""]

    np.testing.assert_allclose(record([2, 4]).hidden, record([6]).hidden, rtol=1e-12)


def test_encoder_and_decoder_hand_on_the_gradient() -> None:
    """A decoder of single steps that begins with the encoder's state, as in sequence-to-sequence models."""

    class Translator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = nn.GRU(2, 3), nn.GRU(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            _, state = self.encoder(x)
            out, said = state, []
            for _ in range(4):
                out, state = self.decoder(out, state)
                said.append(out)
            return torch.cat(said)

    net = Translator().double()
    with watch(net, every=1) as lab:
        net(torch.randn(6, 2, 2, dtype=torch.float64)).sin().sum().backward()
        lab.step()
    profiles = lab.records[-1].profiles
    assert profiles["encoder"].hidden.shape == (1, 6)
    assert profiles["decoder"].hidden.shape == (1, 4)
    assert np.all(profiles["encoder"].direct[0, :-1] == 0)
    assert profiles["decoder"].start[0] > 0


@pytest.mark.parametrize("batch_mean", [False, True])
def test_a_mean_loss_can_be_told_per_sequence(batch_mean: bool) -> None:
    net = nn.LSTM(2, 3, batch_first=True).double()
    x = torch.randn(5, 4, 2, dtype=torch.float64)
    with watch(net, every=1, batch_mean=batch_mean) as lab:
        net(x)[0][:, -1].square().sum(1).mean().backward()
        lab.step()
    with watch(net, every=1) as other:
        net(x)[0][:, -1].square().sum(1).sum().backward()
        other.step()
    factor = 1.0 if batch_mean else 0.2
    a, b = lab.records[-1].profiles[""], other.records[-1].profiles[""]
    np.testing.assert_allclose(a.hidden, b.hidden * factor, rtol=1e-12)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_gates_and_saturation_are_those_of_every_step(kind: str) -> None:
    torch.manual_seed(0)
    cell, layer = CELLS[kind](2, 3).double(), LAYERS[kind](2, 3).double()
    layer.load_state_dict({f"{name}_l0": each * 4 for name, each in cell.state_dict().items()})
    cell.load_state_dict({name: each * 4 for name, each in cell.state_dict().items()})
    x = torch.randn(5, 4, 2, dtype=torch.float64)
    with watch(nn.ModuleList([cell, layer]), every=1, gates=True) as lab:
        state, outputs = None, []
        for each in x:
            state = cell(each, state)
            outputs.append(state[0] if kind == "lstm" else state)
        (torch.stack(outputs).sum() + layer(x)[0].sum()).backward()
        lab.step()
    loop, fused = lab.records[-1].profiles.values()
    w_ih, w_hh, b_ih, b_hh = cell.parameters()
    h = torch.stack(outputs)
    before = torch.cat([h.new_zeros(1, 4, 3), h[:-1]])
    gates = (x @ w_ih.T + b_ih + before @ w_hh.T + b_hh).sigmoid().view(5, 4, -1, 3).mean((1, 3)).detach().numpy()
    wanted = gates[:, [0, 1, 3]] if kind == "lstm" else gates[:, :2]
    for found in (loop, fused):
        assert found.gate_names == (("i", "f", "o") if kind == "lstm" else ("r", "z"))
        np.testing.assert_allclose(found.gates[0], wanted.T, rtol=1e-12)
        np.testing.assert_allclose(found.saturated, (h.abs() > 0.95).double().mean().item(), rtol=1e-6)
