"""Watched modules on an accelerator, where there is one: the same profiles as on the CPU, and nothing changed."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from rnncore import watch

DEVICES = [
    name for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())) if there
]


@pytest.mark.skipif(not DEVICES, reason="neither CUDA nor MPS is available here")
@pytest.mark.parametrize("device", DEVICES or ["an accelerator"])
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


@pytest.mark.skipif(not DEVICES, reason="neither CUDA nor MPS is available here")
@pytest.mark.parametrize("device", DEVICES or ["an accelerator"])
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
