"""nn.RNNCell, nn.LSTMCell and nn.GRUCell in the user's own loop, gone back through.

autograd itself works out the total gradient of every state here, since each is a tensor of its own; hooks read it. One
step back of ours, of all calls at once, tells how much of it came through the next call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rnncore.cells import CELLS
from rnncore.engine.cells.definition import CellDefinition, Passed
from rnncore.engine.instruments.health import SATURATED
from rnncore.watching.calls import changed, node_of, versions_of
from rnncore.watching.gone import Gone
from rnncore.watching.layers import norms_of
from rnncore.watching.record import Floats, Profile

KINDS: dict[type[nn.Module], str] = {
    nn.RNN: "rnn", nn.LSTM: "lstm", nn.GRU: "gru", nn.RNNCell: "rnn", nn.LSTMCell: "lstm", nn.GRUCell: "gru",
}  # fmt: skip


@dataclass(slots=True, eq=False)
class CellCall:
    """One timestep of a cell: inputs (B, I), the states before and after it, (B, H) each, all detached.

    weights: W_ih, W_hh and, where it has them, b_ih and b_hh. weight, versions: see `Call`. fused: h_t and c_t came out
    of one operation, so that the gradient of c_t lacks what comes through h_t. grad_end: dL/dh_t, and of an LSTM
    dL/dc_t, as the backward passes have brought them so far.
    """

    name: str
    module: nn.RNNCellBase
    inputs: Tensor
    start: tuple[Tensor, ...] | None
    end: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]
    weight: Any
    fused: bool
    number: int
    grad_end: list[Tensor | None]
    versions: tuple[int, ...]
    twice: bool = False
    spoilt: bool = False

    @classmethod
    def of(
        cls, name: str, module: nn.RNNCellBase, inputs: Tensor, start: Any, result: Any, number: int,
        parametrized: Mapping[str, Tensor],
    ) -> "CellCall":  # fmt: skip
        """Note down a call of a cell: its inputs, the state that it was given, and what it returned.

        parametrized: the weights that it worked out for this call, by name; to ask for one would work out another.
        """
        end = result if isinstance(result, tuple) else (result,)
        before = None if start is None else start if isinstance(start, tuple | list) else (start,)
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        given = [parametrized[each] if each in parametrized else getattr(module, each) for each in names]
        fused = len(end) > 1 and end[0].grad_fn is end[1].grad_fn
        states = None if before is None else tuple(_rows(each.detach()) for each in before)
        weights = tuple(each.detach() for each in given if each is not None)
        versions = versions_of(inputs, states, weights)
        return cls(
            name, module, _rows(inputs.detach()), states, tuple(_rows(each.detach()) for each in end), weights,
            node_of(given), fused, number, [None] * len(end), versions,
        )  # fmt: skip

    def add_end(self, place: int, grad: Tensor) -> None:
        """Add what a backward pass brought to h_t (place 0) or c_t (1)."""
        before, rows = self.grad_end[place], _rows(grad)
        self.grad_end[place] = rows if before is None else before + rows

    @property
    def changed(self) -> str | None:
        """See `Call`: without it the direct part cannot be told."""
        return changed(self.versions, versions_of(self.inputs, self.start, self.weights))

    @property
    def batch(self) -> int:
        """Of how many sequences it is."""
        return len(self.inputs)


def _rows(values: Tensor) -> Tensor:
    return values.unsqueeze(0) if values.dim() == 1 else values


def key_of(module: nn.Module) -> str:
    """Return the key in `rnncore.cells` of a recurrent module, also of a parametrized one or another subclass."""
    return next(key for kind, key in KINDS.items() if isinstance(module, kind))


def go_back_cells(calls: Sequence[CellCall], sample: int | None = None, gates: bool = False) -> list[Gone]:
    """Return what comes out of some calls of one cell, each of them a single timestep."""
    module = calls[0].module
    key = key_of(module)
    definition = CELLS[key].load()(CELLS[key], module.hidden_size, getattr(module, "nonlinearity", "tanh"))
    alike: dict[tuple[int, ...], list[CellCall]] = {}  # a parametrization may work out other weights for each call
    for call in calls:
        alike.setdefault(tuple(each.data_ptr() for each in call.weights), []).append(call)
    some, found = slice(sample), dict[int, Gone]()  # by number of the call
    with torch.inference_mode(), torch.autocast(calls[0].inputs.device.type, enabled=False):
        for own in alike.values():
            found |= zip((call.number for call in own), _back(definition, own, some), strict=True)
        gone = [found[call.number] for call in calls]
        if not gates:
            return gone
        return [_with_units(definition, each, call, some) for each, call in zip(gone, calls, strict=True)]


def _back(definition: CellDefinition, calls: Sequence[CellCall], some: slice) -> list[Gone]:
    dtype = torch.float64 if calls[0].weights[0].dtype == torch.float64 else torch.float32
    lstm = definition.entry.has_cell_state

    def rows(place: int, part: str) -> Tensor:
        """Return h (place 0) or c (1) of all calls, one below the other, or their gradients: (N, H)."""
        return torch.cat([_state(call, place, part)[some].to(dtype) for call in calls])

    inputs = torch.cat([call.inputs[some].to(dtype) for call in calls])  # (N, I)
    before, totals = rows(0, "start"), rows(0, "grad_end")
    weights = _with_biases(tuple(each.to(dtype) for each in calls[0].weights))
    cell, start_cell = None, None
    if lstm:
        memory, cell = rows(1, "start"), rows(1, "grad_end")
        arriving, cell, start_cell = _lstm_back(inputs, before, memory, totals, cell, weights, calls[0].fused)
    else:
        one = Passed(inputs[None], rows(0, "end")[None], before[None], totals[None], None, totals)
        arriving = definition.step_back(one, weights).arriving[0]  # (N, H) dL/dh_{t-1}
    sizes = [call.inputs[some].shape[0] for call in calls]
    states = [arriving] if start_cell is None else [arriving, start_cell]
    ends = [totals] if cell is None else [totals, cell]
    starts, lasts = ([_means(each, sizes) for each in both] for both in (states, ends))  # of each call, (N, 1) each
    parts = zip(*(torch.split(each, sizes) for each in (*states, totals)), strict=True)
    epsilon = torch.finfo(calls[0].end[0].dtype).eps
    return [
        Gone(
            Profile(
                hidden=lasts[0][n : n + 1],
                direct=lasts[0][n : n + 1],
                cell=lasts[1][n : n + 1] if lstm else None,
                start=starts[0][n],
                start_cell=starts[1][n] if lstm else None,
                count=np.array([float(sizes[n])]),
                layers=1,
            ),
            tuple(each[None] for each in part[:-1]),
            part[-1][None],
            epsilon,
        )
        for n, part in enumerate(parts)
    ]


def _with_biases(weights: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return W_ih, W_hh, b_ih and b_hh; biases that are not there are zeros."""
    return weights if len(weights) == 4 else (*weights, *[weights[0].new_zeros(len(weights[0]))] * 2)


