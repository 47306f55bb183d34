"""The GRU over a whole sequence, in torch's convention: h_t = (1 - z_t) n_t + z_t h_{t-1}."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from rnncore.cells import Cell
from rnncore.engine.cells.definition import CellDefinition, Passed, Passing, Step, Weights, stacked_gates
from rnncore.engine.cells.generic import State
from rnncore.engine.cells.jacobian import Jacobian, through
from rnncore.engine.cells.scan import (
    Key,
    OuterSum,
    Pool,
    Recursion,
    Stepping,
    add_product,
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


class Gru(CellDefinition):
    """The GRU (Cho et al. 2014), with z and r as torch.nn has them."""

    stacks = True

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
            with no_word_of_memory(inputs):
                return torch.gru(inputs, zeros, weights, True, 1, 0.0, False, False, False)[0]
        states: Tensor = GruScan.apply(inputs, *weights, recursion, self._pool, tape)  # type: ignore[no-untyped-call]
        return states

    def states(self, inputs: Tensor, weights: Weights) -> State:
        """Return h_t alone: nothing else goes on."""
        return (self.scan(inputs, weights, Recursion(), None),)

    def gates(self, inputs: Tensor, states: Tensor, weights: Weights) -> Tensor:
        """Return r and z: both follow from x_t and h_{t-1} in one product."""
        return stacked_gates(inputs, states, weights, [0, 1])

    def jacobian(self, inputs: Tensor, before: State, weights: Weights) -> Jacobian:
        """dh_t/dh_{t-1} = (1 - z) n' (r W_n + r' q W_r) + (h_{t-1} - n) z' W_z + z."""
        w_ih, w_hh, b_ih, b_hh = weights
        (h,) = before
        r_in, z_in, n_in = F.linear(inputs, w_ih, b_ih).chunk(3, -1)
        r_h, z_h, q = F.linear(h, w_hh, b_hh).chunk(3, -1)
        r, z = (r_in + r_h).sigmoid(), (z_in + z_h).sigmoid()
        n = (n_in + r * q).tanh()
        slopes = (1 - z) * (1 - n * n)
        gates = [slopes * q * r * (1 - r), (h - n) * z * (1 - z)]
        by_state = through([*gates, slopes * r], w_hh)
        by_state.diagonal(dim1=-2, dim2=-1).add_(z)
        return Jacobian(by_state, through([*gates, slopes], w_ih))

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
        shape, dtype, device = key
        *stack, T, B, H = shape
        self.key = key
        self.gates = torch.empty(*stack, T, B, 3 * H, dtype=dtype, device=device)
        self.candidate, self.carry = (torch.empty(shape, dtype=dtype, device=device) for _ in range(2))
        by_gate = self.gates.view(*stack, T, B, 3, H)
        self.r, self.z, self.q = by_gate.unbind(-2)  # (T, B, H) each
        self.gates_t = self.gates.unbind(-3)
        self.rz_t = self.gates[..., : 2 * H].unbind(-3)
        self.by_gate_t = by_gate.unbind(-4)
        self.r_t, self.z_t, self.q_t = self.r.unbind(-3), self.z.unbind(-3), self.q.unbind(-3)
        self.candidate_t, self.carry_t = self.candidate.unbind(-3), self.carry.unbind(-3)
        self.candidate_arrays = arrays(self.candidate)
        self.totals = torch.empty(shape, dtype=dtype, device=device)
        self.totals_t, self.totals_per_gate_t = self.totals.unbind(-3), self.totals.unsqueeze(-2).unbind(-4)
        self.chunks = chunks(
            T, 8 * math.prod(stack) * B * H * dtype.itemsize
        )  # gates, the others, a temporary, h and dL/dh


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
        H = states.shape[-1]
        buffers, ctx.buffers = ctx.buffers, None
        if buffers is None:  # used up by an earlier backward pass through this graph
            buffers = _run(ctx.pool, inputs, w_ih, w_hh, b_ih, b_hh, torch.empty_like(states))
        flows = ctx.recursion.flows(states.shape[-3])
        d_inputs = torch.empty_like(inputs) if ctx.needs_input_grad[0] else None
        w_rz, w_n = w_ih[..., : 2 * H, :], w_ih[..., 2 * H :, :]
        d_w_rz, d_w_n, d_w_hh = OuterSum(w_rz), OuterSum(w_n), OuterSum(w_hh)
        d_b_hh, d_b_n, add = torch.zeros_like(b_hh), torch.zeros_like(b_hh[..., :H]), stepping(states)
        with torch.inference_mode():
            buffers.totals.copy_(direct)
            for chunk in reversed(buffers.chunks):
                recur(buffers, chunk, w_hh, flows, ctx.recursion.clip, add)
                part, later, before = slices(chunk)
                grads = flat(during(buffers.gates, part))  # (t B, 3H) dL/d(preactivation) of r, z, q
                grads_rz = grads[..., : 2 * H]
                grads_n = flat(during(buffers.candidate, part).mul_(during(buffers.totals, part)))
                below = flat(during(inputs, part))
                d_w_rz.add(grads_rz, below)
                d_w_n.add(grads_n, below)
                d_w_hh.add(flat(during(buffers.gates, later)), flat(during(states, before)))
                d_b_hh.add_(grads.sum(-2))
                d_b_n.add_(grads_n.sum(-2))
                if d_inputs is not None:
                    add_product(grads_n, w_n, product(grads_rz, w_rz, out=flat(during(d_inputs, part))))
        if ctx.tape is not None:
            ctx.tape.record(buffers.totals.clone(), direct)
        ctx.pool.give_back(buffers)
        d_w_ih, d_b_ih = torch.cat([d_w_rz.total, d_w_n.total], -2), torch.cat([d_b_hh[..., : 2 * H], d_b_n], -1)
        return d_inputs, d_w_ih, d_w_hh.total, d_b_ih, d_b_hh, None, None, None


