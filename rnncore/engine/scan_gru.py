"""The GRU over a whole sequence, in torch's convention: h_t = (1 - z_t) n_t + z_t h_{t-1}."""

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
    """Gates of all timesteps, and views of them per timestep.

    gates: (T, B, 3H) r, z and q = W_hn h + b_hn; in the backward pass d h_t / d(preactivation), then dL/d(...).
    candidate: (T, B, H) n, then likewise. carry: (T, B, H) z, kept while `gates` changes.
    """

    def __init__(self, key: Key) -> None:
        T, B, H, dtype, device = key
        self.gates = torch.empty(T, B, 3 * H, dtype=dtype, device=device)
        self.candidate, self.carry = (torch.empty(T, B, H, dtype=dtype, device=device) for _ in range(2))
        self.r, self.z, self.q = self.gates.view(T, B, 3, H).unbind(2)  # (T, B, H) each
        self.gates_t = self.gates.unbind(0)
        self.rz_t = self.gates[..., : 2 * H].unbind(0)
        self.by_gate_t = self.gates.view(T, B, 3, H).unbind(0)
        self.r_t, self.z_t, self.q_t = self.r.unbind(0), self.z.unbind(0), self.q.unbind(0)
        self.candidate_t, self.carry_t = self.candidate.unbind(0), self.carry.unbind(0)
        self.candidate_arrays = arrays(self.candidate)


_POOL = Pool(_Buffers)


class GruScan(Function):
    """Map (T, B, I) to h (T, B, H); the backward pass records dL/dh_t."""

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
        previous = torch.cat([states.new_zeros(1, B, H), states[:-1]])  # h_{t-1}
        _derive(buffers, previous)
        totals = direct.clone(memory_format=torch.contiguous_format)  # (T, B, H), becomes dL/dh_t
        _recur(totals, buffers, w_hh, ctx.recursion)
        if ctx.tape is not None:
            ctx.tape.record(totals, direct)

        grads = buffers.gates.view(T * B, 3 * H)  # dL/d(preactivation) of r, z, q
        grads_rz = grads[:, : 2 * H]
        grads_n = buffers.candidate.mul_(totals).view(T * B, H)
        flat = inputs.view(T * B, -1)
        d_inputs = None
        if ctx.needs_input_grad[0]:
            d_inputs = (grads_rz @ w_ih[: 2 * H]).addmm_(grads_n, w_ih[2 * H :]).view_as(inputs)
        d_w_ih = torch.cat([weight_gradient(grads_rz, flat), weight_gradient(grads_n, flat)])
        d_w_hh = weight_gradient(grads, previous.view(T * B, H))
        d_b_hh = grads.sum(0)
        d_b_ih = torch.cat([d_b_hh[: 2 * H], grads_n.sum(0)])
        _POOL.give_back((T, B, H, states.dtype, states.device), buffers)
        return d_inputs, d_w_ih, d_w_hh, d_b_ih, d_b_hh, None, None


def _run(inputs: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor) -> tuple[Tensor, _Buffers]:
    """Return h (T, B, H) and the buffers filled with all gates."""
    T, B, I = inputs.shape  # noqa: E741
    H = w_hh.shape[1]
    buffers = _POOL.take((T, B, H, inputs.dtype, inputs.device))
    flat, gates = inputs.view(T * B, I), buffers.gates.view(T * B, 3 * H)
    torch.addmm((b_ih + b_hh)[: 2 * H], flat, w_ih[: 2 * H].t(), out=gates[:, : 2 * H])
    gates[:, 2 * H :] = b_hh[2 * H :]
    torch.addmm(b_ih[2 * H :], flat, w_ih[2 * H :].t(), out=buffers.candidate.view(T * B, H))
    states = inputs.new_empty(T, B, H)
    w_t, tanh, lerp = w_hh.t(), fast_tanh(inputs.device), torch.lerp
    state = inputs.new_zeros(B, H)
    for t, following in enumerate(states.unbind(0)):
        if t:
            buffers.gates_t[t].addmm_(state, w_t)
        buffers.rz_t[t].sigmoid_()
        candidate = buffers.candidate_t[t].addcmul_(buffers.r_t[t], buffers.q_t[t])
        tanh(buffers.candidate_arrays[t], out=buffers.candidate_arrays[t])
        state = lerp(candidate, state, buffers.z_t[t], out=following)
    return states, buffers


def _derive(buffers: _Buffers, previous: Tensor) -> None:
    """Turn gates into d h_t / d(preactivation), in place, for all timesteps at once."""
    r, z, q, n = buffers.r, buffers.z, buffers.q, buffers.candidate
    buffers.carry.copy_(z)
    change = previous - n
    tanh_backward(1 - z, n, grad_input=n)  # dh/d(preactivation of n)
    sigmoid_backward(change, z, grad_input=z)
    torch.mul(n, q, out=change)
    torch.mul(n, r, out=q)
    sigmoid_backward(change, r, grad_input=r)


def _recur(totals: Tensor, buffers: _Buffers, w_hh: Tensor, recursion: Recursion) -> None:
    """Turn direct gradients into total ones and local derivatives into dL/d(preactivation), last step to first."""
    steps, per_gate = totals.unbind(0), totals.unsqueeze(2).unbind(0)  # (B, H) and (B, 1, H)
    for first, last in recursion.segments(len(steps)):
        for t in range(last, first - 1, -1):
            if recursion.clip is not None:
                clip_rows_(steps[t], recursion.clip)
            buffers.by_gate_t[t].mul_(per_gate[t])
            if t > first:
                steps[t - 1].addmm_(buffers.gates_t[t], w_hh).addcmul_(steps[t], buffers.carry_t[t])
