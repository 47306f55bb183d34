"""Inside one unit of a run: its state, and of which products the gradient by it is the sum, timestep by timestep."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.instruments.jacobians import AT_ONCE, Layer, NotDefinedError, layers_of
from rnncore.engine.losses import batch_loss
from rnncore.engine.readings.module import Seen, gradients_of
from rnncore.engine.readings.probe import Probe
from rnncore.reading import Axis, Numbers, Panel, Reading, Scale
from rnncore.reading import Layer as Drawn

SHOWN = 12  # units through which most of the gradient comes back


def read(probe: Probe) -> Reading:
    """Return what a unit gets back from the next timestep, by default that of the top layer with the largest gradient.

    asked: "layer" and "unit", from 1.
    """
    recurrent = probe.model.recurrent
    if recurrent.recursion_clip is not None or recurrent.truncation is not None:
        raise NotDefinedError("not defined where the way back is cut off or clipped on the way")
    inputs, targets, lengths = probe.batch()
    T = inputs.shape[1] if lengths is None else int(lengths[0])
    layer = int(probe.asked.get("layer", recurrent.num_layers))
    found = sums_of(probe, inputs[:1], targets[:1], None if lengths is None else lengths[:1], layer)
    return _reading(found, T, layer, recurrent.num_layers, recurrent.hidden_size, probe.step, probe.asked)


def of_module(seen: Seen) -> Reading:
    """Return the same of a module of another program, of its first sequence (of the longest ones), by the loss L."""
    whole = seen.longest()
    T, _, H = whole.shape
    number = int(seen.asked.get("layer", len(seen.layers)))
    size = H * len(seen.layers[-1].start)
    first = replace(whole, layers=tuple(side.rows(slice(1)) for side in whole.layers), notes=seen.notes)
    first = first.within(128.0 * T * size * size)  # Jacobians in float64, made twice
    direct, _ = gradients_of(first.layers[number - 1])
    found = Sums(first.layer(number, torch.float64), direct[:, 0].double())
    reading = _reading(found, T, number, len(seen.layers), H, seen.step, seen.asked)
    arrays = dict(reading.arrays)
    if seen.reverse:
        timed = ("state", "gradient", "direct", "through_itself", "through_others", "through_cell", "product")
        arrays |= {name: first.in_time(arrays[name]) for name in timed if name in arrays}
        reading = replace(reading, panels=tuple(map(_backwards, reading.panels)))
    longest = () if seen.lengths is None else ("Of sequences of unequal length, it is the first of the longest ones.",)
    return replace(reading, arrays=arrays, notes=(*reading.notes, *longest, *first.notes))


def _reading(
    found: "Sums", T: int, layer: int, layers: int, hidden_size: int, step: int, asked: Mapping[str, Any]
) -> Reading:
    """Return the reading of one unit in T timesteps, that with the largest gradient where none is asked for."""
    states, totals, direct = (as_numbers(each[:T]) for each in (found.states, found.totals, found.direct))
    width = totals.shape[1]
    direct = direct[:, :width]
    largest = int(np.square(totals).sum(0).argmax())
    unit = int(asked.get("unit", largest + 1)) - 1
    mine = as_numbers(found.products(unit)[: T - 1])  # (T - 1, S): through each number of the next state
    itself, others = mine[:, unit], mine[:, :width].sum(1) - mine[:, unit]
    arrays: dict[str, Numbers] = {
        "t": np.arange(1.0, T + 1),
        "state": states[:, unit],
        "gradient": totals[:, unit],
        "direct": direct[:, unit],
        "through_itself": np.append(itself, 0.0),
        "through_others": np.append(others, 0.0),
    }
    if mine.shape[1] > width:
        arrays["through_cell"] = np.append(mine[:, width:].sum(1), 0.0)
    strongest = np.argsort(-np.abs(mine[:, :width]).sum(0), kind="stable")[:SHOWN]
    arrays |= {
        "of_unit": (strongest + 1).astype(np.float64),
        "rank": np.arange(1.0, len(strongest) + 1),
        "product": np.vstack([mine[:, strongest], np.zeros((1, len(strongest)))]).T,
    }
    notes = ["Of the first sequence of the batch."]
    if layers > 1:
        notes.insert(0, f"Of layer {layer} of {layers}.")
    if width != hidden_size:
        notes.append("A complex unit is two numbers; this is one of them.")
    return Reading(
        instrument="unit",
        step=step,
        arrays=arrays,
        panels=_panels(unit, [f"unit {each + 1}" for each in strongest], "through_cell" in arrays),
        said=(
            *said(unit, largest, direct[:, unit], itself, others, mine[:, width:].sum(1)),
            *silent(unit, states[:, unit], totals[:, unit]),
        ),
        notes=tuple(notes),
    )


class Sums:
    """What the gradients by the states of one sequence are sums of, in one layer, from 1, in float64.

    states h_t (T, W), totals dL/dh_t (T, W), direct the direct part of it (T, W), or by the whole state (T, S); L is
    the loss of the one sequence.
    """

    def __init__(self, layer: Layer, direct: Tensor) -> None:
        self.direct, self._layer = direct, layer
        self.states = layer.states[0][:, 0]
        T, W = self.states.shape
        self._arriving = direct.new_zeros(T, layer.size)  # dL/d[h_t; c_t], each as if it alone could change
        self._arriving[:, : direct.shape[1]] = direct
        for part in reversed(self._pieces()):
            jacobians = self._layer.jacobian(part).by_state
            for t in range(part.stop - 1, max(part.start, 1) - 1, -1):
                self._arriving[t - 1] += jacobians[t - part.start].mT @ self._arriving[t]
        self.totals = self._arriving[:, :W]

    def products(self, unit: int) -> Tensor:
        """Return what of the gradient by h_{t,unit} comes back through each number of the next state (T - 1, S).

        It is dL/d(that number), times its derivative by h_{t,unit}. With the direct part they sum to the gradient.
        """
        slopes = torch.cat([self._layer.jacobian(part).by_state[:, :, unit] for part in self._pieces()])
        return slopes[1:] * self._arriving[1:]

    def _pieces(self) -> list[slice]:
        T, steps = len(self.direct), max(1, AT_ONCE // self._layer.size**2)
        return [slice(start, min(start + steps, T)) for start in range(0, T, steps)]


def sums_of(probe: Probe, inputs: Tensor, targets: Tensor, lengths: Tensor | None, layer: int) -> Sums:
    """Return the sums of one sequence (1, T, F) of a run, in one layer, from 1."""
    model, tape = probe.model, StateTape(cell=False)
    model.eval()
    with torch.enable_grad():
        wanted = inputs.detach().requires_grad_()
        torch.autograd.grad(batch_loss(probe.loss, model(wanted, lengths, tape), targets, lengths), wanted)
    model.train()
    return Sums(layers_of(model, inputs.double())[layer - 1], tape.direct[layer - 1][:, 0].double())


def as_numbers(values: Tensor) -> Numbers:
    """Return a tensor as an array of numpy's."""
    return np.asarray(values.detach().cpu(), np.float64)