def _run(
    pool: Pool[GruBuffers], inputs: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor, b_hh: Tensor, states: Tensor
) -> GruBuffers:
    """Write h to `states` (T, B, H), return the buffers with all local derivatives."""
    H = states.shape[-1]
    buffers = pool.take(states)
    with torch.inference_mode():
        b_rz, b_n, b_q = (b_ih + b_hh)[..., : 2 * H], b_ih[..., 2 * H :], b_hh[..., None, None, 2 * H :]
        w_rz, w_n = w_ih[..., : 2 * H, :].mT, w_ih[..., 2 * H :, :].mT
        w_t, tanh, lerp, add = w_hh.mT, fast_tanh(inputs.device), torch.lerp, stepping(states)
        steps = states.unbind(-3)
        state = torch.zeros_like(steps[0])
        for chunk in buffers.chunks:
            part = slice(chunk.start, chunk.stop)
            below = flat(during(inputs, part))
            affine(b_rz, below, w_rz, out=flat(during(buffers.gates, part))[..., : 2 * H])
            affine(b_n, below, w_n, out=flat(during(buffers.candidate, part)))
            during(buffers.q, part).copy_(b_q)
            for t in chunk:
                if t:
                    add(buffers.gates_t[t], state, w_t)
                buffers.rz_t[t].sigmoid_()
                candidate = buffers.candidate_t[t].addcmul_(buffers.r_t[t], buffers.q_t[t])
                tanh(buffers.candidate_arrays[t], out=buffers.candidate_arrays[t])
                state = lerp(candidate, state, buffers.z_t[t], out=steps[t])
            derive(buffers, chunk, states)
    return buffers


def derive(buffers: GruBuffers, chunk: range, states: Tensor) -> None:
    """Turn gates into d h_t / d(preactivation), in place, for a chunk of timesteps at once."""
    part, later, before = slices(chunk)
    r, z, q, n = (during(each, part) for each in (buffers.r, buffers.z, buffers.q, buffers.candidate))
    during(buffers.carry, part).copy_(z)
    change = -n  # h_{t-1} - n_t
    during(change, slice(later.start - part.start, None)).add_(during(states, before))
    tanh_backward(1 - z, n, grad_input=n)
    sigmoid_backward(change, z, grad_input=z)
    torch.mul(n, q, out=change)
    torch.mul(n, r, out=q)
    sigmoid_backward(change, r, grad_input=r)


def recur(
    buffers: GruBuffers, chunk: range, w_hh: Tensor, flows: list[bool], clip: float | Tensor | None, add: Stepping
) -> None:
    """Turn direct gradients into total ones and local derivatives into dL/d(preactivation), last step to first."""
    totals = buffers.totals_t
    for t in reversed(chunk):
        total = totals[t]
        if clip is not None:
            clip_rows_(total, clip)
        buffers.by_gate_t[t].mul_(buffers.totals_per_gate_t[t])
        if flows[t]:
            before = totals[t - 1]  # dL/dh_{t-1} = direct + W_hh^T dL/da_t + z_t dL/dh_t (from Cho et al. 2014, eq. 7)
            add(before, buffers.gates_t[t], w_hh).addcmul_(total, buffers.carry_t[t])
