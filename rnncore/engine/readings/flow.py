"""The gradient-flow matrix of a run at one step: which loss step teaches which state, and which character."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rnncore.choices import READOUTS
from rnncore.engine.instruments.flow import flow_logs, rows_back, spread
from rnncore.engine.instruments.jacobians import NotDefinedError
from rnncore.engine.losses import sequence_losses
from rnncore.engine.model import SequenceModel
from rnncore.engine.readings.module import Seen, gradients_of
from rnncore.engine.readings.probe import Probe
from rnncore.reading import Axis, Layer, Panel, Reading, Scale
from rnncore.words import many, plural

ROWS = 200  # loss steps of a long sequence that are looked at
_MOST = 2**27  # numbers that the rows take on their whole way back, B x R x S x T
_LETTERS = 200  # characters of a text that are tinted, at most

Numbers = NDArray[np.float64]


def read(probe: Probe) -> Reading:
    """Return G[tau, t], and for texts how strongly each loss is taught by each character of the first sequence."""
    model, T = probe.model, probe.batch().inputs.shape[1]
    rows = min(T, ROWS) if READOUTS[model.config.readout].per_step else 1
    inputs, targets, lengths, notes = probe.some(rows * T * model.recurrent.hidden_size, _MOST)
    steps, logs = flow_logs(model, inputs, targets, probe.loss, lengths, ROWS, probe.tell)
    decades = logs / np.log(10)
    arrays: dict[str, Numbers] = {
        "t": np.arange(1.0, T + 1), "tau": steps.astype(float), "log10_gradient": decades
    }  # fmt: skip
    if 1 < len(steps) < T:
        notes = (*notes, f"{len(steps)} of the {T:,} loss steps, spread evenly.")
    if rows == 1:
        words = said(steps, decades) if lengths is None else ()  # of unequal ones the losses stand at several timesteps
        return Reading(instrument="flow", step=probe.step, arrays=arrays, panels=(_row(),), said=words, notes=notes)
    panels = [_triangle()]
    if (letters := _letters(probe)) is not None:
        arrays["log10_input_gradient"], characters = letters
        arrays["place"] = np.arange(1.0, len(characters) + 1)
        panels.append(_tinted(characters))
    return Reading(
        instrument="flow", step=probe.step, arrays=arrays, panels=tuple(panels), said=said(steps, decades), notes=notes
    )


def of_module(seen: Seen) -> Reading:
    """Return the same of a module of another program: row tau is what of L comes back through its output at tau."""
    seen = seen.longest()
    number = len(seen.layers)
    direct, _ = gradients_of(seen.layers[-1])
    entered = np.flatnonzero(direct.abs().amax((1, 2)).numpy()) + 1
    if not len(entered):
        raise NotDefinedError("not defined: the gradient that has come back to the module is exactly 0")
    steps, (T, _, H) = spread(entered, ROWS), seen.shape
    size = H * len(seen.layers[-1].start)
    seen = seen.within(T * size * size * (len(steps) + 8))
    direct, _ = gradients_of(seen.layers[-1])
    row_of = {int(tau) - 1: row for row, tau in enumerate(steps)}
    logs = rows_back(seen.layer(number), direct, row_of, len(steps), None, seen.tell)
    decades = seen.in_time(logs) / np.log(10)
    notes = [
        *seen.notes,
        "L is the loss of the program as it is. A row is what reaches the network through its output at timestep τ; "
        "the rows together are the whole gradient.",
    ]
    if number > 1:
        notes.append("Of the top layer.")
    if len(steps) < len(entered):
        notes.append(f"{len(steps)} of the {len(entered):,} outputs that a gradient arrives at, spread evenly.")
    words = () if seen.reverse else said(steps, decades, "output")
    if seen.reverse:
        decades, steps = decades[::-1].copy(), T + 1 - steps[::-1]
    triangle = len(steps) > 1
    arrays: dict[str, Numbers] = {
        "t": np.arange(1.0, T + 1),
        "tau": steps.astype(float),
        "log10_gradient": decades if triangle else decades[0],  # a line is sent as one, of the shape of its t
    }
    panel = _triangle("output τ", _THROUGH) if triangle else _row(_ONE_OUTPUT.format(int(steps[0])))
    return Reading(instrument="flow", step=seen.step, arrays=arrays, panels=(panel,), said=words, notes=tuple(notes))


def said(steps: NDArray[np.int64], decades: Numbers, what: Literal["loss", "output"] = "loss") -> tuple[str, ...]:
    """Return how far back the losses teach: within how many steps half of the rows fall below a hundredth.

    Nothing where no loss has an earlier state. what: stands in the rows.
    """
    lags = []
    for tau, row in zip(steps, decades, strict=True):
        back = row[:tau][::-1]  # (tau,) from t = tau on
        if len(back) < 2 or not np.isfinite(back[0]):
            continue
        below = np.flatnonzero(back < back[0] - 2)
        lags.append(below[0] if len(below) else np.inf)
    if not lags:
        return ()
    lag = sorted(lags)[(len(lags) - 1) // 2]
    if np.isinf(lag):
        those, own = (f"The {what} teaches", "its") if len(lags) == 1 else (f"Most {plural(what)} teach", "their")
        return (f"{those} every earlier state at least a hundredth as strongly as {own} own.",)
    one = "a loss" if what == "loss" else "an output"
    those = f"The {what} teaches the state" if len(lags) == 1 else f"Typically {one} teaches the states"
    return (f"{those} {many(int(lag), 'step')} before it less than a hundredth as strongly as its own state.",)


def input_flow(model: SequenceModel, inputs: Tensor, targets: Tensor, loss: str) -> Numbers:
    """Return |d l_tau / d x_t| (T, T) of one sequence (1, T, F), rows tau, for a read-out of every step.

    One backward pass of T copies of the sequence, of each of which one loss counts.
    """
    T = inputs.shape[1]
    recurrent, clip = model.recurrent, model.recurrent.recursion_clip
    recurrent.recursion_clip = None
    model.eval()
    copies = inputs.expand(T, -1, -1).clone().requires_grad_()  # (T, T, F)
    with torch.enable_grad():
        outputs = model(copies)  # (T, T, O)
        own = outputs[torch.arange(T), torch.arange(T)][:, None]  # (T, 1, O): of copy tau the answer at tau
        losses = sequence_losses(loss, own, targets[0, :, None])  # (T,)
        (gradients,) = torch.autograd.grad(losses.sum() / T, copies)
    model.train()
    recurrent.recursion_clip = clip
    return np.asarray(gradients.double().norm(dim=-1).cpu().numpy())


def _letters(probe: Probe) -> tuple[Numbers, tuple[str, ...]] | None:
    """Return log10 |d l_tau / d x_t| of the first sequence and its symbols, where inputs are symbols with names."""
    names, (inputs, targets, lengths) = probe.trainer.dataset.class_names, probe.batch()
    first = inputs[:1, :_LETTERS]
    if names is None or lengths is not None or len(names) != first.shape[-1] or not _one_hot(first):
        return None
    share = first.shape[1] / inputs.shape[1]  # each loss carries the 1/T of the whole sequence
    found = input_flow(probe.model, first, targets[:1, :_LETTERS], probe.loss) * share
    with np.errstate(divide="ignore"):
        return np.log10(found), tuple(names[place] for place in first[0].argmax(-1).tolist())


def _one_hot(inputs: Tensor) -> bool:
    return bool(((inputs == 0) | (inputs == 1)).all() and (inputs.sum(-1) == 1).all())


_COLOURS = Scale(title="log₁₀")
_T = Axis(title="timestep t")
_OF_LOSSES = "‖∂l<sub>τ</sub>/∂h<sub>t</sub>‖, mean over the batch"
_ONE_LOSS = "log₁₀ ‖∂l/∂h<sub>t</sub>‖, mean over the batch: there is one loss per sequence, so one row"
_THROUGH = "What of ∂L reaches h<sub>t</sub> through the output at τ: its length, mean over the batch"
_ONE_OUTPUT = "log₁₀ ‖∂L/∂h<sub>t</sub>‖, mean over the batch: a gradient arrives at the output at t = {} alone"


def _triangle(rows: str = "loss step τ", title: str = _OF_LOSSES) -> Panel:
    what = rows.split()[0]
    hover = f"the {what} at τ = %{{y}} by the state at t = %{{x}}: 10<sup>%{{z:.2f}}</sup><extra></extra>"
    return Panel(
        key="matrix",
        title=title,
        help=f"Map: what the {what} at each timestep teaches the state at each earlier timestep, logarithmic",
        x=_T,
        y=Axis(title=rows),
        layers=(Layer(kind="map", x="t", y="tau", z="log10_gradient", hover=hover),),
        scale=_COLOURS,
        slices=True,
    )


def _row(title: str = _ONE_LOSS) -> Panel:
    return Panel(
        key="row",
        title=title,
        help="Line chart: the gradient of the loss by the state at each timestep, logarithmic",
        x=_T,
        y=Axis(title="log₁₀ gradient"),
        layers=(Layer(kind="line", x="t", y="log10_gradient", hover="10<sup>%{y:.2f}</sup>"),),
    )


def _tinted(characters: tuple[str, ...]) -> Panel:
    return Panel(
        key="letters",
        title="Which characters a prediction is taught by: ‖∂l<sub>τ</sub>/∂x<sub>t</sub>‖ in the first sequence",
        help="A text whose characters are tinted by how strongly the loss at the chosen one depends on them",
        x=Axis(title="character"),
        y=Axis(title="loss step τ"),
        layers=(Layer(kind="letters", x="place", y="place", z="log10_input_gradient"),),
        scale=_COLOURS,
        letters=characters,
    )
