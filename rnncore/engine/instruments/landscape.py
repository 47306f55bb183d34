"""The loss along lines and planes through the weights: where a step is too long, and what a wall looks like."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Loss = Callable[[Tensor], float]  # of flat weights (N,)
Numbers = NDArray[np.float64]


def along(loss: Loss, weights: Tensor, direction: Tensor, distances: Sequence[float] | Numbers) -> Numbers:
    """Return the losses at weights (N,) + s direction (N,), for each distance s; inf and NaN pass through."""
    return np.array([loss(weights + float(s) * direction) for s in distances])


def plane(
    loss: Loss,
    weights: Tensor,
    directions: tuple[Tensor, Tensor],
    x: Numbers,
    y: Numbers,
    tell: Callable[[float], None] | None = None,
) -> Numbers:
    """Return the losses at weights + x_j d_1 + y_i d_2, (len(y), len(x)). tell: takes the share that is done."""
    rows = []
    for place, each in enumerate(y):
        rows.append(along(loss, weights + float(each) * directions[1], directions[0], x))
        if tell is not None:
            tell((place + 1) / len(y))
    return np.stack(rows)


def orthonormal(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return two orthogonal directions of length 1 that span the plane of both, None where they are parallel or 0."""
    one = first.double()
    length = torch.linalg.vector_norm(one)
    if not length > 0:
        return None
    one = one / length
    other = second.double() - (second.double() @ one) * one
    rest = torch.linalg.vector_norm(other)
    if not rest > 1e-9 * torch.linalg.vector_norm(second.double()):
        return None
    return one.to(first), (other / rest).to(first)
