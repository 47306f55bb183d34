"""Recurrences unit by unit over a whole sequence, h_t = phi(a_t h_{t-1} + b_t): there is no matrix to go through."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from rnncore.engine.cells.scan import Recursion, arrays, chunks, clip_rows_, fast_tanh
from rnncore.engine.cells.tape import LayerTape


def scan_elementwise(
    factors: Tensor, added: Tensor, recursion: Recursion, tape: LayerTape | None, nonlinearity: str | None = None
) -> Tensor:
    """Return h_t (T, B, W) of all timesteps, h_0 = 0; the backward pass records dL/dh_t on `tape` if there is one.

    factors: a_t (T, B, W), or (W,) where it is the same at all timesteps. added: b_t (T, B, W). Both are real or both
    complex; of complex units real and imaginary part are recorded one after the other, (T, B, 2 W). nonlinearity:
    "tanh" or "relu", None for a linear recurrence. The result is the same to the last bit with and without a tape.
    """
    states: Tensor = ElementwiseScan.apply(factors, added, nonlinearity, recursion, tape)  # type: ignore[no-untyped-call]
    return states


def by_pieces(terms: Callable[[Tensor], tuple[Tensor, ...]], inputs: Tensor, numbers: int) -> tuple[Tensor, ...]:
    """Return what `terms` makes of inputs (T, B, I), some timesteps at a time where all of them do not fit the cache.

    numbers: how many are worked on per timestep and sequence. Long sequences then cost no more per timestep than short
    ones: fresh memory of all timesteps, for each intermediate result, would (measured: 2.4 times at T = 3,200).
    """
    T, B, _ = inputs.shape
    pieces = chunks(T, B * numbers * inputs.element_size())
    if len(pieces) == 1:
        return terms(inputs)
    found = [terms(inputs[piece.start : piece.stop]) for piece in pieces]
    return tuple(map(torch.cat, zip(*found, strict=True)))


class ElementwiseScan(Function):
    """Map a and b to h (T, B, W), one multiplication and addition per timestep, forward and backward."""

    @staticmethod
    def forward(
        ctx: Any,
        factors: Tensor,
        added: Tensor,
        nonlinearity: str | None,
        recursion: Recursion,
        tape: LayerTape | None,
    ) -> Tensor:
        """Return h (T, B, W)."""
        states = added.clone(memory_format=torch.contiguous_format)
        with torch.inference_mode():
            rows, by_step, tanh = states.unbind(0), _by_step(factors, len(states)), fast_tanh(states.device)
            for t, (row, array) in enumerate(zip(rows, arrays(states), strict=True)):
                if t:
                    row.addcmul_(by_step[t], rows[t - 1])
                if nonlinearity == "tanh":
                    tanh(array, out=array)
                elif nonlinearity == "relu":
                    row.relu_()
        ctx.save_for_backward(factors, states)
        ctx.nonlinearity, ctx.recursion, ctx.tape = nonlinearity, recursion, tape
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, direct: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of a and b; direct: dL/dh_t (T, B, W) without later timesteps."""
        factors, states = ctx.saved_tensors
        totals = direct.resolve_conj().clone(memory_format=torch.contiguous_format)
        grads = totals if ctx.nonlinearity is None else _slopes(states, ctx.nonlinearity)  # then dL/d(a h + b)
        with torch.inference_mode():
            _recur(totals, grads, _by_step(factors.conj().resolve_conj(), len(states)), ctx.recursion)
        d_factors = None
        if ctx.needs_input_grad[0]:
            d_factors = torch.empty_like(grads)  # dL/da_t = dL/d(a h + b) h_{t-1}, and h_0 is 0
            d_factors[0] = 0
            torch.mul(grads[1:], states[:-1].conj(), out=d_factors[1:])
            d_factors = d_factors.sum((0, 1)) if factors.dim() == 1 else d_factors
        if ctx.tape is not None:  # what the tape holds on to, autograd does not write to
            ctx.tape.record(as_real(totals), as_real(direct.resolve_conj()))
        return d_factors, grads, None, None, None


def as_real(states: Tensor) -> Tensor:
    """Return real states as they are, complex ones (..., W) as their parts one after the other (..., 2 W), a view."""
    return torch.view_as_real(states).flatten(-2) if states.is_complex() else states


def _by_step(factors: Tensor, seq_len: int) -> tuple[Tensor, ...]:
    return (factors,) * seq_len if factors.dim() == 1 else factors.unbind(0)


def _slopes(states: Tensor, nonlinearity: str) -> Tensor:
    """Return phi'(a h + b) (T, B, W), known from h."""
    if nonlinearity == "relu":
        return (states > 0).to(states.dtype)
    return torch.addcmul(states.new_ones(()), states, states, value=-1)  # 1 - h^2


def _recur(totals: Tensor, grads: Tensor, factors: tuple[Tensor, ...], recursion: Recursion) -> None:
    """Turn direct gradients into total ones and slopes into dL/d(a h + b), from the last timestep to the first."""
    flows, rows, own = recursion.flows(len(totals)), totals.unbind(0), grads.unbind(0)
    for t in range(len(rows) - 1, -1, -1):
        if recursion.clip is not None:
            clip_rows_(as_real(rows[t]), recursion.clip)
        if grads is not totals:
            own[t].mul_(rows[t])
        if flows[t]:
            rows[t - 1].addcmul_(factors[t], own[t])  # dL/dh_{t-1} = direct + a_t phi'_t dL/dh_t: no sum over units
