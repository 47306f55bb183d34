"""Any cell over a whole sequence, step by step under autograd: slower than a scan of its own, and just as exact."""

from collections.abc import Callable

import torch
from torch import Tensor

from rnncore.engine.cells.scan import Recursion, clip_rows_
from rnncore.engine.cells.tape import LayerTape

State = tuple[Tensor, ...]


def unroll(
    step: Callable[[Tensor, State], State], start: State, inputs: Tensor, recursion: Recursion, tape: LayerTape | None
) -> Tensor:
    """Return h_t of all timesteps (T, B, W); `step` maps x_t (B, I) and the last state to the next, h_t first.

    autograd does the work: it calls a hook of h_t with dL/dh_t, in which all its paths to the loss have been added up
    (Werbos 1990), before it goes on to h_{t-1} and to the weights. There it is clipped and recorded.
    """
    flows, state, states = recursion.flows(len(inputs)), start, []
    record = _Recording(tape)
    for t, x in enumerate(inputs.unbind(0)):
        if not flows[t]:
            state = tuple(each.detach() for each in state)  # no gradient crosses this border on its way back
        state = step(x, state)
        if state[0].requires_grad:
            _watch(t, state, recursion.clip, record)
        states.append(state[0])
    stacked = torch.stack(states)
    if tape is not None and stacked.requires_grad:
        stacked.register_hook(record.begin)  # type: ignore[no-untyped-call]
    return stacked


class _Recording:
    """The gradients of one backward pass, written down as autograd comes by."""

    def __init__(self, tape: LayerTape | None) -> None:
        self.tape = tape
        self.hidden = self.cell = torch.empty(0)

    def begin(self, direct: Tensor) -> None:
        """Lay out fresh memory for a backward pass, with the direct gradients (T, B, W): it comes by these first."""
        if self.tape is not None:
            self.hidden = torch.zeros_like(direct)
            self.cell = torch.zeros_like(direct) if self.tape.wants_cell else self.cell
            self.tape.record(self.hidden, direct, self.cell if self.tape.wants_cell else None)


def _watch(t: int, state: State, clip: float | Tensor | None, record: _Recording) -> None:
    """Hook into the backward pass at timestep t."""

    def pass_h(total: Tensor) -> Tensor | None:
        clipped = None
        if clip is not None:
            total = clipped = total.clone()
            clip_rows_(clipped, clip)
        if record.tape is not None:
            record.hidden[t] = total  # dL/dh_t = direct part + what comes back from t + 1
        return clipped

    def pass_c(total: Tensor) -> None:
        record.cell[t] = total  # dL/dc_t

    if clip is not None or record.tape is not None:
        state[0].register_hook(pass_h)  # type: ignore[no-untyped-call]
    if record.tape is not None and record.tape.wants_cell and state[1].requires_grad:
        state[1].register_hook(pass_c)  # type: ignore[no-untyped-call]
