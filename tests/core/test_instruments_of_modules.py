"""Instruments on layers of torch.nn: the same states and gradients as the module's own."""

import numpy as np
import pytest
import torch
from torch import nn

from rnncore.engine.instruments import NotDefinedError, flow_matrix, from_torch, lyapunov_spectrum


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_module_is_looked_at_as_it_is_and_as_it_becomes(kind: type[nn.RNNBase]) -> None:
    torch.manual_seed(0)
    module, head = kind(2, 4, 2, batch_first=True).double(), nn.Linear(4, 1).double()
    x, y = torch.randn(3, 6, 2).double(), torch.randn(3, 1).double()
    model = from_torch(module, head)
    torch.testing.assert_close(model(x), head(module(x)[0][:, -1]))
    outputs, _ = module(x)
    outputs.retain_grad()
    first = lyapunov_spectrum(model, x)
    row = flow_matrix(model, x, y)[0]
    head(outputs[:, -1]).sub(y).square().mean(1).sum().backward()
    np.testing.assert_allclose(row[-1], outputs.grad[:, -1].norm(dim=-1).mean(), rtol=1e-9)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(2)
    assert not np.allclose(lyapunov_spectrum(model, x), first)


def test_what_is_not_known_is_refused() -> None:
    for module in (nn.LSTM(1, 2, bidirectional=True), nn.LSTM(1, 3, proj_size=2), nn.GRU(1, 2, bias=False)):
        with pytest.raises(NotDefinedError, match="two directions, with projections or without biases"):
            from_torch(module)
