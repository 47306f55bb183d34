"""All layers and directions of one call gone back through, from its outputs' direct gradient down to its inputs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncore.cells import CELLS
from rnncore.engine.cells.scan import row_norms
from rnncore.engine.instruments.health import SATURATED
from rnncore.watching.adjoint import Adjoint, Back, Known, Weights, gru_adjoint, lstm_adjoint, rnn_adjoint
from rnncore.watching.calls import Call
from rnncore.watching.gone import Gone
from rnncore.watching.recompute import Layer, directions, layers_of, weights_of
from rnncore.watching.record import Profile
from rnncore.watching.sequences import add_at_ends, mean_at_lags, turned

ADJOINTS: dict[str, Adjoint] = {
    "LSTM": lstm_adjoint,
    "GRU": gru_adjoint,
    "RNN_TANH": rnn_adjoint(relu=False),
    "RNN_RELU": rnn_adjoint(relu=True),
}
Keep = Callable[[int, Known, Weights, Back], None]
_PART = 2**17  # numbers whose norms are taken at once: their float64 copies fit the cache


def go_back(call: Call, sample: int | None = None, gates: bool = False, keep: Keep | None = None) -> Gone:
    """Go back through a call whose direct gradients are there.

    sample: only its first sequences. gates: also take the means of its gates and how many states are saturated. keep:
    hears of each row, layer by layer and direction by direction, what is known and what came out; a reverse direction
    is turned round. What it is given is used again after it has returned.
    """
    with torch.inference_mode(), torch.autocast(call.inputs.device.type, enabled=False):
        return _Walk(call, slice(sample), gates, keep).down()


class _Walk:
    """One call on its way back, in one dtype, time first; lengths: (B,) of unequal sequences, else None."""

    def __init__(self, call: Call, some: slice, gates: bool, keep: Keep | None = None) -> None:
        self.call, self.some, self.gates, self.keep = call, some, gates, keep
        self.module, self.D = call.module, directions(call.module)
        self.dtype = torch.float64 if call.weights[0].dtype == torch.float64 else torch.float32
        lengths = call.layout.lengths
        self.lengths = None if lengths is None else lengths[some]
        self.width = None if self.lengths is None else int(self.lengths.max())
        self.start = tuple(self._state(each) for each in call.start or ())
        self.end = [None if each is None else self._state(each) for each in call.grad_end]

    def down(self) -> Gone:
        """Go from the last layer to the first."""
        layers = list(layers_of(self.call, self.some))
        rows: list[_Row] = []
        direct = self._direct(layers[-1])  # (T, B, D W)
        for number in reversed(range(len(layers))):
            passed = [self._row(number, d, layers[number], direct) for d in range(self.D)]
            rows[:0] = passed
            if number:
                below = [each.below for each in passed if each.below is not None]
                first = below[0] if len(below) == 1 else below[0] + below[1]
                mask = layers[number - 1].mask
                direct = first if mask is None else first * self._ready(mask)
        return self._gone(rows)

    def _direct(self, top: Layer) -> Tensor:
        grads = self.call.grad_outputs
        if grads is None:
            return torch.zeros_like(self._ready(top.outputs))
        return self._ready(self.call.layout.time_first(grads)[:, self.some])

    def _row(self, number: int, d: int, layer: Layer, direct: Tensor) -> "_Row":
        """Go back through one direction of one layer."""
        row, side = number * self.D + d, slice(d * direct.shape[-1] // self.D, (d + 1) * direct.shape[-1] // self.D)
        parts = self._ready(layer.inputs), self._ready(layer.outputs[..., side]), direct[..., side]
        inputs, states, own = (self._turned(each, d) for each in parts)
        own = own.clone(memory_format=torch.contiguous_format)
        T, B, W = own.shape
        H = self.module.hidden_size
        if self.end[0] is not None:
            add_at_ends(own, self.end[0][row], self.lengths)
        direct_cell = None
        if len(self.end) > 1 and (end := self.end[1]) is not None:
            direct_cell = own.new_zeros(T, B, H)
            add_at_ends(direct_cell, end[row], self.lengths)
        first = self.start[0][row] if self.start else own.new_zeros(B, W)
        memory = None
        if self.module.mode == "LSTM":
            memory = self.start[1][row] if self.start else own.new_zeros(B, H)
        known = Known(inputs.contiguous(), torch.cat([first[None], states]), memory, own, direct_cell, number > 0)
        weights = weights_of(self.call, row, self.dtype)
        with ADJOINTS[self.module.mode](known, weights, self.gates) as back:
            if self.keep is not None:
                self.keep(row, known, weights, back)
            return self._read(back, own, states, d)

    def _read(self, back: Back, own: Tensor, states: Tensor, d: int) -> "_Row":
        steps = [back.hidden[1:], own, *(() if back.cell is None else (back.cell,))]
        norms = [mean_at_lags(self._turned(norms_of(each), d), self.lengths)[0] for each in steps]
        start = [back.hidden[0], *(() if back.start_cell is None else (back.start_cell,))]
        below = None if back.inputs is None else self._turned(back.inputs, d)
        gates = [each.mean(-1).cpu().double() for each in back.gates]  # (T, B) each
        return _Row(
            norms,
            [each.clone() for each in start],
            below,
            own[-1] if self.lengths is None else own[0],
            [mean_at_lags(self._turned(each, d), self.lengths)[0] for each in gates],
            self._saturated(states) if self.gates else None,
        )

    def _saturated(self, states: Tensor) -> float:
        """Return the share of h_t's values that are near the end of what a tanh can reach."""
        shares = (states.abs() > SATURATED).float().mean(-1).cpu()  # (T, B)
        if self.lengths is None:
            return float(shares.mean())
        return float(shares[torch.arange(len(shares)).unsqueeze(1) < self.lengths].mean())

    def _gone(self, rows: "list[_Row]") -> Gone:
        T, B = (self.width or self.call.layout.time_first(self.call.outputs).shape[0]), rows[0].start[0].shape[0]
        columns = [torch.stack(each).double().cpu().numpy() for each in zip(*(row.norms for row in rows), strict=True)]
        start = tuple(torch.stack(each) for each in zip(*(row.start for row in rows), strict=True))
        means = [norms_of(each).mean(1).double().cpu().numpy() for each in start]
        return Gone(
            Profile(
                hidden=columns[0],
                direct=columns[1],
                cell=columns[2] if len(columns) > 2 else None,
                start=means[0],
                start_cell=means[1] if len(means) > 1 else None,
                count=mean_at_lags(torch.zeros(T, B), self.lengths)[1].double().numpy(),
                layers=self.module.num_layers,
                directions=self.D,
                **self._units(rows),
            ),
            start,
            torch.stack([row.last for row in rows]),
            torch.finfo(self.call.outputs.dtype).eps,
        )

    def _units(self, rows: "list[_Row]") -> dict[str, Any]:
        """Return what is known of gates and units, as a `Profile` has it, where that was asked for."""
        found: dict[str, Any] = {}
        if rows[0].gates:
            keys = tuple(gate.key for gate in CELLS[self.module.mode.lower()].gates)
            means = torch.stack([torch.stack(row.gates) for row in rows]).numpy()  # (R, G, T)
            found = {"gate_names": keys, "gates": means}
        if self.gates and self.module.mode != "RNN_RELU" and not self.module.proj_size:
            found["saturated"] = np.array([row.saturated for row in rows], np.float64)
        return found

    def _ready(self, steps: Tensor) -> Tensor:
        return steps[: self.width].to(self.dtype)

    def _state(self, state: Tensor) -> Tensor:
        return self.call.layout.state(state)[:, self.some].to(self.dtype)

    def _turned(self, steps: Tensor, d: int) -> Tensor:
        return turned(steps, self.lengths) if d else steps


@dataclass(frozen=True, slots=True)
class _Row:
    """One layer and direction gone back through: mean norms (T,) of hidden, direct, cell; dL/d(start); dL/dx_t.

    last: (B, W) what reaches the state in which its own recursion ends. gates: means (T,). saturated: share of states.
    """

    norms: list[Tensor]
    start: list[Tensor]
    below: Tensor | None
    last: Tensor
    gates: list[Tensor]
    saturated: float | None


def norms_of(steps: Tensor) -> Tensor:
    """Return the norms (T, B) of (T, B, W), float64."""
    parts = torch.split(steps, max(1, _PART // max(1, steps[0].numel())))
    return torch.cat([row_norms(part) for part in parts])
