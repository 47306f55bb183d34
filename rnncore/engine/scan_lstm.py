"""The LSTM over a whole sequence: c_t = f_t c_{t-1} + i_t g_t, h_t = o_t tanh(c_t)."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from rnncore.engine.scan import (
    Key,
    Pool,
    Recursion,
    arrays,
    clip_rows_,
    fast_tanh,
    sigmoid_backward,
    tanh_backward,
    weight_gradient,
)
from rnncore.engine.tape import LayerTape


class _Buffers:
    """Gates and cell states of all timesteps, and views of them per timestep.

    gates: (T, B, 4H) i, f, (unused), o; in the backward pass d c_t (of o: d h_t) / d(preactivation), then dL/d(...).
    candidate: (T, B, H) g, then dh/dc, then dL/dc. cell: c. squashed: tanh(c). carry: f, kept while
    `gates` changes.
    """

    def __init__(self, key: Key) -> None:
        T, B, H, dtype, device = key
        self.gates = torch.empty(T, B, 4 * H, dtype=dtype, device=device)
        self.candidate, self.cell, self.squashed, self.carry = (
            torch.empty(T, B, H, dtype=dtype, device=device) for _ in range(4)
        )
        self.i, self.f, self.g, self.o = self.gates.view(T, B, 4, H).unbind(2)  # (T, B, H) each
        self.gates_t = self.gates.unbind(0)
        self.i_t, self.f_t, self.o_t = self.i.unbind(0), self.f.unbind(0), self.o.unbind(0)
        self.ifg_t = self.gates.view(T, B, 4, H)[:, :, :3].unbind(0)
        self.cell_t, self.squashed_t, self.carry_t = (x.unbind(0) for x in (self.cell, self.squashed, self.carry))
        self.candidate_t, self.candidate_per_gate_t = self.candidate.unbind(0), self.candidate.unsqueeze(2).unbind(0)
        self.tanh_arguments = list(
            zip(*(arrays(x) for x in (self.g, self.candidate, self.cell, self.squashed)), strict=True)
        )


_POOL = Pool(_Buffers)


class LstmScan(Function):
    """Map (T, B, I) to h (T, B, H); the backward pass records dL/dh_t and dL/dc_t."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor,
        b_hh: Tensor,
        recursion: Recursion,
        tape: LayerTape | None,
    ) -> Tensor:
        """Return h (T, B, H); inputs (T, B, I) contiguous, weights as in torch.nn."""
        states, ctx.buffers = _run(inputs, w_ih, w_hh, b_ih, b_hh)
        ctx.save_for_backward(inputs, w_ih, w_hh, b_ih, b_hh, states)
        ctx.recursion, ctx.tape = recursion, tape
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, direct: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of inputs and weights; direct: dL/dh_t (T, B, H) without later timesteps."""
        inputs, w_ih, w_hh, b_ih, b_hh, states = ctx.saved_tensors
        T, B, H = states.shape
        buffers, ctx.buffers = ctx.buffers, None
        if buffers is None:  # used up by an earlier backward pass through this graph
            buffers = _run(inputs, w_ih, w_hh, b_ih, b_hh)[1]
        _derive(buffers)
        totals = direct.clone(memory_format=torch.contiguous_format)  # (T, B, H), becomes dL/dh_t
        _recur(totals, buffers, w_hh, ctx.recursion)
        if ctx.tape is not None:
            ctx.tape.record(totals, direct, buffers.candidate.clone() if ctx.tape.wants_cell else None)

        grads = buffers.gates.view(T * B, 4 * H)  # dL/d(preactivation)
        d_inputs = (grads @ w_ih).view_as(inputs) if ctx.needs_input_grad[0] else None
        d_w_ih = weight_gradient(grads, inputs.view(T * B, -1))
        d_w_hh = weight_gradient(grads[B:], states.view(T * B, H)[: (T - 1) * B])
        d_bias = grads.sum(0)
        _POOL.give_back((T, B, H, states.dtype, states.device), buffers)
        return d_inputs, d_w_ih, d_w_hh, d_bias, d_bias, None, None


def _run(inputs: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> tuple[Tensor, _Buffers]:
    """Return h (T, B, H) and the buffers filled with all gates and cell states."""
    T, B, I = inputs.shape  # noqa: E741
    H = w_hh.shape[1]
    buffers = _POOL.take((T, B, H, inputs.dtype, inputs.device))
    torch.addmm(b_ih + b_hh, inputs.view(T * B, I), w_ih.t(), out=buffers.gates.view(T * B, 4 * H))
    states = inputs.new_empty(T, B, H)
    w_t, tanh, mul = w_hh.t(), fast_tanh(inputs.device), torch.mul
    state = None
    for t, following in enumerate(states.unbind(0)):
        gates, (g_in, g, c, c_squashed) = buffers.gates_t[t], buffers.tanh_arguments[t]
        if state is not None:
            gates.addmm_(state, w_t)
        tanh(g_in, out=g)
        gates.sigmoid_()  # g's quarter with it, which nobody reads: one block is faster than two
        cell = mul(buffers.i_t[t], buffers.candidate_t[t], out=buffers.cell_t[t])
        if state is not None:
            cell.addcmul_(buffers.f_t[t], buffers.cell_t[t - 1])
        tanh(c, out=c_squashed)
        state = mul(buffers.o_t[t], buffers.squashed_t[t], out=following)
    return states, buffers


def _derive(buffers: _Buffers) -> None:
    """Turn gates into local derivatives, in place, for all timesteps at once; `candidate` becomes dh_t/dc_t."""
    i, f, g, o = buffers.i, buffers.f, buffers.g, buffers.o
    buffers.carry.copy_(f)
    tanh_backward(i, buffers.candidate, grad_input=g)
    sigmoid_backward(buffers.candidate, i, grad_input=i)
    sigmoid_backward(buffers.cell[:-1], f[1:], grad_input=f[1:])
    f[0].zero_()  # c_0 = 0
    tanh_backward(o, buffers.squashed, grad_input=buffers.candidate)  # dh/dc
    sigmoid_backward(buffers.squashed, o, grad_input=o)


def _recur(totals: Tensor, buffers: _Buffers, w_hh: Tensor, recursion: Recursion) -> None:
    """Turn direct gradients into total ones and local derivatives into dL/d(preactivation), last step to first."""
    steps = totals.unbind(0)
    for first, last in recursion.segments(len(steps)):
        for t in range(last, first - 1, -1):
            total = steps[t]
            if recursion.clip is not None:
                clip_rows_(total, recursion.clip)
            cell = buffers.candidate_t[t].mul_(total)  # dL/dc_t
            if t < last:
                cell.addcmul_(buffers.carry_t[t + 1], buffers.candidate_t[t + 1])
            buffers.ifg_t[t].mul_(buffers.candidate_per_gate_t[t])
            buffers.o_t[t].mul_(total)
            if t > first:
                steps[t - 1].addmm_(buffers.gates_t[t], w_hh)
