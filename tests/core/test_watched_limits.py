"""What cannot be recorded is said in one sentence, and never recorded wrongly; what is only unusual is recorded."""

import warnings

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torch.nn.utils.parametrize import register_parametrization

from rnncore import watch
from rnncore.watching.backward import WatchWarning
from rnncore.watching.lab import Lab
from rnncore.watching.loops import key_of

quiet = pytest.mark.filterwarnings("ignore::rnncore.watching.backward.WatchWarning")


class Net(nn.Module):
    """A GRU below a GRU; `direct` calls the lower one's forward and not the module."""

    def __init__(self, direct: bool = False) -> None:
        super().__init__()
        self.below, self.above, self.direct = nn.GRU(2, 3), nn.GRU(3, 3), direct

    def forward(self, x: Tensor) -> Tensor:
        return self.above((self.below.forward if self.direct else self.below)(x)[0])[0]


def step(net: nn.Module, lab: Lab, times: int = 2) -> None:
    for _ in range(times):
        net(torch.randn(5, 4, 2)).square().mean().backward()
        lab.step()


@quiet
def test_a_forward_that_is_called_directly_is_said_and_the_others_are_recorded() -> None:
    net = Net(direct=True)
    with watch(net, every=1) as lab:
        step(net, lab)
    assert [list(each.profiles) for each in lab.records] == [["above"], ["above"]]
    assert len(lab.notes) == 1
    assert "'below' is not recorded: its weights get a gradient, but no call of it was seen" in lab.notes[0]


