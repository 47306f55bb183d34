"""Backward passes of all kinds: those that train are recorded, once each; those that only ask for a slope are not."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

from rnncore import watch
from rnncore.watching.record import WatchRecord


class Net(nn.Module):
    """A GRU between two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.below, self.core, self.head = nn.Linear(2, 3), nn.GRU(3, 4, batch_first=True), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.core(self.below(x))[0]).square().sum()


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net().double()


def x() -> Tensor:
    return torch.randn(3, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def plain(net: nn.Module) -> WatchRecord:
    with watch(net, every=1) as lab:
        net(x()).backward()
        lab.step()
    net.zero_grad()
    return lab.records[-1]


def same(found: WatchRecord, wanted: WatchRecord) -> None:
    np.testing.assert_allclose(found.profiles["core"].hidden, wanted.profiles["core"].hidden, rtol=1e-12)
    assert found.profiles["core"].calls == ()


@pytest.mark.parametrize("inside", [False, True])
def test_a_slope_by_the_inputs_is_no_part_of_the_training(net: Net, inside: bool) -> None:
    """As for saliency, or adversarial examples; `inside` the graph that is trained by, or one of its own."""
    wanted = plain(net)
    with watch(net, every=1) as lab:
        given = x().requires_grad_()
        loss = net(given)
        torch.autograd.grad(loss, given, retain_graph=True)
        if not inside:
            torch.autograd.grad(net(given), given)
        loss.backward()
        lab.step()
    same(lab.records[-1], wanted)
    assert lab.records[-1].grad_norm == pytest.approx(wanted.grad_norm)


def test_a_slope_alone_is_no_record(net: Net) -> None:
    with watch(net, every=1) as lab:
        given = x().requires_grad_()
        torch.autograd.grad(net(given), given)
        lab.step()
    assert lab.records == []


def test_gradients_that_are_handed_out_are_recorded_without_a_norm_that_is_not_theirs(net: Net) -> None:
    wanted = plain(net)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with watch(net, every=1) as lab:
        for each in net.parameters():
            each.grad = torch.full_like(each, 7.0)  # of a step before
        found = torch.autograd.grad(net(x()), list(net.parameters()))
        for each, grad in zip(net.parameters(), found, strict=True):
            each.grad = grad
        lab.step(optimizer=optimizer)
        optimizer.step()
    same(lab.records[-1], wanted)
    assert lab.records[-1].grad_norm is None
    assert lab.records[-1].clipped_norm == pytest.approx(wanted.grad_norm)


@pytest.mark.parametrize("frozen", ["core", "below", "head", "all"])
def test_frozen_parts_change_nothing_about_what_is_recorded(net: Net, frozen: str) -> None:
    wanted = plain(net)
    (net if frozen == "all" else getattr(net, frozen)).requires_grad_(False)
    with watch(net, every=1) as lab:
        net(x().requires_grad_()).backward()
        lab.step()
    same(lab.records[-1], wanted)


def test_some_of_the_parameters_as_inputs_of_the_pass(net: Net) -> None:
    wanted = plain(net)
    with watch(net, every=1) as lab:
        net(x()).backward(inputs=[net.core.weight_hh_l0])
        lab.step()
        net(x()).backward(inputs=list(net.below.parameters()))
        lab.step()
    for record in lab.records:
        same(record, wanted)


def test_parameters_of_a_functional_call(net: Net) -> None:
    wanted = plain(net)
    own = {name: each.detach().clone().requires_grad_() for name, each in net.named_parameters()}
    with watch(net, every=1) as lab:
        functional_call(net, own, (x(),)).backward()
        lab.step()
    same(lab.records[-1], wanted)


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("part", ["core", "whole"])
def test_checkpointing(net: Net, reentrant: bool, part: str) -> None:
    wanted = plain(net)
    with watch(net, every=1) as lab:
        given = x().requires_grad_()
        if part == "whole":
            loss = checkpoint(net, given, use_reentrant=reentrant)
        else:
            out = checkpoint(lambda below: net.core(below)[0], net.below(given), use_reentrant=reentrant)
            loss = net.head(out).square().sum()
        loss.backward()
        lab.step()
    same(lab.records[-1], wanted)


def test_checkpointed_pieces_and_plain_ones_in_one_pass() -> None:
    """A reentrant checkpoint runs a pass of its own in the middle of the outer one."""
    torch.manual_seed(0)
    first, middle, last = (nn.GRU(3, 3).double() for _ in range(3))
    net, given = nn.ModuleList([first, middle, last]), torch.randn(5, 2, 3, dtype=torch.float64)

    def run(checkpointed: bool) -> WatchRecord:
        with watch(net, every=1) as lab:
            out = first(given)[0]
            piece = checkpoint(lambda h: middle(h)[0], out, use_reentrant=True) if checkpointed else middle(out)[0]
            last(piece)[0][-1].square().sum().backward()
            lab.step()
        return lab.records[-1]

    wanted, found = run(False).profiles, run(True).profiles
    assert list(wanted) == list(found) == ["0", "1", "2"]
    for name, each in wanted.items():
        np.testing.assert_allclose(found[name].hidden, each.hidden, rtol=1e-12)


def test_a_scaler_that_skips_a_step() -> None:
    torch.manual_seed(0)
    net, other = Net(), Net()
    other.load_state_dict(net.state_dict())
    optimizer, scaler = torch.optim.SGD(net.parameters(), 0.01), torch.amp.GradScaler("cpu", init_scale=2.0**10)
    given = x().float()
    heard: list[WatchRecord] = []
    with watch(net, every=1) as lab:
        lab.listen(heard.append)
        for factor in (1.0, float("inf"), 1.0):
            optimizer.zero_grad()
            loss = net(given) * factor
            scaler.scale(loss).backward()
            lab.step(loss=loss, optimizer=optimizer, scaler=scaler)
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            scaler.step(optimizer)
            scaler.update()
    first, skipped, last = lab.records
    assert heard == lab.records
    wanted = plain(other.double())
    np.testing.assert_allclose(first.profiles["core"].hidden, wanted.profiles["core"].hidden, rtol=1e-4)
    assert first.grad_norm == pytest.approx(wanted.grad_norm, rel=1e-4)
    assert first.clipped_norm == pytest.approx(0.5, rel=1e-3)
    assert first.update_norm == pytest.approx(0.005, rel=1e-3)
    assert skipped.update_norm is None  # the optimiser was not asked for a step
    assert last.update_norm == pytest.approx(0.005, rel=1e-3)
    assert scaler.get_scale() == 2.0**9
    assert lab.findings()[0].kind != "diverged"
