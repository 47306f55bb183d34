"""Odd but ordinary programs: watched, they train as they would alone to the last bit, and are recorded as they are."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from rnncore import watch
from rnncore.watching.lab import Lab

Program = Callable[[Lab | None], list[Tensor]]
PROGRAMS: dict[str, tuple[Callable[[], nn.Module], Callable[[nn.Module, Lab | None], list[Tensor]]]] = {}


def program(make: Callable[[], nn.Module]) -> Callable:
    """Enter a training loop with what makes its model; it returns tensors that must not change."""

    def enter(train: Callable[[nn.Module, Lab | None], list[Tensor]]) -> Callable:
        PROGRAMS[train.__name__] = make, train
        return train

    return enter


def close(lab: Lab | None, loss: Tensor, optimizer: object = None) -> None:
    if lab is not None:
        lab.step(loss=loss, optimizer=optimizer)


class Translator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.encoder = nn.Embedding(9, 4), nn.GRU(4, 5, batch_first=True)
        self.decoder, self.head = nn.GRUCell(4, 5), nn.Linear(5, 9)

    def forward(self, source: Tensor, target: Tensor, forced: float) -> Tensor:
        state, word, said = self.encoder(self.words(source))[1][0], target[:, 0], []
        for t in range(1, target.shape[1]):
            state = self.decoder(self.words(word), state)
            said.append(self.head(state))
            word = target[:, t] if torch.rand(()) < forced else said[-1].argmax(1)
        return torch.stack(said, 1)


@program(Translator)
def teacher_forcing(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    optimizer, seen = torch.optim.Adam(net.parameters()), []
    for _ in range(4):
        words = torch.randint(9, (3, 6))
        loss = F.cross_entropy(net(words, words, 0.5).flatten(0, 1), words[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        close(lab, loss, optimizer)
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        optimizer.step()
        seen.append(loss.detach())
    return seen


@program(lambda: nn.LSTM(2, 3, 2, batch_first=True, dropout=0.3))
def state_that_is_carried_over_and_detached(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    optimizer, state, seen = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9), None, []
    for _ in range(4):
        out, state = net(torch.randn(3, 5, 2), state)
        state = tuple(each.detach() for each in state)
        loss = out.square().mean()
        optimizer.zero_grad()
        loss.backward()
        close(lab, loss, optimizer)
        optimizer.step()
        seen += [out.detach(), *state]
    return seen


@program(lambda: nn.LSTM(2, 4, bidirectional=True, proj_size=2, batch_first=True))
def packed_out_of_order_with_projections(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    seen = []
    for _ in range(3):
        packed = pack_padded_sequence(torch.randn(4, 6, 2), torch.tensor([2, 6, 1, 4]), True, enforce_sorted=False)
        out = pad_packed_sequence(net(packed)[0], batch_first=True)[0]
        out.square().mean().backward()
        close(lab, out.mean())
        seen.append(out.detach())
    return seen


class Zoneout(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        h, c = x.new_zeros(2, len(x), 3)
        for each in x.unbind(1):
            new = self.cell(each, (h, c))
            keep = torch.rand(len(x), 3) < 0.2
            h, c = (torch.where(keep, old, fresh) for old, fresh in zip((h, c), new, strict=True))
        return h


@program(Zoneout)
def zoneout(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    optimizer, seen = torch.optim.AdamW(net.parameters()), []
    for _ in range(3):
        loss = net(torch.randn(4, 5, 2)).square().mean()
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        close(lab, loss, optimizer)
        optimizer.step()
        seen.append(loss.detach())
    return seen


class Tied(nn.Module):
    """Weights shared by two layers, and an embedding that is the read-out too."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.first, self.second = nn.Embedding(7, 4), nn.RNN(4, 4), nn.RNN(4, 4)
        self.second.weight_hh_l0 = self.first.weight_hh_l0

    def forward(self, words: Tensor) -> Tensor:
        return self.second(self.first(self.words(words))[0])[0] @ self.words.weight.T


