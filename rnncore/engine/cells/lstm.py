"""The LSTM over a whole sequence: c_t = f_t c_{t-1} + i_t g_t, h_t = o_t tanh(c_t)."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from rnncore.cells import Cell
from rnncore.engine.cells.definition import CellDefinition, Passed, Passing, Step, Weights, stacked_gates
from rnncore.engine.cells.generic import State
from rnncore.engine.cells.jacobian import Jacobian, Steps
from rnncore.engine.cells.lstm_steps import LstmSteps
from rnncore.engine.cells.probe_lstm import probe_lstm
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
    sigmoid_backward,
    slices,
    stepping,
    tanh_backward,
)
from rnncore.engine.cells.tape import LayerTape
from rnncore.engine.devices import no_word_of_memory


class Lstm(CellDefinition):
    """The LSTM with a forget gate (Hochreiter & Schmidhuber 1997; Gers, Schmidhuber & Cummins 2000)."""

    stacks = True

    def __init__(self, entry: Cell, hidden_size: int, nonlinearity: str = "tanh") -> None:
        super().__init__(entry, hidden_size, nonlinearity)
        self._pool = Pool(LstmBuffers)

    def step(self, inputs: Tensor, state: State, weights: Weights) -> Step:
        """i, f, o = sigmoid(W x_t + b + W h_{t-1} + b), g = tanh(...), c_t = f c_{t-1} + i g, h_t = o tanh(c_t)."""
        w_ih, w_hh, b_ih, b_hh = weights
        h, c = state
        gates = F.linear(inputs, w_ih, b_ih) + F.linear(h, w_hh, b_hh)  # (B, 4H)
        i, f, g, o = gates.chunk(4, -1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        c = f * c + i * g
        return Step((o * c.tanh(), c), (i, f, o))

    def scan(self, inputs: Tensor, weights: Weights, recursion: Recursion, tape: LayerTape | None) -> Tensor:
        """Do all timesteps at once, see `LstmScan`; without gradients, and on CUDA, in torch's own fused layer."""
        w_ih, w_hh, b_ih, b_hh = weights
        if not torch.is_grad_enabled():
            zeros = inputs.new_zeros(1, inputs.shape[1], self.hidden_size)
            with no_word_of_memory(inputs):
                return torch.lstm(inputs, (zeros, zeros), weights, True, 1, 0.0, False, False, False)[0]
        if inputs.is_cuda and recursion == Recursion():
            return probe_lstm(inputs, (w_ih, w_hh, b_ih, b_hh), tape)
        states: Tensor = LstmScan.apply(inputs, *weights, recursion, self._pool, tape)  # type: ignore[no-untyped-call]
        return states

    def gates(self, inputs: Tensor, states: Tensor, weights: Weights) -> Tensor:
        """Return i, f and o: all of them follow from x_t and h_{t-1} in one product."""
        return stacked_gates(inputs, states, weights, [0, 1, 3])

    def jacobian(self, inputs: Tensor, before: State, weights: Weights) -> Jacobian:
        """d[h_t; c_t]/d[h_{t-1}; c_{t-1}]: all that h_{t-1} does goes through the four preactivations."""
        return LstmSteps(inputs, before, weights).jacobian()

    def steps(self, inputs: Tensor, before: State, weights: Weights) -> Steps:
        """Leave out what is diagonal of the matrices: less than half of the work."""
        return LstmSteps(inputs, before, weights)

    def step_back(self, part: Passed, weights: Weights) -> Passing:
        """a_t: dL/d(preactivation) of i, f, g and o, in which is what came along the cell state; back by W_hh."""
        assert part.cell is not None
        w_ih, w_hh, b_ih, b_hh = weights
        gates = F.linear(part.inputs, w_ih, b_ih) + F.linear(part.before, w_hh, b_hh)  # (n, B, 4H)
        i, f, g, o = gates.chunk(4, -1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        memory = [part.memory]  # c_{t-1}, and c_t after it
        for forget, new in zip(f, i * g, strict=True):
            memory.append(forget * memory[-1] + new)
        c = torch.stack(memory)  # (n + 1, B, H)
        d_c, d_o = part.cell, part.totals * c[1:].tanh() * o * (1 - o)
        grads = torch.cat([d_c * g * i * (1 - i), d_c * c[:-1] * f * (1 - f), d_c * i * (1 - g * g), d_o], -1)
        return Passing(grads, grads @ w_hh, memory[-1])


class LstmBuffers:
    """What the backward pass needs of all timesteps, cell states of one chunk, and views of them per timestep.

    gates: (T, B, 4H) i, f, (unused), o, chunk by chunk replaced by d c_t (of o: d h_t) / d(preactivation); in the
    backward pass dL/d(preactivation). candidate: (T, B, H) g, then dh/dc, then dL/dc. squashed: tanh(c), then f.
    totals: (T, B, H) direct gradients, then dL/dh. cell: (t + 1, B, H) c_{t-1} and c_t of a chunk of t timesteps.
    """

    def __init__(self, key: Key) -> None:
        shape, dtype, device = key
        *stack, T, B, H = shape
        self.key = key
        self.totals = torch.empty(shape, dtype=dtype, device=device)
        self.chunks = chunks(T, 10 * math.prod(stack) * B * H * dtype.itemsize)  # gates, the others, h and dL/dh
        self.gates = torch.empty(*stack, T, B, 4 * H, dtype=dtype, device=device)
        self.candidate, self.squashed = (torch.empty(shape, dtype=dtype, device=device) for _ in range(2))
        self.cell = torch.empty(*stack, len(self.chunks[0]) + 1, B, H, dtype=dtype, device=device)
        by_gate = self.gates.view(*stack, T, B, 4, H)
        self.i, self.f, self.g, self.o = by_gate.unbind(-2)  # (T, B, H) each
        self.cell_rows, self.cell_arrays = self.cell.unbind(-3), arrays(self.cell)
        # Views of each timestep, in the order in which the loops use them.
        gates, candidate, squashed = self.gates.unbind(-3), self.candidate.unbind(-3), self.squashed.unbind(-3)
        i, f, o = self.i.unbind(-3), self.f.unbind(-3), self.o.unbind(-3)
        g_in, g, squash = arrays(self.g), arrays(self.candidate), arrays(self.squashed)
        self.forward_t = list(zip(gates, g_in, g, i, candidate, f, squash, o, squashed, strict=True))
        per_gate = by_gate[..., :3, :].unbind(-4), self.candidate.unsqueeze(-2).unbind(-4)
        self.backward_t = list(zip(self.totals.unbind(-3), candidate, squashed, *per_gate, o, gates, strict=True))


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
        pool: Pool[LstmBuffers],
        tape: LayerTape | None,
    ) -> Tensor:
        """Return h (T, B, H); inputs (T, B, I) contiguous, weights as in torch.nn."""
        states = inputs.new_empty(*inputs.shape[:-1], w_hh.shape[-1])
        ctx.buffers = _run(pool, inputs, w_ih, w_hh, b_ih, b_hh, states)
        ctx.save_for_backward(inputs, w_ih, w_hh, b_ih, b_hh, states)
        ctx.recursion, ctx.pool, ctx.tape = recursion, pool, tape
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, direct: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of inputs and weights; direct: dL/dh_t (T, B, H) without later timesteps."""
        inputs, w_ih, w_hh, b_ih, b_hh, states = ctx.saved_tensors
        buffers, ctx.buffers = ctx.buffers, None
        if buffers is None:  # used up by an earlier backward pass through this graph
            buffers = _run(ctx.pool, inputs, w_ih, w_hh, b_ih, b_hh, torch.empty_like(states))
        flows, add = ctx.recursion.flows(states.shape[-3]), stepping(states)
        d_inputs = torch.empty_like(inputs) if ctx.needs_input_grad[0] else None
        d_w_ih, d_w_hh, d_bias = OuterSum(w_ih), OuterSum(w_hh), torch.zeros_like(b_ih)
        with torch.inference_mode():
            buffers.totals.copy_(direct)
            for chunk in reversed(buffers.chunks):
                recur(buffers, chunk, w_hh, flows, ctx.recursion.clip, add)
                part, later, before = slices(chunk)
                grads = flat(during(buffers.gates, part))  # (t B, 4H) dL/d(preactivation)
                d_w_ih.add(grads, flat(during(inputs, part)))
                d_w_hh.add(flat(during(buffers.gates, later)), flat(during(states, before)))
                d_bias.add_(grads.sum(-2))
                if d_inputs is not None:
                    product(grads, w_ih, out=flat(during(d_inputs, part)))
        if ctx.tape is not None:
            ctx.tape.record(buffers.totals.clone(), direct, buffers.candidate.clone() if ctx.tape.wants_cell else None)
        ctx.pool.give_back(buffers)
        return d_inputs, d_w_ih.total, d_w_hh.total, d_bias, d_bias, None, None, None


def _run(
    pool: Pool[LstmBuffers], inputs: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, states: Tensor
) -> LstmBuffers:
    """Write h to `states` (T, B, H), return the buffers with all local derivatives."""
    buffers = pool.take(states)
    with torch.inference_mode():
        bias, w_in, w_t, tanh, mul = b_ih + b_hh, w_ih.mT, w_hh.mT, fast_tanh(inputs.device), torch.mul
        steps, h, add = states.unbind(-3), None, stepping(states)
        cells, cell_arrays = buffers.cell_rows, buffers.cell_arrays
        cells[0].zero_()
        for chunk in buffers.chunks:
            part = slice(chunk.start, chunk.stop)
            affine(bias, flat(during(inputs, part)), w_in, out=flat(during(buffers.gates, part)))
            views = zip(cells, cells[1:], cell_arrays[1:], buffers.forward_t[part], steps[part], strict=False)
            for before, c, c_array, (gates, g_in, g, i, candidate, f, squash, o, squashed), step in views:
                if h is not None:
                    add(gates, h, w_t)
                tanh(g_in, out=g)
                gates.sigmoid_()  # g's quarter with it, which nobody reads: one block is faster than two
                mul(i, candidate, out=c).addcmul_(f, before)
                tanh(c_array, out=squash)
                h = mul(o, squashed, out=step)
            derive(buffers, part)
    return buffers


def derive(buffers: LstmBuffers, part: slice) -> None:
    """Turn gates into local derivatives, in place, for a chunk of timesteps at once."""
    i, f, g, o = (during(each, part) for each in (buffers.i, buffers.f, buffers.g, buffers.o))
    candidate, squashed, t = during(buffers.candidate, part), during(buffers.squashed, part), f.shape[-3]
    tanh_backward(i, candidate, grad_input=g)
    sigmoid_backward(candidate, i, grad_input=i)
    tanh_backward(o, squashed, grad_input=candidate)  # dh/dc
    sigmoid_backward(squashed, o, grad_input=o)
    squashed.copy_(f)
    sigmoid_backward(during(buffers.cell, slice(t)), f, grad_input=f)
    buffers.cell_rows[0].copy_(buffers.cell_rows[t])


def recur(
    buffers: LstmBuffers,
    chunk: range,
    w_hh: Tensor,
    flows: list[bool],
    clip: float | Tensor | None,
    add: Stepping,
    direct_cell: Sequence[Tensor] | None = None,
) -> None:
    """Turn direct gradients into total ones and local derivatives into dL/d(preactivation), last step to first.

    direct_cell: what reaches c_t (B, H) neither through h_t nor through c_{t+1}, one per timestep.
    """
    views = buffers.backward_t
    later = views[chunk.stop] if chunk.stop < len(views) else None
    for t in reversed(chunk):
        total, cell, _, ifg, cell_per_gate, o, gates = now = views[t]
        if clip is not None:
            clip_rows_(total, clip)
        cell.mul_(total)  # dL/dc_t = o_t (1 - tanh^2 c_t) dL/dh_t, and with the next line
        if later is not None and flows[t + 1]:
            cell.addcmul_(later[2], later[1])  # + f_{t+1} dL/dc_{t+1}
        if direct_cell is not None:
            cell.add_(direct_cell[t])
        ifg.mul_(cell_per_gate)
        o.mul_(total)
        if flows[t]:
            add(views[t - 1][0], gates, w_hh)  # dL/dh_{t-1} = direct + W_hh^T dL/da_t (Graves 2012, 4.6.2)
        later = now
