"""Watching changes nothing: outputs, gradients, random numbers and the model are the same, whatever the loop does."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint

from rnncore import watch
from rnncore.watching.backward import WatchWarning


class Net(nn.Module):
    def __init__(self, kind: str = "lstm", **options) -> None:
        super().__init__()
        self.core = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind](3, 5, batch_first=True, **options)
        size = options.get("proj_size") or 5
        self.head = nn.Linear(size * (2 if options.get("bidirectional") else 1), 2)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is None:
            return self.head(self.core(x)[0])
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return self.head(pad_packed_sequence(self.core(packed)[0], batch_first=True)[0])


def train(net: Net, lab, packed: bool, steps: int = 3) -> list[Tensor]:
    optimizer, seen = torch.optim.Adam(net.parameters()), []
    for _ in range(steps):
        optimizer.zero_grad()
        out = net(torch.randn(4, 6, 3), torch.tensor([6, 2, 4, 6]) if packed else None)
        loss = out.square().mean()
        loss.backward()
        if lab is not None:
            lab.step(loss=loss, optimizer=optimizer)
        optimizer.step()
        seen += [out.detach(), *(each.grad.clone() for each in net.parameters())]
    return [*seen, *(each.detach().clone() for each in net.parameters()), torch.rand(3)]


@given(
    st.sampled_from(["lstm", "gru", "rnn"]), st.integers(1, 3), st.booleans(), st.booleans(), st.booleans(),
    st.sampled_from([0.0, 0.4]), st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_nothing_changes_to_the_last_bit(kind, layers, both, bias, packed, dropout, seed) -> None:
    def run(watched: bool) -> list[Tensor]:
        torch.manual_seed(seed)
        options = {"num_layers": layers, "bidirectional": both, "bias": bias}
        net = Net(kind, dropout=dropout if layers > 1 else 0.0, **options)
        if not watched:
            return train(net, None, packed)
        with watch(net, every=2) as lab:
            seen = train(net, lab, packed)
        assert len(lab.records) == 2
        assert np.isfinite(lab.records[0].profiles["core"].hidden).all()
        return seen

    assert all(torch.equal(a, b) for a, b in zip(run(False), run(True), strict=True))


def test_a_model_can_be_copied_and_pickled_while_it_is_watched_and_the_copy_is_not() -> None:
    net = Net(num_layers=2, dropout=0.2)
    with watch(net, every=1) as lab:
        for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):  # noqa: S301
            other(torch.randn(2, 4, 3)).sum().backward()
        lab.step()
        assert lab.records == []
        assert repr(net) == repr(Net(num_layers=2, dropout=0.2))


def test_an_exception_leaves_the_model_as_it_was() -> None:
    net = Net()

    def broken() -> None:
        with watch(net, every=1):
            net(torch.randn(2, 4, 3)).sum().backward()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert not net.core._forward_hooks


def test_an_exception_within_a_backward_pass_does_not_spoil_the_next_step() -> None:
    net = Net()

    def broken(grad: Tensor) -> Tensor:
        raise ZeroDivisionError

    with watch(net, every=1) as lab:
        x = torch.randn(2, 4, 3, requires_grad=True)
        y = x * 1
        y.register_hook(broken)
        with pytest.raises(ZeroDivisionError):
            net(y).sum().backward()
        net.zero_grad()
        net(torch.randn(2, 4, 3)).sum().backward()
        lab.step()
    assert lab.records[-1].profiles["core"].calls == ()


@pytest.mark.parametrize("mode", ["evaluated", "no_grad", "inference", "without a backward pass", "outputs unused"])
def test_passes_that_bring_no_gradient_are_no_records(mode: str) -> None:
    net, x = Net(), torch.randn(2, 4, 3)
    with watch(net, every=1) as lab:
        if mode == "no_grad":
            with torch.no_grad():
                net(x)
        elif mode == "inference":
            with torch.inference_mode():
                net(x)
        elif mode == "evaluated":
            net.eval()
            net(x)
        elif mode == "outputs unused":
            net(x)
            net.head(torch.randn(1, 5)).sum().backward()
        else:
            net(x)
        lab.step()
        assert [each.profiles for each in lab.records] == []
        net.train()
        net(x).sum().backward()
        lab.step()
    assert lab.records[-1].profiles["core"].hidden.shape == (1, 4)


def test_two_backward_passes_through_one_graph_add_up() -> None:
    net, x = Net("gru").double(), torch.randn(2, 4, 3, dtype=torch.float64)
    with watch(net, every=1) as lab:
        out = net(x)
        out[:, 1].sum().backward(retain_graph=True)
        out[:, -1].square().sum().backward()
        lab.step()
        net(x)
        out = net(x)
        (out[:, 1].sum() + out[:, -1].square().sum()).backward()
        lab.step()
    twice, once = (each.profiles["core"] for each in lab.records)
    np.testing.assert_allclose(twice.hidden, once.hidden, rtol=1e-12)


def test_a_loss_that_holds_gradients_is_not_recorded_and_says_so() -> None:
    net = nn.GRU(3, 4, batch_first=True)
    x = torch.randn(2, 4, 3, requires_grad=True)
    with watch(net, every=1) as lab:
        loss = net(x)[0].sum()
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        with pytest.warns(WatchWarning, match="create_graph"):
            (loss + slope.square().sum()).backward()
        lab.step()
    assert lab.records[-1].profiles == {}


def test_outputs_that_are_changed_in_place_are_worked_out_anew() -> None:
    net = nn.GRU(3, 4, num_layers=2, batch_first=True).double()
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    with watch(net, every=1) as lab:
        out = net(x)[0]
        out.mul_(2.0)
        out[:, -1].sum().backward()
        lab.step()
        (net(x)[0] * 2)[:, -1].sum().backward()
        lab.step()
    changed, whole = (each.profiles[""] for each in lab.records)
    np.testing.assert_allclose(changed.hidden, whole.hidden, rtol=1e-12)


def test_a_checkpointed_module_is_recorded_once() -> None:
    net = Net("gru").double()
    x = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    with watch(net, every=1) as lab:
        checkpoint(net, x, use_reentrant=False).sum().backward()
        lab.step()
        net(x).sum().backward()
        lab.step()
    first, second = (each.profiles["core"] for each in lab.records)
    np.testing.assert_allclose(first.hidden, second.hidden, rtol=1e-12)


def test_one_sequence_without_a_batch() -> None:
    net = nn.LSTM(3, 4).double()
    x = torch.randn(5, 3, dtype=torch.float64)
    with watch(net, every=1) as lab:
        net(x)[0][-1].sum().backward()
        lab.step()
        net(x[:, None])[0][-1].sum().backward()
        lab.step()
    np.testing.assert_allclose(*(each.profiles[""].hidden for each in lab.records), rtol=1e-12)


def test_mixed_precision_is_recorded_up_to_its_own_rounding() -> None:
    torch.manual_seed(0)
    net = Net(num_layers=2, dropout=0.0)
    x = torch.randn(4, 6, 3)
    with watch(net, every=1) as lab:
        net(x)[:, -1].sum().backward()
        lab.step()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            net(x)[:, -1].sum().backward()
        lab.step()
    whole, mixed = (each.profiles["core"].hidden for each in lab.records)
    np.testing.assert_allclose(mixed, whole, rtol=0.1)


def test_a_scale_is_divided_out() -> None:
    net, x = Net().double(), torch.randn(2, 4, 3, dtype=torch.float64)

    class Scaler:
        def get_scale(self) -> float:
            return 1024.0

    with watch(net, every=1) as lab:
        net(x).sum().backward()
        lab.step()
        net.zero_grad()
        (net(x).sum() * 1024).backward()
        lab.step(scaler=Scaler())
    plain, scaled = lab.records
    np.testing.assert_allclose(scaled.profiles["core"].hidden, plain.profiles["core"].hidden, rtol=1e-12)
    assert scaled.grad_norm == pytest.approx(plain.grad_norm)


def test_data_parallel_and_compiled_parts() -> None:
    net = Net().double()
    x = torch.randn(2, 4, 3, dtype=torch.float64)
    with watch(nn.DataParallel(net), every=1) as lab:
        nn.DataParallel(net)(x).sum().backward()
        lab.step()
    assert list(lab.records[-1].profiles) == ["module.core"]


def test_what_is_not_supported_says_so_in_one_sentence_and_trains() -> None:
    class Own(nn.LSTM):
        def forward(self, x: Tensor, hx=None):
            return super().forward(x, hx)

    with pytest.warns(WatchWarning, match="Own has a forward of its own") as caught:
        lab = watch(nn.ModuleDict({"a": Own(2, 3), "b": nn.LSTM(2, 3)}))
    assert len(caught) == 1
    assert lab.names == ["b"]
    with pytest.warns(WatchWarning, match="nothing is recorded"), watch(nn.Linear(2, 3)) as empty:
        empty.step()
    assert empty.records == []


def test_an_error_of_the_watcher_is_a_note_and_no_error_of_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr("rnncore.watching.backward.go_back", broken)
    net = Net()
    with watch(net, every=1) as lab:
        with pytest.warns(WatchWarning, match="MemoryError: no room"):
            net(torch.randn(2, 4, 3)).sum().backward()
        with warnings.catch_warnings():
            net(torch.randn(2, 4, 3)).sum().backward()  # said once
        lab.step()
    assert lab.records[-1].profiles == {}
    assert lab.records[-1].grad_norm > 0


def test_frozen_modules_and_inputs_that_need_no_gradient() -> None:
    net = Net()
    net.core.requires_grad_(False)
    with watch(net, every=1) as lab:
        net(torch.randn(2, 4, 3)).sum().backward()
        lab.step()
        net(torch.randn(2, 4, 3, requires_grad=True)).sum().backward()
        lab.step()
    assert [list(each.profiles) for each in lab.records] == [["core"]]


def test_hooks_of_others_that_change_the_result_are_no_trouble() -> None:
    net = nn.GRU(3, 4, batch_first=True).double()
    x = torch.randn(2, 5, 3, dtype=torch.float64)
    handle = net.register_forward_hook(lambda module, args, result: (result[0] * 2, result[1]))
    with watch(net, every=1) as lab:
        net(x)[0][:, -1].sum().backward()
        lab.step()
        handle.remove()
        (net(x)[0] * 2)[:, -1].sum().backward()
        lab.step()
    changed, whole = (each.profiles[""] for each in lab.records)
    np.testing.assert_allclose(changed.hidden, whole.hidden, rtol=1e-12)


def test_where_warnings_are_errors_the_training_goes_on() -> None:
    net = nn.GRU(3, 4)
    x = torch.randn(5, 2, 3, requires_grad=True)
    with watch(net, every=1) as lab, warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = net(x)[0].sum()
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        (loss + slope.square().sum()).backward()
        lab.step()
    assert "create_graph" in lab.notes[0]
