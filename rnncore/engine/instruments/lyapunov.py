"""Lyapunov exponents: by what factor a small disturbance of the state grows or shrinks per timestep, on average."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.engine.instruments.jacobians import layers_of, network_jacobians
from rnncore.engine.model import SequenceModel

MOST = 64  # exponents of a network with more than `LARGE` numbers in its state
LARGE = 512


def lyapunov_spectrum(model: SequenceModel, inputs: Tensor, exponents: int | None = None) -> NDArray[np.float64]:
    """Return the Lyapunov exponents of a network driven by inputs (B, T, F), (n,), in nats per timestep, descending.

    With J_t = ds_t/ds_{t-1} of the states s of all layers together (of an LSTM h and c), Q_t R_t = J_t Q_{t-1} and
    lambda_i = mean over t and b of ln |R_ii| (Vogt et al. 2022, "On Lyapunov exponents for RNNs"; Engelken et al. 2023,
    "Lyapunov spectra of chaotic recurrent neural networks"). In float64; -inf where a direction is wiped out exactly.
    exponents: how many of the largest, all by default, but the first 64 where the state has more than 512 numbers.
    Raises NotDefinedError for less than two timesteps.
    """
    layers = layers_of(model, inputs.double())
    size = sum(layer.size for layer in layers)
    count = min(size, exponents or (MOST if size > LARGE else size))
    return mean_exponents(network_jacobians(layers), len(inputs), size, count)


def mean_exponents(jacobians: Iterable[Tensor], batch: int, size: int, count: int) -> NDArray[np.float64]:
    """Return the `count` largest exponents, descending, of a product of Jacobians (B, N, N), first to last."""
    return np.sort(exponents_of(jacobians, batch, size, count).cpu().numpy())[::-1].copy()


def exponents_of(jacobians: Iterable[Tensor], batch: int, size: int, count: int) -> Tensor:
    """Return the first `count` exponents of a product of Jacobians (B, N, N), mean over b, in the order of Q's columns.

    All of them begin with the axes; some of them with directions drawn once for all, since units that do not see one
    another would keep each axis for itself, and the first axes are not those that grow most. Gradients flow.
    """
    steps, total = 0, torch.zeros((), dtype=torch.float64)
    q = torch.eye(size, dtype=torch.float64) if count == size else first_directions(size, count)
    q = q.expand(batch, -1, -1)
    for jacobian in jacobians:
        q, r = torch.linalg.qr(jacobian @ q.to(jacobian))
        total = total.to(r) + r.diagonal(dim1=-2, dim2=-1).abs().log()
        steps += 1
    return (total / steps).mean(0)


def first_directions(size: int, count: int) -> Tensor:
    """Return orthonormal columns (N, count) that point nowhere in particular, the same ones each time."""
    generator = torch.Generator().manual_seed(0)
    drawn: Tensor = torch.randn(size, count, generator=generator, dtype=torch.float64)
    directions: Tensor = torch.linalg.qr(drawn)[0]
    return directions
