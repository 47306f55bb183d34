"""How long each unit of a run remembers by itself, and what its state and its gradient are over the timesteps."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.cells import CELLS, Cell
from rnncore.config import TaskData
from rnncore.data.tasks import TASKS
from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.instruments.jacobians import AT_ONCE, Layer, NotDefinedError, layers_of
from rnncore.engine.losses import batch_loss, valid_steps
from rnncore.engine.readings.module import Seen
from rnncore.engine.readings.probe import Probe
from rnncore.reading import Axis, Numbers, Panel, Reading, Scale
from rnncore.reading import Layer as Drawn
from rnncore.words import many, of_many, sentence

FOREVER = 1e6  # timesteps: what remembers longer is drawn as remembering so long
_MOST = 2**24  # numbers of Jacobians whose diagonal is taken


def read(probe: Probe) -> Reading:
    """Return the half-life of each unit of the top layer, longest first, and maps of its state and gradient."""
    model = probe.model
    entry = model.recurrent.entry
    width = model.recurrent.hidden_size * entry.numbers_per_unit * len(entry.states)
    T = probe.batch().inputs.shape[1]
    inputs, _, lengths, notes = probe.some(T * width * (1 if entry.memory_gate else width), _MOST)
    top = layers_of(model, inputs)[-1]
    lives = half_lives(retention(top, entry.memory_gate), lengths)
    return _reading(probe.step, entry, lives, *_over_time(probe), lags(probe), notes)


def of_module(seen: Seen) -> Reading:
    """Return the same of a module of another program; without a gradient there is no map of it."""
    seen = seen.longest()
    T, _, H = seen.shape
    entry = CELLS[seen.cell]
    width = H * len(entry.states)
    seen = seen.within(4 * T * width * (H if entry.memory_gate else width))
    top, totals = seen.layer(len(seen.layers)), seen.layers[-1].totals
    lives = half_lives(retention(top, entry.memory_gate))
    states = np.asarray(top.states[0][:, 0].double())
    gradients = None if totals is None else np.asarray(totals.double().abs().mean(1))
    if seen.reverse:
        states, gradients = states[::-1], None if gradients is None else gradients[::-1]
    notes = (*seen.notes, "Of the top layer.") if len(seen.layers) > 1 else seen.notes
    return _reading(seen.step, entry, lives, states, gradients, [], notes)


def _reading(
    step: int,
    entry: Cell,
    lives: Numbers,
    states: Numbers,
    gradients: Numbers | None,
    delays: list[tuple[float, str]],
    notes: tuple[str, ...],
) -> Reading:
    """Return the reading of half-lives (units,), and of states and gradients (T, W), in the order of the half-lives."""
    order = np.argsort(-lives, kind="stable")
    arrays: dict[str, Numbers] = {
        "rank": np.arange(1.0, len(lives) + 1),
        "unit": (order + 1).astype(np.float64),
        "half_life": lives[order],
        "drawn": np.where(lives[order] > 0, np.minimum(lives[order], FOREVER), np.nan),
        "t": np.arange(1.0, len(states) + 1),
        "state": by_unit(states, len(lives)).T[order],  # (units, T)
    }
    panels = _panels(delays)
    if gradients is None:
        panels = panels[:-1]
    else:
        with np.errstate(divide="ignore"):
            arrays["log10_gradient"] = np.log10(by_unit(gradients, len(lives)).T[order])
    if not np.isfinite(lives).all():
        notes = (*notes, f"Half-lives above {FOREVER:,.0f} timesteps are drawn as that.")
    if entry.memory_gate is None:
        which = "None of the gates shown multiplies" if entry.gates else "This cell has no gate for"
        notes = (*notes, f"{which} its memory: r is what the unit keeps of its own state.")
    words = said(lives, delays[-1][0] if delays else None)
    return Reading(instrument="memory", step=step, arrays=arrays, panels=panels, said=words, notes=notes)


def retention(layer: Layer, gate: str | None) -> Tensor:
    """Return ln r (T, B, W): by what factor each unit's memory is multiplied at each timestep along its direct path.

    gate: key of the gate that multiplies the memory (LSTM f, GRU z). Without one it is what the Jacobian leaves of a
    unit in itself: the absolute diagonal of the block of c_t, or of h_t where there is no c_t; of units that are k
    numbers, |det|^(1/k) of their k x k block, which is |lambda| of a complex unit.
    """
    if gate is not None:
        place = [each.key for each in layer.definition.entry.gates].index(gate)
        before = tuple(each.flatten(0, 1) for each in layer.before)
        gates = layer.definition.step(layer.inputs.flatten(0, 1), before, layer.weights).gates
        return gates[place].view_as(layer.states[0]).double().log()
    entry = layer.definition.entry
    T, B, W = layer.states[0].shape
    own = slice(W, 2 * W) if entry.has_cell_state else slice(0, W)
    k, steps, found = entry.numbers_per_unit, max(1, AT_ONCE // (B * layer.size**2)), []
    for start in range(0, T, steps):
        jacobian = layer.jacobian(slice(start, min(start + steps, T))).by_state[:, own, own]
        blocks = jacobian.reshape(-1, W // k, k, W // k, k).diagonal(dim1=1, dim2=3).double()  # (n B, k, k, W / k)
        kept = blocks[:, 0, 0].abs() if k == 1 else torch.linalg.det(blocks.movedim(-1, 1)).abs() ** (1 / k)
        found.append(kept.view(-1, B, W // k))
    return torch.cat(found).log()


def by_unit(values: Numbers, units: int) -> Numbers:
    """Return one number of each unit (T, units): the number itself, or the length of those that a unit is."""
    each = values.reshape(len(values), units, -1)
    return each[..., 0] if each.shape[-1] == 1 else np.asarray(np.linalg.norm(each, axis=-1))


def half_lives(logs: Tensor, lengths: Tensor | None = None) -> NDArray[np.float64]:
    """Return ln 2 / -(mean of ln r) of each unit (W,) in timesteps, inf where it does not fade; logs: (T, B, W).

    Where no unit keeps anything at t = 1, because the memory before it is empty (sLSTM: n_0 = 0), that timestep is left
    out.
    """
    if len(logs) > 1 and logs[0].isneginf().all():
        logs, lengths = logs[1:], None if lengths is None else (lengths - 1).clamp(min=1)
    if lengths is None:
        means = logs.mean((0, 1))
    else:
        mask = valid_steps(lengths, len(logs)).t()[..., None]  # (T, B, 1)
        means = logs.masked_fill(~mask, 0.0).sum((0, 1)) / lengths.sum()
    rates = np.asarray(means.cpu(), np.float64)
    with np.errstate(divide="ignore"):
        return np.where(rates < 0, math.log(2) / np.abs(rates), np.inf)


def lags(probe: Probe) -> list[tuple[float, str]]:
    """Return how far back the task asks to remember, where it says so."""
    data = probe.trainer.config.data
    if not isinstance(data, TaskData):
        return []
    delay = data.delay or TASKS[data.task].knobs.get("delay")
    return [] if delay is None else [(float(delay), f"the task's delay: {delay}")]


def said(lives: Numbers, delay: float | None) -> tuple[str, ...]:
    """Return how many units remember as long as the task asks for, or how long the longest does."""
    longest = float(lives.max())
    if longest == 0:
        return ("No unit keeps anything by itself: each lets all of it go at some timestep.",)
    after = many(float(f"{longest:.3g}"), "timestep")
    fades = "does not fade" if np.isinf(longest) else f"has lost half of what it holds after {after}"
    first = f"By itself, and on average, the unit with the longest memory {fades}."
    words = [first]
    if delay is not None:
        enough = int((lives >= delay).sum())
        those = of_many(enough, len(lives), "unit", "has", "have")
        words.append(sentence(f"{those} a half-life of at least the task's delay of {delay:.0f}"))
    if gone := int((lives == 0).sum()):
        those = of_many(gone, len(lives), "unit", "keeps nothing by itself", "keep nothing by themselves")
        words.append(sentence(f"{those}, and {'has' if gone == 1 else 'have'} no bar: all is let go at some timestep"))
    return tuple(words)


def _over_time(probe: Probe) -> tuple[Numbers, Numbers]:
    """Return h_t of the first sequence (T, W), and the mean over the batch of |dl/dh_t| of each unit (T, W)."""
    inputs, targets, lengths = probe.batch()
    tape = StateTape(cell=False)
    probe.model.eval()
    with torch.enable_grad():
        wanted = inputs.detach().requires_grad_()
        torch.autograd.grad(batch_loss(probe.loss, probe.model(wanted, lengths, tape), targets, lengths), wanted)
    probe.model.train()
    states, gradients = tape.states[-1][:, 0], tape.hidden[-1].double().abs().mean(1) * len(inputs)
    if not states.isfinite().all():
        raise NotDefinedError("not defined: the states are not finite")
    return np.asarray(states.double().cpu()), np.asarray(gradients.cpu())


def _panels(delays: list[tuple[float, str]]) -> tuple[Panel, ...]:
    t, units = Axis(title="timestep t"), Axis(title="unit, longest memory first")
    return (
        Panel(
            key="half_lives",
            title="Half-life of each unit, longest first",
            help="Bar chart: the half-life of each unit in timesteps, in descending order",
            x=units,
            y=Axis(title="timesteps", log=True),
            layers=(Drawn(kind="bars", x="rank", y="drawn", hover="%{y:.3g} timesteps<extra></extra>"),),
            levels=tuple(delays),
        ),
        Panel(
            key="states",
            title="h<sub>t</sub> of each unit in the first sequence",
            help="Map: the state of each unit at each timestep of the first sequence",
            x=t,
            y=units,
            layers=(
                Drawn(kind="map", x="t", y="rank", z="state", hover="unit %{y}, t = %{x}: %{z:.3f}<extra></extra>"),
            ),
            scale=Scale(title="h", middle=0.0),
        ),
        Panel(
            key="gradients",
            title="|∂l/∂h<sub>t</sub>| of each unit, mean over the batch",
            help="Map: the gradient of the loss by each unit's state at each timestep, logarithmic",
            x=t,
            y=units,
            layers=(
                Drawn(
                    kind="map", x="t", y="rank", z="log10_gradient",
                    hover="unit %{y}, t = %{x}: 10<sup>%{z:.2f}</sup><extra></extra>",
                ),
            ),
            scale=Scale(title="log₁₀"),
        ),
    )  # fmt: skip
