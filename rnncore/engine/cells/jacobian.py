"""The Jacobian of any cell's step, by torch.func: slower than a closed form of its own, and just as exact."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from rnncore.engine.cells.generic import State


class Jacobian(NamedTuple):
    """How n timesteps depend on what came into them; the state as one row: h_t, then what else goes on, S numbers.

    by_state: d state_t / d state_{t-1}, (n, S, S). by_input: d state_t / d x_t, (n, S, I).
    """

    by_state: Tensor
    by_input: Tensor


def jacobian_of(step: Callable[[Tensor, State], State], inputs: Tensor, before: State) -> Jacobian:
    """Differentiate `step` at inputs x_t (n, I) and states before them (n, W) each; rows do not touch one another."""
    widths = [each.shape[-1] for each in before]

    def row(state: Tensor, x: Tensor) -> Tensor:
        after = step(x[None], tuple(each[None] for each in torch.split(state, widths)))
        return torch.cat([each[0] for each in after])

    found = torch.func.vmap(torch.func.jacrev(row, argnums=(0, 1)))(torch.cat(before, -1), inputs)
    return Jacobian(*found)


class Steps(Protocol):
    """n timesteps of B sequences, each as the products of its d state_t / d state_{t-1} with many vectors at once."""

    def back(self, step: int, rows: Tensor) -> None:
        """Turn each row, (B, R, S), into its product with the matrix of one timestep: a gradient goes back in time."""

    def forth(self, step: int, columns: Tensor, inputs: Tensor | None = None) -> Tensor:
        """Return the matrix times columns (B, S, K), and d state_t / d x_t times `inputs` (B, I, K) added to that."""


class MatrixSteps:
    """`Steps` of any cell: the matrices themselves, (n, B, S, S) and (n, B, S, I)."""

    def __init__(self, jacobian: Jacobian, batch: int) -> None:
        self._by_state, self._by_input = (each.view(-1, batch, *each.shape[1:]) for each in jacobian)

    def back(self, step: int, rows: Tensor) -> None:
        """See `Steps`."""
        rows.copy_(product(rows, self._by_state[step]))

    def forth(self, step: int, columns: Tensor, inputs: Tensor | None = None) -> Tensor:
        """See `Steps`."""
        found = product(self._by_state[step], columns)
        return found if inputs is None else found + product(self._by_input[step], inputs)


def product(a: Tensor, b: Tensor) -> Tensor:
    """Return a @ b of stacks of matrices, (B, N, K) and (B, K, M).

    On the CPU by numpy, whose products of this size take 0.8 (AVX2) to 0.4 times as long (AVX-512) as torch's on an AMD
    processor, of which torch's library uses half; where gradients flow, by torch.
    """
    numpys = a.device.type == "cpu" and a.dtype in (torch.float32, torch.float64)
    if not numpys or a.requires_grad or b.requires_grad:
        return a @ b
    return torch.from_numpy(np.matmul(a.numpy(), b.numpy()))


def through(slopes: list[Tensor], weights: Tensor) -> Tensor:
    """Return sum_g diag(slopes_g) W_g for n timesteps, (n, H, K), from G slopes (n, H) and stacked weights (G H, K)."""
    first, *others = zip(slopes, weights.chunk(len(slopes)), strict=True)
    found = first[0].unsqueeze(-1) * first[1]
    for slope, block in others:
        found.addcmul_(slope.unsqueeze(-1), block)
    return found
