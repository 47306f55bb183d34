"""The GRU over a whole sequence, in torch's convention: h_t = (1 - z_t) n_t + z_t h_{t-1}."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from rnncore.cells import Cell
from rnncore.engine.cells.definition import CellDefinition, Passed, Passing, Step, Weights, stacked_gates
from rnncore.engine.cells.generic import State
from rnncore.engine.cells.scan import (
    Key,
    OuterSum,
    Pool,
    Recursion,
    arrays,
    chunks,
    clip_rows_,
    fast_tanh,
    flat,
    sigmoid_backward,
    slices,
    tanh_backward,
)
from rnncore.engine.cells.tape import LayerTape


class Gru(CellDefinition):
    """The GRU (Cho et al. 2014), with z and r as torch.nn has them."""

    def __init__(self, entry: Cell, hidden_size: int, nonlinearity: str = "tanh") -> None:
        super().__init__(entry, hidden_size, nonlinearity)
        self._pool = Pool(GruBuffers)

    def step(self, inputs: Tensor, state: State, weights: Weights) -> Step:
        """r, z = sigmoid(W x_t + b + W h_{t-1} + b), n = tanh(W x_t + b + r (W h_{t-1} + b)), h_t = (1 - z) n + z h."""
        w_ih, w_hh, b_ih, b_hh = weights
        (h,) = state
        r_in, z_in, n_in = F.linear(inputs, w_ih, b_ih).chunk(3, -1)  # (B, H) each
        r_h, z_h, n_h = F.linear(h, w_hh, b_hh).chunk(3, -1)
        r, z = (r_in + r_h).sigmoid(), (z_in + z_h).sigmoid()
        n = (n_in + r * n_h).tanh()
        return Step(((1 - z) * n + z * h,), (r, z))

    def scan(self, inputs: Tensor, weights: Weights, recursion: Recursion, tape: LayerTape | None) -> Tensor:
        """Do all timesteps at once, see `GruScan`; without gradients in torch's own fused layer."""
        if not torch.is_grad_enabled():  # without the buffers that a backward pass would need
            zeros = inputs.new_zeros(1, inputs.shape[1], self.hidden_size)
            return torch.gru(inputs, zeros, weights, True, 1, 0.0, False, False, False)[0]
        states: Tensor = GruScan.apply(inputs, *weights, recursion, self._pool, tape)  # type: ignore[no-untyped-call]
        return states

    def gates(self, inputs: Tensor, states: Tensor, weights: Weights) -> Tensor:
        """Return r and z: both follow from x_t and h_{t-1} in one product."""
        return stacked_gates(inputs, states, weights, [0, 1])

    def step_back(self, part: Passed, weights: Weights) -> Passing:
        """a_t: dL/d(preactivation) of r and z, r times that of n, z dL/dh_t; back by W_hh, the last as it is."""
        w_ih, w_hh, b_ih, b_hh = weights
        h, totals = part.before, part.totals
        r_in, z_in, n_in = F.linear(part.inputs, w_ih, b_ih).chunk(3, -1)  # (n, B, H) each
        r_h, z_h, q = F.linear(h, w_hh, b_hh).chunk(3, -1)
        r, z = (r_in + r_h).sigmoid(), (z_in + z_h).sigmoid()
        n = (n_in + r * q).tanh()
        d_n = totals * (1 - z) * (1 - n * n)
        grads = torch.cat([d_n * q * r * (1 - r), totals * (h - n) * z * (1 - z), d_n * r], -1)  # (n, B, 3H)
        carried = totals * z
        return Passing(torch.cat([grads, carried], -1), grads @ w_hh + carried, part.memory)


