"""Watched modules on an accelerator, where there is one: the same profiles as on the CPU, and nothing changed."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from rnncore import watch
from rnncore.on_demand import ON_DEMAND
from rnncore.reading import Reading
from rnncore.watching.backward import WatchWarning
from rnncore.watching.record import WatchRecord
from tests.support.accelerators import on_accelerators


@on_accelerators
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("packed", [False, True])
def test_profiles_are_those_of_the_cpu(device: str, kind: type[nn.RNNBase], packed: bool) -> None:
    torch.manual_seed(0)
    net = kind(3, 8, 2, bidirectional=True, batch_first=True)
    x, lengths = torch.randn(6, 20, 3), torch.tensor([20, 3, 7, 20, 11, 1])

    def record(place: str):
        net.to(place)
        net.zero_grad()
        given = x.to(place)
        with watch(net, every=1, gates=True) as lab:
            out = net(pack_padded_sequence(given, lengths, True, enforce_sorted=False) if packed else given)[0]
            (out.data if packed else out).square().sum().backward()
            lab.step()
        assert lab.notes == []
        return lab.records[-1]

    wanted, found = record("cpu"), record(device)
    for name in ("hidden", "direct", "start", "cell", "gates"):
        a, b = getattr(wanted.profiles[""], name), getattr(found.profiles[""], name)
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(b, a, rtol=5e-3, atol=1e-6)
    assert found.grad_norm == pytest.approx(wanted.grad_norm, rel=5e-3)


@on_accelerators
def test_training_is_the_same_to_the_last_bit(device: str) -> None:
    def run(watched: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        net = nn.GRU(3, 8, batch_first=True).to(device)
        optimizer = torch.optim.Adam(net.parameters())
        lab = watch(net, every=1).open() if watched else None
        for _ in range(5):
            optimizer.zero_grad()
            loss = net(torch.randn(4, 9, 3, device=device))[0].square().mean()
            loss.backward()
            if lab is not None:
                lab.step(loss=loss, optimizer=optimizer)
            optimizer.step()
        if lab is not None:
            lab.close()
        return [*net.parameters(), torch.randn(3, device=device)]

    assert all(torch.equal(a, b) for a, b in zip(run(False), run(True), strict=True))


@on_accelerators
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("autocast", [None, torch.bfloat16, torch.float16])
def test_layers_with_dropout_between_them(device: str, kind: type[nn.RNNBase], autocast: torch.dtype | None) -> None:
    """The parts of the gradient fit together, whatever masks were drawn, and that they are others is said."""
    torch.manual_seed(0)
    net = kind(3, 8, 3, dropout=0.4).to(device)
    scaler = torch.amp.GradScaler(device, enabled=autocast is torch.float16 and device == "cuda")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def train() -> list[WatchRecord]:
        with watch(net, every=1, batch_mean=True) as lab:
            for _ in range(3):
                optimizer.zero_grad()
                with torch.autocast(device, dtype=autocast or torch.bfloat16, enabled=autocast is not None):
                    out = net(torch.randn(20, 6, 3, device=device))[0]
                loss = out[-1].float().square().mean()
                scaler.scale(loss).backward()
                lab.step(loss=loss, optimizer=optimizer, scaler=scaler if scaler.is_enabled() else None)
                scaler.step(optimizer)
                scaler.update()
        return lab.records

    with pytest.warns(WatchWarning, match="masks"):
        records = train()
    assert len(records) == 3
    for record in records:
        profile = record.profiles[""]
        assert profile.direct is not None
        assert np.isfinite(profile.hidden).all()
        np.testing.assert_allclose(profile.hidden[-1, -1], profile.direct[-1, -1], rtol=1e-2)
        assert (profile.direct[-1, :-1] < 1e-3 * profile.direct[-1, -1]).all()  # the loss reads the last step alone
        assert (profile.direct[0] > 0).any()


@on_accelerators
@pytest.mark.parametrize("cell", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_cells_in_a_loop(device: str, cell: type[nn.RNNCellBase]) -> None:
    torch.manual_seed(0)
    net, x = cell(3, 8), torch.randn(12, 5, 3)

    def record(place: str):
        net.to(place)
        net.zero_grad()
        state = None
        with watch(net, every=1) as lab:
            for step in x.to(place):
                state = net(step, state)
            (state if isinstance(state, torch.Tensor) else state[0]).square().sum().backward()
            lab.step()
        return lab.records[-1].profiles[""]

    np.testing.assert_allclose(record(device).hidden, record("cpu").hidden, rtol=5e-3, atol=1e-6)


@on_accelerators
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("key", [key for key, entry in ON_DEMAND.items() if entry.watched])
def test_readings_are_those_of_the_cpu(device: str, kind: type[nn.RNNBase], key: str) -> None:
    """Of a call in the program, and in a step of its training."""
    x = torch.randn(5, 12, 3, generator=torch.Generator().manual_seed(3))

    def read(place: str) -> list[Reading]:
        torch.manual_seed(0)
        net = kind(3, 6, 2, batch_first=True).to(place)
        optimizer, found = torch.optim.Adam(net.parameters(), lr=0.01), []
        with watch(net, every=1) as lab:
            for _ in range(3):
                lab.ask(key)
                optimizer.zero_grad()
                net(x.to(place))[0].square().sum().backward()
                lab.step(optimizer=optimizer)
                optimizer.step()
            if ON_DEMAND[key].needs != "update":
                found.append(lab.inspect(key, x.to(place), loss=lambda answer: answer[0].square().sum()))
        return [*(reading for _, reading in lab.readings), *found]

    for wanted, found in zip(read("cpu"), read(device), strict=True):
        assert found.undefined == wanted.undefined == ""
        assert list(found.arrays) == list(wanted.arrays)
        for name, values in wanted.arrays.items():
            if not name.startswith(("eigenvalue", "of_unit", "rank", "product")):  # their order hangs on rounding
                np.testing.assert_allclose(found.arrays[name], values, rtol=2e-2, atol=2e-3)