@program(Tied)
def tied_weights(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    optimizer, seen = torch.optim.RMSprop(net.parameters()), []
    for _ in range(3):
        words = torch.randint(7, (5, 3))
        loss = F.cross_entropy(net(words[:-1]).flatten(0, 1), words[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        close(lab, loss, optimizer)
        optimizer.step()
        seen.append(loss.detach())
    return seen


@program(lambda: nn.ModuleDict({"encoder": nn.GRU(2, 3), "core": nn.GRU(3, 3), "head": nn.Linear(3, 1)}))
def encoder_without_gradients(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    seen = []
    for _ in range(3):
        with torch.no_grad():
            below = net["encoder"](torch.randn(5, 4, 2))[0]
        loss = net["head"](net["core"](below)[1][0]).square().mean()
        loss.backward()
        close(lab, loss)
        net.eval()
        with torch.inference_mode():
            seen.append(net["core"](below.clone())[0].clone())
        net.train()
    return [each.clone() for each in seen]


@program(lambda: nn.ModuleDict({"made": nn.GRU(2, 2), "judge": nn.GRU(2, 3), "head": nn.Linear(3, 1)}))
def two_optimisers_against_each_other(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    makes = torch.optim.Adam(net["made"].parameters())
    judges = torch.optim.Adam([*net["judge"].parameters(), *net["head"].parameters()])
    seen = []

    def judged(x: Tensor) -> Tensor:
        return net["head"](net["judge"](x)[1][0])

    for _ in range(3):
        made = net["made"](torch.randn(5, 4, 2))[0]
        judges.zero_grad()
        loss = F.softplus(judged(made.detach())).mean() + F.softplus(-judged(torch.randn(5, 4, 2))).mean()
        loss.backward()
        close(lab, loss, judges)
        judges.step()
        makes.zero_grad()
        against = F.softplus(-judged(made)).mean()
        against.backward()
        close(lab, against, makes)
        makes.step()
        seen += [loss.detach(), against.detach()]
    return seen


@program(lambda: nn.LSTM(2, 3))
def closures(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    x, optimizer, seen = torch.randn(6, 4, 2), torch.optim.LBFGS(net.parameters(), max_iter=4), []

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (net(x)[0] - 0.3).square().mean()
        loss.backward()
        close(lab, loss, optimizer)
        seen.append(loss.detach())
        return loss

    for _ in range(2):
        optimizer.step(closure)
    return seen


@program(lambda: nn.ModuleList([nn.LSTM(2, 3), nn.LSTMCell(3, 3)]))
def states_in_lists(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    states, seen = [torch.zeros(1, 4, 3), torch.zeros(1, 4, 3)], []
    for _ in range(3):
        out, new = net[0](torch.randn(5, 4, 2), states)
        above = [each[0] for each in new]
        for each in out:
            above = list(net[1](each, above))
        states = [each.detach() for each in new]
        loss = above[0].square().mean()
        loss.backward()
        close(lab, loss)
        seen += [loss.detach(), *states]
    return seen


@program(lambda: nn.GRU(2, 3))
def several_passes_through_one_graph(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    out = net(torch.randn(6, 4, 2))[0]
    for t in range(6):
        out[t].sum().backward(retain_graph=True)
    close(lab, out.sum())
    out.square().sum().backward()
    close(lab, out.sum())
    return [out.detach()]


@program(lambda: nn.GRU(2, 3).to(torch.bfloat16))
def half_precision(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    loss = net(torch.randn(5, 4, 2, dtype=torch.bfloat16))[0].square().mean()
    loss.backward()
    close(lab, loss)
    return [loss.detach()]


@program(lambda: nn.LSTM(2, 3, batch_first=True))
def sizes_of_all_kinds(net: nn.Module, lab: Lab | None) -> list[Tensor]:
    seen = []
    for shape in ((4, 1, 2), (1, 5, 2), (5, 2), (0, 5, 2), (3, 7, 2)):
        loss = net(torch.randn(shape))[0].square().sum()
        loss.backward()
        close(lab, loss)
        seen.append(loss.detach())
    return seen


def run(name: str, watched: bool) -> tuple[list[Tensor], Lab | None]:
    make, train = PROGRAMS[name]
    torch.manual_seed(5)
    net = make()
    lab = watch(net, every=1).open() if watched else None
    seen = train(net, lab)
    if lab is not None:
        lab.close()
    grads = [each.grad for each in net.parameters() if each.grad is not None]
    return [*seen, *net.parameters(), *grads, torch.rand(4)], lab


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_trains_as_it_would_alone(name: str) -> None:
    (alone, _), (watched, lab) = run(name, False), run(name, True)
    assert len(alone) == len(watched)
    assert all(torch.equal(a, b) for a, b in zip(alone, watched, strict=True))
    assert lab is not None
    assert lab.notes == []
    assert lab.records
    for record in lab.records:
        assert record.profiles or "sizes" in name
        for profile in record.profiles.values():
            assert np.isfinite(profile.hidden[:, profile.count > 0]).all()


def test_weights_that_are_moved_and_cast_after_watching_began() -> None:
    net = nn.GRU(2, 3)
    x = torch.randn(5, 4, 2)
    with watch(net, every=1) as lab:
        net(x)[0].sum().backward()
        lab.step()
        net.zero_grad()
        net.double()
        net(x.double())[0].sum().backward()
        lab.step()
    first, second = (each.profiles[""].hidden for each in lab.records)
    np.testing.assert_allclose(first, second, rtol=1e-5)


def test_two_labs_on_one_model_record_the_same() -> None:
    net = nn.GRU(2, 3)
    with watch(net, every=1) as outer, watch(net, every=1) as inner:
        net(torch.randn(5, 4, 2))[0].sum().backward()
        inner.step()
        outer.step()
    np.testing.assert_array_equal(inner.records[0].profiles[""].hidden, outer.records[0].profiles[""].hidden)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, StopIteration])
@pytest.mark.parametrize("where", ["before", "forward", "backward", "after"])
def test_a_loop_that_ends_anywhere_leaves_the_model_as_it_was(error: type[BaseException], where: str) -> None:
    net, x = nn.GRU(2, 3), torch.randn(5, 4, 2, requires_grad=True)

    def end(*_: object) -> None:
        raise error

    def loop(lab: Lab) -> None:
        if where == "before":
            end()
        out = net(x * 1)[0]
        if where == "forward":
            end()
        if where == "backward":
            out.register_hook(end)
        out.sum().backward()
        lab.step()
        end()

    before = set(vars(net)), copy.deepcopy(net.state_dict())
    with pytest.raises(error), watch(net, every=1) as lab:
        loop(lab)
    assert not net._forward_hooks
    assert not net._forward_pre_hooks
    assert set(vars(net)) == before[0]
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), before[1].values(), strict=True))


def test_a_loop_that_is_left_early_and_taken_up_again() -> None:
    net = nn.GRU(2, 3)
    lab = watch(net, every=1)
    for _ in range(2):
        with lab:
            for _ in range(3):
                net(torch.randn(5, 4, 2))[0].sum().backward()
                lab.step()
                break
    assert len(lab.records) == 2