class GruBuffers:
    """What the backward pass needs of all timesteps, and views of it per timestep.

    gates: (T, B, 3H) r, z and q = W_hn h + b_hn, chunk by chunk replaced by d h_t / d(preactivation); in the backward
    pass dL/d(preactivation). candidate: (T, B, H) n, then likewise. carry: (T, B, H) z. totals: (T, B, H) direct
    gradients, then dL/dh.
    """

    def __init__(self, key: Key) -> None:
        T, B, H, dtype, device = key
        self.key = key
        self.gates = torch.empty(T, B, 3 * H, dtype=dtype, device=device)
        self.candidate, self.carry = (torch.empty(T, B, H, dtype=dtype, device=device) for _ in range(2))
        self.r, self.z, self.q = self.gates.view(T, B, 3, H).unbind(2)  # (T, B, H) each
        self.gates_t = self.gates.unbind(0)
        self.rz_t = self.gates[..., : 2 * H].unbind(0)
        self.by_gate_t = self.gates.view(T, B, 3, H).unbind(0)
        self.r_t, self.z_t, self.q_t = self.r.unbind(0), self.z.unbind(0), self.q.unbind(0)
        self.candidate_t, self.carry_t = self.candidate.unbind(0), self.carry.unbind(0)
        self.candidate_arrays = arrays(self.candidate)
        self.totals = torch.empty(T, B, H, dtype=dtype, device=device)
        self.totals_t, self.totals_per_gate_t = self.totals.unbind(0), self.totals.unsqueeze(2).unbind(0)
        self.chunks = chunks(T, 8 * B * H * dtype.itemsize)  # gates, the others, a temporary, h and dL/dh


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
        pool: Pool[GruBuffers],
        tape: LayerTape | None,
    ) -> Tensor:
        """Return h (T, B, H); inputs (T, B, I) contiguous, weights as in torch.nn."""
        T, B, _ = inputs.shape
        states = inputs.new_empty(T, B, w_hh.shape[1])
        ctx.buffers = _run(pool, inputs, w_ih, w_hh, b_ih, b_hh, states)
        ctx.save_for_backward(inputs, w_ih, w_hh, b_ih, b_hh, states)
        ctx.recursion, ctx.pool, ctx.tape = recursion, pool, tape
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, direct: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of inputs and weights; direct: dL/dh_t (T, B, H) without later timesteps."""
        inputs, w_ih, w_hh, b_ih, b_hh, states = ctx.saved_tensors
        H = states.shape[2]
        buffers, ctx.buffers = ctx.buffers, None
        if buffers is None:  # used up by an earlier backward pass through this graph
            buffers = _run(ctx.pool, inputs, w_ih, w_hh, b_ih, b_hh, torch.empty_like(states))
        flows = ctx.recursion.flows(len(states))
        d_inputs = torch.empty_like(inputs) if ctx.needs_input_grad[0] else None
        w_rz, w_n = w_ih[: 2 * H], w_ih[2 * H :]
        d_w_rz, d_w_n, d_w_hh = OuterSum(w_rz), OuterSum(w_n), OuterSum(w_hh)
        d_b_hh, d_b_n = torch.zeros_like(b_hh), b_hh.new_zeros(H)
        with torch.inference_mode():
            buffers.totals.copy_(direct)
            for chunk in reversed(buffers.chunks):
                _recur(buffers, chunk, w_hh, flows, ctx.recursion.clip)
                part, later, before = slices(chunk)
                grads = flat(buffers.gates[part])  # (t B, 3H) dL/d(preactivation) of r, z, q
                grads_rz, grads_n = grads[:, : 2 * H], flat(buffers.candidate[part].mul_(buffers.totals[part]))
                d_w_rz.add(grads_rz, flat(inputs[part]))
                d_w_n.add(grads_n, flat(inputs[part]))
                d_w_hh.add(flat(buffers.gates[later]), flat(states[before]))
                d_b_hh.add_(grads.sum(0))
                d_b_n.add_(grads_n.sum(0))
                if d_inputs is not None:
                    torch.mm(grads_rz, w_rz, out=flat(d_inputs[part])).addmm_(grads_n, w_n)
        if ctx.tape is not None:
            ctx.tape.record(buffers.totals.clone(), direct)
        ctx.pool.give_back(buffers)
        d_w_ih, d_b_ih = torch.cat([d_w_rz.total, d_w_n.total]), torch.cat([d_b_hh[: 2 * H], d_b_n])
        return d_inputs, d_w_ih, d_w_hh.total, d_b_ih, d_b_hh, None, None, None


def _run(
    pool: Pool[GruBuffers], inputs: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, states: Tensor
) -> GruBuffers:
    """Write h to `states` (T, B, H), return the buffers with all local derivatives."""
    _, B, H = states.shape
    buffers = pool.take(states)
    with torch.inference_mode():
        b_rz, w_rz, w_n = (b_ih + b_hh)[: 2 * H], w_ih[: 2 * H].t(), w_ih[2 * H :].t()
        w_t, tanh, lerp = w_hh.t(), fast_tanh(inputs.device), torch.lerp
        steps, state = states.unbind(0), inputs.new_zeros(B, H)
        for chunk in buffers.chunks:
            part = slice(chunk.start, chunk.stop)
            torch.addmm(b_rz, flat(inputs[part]), w_rz, out=flat(buffers.gates[part])[:, : 2 * H])
            torch.addmm(b_ih[2 * H :], flat(inputs[part]), w_n, out=flat(buffers.candidate[part]))
            buffers.q[part] = b_hh[2 * H :]
            for t in chunk:
                if t:
                    buffers.gates_t[t].addmm_(state, w_t)
                buffers.rz_t[t].sigmoid_()
                candidate = buffers.candidate_t[t].addcmul_(buffers.r_t[t], buffers.q_t[t])
                tanh(buffers.candidate_arrays[t], out=buffers.candidate_arrays[t])
                state = lerp(candidate, state, buffers.z_t[t], out=steps[t])
            _derive(buffers, chunk, states)
    return buffers


def _derive(buffers: GruBuffers, chunk: range, states: Tensor) -> None:
    """Turn gates into d h_t / d(preactivation), in place, for a chunk of timesteps at once."""
    part, later, before = slices(chunk)
    r, z, q, n = buffers.r[part], buffers.z[part], buffers.q[part], buffers.candidate[part]
    buffers.carry[part].copy_(z)
    change = -n  # h_{t-1} - n_t
    change[later.start - part.start :].add_(states[before])
    tanh_backward(1 - z, n, grad_input=n)
    sigmoid_backward(change, z, grad_input=z)
    torch.mul(n, q, out=change)
    torch.mul(n, r, out=q)
    sigmoid_backward(change, r, grad_input=r)


def _recur(buffers: GruBuffers, chunk: range, w_hh: Tensor, flows: list[bool], clip: float | None) -> None:
    """Turn direct gradients into total ones and local derivatives into dL/d(preactivation), last step to first."""
    totals = buffers.totals_t
    for t in reversed(chunk):
        total = totals[t]
        if clip is not None:
            clip_rows_(total, clip)
        buffers.by_gate_t[t].mul_(buffers.totals_per_gate_t[t])
        if flows[t]:
            before = totals[t - 1]  # dL/dh_{t-1} = direct + W_hh^T dL/da_t + z_t dL/dh_t (from Cho et al. 2014, eq. 7)
            before.addmm_(buffers.gates_t[t], w_hh).addcmul_(total, buffers.carry_t[t])
