"""The plain RNN over a whole sequence: h_t = phi(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), phi tanh or ReLU."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from rnncore.engine.scan import Key, Pool, Recursion, arrays, clip_rows_, fast_tanh, tanh_backward, weight_gradient
from rnncore.engine.tape import LayerTape


class _Buffers:
    """slopes: (T, B, H), first phi'(a_t), then dL/da_t; steps: a view of it per timestep."""

    def __init__(self, key: Key) -> None:
        T, B, H, dtype, device = key
        self.slopes = torch.empty(T, B, H, dtype=dtype, device=device)
        self.steps = self.slopes.unbind(0)


_POOL = Pool(_Buffers)


class RnnScan(Function):
    """Map (T, B, I) to h (T, B, H); the backward pass records dL/dh_t."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor,
        b_hh: Tensor,
        relu: bool,
        recursion: Recursion,
        tape: LayerTape | None,
    ) -> Tensor:
        """Return h (T, B, H); inputs (T, B, I) contiguous, weights as in torch.nn."""
        T, B, I = inputs.shape  # noqa: E741
        states = torch.addmm(b_ih + b_hh, inputs.view(T * B, I), w_ih.t()).view(
            T, B, -1
        )  # a_t without its W_hh h_{t-1}
        w_t = w_hh.t()
        steps = states.unbind(0)
        tanh, in_place = fast_tanh(states.device), steps if relu else arrays(states)
        for t, (state, array) in enumerate(zip(steps, in_place, strict=True)):
            if t:
                state.addmm_(steps[t - 1], w_t)
            if relu:
                state.relu_()
            else:
                tanh(array, out=array)
        ctx.save_for_backward(inputs, w_ih, w_hh, states)
        ctx.relu, ctx.recursion, ctx.tape = relu, recursion, tape
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, direct: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of inputs and weights; direct: dL/dh_t (T, B, H) without later timesteps."""
        inputs, w_ih, w_hh, states = ctx.saved_tensors
        T, B, H = states.shape
        key = (T, B, H, states.dtype, states.device)
        buffers = _POOL.take(key)
        if ctx.relu:
            torch.gt(states, 0, out=buffers.slopes)
        else:
            tanh_backward(states.new_ones(()).expand_as(states), states, grad_input=buffers.slopes)
        totals = direct.clone(memory_format=torch.contiguous_format)  # (T, B, H), becomes dL/dh_t
        _recur(totals, buffers, w_hh, ctx.recursion)
        if ctx.tape is not None:
            ctx.tape.record(totals, direct)

        grads = buffers.slopes.view(T * B, H)  # dL/da
        flat = inputs.view(T * B, -1)
        d_inputs = (grads @ w_ih).view_as(inputs) if ctx.needs_input_grad[0] else None
        d_w_ih = weight_gradient(grads, flat)
        d_w_hh = weight_gradient(grads[B:], states.view(T * B, H)[: (T - 1) * B])
        d_bias = grads.sum(0)
        _POOL.give_back(key, buffers)
        return d_inputs, d_w_ih, d_w_hh, d_bias, d_bias, None, None, None


def _recur(totals: Tensor, buffers: _Buffers, w_hh: Tensor, recursion: Recursion) -> None:
    """Turn direct gradients into total ones and slopes into dL/da_t, from the last step to the first."""
    steps = totals.unbind(0)
    for first, last in recursion.segments(len(steps)):
        for t in range(last, first - 1, -1):
            if recursion.clip is not None:
                clip_rows_(steps[t], recursion.clip)
            grad = buffers.steps[t].mul_(steps[t])
            if t > first:
                steps[t - 1].addmm_(grad, w_hh)
