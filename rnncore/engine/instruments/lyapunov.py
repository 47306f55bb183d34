"""Lyapunov exponents: by what factor a small disturbance of the state grows or shrinks per timestep, on average."""

import math
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.engine.instruments.jacobians import Product, layers_of, network_steps
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
    return mean_exponents(network_steps(layers), len(inputs), size, count)


def longest_lasting(model: SequenceModel, inputs: Tensor) -> float:
    """Return by what power of e per timestep the small disturbance grows that grows most over the whole sequence.

    That is the mean over the sequences (B, T, F) of ln |J_T ... J_1| / T, with the largest singular value as the length
    of a matrix: a finite-time exponent. The largest of `lyapunov_spectrum` comes close to it as T grows. In float64.
    """
    layers = layers_of(model, inputs.double())
    size = sum(layer.size for layer in layers)
    x = torch.eye(size, dtype=torch.float64, device=inputs.device).expand(len(inputs), -1, -1)
    total, logs = 0, torch.zeros(len(inputs), dtype=torch.float64, device=inputs.device)
    for step in network_steps(layers):
        x = step(x)
        scale = x.abs().amax((-2, -1))
        logs, total = logs + scale.log(), total + 1
        x = x / scale.where(scale > 0, 1.0)[:, None, None]  # what is far smaller than the largest number does not count
    return float(((logs + torch.linalg.matrix_norm(x, 2).log()) / total).mean())


def mean_exponents(steps: Iterable[Product], batch: int, size: int, count: int) -> NDArray[np.float64]:
    """Return the `count` largest exponents, descending, of a product of Jacobians (B, N, N), first to last."""
    return np.sort(exponents_of(steps, batch, size, count).cpu().numpy())[::-1].copy()


def exponents_of(steps: Iterable[Product], batch: int, size: int, count: int) -> Tensor:
    """Return the first `count` exponents of a product of Jacobians (B, N, N), mean over b, in the order of Q's columns.

    All of them begin with the axes; some of them with directions drawn once for all, since units that do not see one
    another would keep each axis for itself, and the first axes are not those that grow most. Gradients flow.

    The whole product is Q times one triangular matrix, whatever the way there: only the last factor is made orthogonal.
    Before it, each is L U with partial pivoting (Bauer's staircase iteration): of L's columns none comes close to what
    the others span, as of Q's, and it is made in a quarter of the time. It is put off for as many timesteps as leave
    e^-12 of a column that the columns before it do not span: float64 then still holds that to ten digits.
    """
    x = torch.eye(size, dtype=torch.float64) if count == size else first_directions(size, count)
    x, logs = x.expand(batch, -1, -1), torch.zeros((), dtype=torch.float64)
    total, wait, block = 0, 1, list[Product]()
    for step in steps:
        block.append(step)
        total += 1
        if len(block) >= wait:
            x, grown, apart = _through(block, x)
            logs = logs.to(grown) + grown
            wait = min(2 * len(block), max(1, int(len(block) * _APART / apart))) if 0 < apart < math.inf else 1
            block = []
    if block:
        x, grown, _ = _through(block, x)
        logs = logs + grown
    logs = logs + torch.linalg.qr(x)[1].diagonal(dim1=-2, dim2=-1).abs().log()  # (B, count)
    exponents: Tensor = (logs / total).mean(0)
    return exponents


_APART = 12.0  # logarithm of what a block of timesteps is to leave of a column's length beside the columns before it


def _through(steps: list[Product], x: Tensor) -> tuple[Tensor, Tensor, float]:
    """Return L and ln |diagonal of U| (B, K), of L U = the product of some timesteps times x (B, N, K).

    And what was left of a column, at least, as the logarithm of how many times less than its length it is.
    """
    after = x
    for step in steps:
        after = step(after)
    lower, diagonal = _factors(after)
    logs = diagonal.abs().log()
    known = logs.detach()
    lost = after.detach().abs().amax(-2).log() - known
    apart = float(torch.maximum(lost, known.abs() / 40).max())  # e^480 is near the end of what float64 can hold
    if len(steps) > 1 and not apart < 1.25 * _APART:  # more than was expected, or 0 is left
        half = len(steps) // 2
        x, first, _ = _through(steps[:half], x)
        lower, second, apart = _through(steps[half:], x)
        logs, apart = first + second, apart * len(steps) / (len(steps) - half)
    return lower, logs, apart


def _factors(matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Return L, its rows where they belong, and the diagonal of U, of L U = matrices (B, N, K)."""
    packed, pivots, _ = torch.linalg.lu_factor_ex(matrices)
    lower = packed.tril(-1)
    lower.diagonal(dim1=-2, dim2=-1).fill_(1.0)
    B, N = matrices.shape[:2]
    rows = [list(range(N)) for _ in range(B)]  # which row of the matrix has become the i-th
    for own, exchanged in zip(rows, pivots.tolist(), strict=True):
        for i, other in enumerate(exchanged):
            own[i], own[other - 1] = own[other - 1], own[i]
    places = torch.from_numpy(np.argsort(np.array(rows), -1)).to(lower.device)
    return lower[torch.arange(B, device=lower.device)[:, None], places], packed.diagonal(dim1=-2, dim2=-1)


def first_directions(size: int, count: int) -> Tensor:
    """Return orthonormal columns (N, count) that point nowhere in particular, the same ones each time."""
    generator = torch.Generator().manual_seed(0)
    drawn: Tensor = torch.randn(size, count, generator=generator, dtype=torch.float64)
    directions: Tensor = torch.linalg.qr(drawn)[0]
    return directions
