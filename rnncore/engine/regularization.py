"""Pascanu's regulariser Omega: asks that the gradient keep its length from timestep to timestep (plain RNN only)."""

import torch
from torch import Tensor

from rnncore.engine.cells.recurrent import Recurrent, StateTape

# phi'(a) from the state h = phi(a).
_SLOPES = {"tanh": lambda h: 1.0 - h * h, "relu": lambda h: (h > 0).to(h.dtype)}


def omega(totals: Tensor, states: Tensor, w_hh: Tensor, nonlinearity: str) -> Tensor:
    """Return Omega of one layer, a scalar (Pascanu, Mikolov, Bengio 2013, eq. 9).

    The mean over all timesteps and sequences with delta_{t+1} != 0 of (||J^T delta_{t+1}|| / ||delta_{t+1}|| - 1)^2,
    with J = dh_{t+1}/dh_t = diag(phi') W_hh. (Eq. 9 sums over t; the authors' program divides by the number of terms.)

    totals: delta (T, B, H), total derivatives of the loss by h. states: h (T, B, H). w_hh: (H, H).
    As in eq. 10 only the immediate dependence on W_hh counts: differentiate by `w_hh` alone.
    """
    later = totals[1:].flatten(0, 1)  # (N, H), N = (T - 1) B
    largest = later.abs().amax(1)
    terms = largest.nonzero().squeeze(1)  # padded and truncated timesteps have no gradient to keep
    later = later[terms] / largest[terms, None]  # so that neither 1e-30 nor 1e30 harms
    slopes = _SLOPES[nonlinearity](states[1:].flatten(0, 1)[terms])
    ratios = torch.linalg.vector_norm((later * slopes) @ w_hh, dim=1) / torch.linalg.vector_norm(later, dim=1)
    mean: Tensor = (ratios - 1.0).square().sum() / max(len(terms), 1)
    return mean


def add_omega_gradient(recurrent: Recurrent, tape: StateTape, weight: float) -> None:
    """Add weight * dOmega/dW_hh to the gradient of each layer's W_hh; the tape must hold this step's backward pass."""
    for layer in range(recurrent.num_layers):
        w_hh = recurrent.layer_weights(layer)["weight_hh"]
        with torch.enable_grad():
            value = omega(tape.hidden[layer], tape.states[layer], w_hh, recurrent.definition.nonlinearity)
            (gradient,) = torch.autograd.grad(value, w_hh)
        assert w_hh.grad is not None
        w_hh.grad.add_(gradient, alpha=weight)
