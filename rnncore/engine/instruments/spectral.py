"""The instrument "sigma_max": what bounds the gradient of an RNN without gates."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncore.engine.instruments.moment import Moment
from rnncore.engine.model import SequenceModel
from rnncore.snapshot_parts import SpectralBound


def sigma_max(moment: Moment) -> dict[str, Any] | None:
    """Return the `SpectralBound` of the weights that the gradient was taken at."""
    bound = spectral_bound(moment.model, moment.dataset.validation.lengths is not None)
    return None if bound is None else bound.to_json()


def spectral_bound(model: SequenceModel, ragged: bool = False) -> SpectralBound | None:
    """Return the largest singular value of each layer's W_hh, in float64; None for cells that it does not bound.

    The bound ||dL/dh_t|| <= (sigma_max gamma)^(T-t) ||dL/dh_T|| (Pascanu et al. 2013, section 2.1) holds where later
    timesteps are the only source of gradient: in the top layer under the read-out "last", sequences all of one length.
    Slopes of tanh and ReLU are at most gamma = 1. ragged: whether sequences differ in length.
    """
    recurrent = model.recurrent
    matrix = recurrent.entry.matrix
    if matrix is None or not recurrent.entry.bounded:
        return None
    matrices = [recurrent.layer_weights(layer)[matrix].detach() for layer in range(recurrent.num_layers)]
    values = np.array([largest_singular_value(each) for each in matrices])
    holds = model.config.readout == "last" and not ragged
    return SpectralBound(values, 1.0, recurrent.num_layers - 1 if holds else None)


def largest_singular_value(matrix: Tensor) -> float:
    """Return sigma_max of a finite matrix (H, H): the root of the largest eigenvalue of W^T W, in float64."""
    weights = matrix.to("cpu", torch.float64)
    scale = float(weights.abs().max()) or 1.0  # so that squares neither overflow nor underflow
    weights = weights / scale
    return scale * float(torch.linalg.eigvalsh(weights.t() @ weights)[-1].clamp(min=0).sqrt())
