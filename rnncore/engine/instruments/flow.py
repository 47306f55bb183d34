"""The gradient-flow matrix: which loss step teaches which state."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.choices import READOUTS
from rnncore.engine.cells.scan import Recursion, row_norms
from rnncore.engine.instruments.jacobians import Layer, layers_of
from rnncore.engine.instruments.top import loss_of
from rnncore.engine.model import SequenceModel

_PIECE = 2**20  # numbers of Jacobians that are made at once: they are still in the cache when they are used


def flow_matrix(
    model: SequenceModel, inputs: Tensor, targets: Tensor, loss: str = "mse", lengths: Tensor | None = None
) -> NDArray[np.float64]:
    """Return G[tau, t] = mean over sequences b of |d l_tau / d h_t|, (T_loss, T), of the top layer's h_t.

    l_tau is what the output at timestep tau adds to a sequence's own loss (it carries the 1/T of the mean over the
    timesteps); with a read-out that gives one answer per sequence there is one row, T_loss = 1. The vectors
    d l_tau / d h_t add up over tau to the total gradient; 0 for t > tau where each step is read alone (RNNbow, Cashman
    et al. 2017, arXiv 1907.12545). Dropout is off, truncation counts, clipping does not.

    inputs: (B, T, F). targets: as the loss wants them. lengths: (B,) valid steps, None = all T. Norms come out right
    far below what float32 can hold. Raises NotDefinedError for less than two timesteps.
    """
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(flow_logs(model, inputs, targets, loss, lengths)[1])


def flow_logs(
    model: SequenceModel,
    inputs: Tensor,
    targets: Tensor,
    loss: str = "mse",
    lengths: Tensor | None = None,
    rows: int | None = None,
    tell: Callable[[float], None] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return timesteps tau, from 1, and the natural logarithms of their rows of `flow_matrix`; -inf for an exact 0.

    Logarithms, since a factor of 0.5 over 1,100 timesteps is less than float64 can hold. rows: how many loss steps,
    spread evenly, the last among them; all by default. tell: takes the share that is done. Of a read-out with one
    answer per sequence tau is the last timestep.
    """
    top = layers_of(model, inputs)[-1]
    direct = _direct(model, top, targets, loss, lengths)  # (T, B, W)
    T = len(direct)
    per_step = READOUTS[model.config.readout].per_step
    steps = spread(np.arange(1, T + 1), rows) if per_step else np.array([T])
    row_of = {int(tau) - 1: row for row, tau in enumerate(steps)} if per_step else dict.fromkeys(range(T), 0)
    flows = Recursion(model.recurrent.truncation).flows(T)
    return steps, rows_back(top, direct, row_of, len(steps), flows, tell)


def spread(steps: NDArray[np.int64], most: int | None = None) -> NDArray[np.int64]:
    """Return at most so many of some timesteps, spread evenly, the last among them; all by default."""
    places = np.linspace(len(steps), 1, min(len(steps), most or len(steps))).round().astype(np.int64) - 1
    return steps[np.unique(places)]


def rows_back(
    top: Layer,
    direct: Tensor,
    row_of: Mapping[int, int],
    count: int,
    flows: Sequence[bool] | None = None,
    tell: Callable[[float], None] | None = None,
) -> NDArray[np.float64]:
    """Return ln of the mean over b of |d/dh_t| of what enters at some timesteps and goes back, (count, T).

    direct: what enters at each timestep, (T, B, W), or by the whole state, (T, B, S). row_of: from timesteps, counted
    from 0, to the row that what enters there belongs to. flows: whether the gradient goes from t to t - 1.
    """
    (T, B), width = direct.shape[:2], top.states[0].shape[-1]
    carried = _Rows(B, count, top.size, direct)
    found = np.full((count, T), -np.inf)
    first = count  # the rows from here on have begun
    for t, jacobian in _last_to_first(top):
        if t in row_of:
            first = min(first, row_of[t])
            carried.add(row_of[t], direct[t])
        found[first:, t] = carried.hidden(first, width)
        if flows is None or flows[t]:
            carried.go_back(first, jacobian)
        else:
            carried.forget()
        if tell is not None:
            tell(1 - t / T)
    return found


