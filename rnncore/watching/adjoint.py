"""One layer and direction gone back through time, from states that are already known.

torch's fused layer has done the forward pass. Here its gates are worked out anew from x_t and the known h_{t-1}, all
timesteps in one product, and then the backward recursions of `rnncore.engine.cells` run on them. Arrays are time
first. The state before the first timestep is put in front of the others as a timestep of its own, so that its total
gradient comes out like theirs.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from rnncore.engine.cells import gru, lstm, rnn
from rnncore.engine.cells.scan import (
    Pool,
    add_product,
    affine,
    during,
    fast_tanh,
    flat,
    stepping,
    tanh_backward,
)


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of one layer and direction as torch.nn stacks them; projection: W_hr (P, H) of an LSTM with one."""

    w_ih: Tensor
    w_hh: Tensor
    b_ih: Tensor
    b_hh: Tensor
    projection: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one layer and direction: inputs (T, B, I), states (T + 1, B, W), the first one h_0.

    memory: c_0 (B, H) of an LSTM. direct: (T, B, W) what reaches h_t without other timesteps of this layer.
    direct_cell: likewise c_t (T, B, H), None where nothing does. below: whether dL/dx_t is asked for.
    """

    inputs: Tensor
    states: Tensor
    memory: Tensor | None
    direct: Tensor
    direct_cell: Tensor | None
    below: bool


@dataclass(frozen=True, slots=True)
class Back:
    """What came out, until the buffers are given back: dL/dh_t (T + 1, B, W) with h_0, dL/dc_t (T, B, H), dL/dx_t.

    start_cell: dL/dc_0 (B, H). gates: (T, B, H) each, those of `rnncore.cells`, where they were asked for.
    """

    hidden: Tensor
    cell: Tensor | None
    start_cell: Tensor | None
    inputs: Tensor | None
    gates: tuple[Tensor, ...] = ()


Adjoint = Callable[[Known, Weights, bool], AbstractContextManager[Back]]

_LSTM, _GRU, _RNN = Pool(lstm.LstmBuffers), Pool(gru.GruBuffers), Pool(rnn.RnnBuffers)


@contextmanager
def lstm_adjoint(known: Known, weights: Weights, wants_gates: bool = False) -> Iterator[Back]:
    """Go back through an LSTM; with a projection, h_t = W_hr m_t, the recursion runs on m_t and W_hh W_hr."""
    states, w_hh, w_hr = known.states, weights.w_hh, weights.projection
    H = w_hh.shape[0] // 4
    buffers = _LSTM.take(states if w_hr is None else states.new_empty(1).expand(*states.shape[:2], H))
    try:
        gates = _lstm_gates(buffers, known, weights, wants_gates)
        if w_hr is None:
            buffers.totals[1:].copy_(known.direct)
            across = w_hh
        else:
            torch.matmul(known.direct, w_hr, out=buffers.totals[1:])  # dL/dm_t, its direct part
            across = w_hh @ w_hr
        buffers.totals[0].zero_()
        own = (
            None if known.direct_cell is None else [known.direct_cell[0], *known.direct_cell.unbind(0)]
        )  # the first is of h_0
        flows, add = [False, *[True] * (len(states) - 1), False], stepping(states)
        for chunk in reversed(buffers.chunks):
            lstm.recur(buffers, chunk, across, flows, None, add, own)
        hidden, grads = buffers.totals, buffers.gates[1:]  # (T, B, 4H) dL/d(preactivation)
        if w_hr is not None:
            hidden = torch.cat([states.new_zeros(1, *states.shape[1:]), known.direct])
            hidden[:-1] += grads @ w_hh
        below = grads @ weights.w_ih if known.below else None
        start_cell = buffers.squashed[1] * buffers.candidate[1]  # f_1 dL/dc_1
        yield Back(hidden, buffers.candidate[1:], start_cell, below, gates)
    finally:
        _LSTM.give_back(buffers)


def _lstm_gates(buffers: lstm.LstmBuffers, known: Known, weights: Weights, wants_gates: bool) -> tuple[Tensor, ...]:
    """Fill the buffers with all gates, c_t and local derivatives, chunk by chunk; c_t is the one recursion."""
    inputs, states, memory = known.inputs, known.states, known.memory
    bias, w_in, w_t = weights.b_ih + weights.b_hh, weights.w_ih.mT, weights.w_hh.mT
    tanh, kept = fast_tanh(inputs.device), []
    cells = buffers.cell_rows
    assert memory is not None
    for chunk in buffers.chunks:
        part, later, before = _places(chunk)
        rows = flat(during(buffers.gates, part)[later])
        affine(bias, flat(inputs[before]), w_in, out=rows)
        add_product(flat(states[before]), w_t, rows)
        if chunk.start == 0:
            buffers.gates[0].zero_()
        candidate, f = during(buffers.candidate, part), during(buffers.f, part)
        _squash(tanh, during(buffers.g, part), candidate)
        during(buffers.gates, part).sigmoid_()
        c = buffers.cell[1 : len(chunk) + 1]
        torch.mul(during(buffers.i, part), candidate, out=c)
        for place in range(len(chunk)):
            if chunk.start + place == 0:
                cells[1].copy_(memory)
            else:
                cells[place + 1].addcmul_(f[place], cells[place])
        _squash(tanh, c, during(buffers.squashed, part))
        if wants_gates:
            kept.append([during(each, part)[later].clone() for each in (buffers.i, buffers.f, buffers.o)])
        lstm.derive(buffers, part)
    return tuple(torch.cat(each) for each in zip(*kept, strict=True))


@contextmanager
def gru_adjoint(known: Known, weights: Weights, wants_gates: bool = False) -> Iterator[Back]:
    """Go back through a GRU."""
    states, inputs, w_ih, w_hh = known.states, known.inputs, weights.w_ih, weights.w_hh
    H = states.shape[-1]
    buffers = _GRU.take(states)
    try:
        tanh, kept = fast_tanh(inputs.device), []
        b_rz, b_n, b_q = (weights.b_ih + weights.b_hh)[: 2 * H], weights.b_ih[2 * H :], weights.b_hh[2 * H :]
        for chunk in buffers.chunks:
            part, later, before = _places(chunk)
            below, rows, h = flat(inputs[before]), flat(during(buffers.gates, part)[later]), flat(states[before])
            affine(b_rz, below, w_ih[: 2 * H].mT, out=rows[:, : 2 * H])
            add_product(h, w_hh[: 2 * H].mT, rows[:, : 2 * H])
            affine(b_q, h, w_hh[2 * H :].mT, out=rows[:, 2 * H :])
            affine(b_n, below, w_ih[2 * H :].mT, out=flat(during(buffers.candidate, part)[later]))
            if chunk.start == 0:
                buffers.gates[0].zero_()
                buffers.candidate[0].zero_()
            r, z, q, n = (during(each, part) for each in (buffers.r, buffers.z, buffers.q, buffers.candidate))
            during(buffers.gates, part)[..., : 2 * H].sigmoid_()
            n.addcmul_(r, q)
            _squash(tanh, n, n)
            if wants_gates:
                kept.append([each[later].clone() for each in (r, z)])
            gru.derive(buffers, chunk, states)
        buffers.totals[1:].copy_(known.direct)
        buffers.totals[0].zero_()
        flows, add = [False, *[True] * (len(states) - 1), False], stepping(states)
        for chunk in reversed(buffers.chunks):
            gru.recur(buffers, chunk, w_hh, flows, None, add)
        below_grads = None
        if known.below:
            below_grads = buffers.gates[1:, :, : 2 * H] @ w_ih[: 2 * H]
            below_grads += buffers.candidate[1:].mul_(buffers.totals[1:]) @ w_ih[2 * H :]
        yield Back(buffers.totals, None, None, below_grads, tuple(torch.cat(each) for each in zip(*kept, strict=True)))
    finally:
        _GRU.give_back(buffers)


def rnn_adjoint(relu: bool) -> Adjoint:
    """Return what goes back through a plain RNN with tanh or ReLU: its slopes follow from h_t alone."""

    @contextmanager
    def back(known: Known, weights: Weights, wants_gates: bool = False) -> Iterator[Back]:
        states = known.states
        buffers = _RNN.take(states)
        below = torch.empty_like(known.inputs) if known.below else None
        try:
            buffers.totals[1:].copy_(known.direct)
            buffers.totals[0].zero_()
            flows, add = [False, *[True] * (len(states) - 1), False], stepping(states)
            for chunk in reversed(buffers.chunks):
                part, later, before = _places(chunk)
                slopes = during(buffers.slopes, slice(len(chunk)))
                if relu:
                    torch.gt(during(states, part), 0, out=slopes)
                else:
                    tanh_backward(buffers.one, during(states, part), grad_input=slopes)
                rnn.recur(buffers, chunk, weights.w_hh, flows, None, add)
                if below is not None:
                    torch.matmul(slopes[later], weights.w_ih, out=below[before])
            yield Back(buffers.totals, None, None, below)
        finally:
            _RNN.give_back(buffers)

    return back


def _places(chunk: range) -> tuple[slice, slice, slice]:
    """Return a chunk's timesteps, those in it that have an input (all but the state in front), and where that stands.

    The same places of `states` hold what came before them.
    """
    first = 1 if chunk.start == 0 else 0
    return slice(chunk.start, chunk.stop), slice(first, len(chunk)), slice(chunk.start + first - 1, chunk.stop - 1)


def _squash(tanh: Callable[..., object], values: Tensor, out: Tensor) -> None:
    if values.device.type == "cpu":
        tanh(values.numpy(), out=out.numpy())
    else:
        tanh(values, out=out)
