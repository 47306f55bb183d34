"""Which steps teach: what each timestep adds to the gradient of the recurrent matrix."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.engine.cells.definition import Passed
from rnncore.engine.cells.generic import State, unroll
from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.cells.scan import Recursion
from rnncore.engine.cells.tape import LayerTape
from rnncore.engine.instruments.jacobians import Layer, NotDefinedError, layers_of
from rnncore.engine.instruments.top import loss_of
from rnncore.engine.model import SequenceModel

MOST = 2**25  # numbers of the matrices of all timesteps together, where these are needed


def step_contributions(
    model: SequenceModel, inputs: Tensor, targets: Tensor, loss: str = "mse", lengths: Tensor | None = None
) -> NDArray[np.float64]:
    """Return C_t = sum_b a_{t,b} h_{t-1,b}^T of the top layer, (T, gates x H, H): they add up to dL/dW_hh.

    L is the mean loss of the batch, a_{t,b} its gradient by what W_hh h_{t-1} yields (before the non-linearity, gate by
    gate in the order of the weights), so that C_t is what timestep t adds to the gradient (Werbos 1990). Dropout is
    off; truncation and clipping inside the recursion count as in training.

    inputs: (B, T, F). targets: as the loss wants them. lengths: (B,) valid steps, None = all T. Raises NotDefinedError
    for less than two timesteps, and for cells without a recurrent matrix.
    """
    matrix = model.recurrent.entry.matrix
    if matrix is None:
        raise NotDefinedError(f"not defined for {model.recurrent.entry.phrase}, which has no recurrent matrix")
    top = layers_of(model, inputs)[-1]
    recursion = _recursion(model)
    if model.recurrent.entry.steps_back:
        units, before = _passed(model, top, recursion, targets, loss, lengths)
        found = units.mT @ before
    else:
        place = list(model.recurrent.layer_weights(0)).index(matrix)
        found = _step_by_step(model, top, recursion, place, targets, loss, lengths)
    return np.asarray(found.double().cpu().numpy())


def contribution_norms(
    model: SequenceModel, inputs: Tensor, targets: Tensor, loss: str = "mse", lengths: Tensor | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return `norms_and_cosines` of `step_contributions`, (T,) each, without any of these T matrices where possible.

    |C_t|^2 is the sum over pairs of sequences of (a_b . a_b') (h_b . h_b'). Raises as `step_contributions`, and
    NotDefinedError for cells of which the matrices themselves are needed and would be too large.
    """
    matrix = model.recurrent.entry.matrix
    if matrix is not None and model.recurrent.entry.steps_back and inputs.shape[1] > 1:
        top = layers_of(model, inputs)[-1]
        units, before = _passed(model, top, _recursion(model), targets, loss, lengths)
        return norms_of_pairs(units.double(), before.double())
    if matrix is not None:
        size = inputs.shape[1] * model.recurrent.layer_weights(0)[matrix].numel()
        if size > MOST:
            raise NotDefinedError(f"not defined: it would take {size:,} numbers, and {MOST:,} are allowed")
    return norms_and_cosines(step_contributions(model, inputs, targets, loss, lengths))


def norms_of_pairs(units: Tensor, before: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return norms and cosines of sum_b units_{t,b} before_{t,b}^T; units (T, B, G), before (T, B, H) float64."""
    scale = units.abs().max()
    if not scale > 0:
        zeros = np.zeros(len(units))
        return zeros, zeros + np.nan
    own = units.abs().amax((1, 2), keepdim=True)  # of each timestep, so that squares neither overflow nor underflow
    scaled = units / own.where(own > 0, 1.0)
    squares = ((scaled @ scaled.mT) * (before @ before.mT)).sum((1, 2))  # (T,)
    norms = squares.clamp(min=0).sqrt() * own[:, 0, 0]
    total = torch.einsum("tbg,tbh->gh", units / scale, before)
    along = torch.einsum("tbg,gh,tbh->t", scaled, total, before) * (own[:, 0, 0] / scale)
    cosines = along / (norms / scale * torch.linalg.matrix_norm(total))  # 0 / 0: NaN
    return norms.cpu().numpy(), cosines.clamp(-1, 1).cpu().numpy()


def norms_and_cosines(contributions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return of each C_t its Frobenius norm and its cosine with their sum dL/dW_hh, (T,) each; NaN where one is 0."""
    rows = contributions.reshape(len(contributions), -1)
    largest = np.abs(rows).max() or 1.0
    rows = rows / largest  # so that squares neither overflow nor underflow
    norms, total = np.linalg.norm(rows, axis=1), rows.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return norms * largest, rows @ total / (norms * np.linalg.norm(total))


def _recursion(model: SequenceModel) -> Recursion:
    return Recursion(model.recurrent.truncation, model.recurrent.recursion_clip)


def _passed(
    model: SequenceModel, top: Layer, recursion: Recursion, targets: Tensor, loss: str, lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return a_t (T, B, gates x H) and h_{t-1} (T, B, H) from one backward pass of the engine."""
    tape = StateTape()
    tape.begin(1, model.recurrent.entry.has_cell_state)
    with torch.enable_grad():
        below = top.inputs.detach().requires_grad_()
        states = top.definition.scan(below, top.weights, recursion, LayerTape(tape, 0))
        outputs = top.definition.outputs(below, states, top.weights)
        torch.autograd.grad(loss_of(model, outputs, targets, loss, lengths).mean(), below)
    cell = None if tape.cell is None else tape.cell[0]
    memory, before = torch.zeros_like(top.states[0][0]), top.before[0]
    part = Passed(top.inputs, top.states[0], before, tape.hidden[0], cell, memory)
    rows = len(model.recurrent.entry.blocks) * model.recurrent.hidden_size
    return top.definition.step_back(part, top.weights).units[..., :rows], before


def _step_by_step(
    model: SequenceModel,
    top: Layer,
    recursion: Recursion,
    place: int,
    targets: Tensor,
    loss: str,
    lengths: Tensor | None,
) -> Tensor:
    """Return C_t of any cell: the gradients by a copy of the matrix for each timestep."""
    with torch.enable_grad():
        copies = top.weights[place].expand(len(top.inputs), -1, -1).clone().requires_grad_()
        weights, timesteps = list(top.weights), iter(copies.unbind(0))

        def step(x: Tensor, state: State) -> State:
            weights[place] = next(timesteps)
            return top.definition.step(x, state, tuple(weights)).state

        states = unroll(step, top.definition.start(top.inputs[0]), top.inputs, recursion, None)
        outputs = top.definition.outputs(top.inputs, states, top.weights)
        return torch.autograd.grad(loss_of(model, outputs, targets, loss, lengths).mean(), copies)[0]