class _Rows:
    """All d l_tau / d state_t at one timestep t: vectors (B, R, S), each times e to the power of its `logs` (B, R)."""

    def __init__(self, batch: int, count: int, size: int, like: Tensor) -> None:
        self.count = count
        self.vectors = like.new_zeros(batch, count, size)
        self.norms = torch.zeros(batch, count, dtype=torch.float64, device=like.device)  # of the vectors
        self.logs = torch.zeros_like(self.norms)

    def add(self, row: int, gradient: Tensor) -> None:
        """Add a gradient by h_t, (B, W), to one row."""
        length, own = row_norms(gradient), self.logs[:, row] + self.norms[:, row].log()  # (B,)
        unit = torch.maximum(own, length.log())  # the longer of both, as the unit of their sum
        unit = unit.where(unit.isfinite(), 0.0)
        whole = self.vectors[:, row].double() * (self.logs[:, row] - unit).exp()[:, None]
        direction = gradient.double() / length.where(length > 0, 1.0)[:, None]
        whole[:, : gradient.shape[-1]] += direction * (length.log() - unit).exp()[:, None]
        self.logs[:, row] = unit
        self._set(slice(row, row + 1), whole[:, None])

    def hidden(self, first: int, width: int) -> NDArray[np.float64]:
        """Return the logarithms of the means over b of |d l_tau / d h_t|, of the rows from `first`."""
        whole = width == self.vectors.shape[-1]
        norms = self.norms[:, first:] if whole else _norms(self.vectors[:, first:, :width])
        logs = self.logs[:, first:] + norms.log()
        return np.asarray((logs.logsumexp(0) - np.log(len(logs))).cpu().numpy())

    def go_back(self, first: int, jacobian: Tensor) -> None:
        """Go from t to t - 1: multiply the rows from `first` by d state_t / d state_{t-1} (B, S, S)."""
        rows = slice(first, self.count)
        self._set(rows, self.vectors[:, rows] @ jacobian)

    def forget(self) -> None:
        """Let all rows be 0: no gradient crosses this border."""
        self.vectors.zero_()
        self.norms.zero_()
        self.logs.zero_()

    def _set(self, rows: slice, vectors: Tensor) -> None:
        """Take vectors in the units of `logs`; where they have become short or long, their length goes into these."""
        norms = _norms(vectors)
        if bool(((norms > LONG) | ((norms < 1 / LONG) & (norms > 0))).any()):
            unit = norms.where(norms > 0, 1.0)
            vectors = vectors / unit[..., None].to(vectors)
            self.logs[:, rows] += unit.log()
            norms = norms / unit
        self.vectors[:, rows], self.norms[:, rows] = vectors, norms


LONG = 1e4  # vectors are at most so long, and at least 1e-4: squares and products of them are nothing to float32


def _norms(vectors: Tensor) -> Tensor:
    """Return the lengths (B, R) of vectors (B, R, S) as float64; those that float32 may have lost are taken anew."""
    norms: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    if bool(((norms < 1e-15) | ~norms.isfinite()).any()):
        return row_norms(vectors)
    return norms.double()


def _last_to_first(top: Layer) -> Iterator[tuple[int, Tensor]]:
    """Yield each timestep and its Jacobian (B, S, S), from the last to the first."""
    T, B = top.inputs.shape[:2]
    steps = max(1, _PIECE // (B * top.size**2))
    for stop in range(T, 0, -steps):
        start = max(stop - steps, 0)
        piece = top.jacobian(slice(start, stop)).by_state.view(-1, B, top.size, top.size)
        yield from zip(reversed(range(start, stop)), reversed(piece.unbind(0)), strict=True)


def _direct(model: SequenceModel, top: Layer, targets: Tensor, loss: str, lengths: Tensor | None) -> Tensor:
    """Return the gradients of each sequence's own loss by h_t that do not come through later timesteps, (T, B, W)."""
    with torch.enable_grad():
        states = top.states[0].detach().requires_grad_()
        outputs = top.definition.outputs(top.inputs, states, top.weights)
        return torch.autograd.grad(loss_of(model, outputs, targets, loss, lengths).sum(), states)[0]