def said(unit: int, largest: int, direct: Numbers, itself: Numbers, others: Numbers, cell: Numbers) -> tuple[str, ...]:
    """Return which unit has the largest gradient, and along which way most of this one's comes back.

    By the sums of absolute values. unit, largest: from 0.
    """
    sizes = {"through itself": itself, "through other units": others, "through its cell state and others'": cell}
    amounts = {name: float(np.abs(values).sum()) for name, values in sizes.items()}
    amounts["straight from the loss or the layer above"] = float(np.abs(direct).sum())
    total = sum(amounts.values())
    if not total > 0:
        return (f"The gradient by {'every unit' if unit == largest else f'unit {unit + 1}'} is exactly 0.",)
    way, amount = max(amounts.items(), key=lambda each: each[1])
    share = f"{100 * amount / total:.0f} % of all that arrives, signs aside."
    first = f"Unit {largest + 1} has the largest gradient over the sequence."
    if unit == largest:
        return (first, f"The largest part of it comes {way}: {share}")
    return (f"The largest part of the gradient by unit {unit + 1} comes {way}: {share}", first)


def silent(unit: int, state: Numbers, gradient: Numbers) -> tuple[str, ...]:
    """Return what a gradient by a state that is 0 all along means; unit: from 0; both (T,)."""
    if state.any() or not gradient.any():
        return ()
    return (
        f"h of unit {unit + 1} is exactly 0 at all of these timesteps; the gradient says how the loss would change if "
        "it moved away from 0.",
    )


def _backwards(panel: Panel) -> Panel:
    """Return a panel of a reverse direction, in which what comes after t is t - 1."""

    def turned(text: str) -> str:
        return text.replace("t + 1", "t − 1").replace("t+1", "t−1")

    layers = tuple(replace(layer, name=turned(layer.name)) for layer in panel.layers)
    return replace(panel, title=turned(panel.title), layers=layers)


def _panels(unit: int, names: list[str], has_cell: bool) -> tuple[Panel, ...]:
    t = Axis(title="timestep t")
    ways = [
        ("direct", "straight from the loss or the layer above"),
        ("through_itself", "through itself at t + 1"),
        ("through_others", "through other units at t + 1"),
        *([("through_cell", "through cell states at t + 1")] if has_cell else []),
    ]
    hover = "t = %{x}: %{y:.3e}<extra></extra>"
    return (
        Panel(
            key="state",
            title=f"h<sub>t</sub> of unit {unit + 1}",
            help="Line: the state of one unit at each timestep of the first sequence",
            x=t,
            y=Axis(title="h"),
            layers=(Drawn(kind="line", x="t", y="state", hover="t = %{x}: %{y:.3f}<extra></extra>"),),
        ),
        Panel(
            key="ways",
            title=f"∂l/∂h<sub>t</sub> of unit {unit + 1}, and the parts that it is the sum of",
            help="Lines: the gradient by one unit's state at each timestep, and the ways along which it arrives",
            x=t,
            y=Axis(title="∂l/∂h"),
            layers=(
                Drawn(kind="line", x="t", y="gradient", name="all", hover=hover),
                *(
                    Drawn(kind="line", x="t", y=key, name=name, place=place, dash="dot", hover=hover)
                    for place, (key, name) in enumerate(ways, 1)
                ),
            ),
        ),
        Panel(
            key="products",
            title="∂l/∂h<sub>j,t+1</sub> times ∂h<sub>j,t+1</sub>/∂h<sub>t</sub>, for the units j that give most",
            help="Map: the product that each unit of the next timestep gives back, the largest units first",
            x=t,
            y=Axis(title="", names=tuple(names)),
            layers=(Drawn(kind="map", x="t", y="rank", z="product", hover="t = %{x}: %{z:.3e}<extra></extra>"),),
            scale=Scale(title="product", middle=0.0),
        ),
    )
