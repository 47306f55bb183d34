"""The plain RNN over a whole sequence: h_t = phi(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), phi tanh or ReLU."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from rnncore.cells import Cell
from rnncore.engine.cells.definition import CellDefinition, Passed, Passing, Step, Weights
from rnncore.engine.cells.generic import State
from rnncore.engine.cells.jacobian import Jacobian, through
from rnncore.engine.cells.scan import (
    Key,
    OuterSum,
    Pool,
    Recursion,
    Stepping,
    affine,
    arrays,
    chunks,
    clip_rows_,
    during,
    fast_tanh,
    flat,
    product,
    slices,
    stepping,
    tanh_backward,
)
from rnncore.engine.cells.tape import LayerTape


class Rnn(CellDefinition):
    """The plain RNN (Elman 1990), without gates."""

    stacks = True

    def __init__(self, entry: Cell, hidden_size: int, nonlinearity: str = "tanh") -> None:
        super().__init__(entry, hidden_size, nonlinearity)
        self._pool = Pool(RnnBuffers)

    def step(self, inputs: Tensor, state: State, weights: Weights) -> Step:
        """h_t = phi(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)."""
        w_ih, w_hh, b_ih, b_hh = weights
        (h,) = state
        a = F.linear(inputs, w_ih, b_ih) + F.linear(h, w_hh, b_hh)
        return Step((a.relu() if self.nonlinearity == "relu" else a.tanh(),))

    def scan(self, inputs: Tensor, weights: Weights, recursion: Recursion, tape: LayerTape | None) -> Tensor:
        """Do all timesteps at once, see `RnnScan`."""
        relu = self.nonlinearity == "relu"
        states: Tensor = RnnScan.apply(inputs, *weights, relu, recursion, self._pool, tape)  # type: ignore[no-untyped-call]
        return states

    def states(self, inputs: Tensor, weights: Weights) -> State:
        """Return h_t alone: nothing else goes on."""
        return (self.scan(inputs, weights, Recursion(), None),)

    def jacobian(self, inputs: Tensor, before: State, weights: Weights) -> Jacobian:
        """dh_t/dh_{t-1} = diag(phi') W_hh."""
        (h,) = self.step(inputs, before, weights).state
        slopes = (h > 0).to(h.dtype) if self.nonlinearity == "relu" else 1 - h * h
        return Jacobian(through([slopes], weights[1]), through([slopes], weights[0]))

    def step_back(self, part: Passed, weights: Weights) -> Passing:
        """a_t = phi'(W x_t + b + W h_{t-1} + b) dL/dh_t, the slope known from h_t alone; back by W_hh."""
        h = part.states
        slopes = (h > 0).to(h.dtype) if self.nonlinearity == "relu" else 1 - h * h
        grads = part.totals * slopes  # (n, B, H)
        return Passing(grads, grads @ weights[1], part.memory)


class RnnBuffers:
    """Buffers of the backward pass, and views of them per timestep.

    totals: (T, B, H) direct gradients, then dL/dh. slopes: (t, B, H) of a chunk of t timesteps phi'(a), then dL/da.
    """

    def __init__(self, key: Key) -> None:
        (*stack, T, B, H), dtype, device = key
        self.key = key
        self.totals = torch.empty(*stack, T, B, H, dtype=dtype, device=device)
        self.totals_t = self.totals.unbind(-3)
        self.chunks = chunks(T, 3 * math.prod(stack) * B * H * dtype.itemsize)  # slopes, h and dL/dh
        self.slopes = torch.empty(*stack, len(self.chunks[0]), B, H, dtype=dtype, device=device)
        self.rows = self.slopes.unbind(-3)
        self.one = torch.ones((), dtype=dtype, device=device)


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
        pool: Pool[RnnBuffers],
        tape: LayerTape | None,
    ) -> Tensor:
        """Return h (T, B, H); inputs (T, B, I) contiguous, weights as in torch.nn."""
        states = inputs.new_empty(*inputs.shape[:-1], w_hh.shape[-1])
        with torch.inference_mode():
            affine(b_ih + b_hh, flat(inputs), w_ih.mT, out=flat(states))  # a_t, but for W_hh h_{t-1}
            w_t, steps, tanh, add = w_hh.mT, states.unbind(-3), fast_tanh(states.device), stepping(states)
            for t, array in enumerate(steps if relu else arrays(states)):
                if t:
                    add(steps[t], steps[t - 1], w_t)
                if relu:
                    steps[t].relu_()
                else:
                    tanh(array, out=array)
        ctx.save_for_backward(inputs, w_ih, w_hh, states)
        ctx.relu, ctx.recursion, ctx.pool, ctx.tape = relu, recursion, pool, tape
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, direct: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of inputs and weights; direct: dL/dh_t (T, B, H) without later timesteps."""
        inputs, w_ih, w_hh, states = ctx.saved_tensors
        buffers = ctx.pool.take(states)
        flows, add = ctx.recursion.flows(states.shape[-3]), stepping(states)
        d_inputs = torch.empty_like(inputs) if ctx.needs_input_grad[0] else None
        d_w_ih, d_w_hh, d_bias = OuterSum(w_ih), OuterSum(w_hh), w_hh.new_zeros(w_hh.shape[:-1])
        with torch.inference_mode():
            buffers.totals.copy_(direct)
            for chunk in reversed(buffers.chunks):
                part, later, before = slices(chunk)
                slopes = during(buffers.slopes, slice(len(chunk)))
                if ctx.relu:
                    torch.gt(during(states, part), 0, out=slopes)
                else:
                    tanh_backward(buffers.one, during(states, part), grad_input=slopes)
                recur(buffers, chunk, w_hh, flows, ctx.recursion.clip, add)
                grads = flat(slopes)  # (t B, H) dL/da
                d_w_ih.add(grads, flat(during(inputs, part)))
                d_w_hh.add(flat(during(slopes, slice(later.start - part.start, None))), flat(during(states, before)))
                d_bias.add_(grads.sum(-2))
                if d_inputs is not None:
                    product(grads, w_ih, out=flat(during(d_inputs, part)))
        if ctx.tape is not None:
            ctx.tape.record(buffers.totals.clone(), direct)
        ctx.pool.give_back(buffers)
        return d_inputs, d_w_ih.total, d_w_hh.total, d_bias, d_bias, None, None, None, None


def recur(
    buffers: RnnBuffers, chunk: range, w_hh: Tensor, flows: list[bool], clip: float | Tensor | None, add: Stepping
) -> None:
    """Turn direct gradients into total ones and slopes into dL/da_t, from the last step of a chunk to the first."""
    totals = buffers.totals_t
    for t in reversed(chunk):
        if clip is not None:
            clip_rows_(totals[t], clip)
        grad = buffers.rows[t - chunk.start].mul_(totals[t])  # dL/da_t = phi'(a_t) dL/dh_t
        if flows[t]:
            add(totals[t - 1], grad, w_hh)  # dL/dh_{t-1} = direct + W_hh^T dL/da_t (Pascanu et al. 2013, eq. 5)
