"""The gradient-flow matrix: which loss step teaches which state."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.choices import READOUTS
from rnncore.engine.cells.jacobian import Steps
from rnncore.engine.cells.scan import Recursion, row_norms
from rnncore.engine.instruments.jacobians import Layer, layers_of
from rnncore.engine.instruments.top import loss_of
from rnncore.engine.model import SequenceModel

Numbers = NDArray[np.float64]

_PIECE = 2**19  # numbers of Jacobians that are made at once: they are still in the cache when they are used


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
    T, B = direct.shape[:2]
    lengths = row_norms(direct)  # (T, B)
    directions = direct.double() / lengths.where(lengths > 0, 1.0).unsqueeze(-1)
    carried = _Rows(direct.new_zeros(B, count, top.size), top.states[0].shape[-1])
    found = np.full((count, T), -np.inf)
    first = count  # the rows from here on have begun
    for t, (piece, place) in _last_to_first(top):
        if t in row_of:
            first = min(first, row_of[t])
            carried.add(row_of[t], directions[t], as_numbers(lengths[t]))
        found[first:, t] = carried.hidden(first)
        if t and (flows is None or flows[t]):
            carried.go_back(first, piece, place)
        else:
            carried.forget()
        if tell is not None:
            tell(1 - t / T)
    return found


class _Rows:
    """All d l_tau / d state_t at one timestep t: vectors (B, R, S), each times e to the power of its `logs` (B, R)."""

    def __init__(self, zeros: Tensor, width: int) -> None:
        self._vectors, self._width = zeros, width  # of h_t
        self._logs = np.zeros(zeros.shape[:2])
        self._norms = np.zeros(zeros.shape[:2])  # of the vectors, and of their parts that are gradients by h_t
        self._hidden = np.zeros(zeros.shape[:2])

    def add(self, row: int, directions: Tensor, lengths: Numbers) -> None:
        """Add gradients by h_t or by the whole state to one row: (B, ...) of length 1 or 0, times `lengths` (B,)."""
        vectors, width = self._vectors[:, row], directions.shape[-1]
        with np.errstate(divide="ignore"):
            other = np.log(lengths)
            if not self._norms[:, row].any():  # nothing has been added yet
                vectors[:, :width], self._logs[:, row] = directions, np.where(lengths > 0, other, 0.0)
                return
            self._measure(slice(row, row + 1))
            own = self._logs[:, row] + np.log(self._norms[:, row])
        unit = np.maximum(own, other)  # the longer of both, as the unit of their sum
        unit[~np.isfinite(unit)] = 0.0
        kept = np.where(np.isfinite(own), self._logs[:, row] - unit, -np.inf)
        scales = torch.from_numpy(np.exp([kept, other - unit])).to(directions)  # (2, B)
        whole = vectors.double() * scales[0, :, None]
        whole[:, :width] += directions * scales[1, :, None]
        vectors[:], self._logs[:, row] = whole, unit

    def hidden(self, first: int) -> Numbers:
        """Return the logarithms of the means over b of |d l_tau / d h_t|, of the rows from `first`."""
        self._measure(slice(first, None))
        with np.errstate(divide="ignore"):
            logs = self._logs[:, first:] + np.log(self._hidden[:, first:])
            most = logs.max(0)
            most[~np.isfinite(most)] = 0.0
            return np.asarray(np.log(np.exp(logs - most).mean(0)) + most)

    def go_back(self, first: int, steps: Steps, place: int) -> None:
        """Go from t to t - 1: multiply the rows from `first` by d state_t / d state_{t-1}."""
        steps.back(place, self._vectors[:, first:])

    def forget(self) -> None:
        """Let all rows be 0: no gradient crosses this border."""
        for each in (self._vectors, self._norms, self._hidden, self._logs):
            each[:] = 0

    def _measure(self, rows: slice) -> None:
        """Take norms; where vectors have become short or long, their length goes into `logs`."""
        vectors = self._vectors[:, rows]
        hidden = norms = _norms(vectors)
        if self._width < vectors.shape[-1]:
            hidden = _norms(vectors[..., : self._width])
        least, most = norms.min(initial=1.0), norms.max(initial=1.0)
        if not 1 / LONG <= least <= most <= LONG:
            unit = np.where(norms > 0, norms, 1.0)
            vectors /= torch.from_numpy(unit).to(vectors).unsqueeze(-1)
            self._logs[:, rows] += np.log(unit)
            norms, hidden = norms / unit, hidden / unit
        self._norms[:, rows], self._hidden[:, rows] = norms, hidden


LONG = 1e4  # vectors are at most so long, and at least 1e-4: squares and products of them are nothing to float32


def _norms(vectors: Tensor) -> Numbers:
    """Return the lengths (B, R) of vectors (B, R, S); those that float32 may have lost are taken anew."""
    norms = as_numbers(torch.linalg.vector_norm(vectors, dim=-1))
    if norms.min(initial=1.0) < 1e-15 or not np.isfinite(norms).all():
        return as_numbers(row_norms(vectors))
    return norms


def as_numbers(values: Tensor) -> Numbers:
    """Return a tensor as an array of numpy's."""
    return np.asarray(values.cpu(), np.float64)


def _last_to_first(top: Layer) -> Iterator[tuple[int, tuple[Steps, int]]]:
    """Yield each timestep and where its matrices are, from the last to the first."""
    T, B = top.inputs.shape[:2]
    steps = max(1, _PIECE // (B * top.size**2))
    for stop in range(T, 0, -steps):
        start = max(stop - steps, 0)
        piece = top.steps(slice(start, stop))
        for t in range(stop - 1, start - 1, -1):
            yield t, (piece, t - start)


def _direct(model: SequenceModel, top: Layer, targets: Tensor, loss: str, lengths: Tensor | None) -> Tensor:
    """Return the gradients of each sequence's own loss by h_t that do not come through later timesteps, (T, B, W)."""
    with torch.enable_grad():
        states = top.states[0].detach().requires_grad_()
        outputs = top.definition.outputs(top.inputs, states, top.weights)
        return torch.autograd.grad(loss_of(model, outputs, targets, loss, lengths).sum(), states)[0]
