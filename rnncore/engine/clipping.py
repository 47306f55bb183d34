"""Gradient clipping: changes the gradients in place after backward, before the optimiser, and says by how much."""

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from rnncore.choices import CLIP_METHODS
from rnncore.config import ClipConfig
from rnncore.engine.flat import FlatParameters, exact_norm


@dataclass(slots=True)
class Clipping:
    """What a clipper needs beside the gradients.

    threshold: begins as `config.threshold`; may be changed between steps. history: all gradient norms so far, sorted
    (kept by AutoClip alone).
    """

    config: ClipConfig
    threshold: float
    history: list[float] = field(default_factory=list)


def leave(flat: FlatParameters, norm: float, clipping: Clipping) -> float:
    """Leave the gradients as they are (what acts inside backward has done its work: `Recurrent.recursion_clip`)."""
    return 1.0


def clip_norm(flat: FlatParameters, norm: float, clipping: Clipping) -> float:
    """Scale all gradients by min(1, threshold / (norm + 1e-6)), torch's formula (Pascanu et al. 2013, algorithm 1)."""
    return _scale(flat, norm, clipping.threshold)


def clip_values(flat: FlatParameters, norm: float, clipping: Clipping) -> float:
    """Cut every component to [-threshold, threshold]; changes the direction (Mikolov 2012, section 3.2.2)."""
    flat.gradients.clamp_(-clipping.threshold, clipping.threshold)
    return _shrunk(flat, norm)


def clip_each_norm(flat: FlatParameters, norm: float, clipping: Clipping) -> float:
    """Scale each parameter tensor by threshold / norm where its own norm is larger (Keras `clipnorm`)."""
    if norm <= clipping.threshold:
        return 1.0
    for gradient in flat.gradient_views:
        own = exact_norm(gradient)
        if own > clipping.threshold:
            gradient.mul_(clipping.threshold / own)
    return _shrunk(flat, norm)


def autoclip(flat: FlatParameters, norm: float, clipping: Clipping) -> float:
    """Clip by norm at a percentile of all norms so far, this one included (Seetharaman et al. 2020)."""
    bisect.insort(clipping.history, norm)
    threshold = percentile(clipping.history, clipping.config.percentile)
    return _scale(flat, norm, threshold) if norm > threshold else 1.0


def adaptive(flat: FlatParameters, norm: float, clipping: Clipping) -> float:
    """Adaptive gradient clipping: each unit's gradient relative to its weights (Brock et al. 2021, eq. 3).

    A row of a matrix, or a whole bias vector, is scaled by factor * max(||W||, 1e-3) / ||G|| where that is below 1.
    The read-out is left alone, as the paper does with the last layer.
    """
    for name, parameter, gradient in zip(flat.names, flat.parameters, flat.gradient_views, strict=True):
        if name.startswith("readout."):
            continue
        weights = torch.linalg.vector_norm(parameter.data, dim=-1, keepdim=True, dtype=torch.float64)  # (rows, 1)
        allowed = clipping.config.agc_factor * weights.clamp_(min=1e-3)
        length = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True, dtype=torch.float64)
        gradient.mul_((allowed / length).clamp_(max=1.0).to(gradient.dtype))
    return _shrunk(flat, norm)


def clip_gradients(flat: FlatParameters, norm: float, clipping: Clipping) -> float:
    """Clip by the method that `clipping.config` names; return the norm after clipping over the norm before.

    norm: that of the gradients, finite. 1 is returned when nothing was clipped.
    """
    clip: Callable[[FlatParameters, float, Clipping], float] = CLIP_METHODS[clipping.config.method].load()
    return clip(flat, norm, clipping)


def percentile(ordered: list[float], percent: float) -> float:
    """Return the percentile of a sorted list, interpolated linearly between neighbours as `numpy.percentile` does."""
    position = (len(ordered) - 1) * percent / 100.0
    below = math.floor(position)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return low + (high - low) * (position - below)


def _scale(flat: FlatParameters, norm: float, threshold: float) -> float:
    coefficient = min(1.0, threshold / (norm + 1e-6))
    if coefficient < 1.0:
        flat.gradients.mul_(coefficient)
    return coefficient


def _shrunk(flat: FlatParameters, norm: float) -> float:
    return min(1.0, exact_norm(flat.gradients) / norm) if norm else 1.0