def _lstm_back(
    inputs: Tensor, h: Tensor, c: Tensor, totals: Tensor, cell: Tensor, weights: tuple[Tensor, ...], fused: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return dL/dh_{t-1}, dL/dc_t and dL/dc_{t-1}, (N, H) each; fused: `cell` lacks what comes through h_t."""
    w_ih, w_hh, b_ih, b_hh = weights
    i, f, g, o = torch.addmm(b_ih + b_hh, inputs, w_ih.mT).addmm_(h, w_hh.mT).chunk(4, -1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    squashed = (f * c + i * g).tanh()
    if fused:
        cell = cell + totals * o * (1 - squashed * squashed)
    by_output = totals * squashed * o * (1 - o)
    grads = torch.cat([cell * g * i * (1 - i), cell * c * f * (1 - f), cell * i * (1 - g * g), by_output], -1)
    return grads @ w_hh, cell, cell * f


def _state(call: CellCall, place: int, part: str) -> Tensor:
    states = getattr(call, part)
    found = None if states is None else states[place]
    return torch.zeros_like(call.end[place]) if found is None else found


def _means(grads: Tensor, sizes: Sequence[int]) -> Floats:
    """Return the mean norms (N, 1) of gradients (B, H) of N calls that stand one below the other."""
    norms = norms_of(grads[None])[0].double().cpu().numpy()
    ends = np.cumsum(sizes)
    return np.array([[norms[end - size : end].mean()] for end, size in zip(ends, sizes, strict=True)])


def _with_units(definition: CellDefinition, gone: Gone, call: CellCall, some: slice) -> Gone:
    """Add the means of the gates, and the share of states near the end of what a tanh can reach."""
    before = tuple(_state(call, place, "start")[some] for place in range(len(call.end)))
    gates = definition.step(call.inputs[some], before, _with_biases(call.weights)).gates  # (B, H) each
    found: dict[str, Any] = {}
    if gates:
        means = torch.stack([each.mean() for each in gates]).cpu().double().numpy()
        found = {"gate_names": tuple(gate.key for gate in definition.entry.gates), "gates": means.reshape(1, -1, 1)}
    if definition.nonlinearity == "tanh":
        found["saturated"] = np.array([float((call.end[0][some].abs() > SATURATED).float().mean())])
    return replace(gone, profile=replace(gone.profile, **found))