def test_a_module_that_is_not_used_is_no_reason_for_a_sentence() -> None:
    net = nn.ModuleDict({"used": nn.GRU(2, 3), "target": nn.GRU(2, 3), "idle": nn.GRU(2, 3)})
    for each in net["idle"].parameters():
        each.grad = torch.zeros_like(each)  # as zero_grad(set_to_none=False) leaves it
    with warnings.catch_warnings(), watch(net, every=1) as lab:
        warnings.simplefilter("error")
        x = torch.randn(5, 4, 2)
        with torch.no_grad():
            aim = net["target"](x)[0]
        (net["used"](x)[0] - aim).square().mean().backward()
        lab.step()
    assert lab.notes == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_torch_jit_has_compiled_is_said() -> None:
    class Wrap(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.core = nn.LSTM(2, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.core(x)[0]

    net = nn.Sequential(torch.jit.script(Wrap()), nn.GRU(3, 3))
    with pytest.warns(WatchWarning, match=r"'0\.core' is not recorded: torch\.jit has compiled it"):
        lab = watch(net, every=1)
    with lab:
        net(torch.randn(5, 4, 2))[0].sum().backward()
        lab.step()
    assert list(lab.records[0].profiles) == ["1"]
    assert len(lab.notes) == 1


@quiet
def test_transforms_of_torch_func_are_said() -> None:
    net, x = nn.LSTM(2, 3), torch.randn(5, 4, 2)
    weights = {name: each.detach() for name, each in net.named_parameters()}

    def loss(own: dict[str, Tensor]) -> Tensor:
        return functional_call(net, own, (x,))[0].square().mean()

    alone = grad(loss)(weights)
    with watch(net, every=1) as lab:
        watched = grad(loss)(weights)
        lab.step()
    assert all(torch.equal(alone[name], watched[name]) for name in weights)
    assert "a transform of torch.func" in lab.notes[0]
    assert not any(each.profiles for each in lab.records)


class Loop(nn.Module):
    """A cell in a loop; the loss sees the last state alone."""

    def __init__(self, kind: type[nn.RNNCellBase] = nn.GRUCell) -> None:
        super().__init__()
        self.cell = kind(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for each in x:
            state = self.cell(each, state)
        return state[0] if isinstance(state, tuple) else state


@quiet
@pytest.mark.parametrize("make", [lambda: Net(), lambda: Loop()])
def test_an_optimiser_that_steps_within_the_backward_pass_is_said(make) -> None:
    """Then the weights that the pass back in time needs are no longer those of the forward pass."""
    net = make()
    for each in net.parameters():
        optimizer = torch.optim.SGD([each], 0.1)
        each.register_post_accumulate_grad_hook(lambda _, optimizer=optimizer: optimizer.step() and None)
    with watch(net, every=1) as lab:
        step(net, lab)
    assert not any(each.profiles for each in lab.records)
    assert all("its weights were changed in place after the call" in note for note in lab.notes)
    assert lab.notes


@quiet
def test_a_call_whose_gradient_is_part_of_the_loss_is_said_and_the_others_are_recorded() -> None:
    """As a gradient penalty has it, whose own way back does not touch the outputs at all."""
    net = nn.GRU(2, 3)
    with watch(net, every=1) as lab:
        real, mixed = torch.randn(5, 4, 2), torch.randn(5, 4, 2, requires_grad=True)
        (slope,) = torch.autograd.grad(net(mixed)[0][-1].sum(), mixed, create_graph=True)
        (net(real)[0][-1].mean() + (slope.norm(dim=2) - 1).square().mean()).backward()
        lab.step()
    assert len(lab.notes) == 1
    assert "is not recorded in calls whose gradient is part of the loss (create_graph=True)" in lab.notes[0]
    assert lab.records[0].profiles[""].calls == ()


def test_a_step_that_is_never_closed_is_said() -> None:
    net = Net()
    with pytest.warns(WatchWarning, match=r"`lab\.step\(\)` was never called"), watch(net, every=1) as lab:
        net(torch.randn(5, 4, 2)).sum().backward()
    assert lab.records == []
    other = watch(net, every=1).open()
    net(torch.randn(5, 4, 2)).sum().backward()
    other.close(ZeroDivisionError())
    assert other.notes == []


class Dropped(nn.Module):
    """Drops weights anew each time that they are asked for."""

    def forward(self, weight: Tensor) -> Tensor:
        return F.dropout(weight, 0.3)


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
@pytest.mark.parametrize("how", ["dropped", "spectral norm", "weight norm"])
def test_parametrized_cells_are_asked_for_no_weight_and_recorded_with_those_that_they_used(kind, how) -> None:
    def run(watched: bool) -> tuple[list[Tensor], Lab | None]:
        torch.manual_seed(0)
        net = Loop(kind).double()
        if how == "dropped":
            register_parametrization(net.cell, "weight_hh", Dropped())
        elif how == "spectral norm":
            parametrizations.spectral_norm(net.cell, "weight_hh")
        else:
            parametrizations.weight_norm(net.cell, "weight_hh")
        lab = watch(net, every=1).open() if watched else None
        for _ in range(2):
            net(torch.randn(5, 4, 2, dtype=torch.float64)).square().sum().backward()
            if lab is not None:
                lab.step()
        if lab is not None:
            lab.close()
        return [*net.state_dict().values(), *(each.grad for each in net.parameters()), torch.rand(3)], lab

    (alone, _), (watched, lab) = run(False), run(True)
    assert all(map(torch.equal, alone, watched))
    assert lab is not None
    assert lab.notes == []
    for record in lab.records:
        profile = record.profiles["cell"]
        assert np.all(profile.hidden > 0)
        assert np.all(profile.direct[0, :-1] <= 1e-12 * profile.hidden[0, :-1])
        assert profile.direct[0, -1] == pytest.approx(profile.hidden[0, -1])


def test_a_subclass_is_recorded_as_what_it_is() -> None:
    class Encoder(nn.GRU):
        pass

    class Memory(nn.LSTMCell):
        pass

    assert [key_of(each) for each in (Encoder(2, 3), Memory(2, 3), nn.RNN(2, 3))] == ["gru", "lstm", "rnn"]
    net = nn.ModuleList([Encoder(2, 3), Memory(3, 3)])
    with watch(net, every=1) as lab:
        net[1](net[0](torch.randn(5, 4, 2))[1][0])[0].sum().backward()
        lab.step()
    assert lab.notes == []
    assert list(lab.records[0].profiles) == ["0", "1"]
