"""The Jacobian of any cell's step, by torch.func: slower than a closed form of its own, and just as exact."""

from collections.abc import Callable
from typing import NamedTuple

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


def through(slopes: list[Tensor], weights: Tensor) -> Tensor:
    """Return sum_g diag(slopes_g) W_g for n timesteps, (n, H, K), from G slopes (n, H) and stacked weights (G H, K)."""
    if len(slopes) == 1:
        return slopes[0].unsqueeze(-1) * weights
    blocks = weights.view(len(slopes), -1, weights.shape[-1])  # (G, H, K)
    return torch.einsum("gni,gij->nij", torch.stack(slopes), blocks)
