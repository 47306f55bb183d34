"""What a watched module read in one call and what came back through it, copied for instruments to look at."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from rnncore.engine.instruments import NotDefinedError
from rnncore.engine.readings.module import Seen, Side
from rnncore.watching.adjoint import Back, Known, Weights
from rnncore.watching.calls import Call
from rnncore.watching.gone import Gone
from rnncore.watching.joining import ROUNDING
from rnncore.watching.layers import ADJOINTS, Keep
from rnncore.watching.loops import CellCall, key_of
from rnncore.watching.supported import drops_between_layers

MOST_NUMBERS = 2**25  # of a call that are copied, in all its layers; of a larger one those of its first sequences
NOT_LINKED = "not defined for a loop that changes the state between its calls, or uses its cell state in other ways"


class Kept:
    """Copies of one call of nn.RNN, nn.LSTM or nn.GRU, both directions: `keep` is what `go_back` calls."""

    def __init__(self, call: Call, known: bool = True) -> None:
        """known: whether the gradients that came to the call are those of a loss."""
        self.call, self._known = call, known
        self._rows: dict[int, Side] = {}
        self._start: dict[int, Tensor] = {}  # dL/dh_0 of each row, and dL/dc_0 behind it
        width = call.inputs.shape[-1] + 6 * call.module.hidden_size * call.module.num_layers
        T = max(1, call.outputs.numel() // max(1, call.batch * call.outputs.shape[-1]))
        self._most = max(1, MOST_NUMBERS // (T * width))

    @property
    def keep(self) -> Keep:
        """What takes the rows on their way back."""
        return self._keep

    def _keep(self, row: int, known: Known, weights: Weights, back: Back) -> None:
        if weights.projection is None:
            memory = () if known.memory is None else (known.memory,)
            some = slice(self._most)
            self._rows[row] = _side(known, memory, weights, back, some, self._known)
            start = [back.hidden[0], *(() if back.start_cell is None else (back.start_cell,))]
            with torch.inference_mode(False), torch.no_grad():
                self._start[row] = torch.cat([each[some].clone().cpu() for each in start], -1)

    def followed(self, later: "Kept") -> bool:
        """Tell whether a later call was given the very state that this one returned, and sent a gradient back to it."""
        start, end = later.call.start, self.call.end
        if start is None or self.call.grad_end[0] is None or self.call.layout.packed or later.call.layout.packed:
            return False
        return start[0].data_ptr() == end[0].data_ptr() and start[0].shape == end[0].shape

    def seen(self, step: int, direction: int, factor: float) -> Seen:
        """Return one direction of it, gradients times `factor`. Raises NotDefinedError."""
        module: Any = self.call.module
        if module.proj_size:
            raise NotDefinedError("not defined for modules with projections")
        if not self._rows:
            raise NotDefinedError("not defined: no gradient has come back to the module")
        D = 2 if module.bidirectional else 1
        sides = tuple(_times(self._rows[layer * D + direction], factor) for layer in range(module.num_layers))
        lengths, rows = self.call.layout.lengths, sides[0].inputs.shape[1]
        notes = []
        if rows < self.call.batch:
            notes.append(f"Of the first {rows:,} of {self.call.batch:,} sequences.")
        if self.call.autocast is not None:
            notes.append(
                "The program computes in half precision here and there; this is worked out in single precision."
            )
        lengths = None if lengths is None else lengths[:rows]
        return Seen(
            step=step,
            cell=key_of(module),
            nonlinearity=_nonlinearity(module),
            layers=sides,
            lengths=lengths if lengths is not None and bool((lengths < sides[0].inputs.shape[0]).any()) else None,
            reverse=direction == 1,
            joined=D == 2 and module.num_layers > 1,
            dropped=drops_between_layers(module) and module.training,
            notes=tuple(notes),
        )


def calls_seen(kept: Sequence[Kept], step: int, direction: int, factor: float) -> Seen:
    """Return one direction of a module's calls in a step: of those that follow one another, as one sequence.

    Of several such sequences the one of most calls, else the last. Raises NotDefinedError.
    """
    chains: list[list[Kept]] = []
    for each in kept:
        if chains and chains[-1][-1].followed(each):
            chains[-1].append(each)
        else:
            chains.append([each])
    chain = max(reversed(chains), key=len)
    seen = [each.seen(step, direction, factor) for each in chain]
    if len(chains) > 1:
        which = "the last" if len(chain) == 1 else f"{len(chain):,} that follow one another"
        seen[0] = seen[0].noted(f"Of the {len(kept):,} calls of the module in this step, this is of {which}.")
    if len(chain) == 1:
        return seen[0]
    if seen[0].joined or seen[0].reverse:
        raise NotDefinedError(f"not defined here: the module was called {len(kept)} times and goes in two directions")
    kept = chain
    sides = []
    for layer, parts in enumerate(zip(*(each.layers for each in seen), strict=True)):
        directs = [_wide(part) for part in parts]
        for own, later in zip(directs, kept[1:], strict=False):
            own[-1] = _without(own[-1], later._start[layer] * factor, torch.finfo(later.call.outputs.dtype).eps)
        cells = [part.cell for part in parts if part.cell is not None]
        sides.append(
            Side(
                torch.cat([part.inputs for part in parts]),
                parts[0].weights,
                parts[0].start,
                torch.cat(directs),
                torch.cat([part.totals for part in parts if part.totals is not None]),
                torch.cat(cells) if cells else None,
            )
        )
    return replace(seen[0], layers=tuple(sides))


def _wide(side: Side) -> Tensor:
    """Return the direct gradient by the whole state (T, B, S)."""
    if side.direct is None:
        raise NotDefinedError("not defined: no gradient has come back to the module")
    missing = sum(each.shape[-1] for each in side.start) - side.direct.shape[-1]
    return torch.nn.functional.pad(side.direct, (0, missing))


def _without(whole: Tensor, through: Tensor, epsilon: float) -> Tensor:
    """Return what of a gradient (B, S) has not come through the next call; a difference that is rounding is 0."""
    rest = whole - through
    small = rest.norm(dim=-1, keepdim=True) <= ROUNDING * epsilon * through.norm(dim=-1, keepdim=True)
    return rest.masked_fill(small, 0.0)


def loop_seen(calls: Sequence[CellCall], gone: Sequence[Gone], step: int, factor: float) -> Seen:
    """Return a cell's calls in a loop as one sequence, gradients times `factor`. Raises NotDefinedError.

    What enters at a timestep is what autograd brought to h_t, less what came through the next call. Gone back through
    from there, the same must come out; else the loop does more with its states than hand them on.
    """
    module, first = calls[0].module, calls[0]
    if not all(call.batch == first.batch and _same(call.weights, first.weights) for call in calls):
        raise NotDefinedError("not defined for a loop whose calls are of other sequences, or of other weights")
    with torch.inference_mode():
        totals = torch.cat([each.last for each in gone])  # (T, B, H)
        through = torch.cat([*[each.start[0] for each in gone[1:]], torch.zeros_like(gone[0].start[0])])
        direct = totals - through
        size = through.norm(dim=-1, keepdim=True)
        direct = direct.masked_fill(direct.norm(dim=-1, keepdim=True) <= ROUNDING * gone[0].epsilon * size, 0.0)
        dtype = totals.dtype
        inputs = torch.stack([call.inputs[: totals.shape[1]].to(dtype) for call in calls])
        ends = torch.stack([call.end[0][: totals.shape[1]].to(dtype) for call in calls])
        start = [each[: totals.shape[1]].to(dtype) for each in first.start or [torch.zeros_like(e) for e in first.end]]
        w_ih, w_hh, *rest = (each.to(dtype) for each in first.weights)
        b_ih, b_hh = rest or [w_ih.new_zeros(len(w_ih))] * 2
        weights = Weights(w_ih, w_hh, b_ih, b_hh)
        memory = tuple(start[1:])
        known = Known(inputs, torch.cat([start[0][None], ends]), memory[0] if memory else None, direct, None, False)
        mode = key_of(module).upper() if key_of(module) != "rnn" else f"RNN_{_nonlinearity(module).upper()}"
        with ADJOINTS[mode](known, weights, False) as back:
            found = back.hidden[1:]
            if float((found - totals).norm()) > 1e4 * gone[0].epsilon * float(totals.norm()):
                raise NotDefinedError(NOT_LINKED)
            side = _side(known, memory, weights, back, slice(max(1, MOST_NUMBERS // inputs[:, 0].numel())), True)
    return Seen(
        step=step, cell=key_of(module), nonlinearity=_nonlinearity(module), layers=(_times(side, factor),),
    )  # fmt: skip


def _side(
    known: Known, memory: tuple[Tensor, ...], weights: Weights, back: Back, some: slice, with_gradients: bool
) -> Side:
    direct = known.direct
    if known.direct_cell is not None and bool(known.direct_cell.any()):
        direct = torch.cat([direct, known.direct_cell], -1)
    with torch.inference_mode(False), torch.no_grad():  # what is copied here may take part in other passes

        def copied(values: Tensor) -> Tensor:
            return values.clone().cpu()

        gradients: list[Tensor | None] = [None, None, None]
        if with_gradients:
            gradients = [copied(direct[:, some]), copied(back.hidden[1:, some])]
            gradients.append(None if back.cell is None else copied(back.cell[:, some]))
        return Side(
            copied(known.inputs[:, some]),
            tuple(copied(each) for each in (weights.w_ih, weights.w_hh, weights.b_ih, weights.b_hh)),
            tuple(copied(each[some]) for each in (known.states[0], *memory)),
            *gradients,
        )


def _times(side: Side, factor: float) -> Side:
    if factor == 1 or side.direct is None:
        return side
    gradients = (None if each is None else each * factor for each in (side.direct, side.totals, side.cell))
    return Side(side.inputs, side.weights, side.start, *gradients)


def _same(weights: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return all(a.data_ptr() == b.data_ptr() or torch.equal(a, b) for a, b in zip(weights, others, strict=True))


def _nonlinearity(module: Any) -> Literal["tanh", "relu"]:
    return "relu" if getattr(module, "nonlinearity", "tanh") == "relu" else "tanh"
