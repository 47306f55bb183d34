"""How strongly the states of a run depend on its parameters at one step, beside the gradient through time."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from torch import Tensor

from rnncore.engine.instruments.jacobians import NotDefinedError
from rnncore.engine.instruments.sensitivity import DIRECTIONS, state_sensitivity
from rnncore.engine.model import SequenceModel
from rnncore.engine.readings.chaos import measured, tape_of
from rnncore.engine.readings.module import Seen
from rnncore.engine.readings.probe import Probe
from rnncore.reading import Axis, Layer, Numbers, Panel, Reading
from rnncore.words import figure, first_of, many

_SEQUENCES = 8
_MOST = 2**25  # numbers of the states along all directions, and of the directions themselves


def read(probe: Probe) -> Reading:
    """Return E|dh_t/dtheta|^2 over the timesteps, and the profile of the top layer."""
    inputs, _, lengths = probe.batch()
    found = _reading(
        probe.model, inputs, probe.step, lambda: measured(tape_of(probe), len(inputs)) if lengths is None else None
    )
    return found if lengths is None else replace(found, notes=(*found.notes, "Padded timesteps count like the others."))


def of_module(seen: Seen) -> Reading:
    """Return the same of a module of another program; the profile where its gradient is known."""
    seen, model, inputs = seen.longest().network()
    norms = seen.profile()
    parameters = sum(each.numel() for each in model.recurrent.parameters())
    most = seen.affordable(4.0 * DIRECTIONS * parameters * inputs.shape[1])
    found = _reading(model, inputs, seen.step, lambda: norms, most)
    arrays = dict(found.arrays)
    for name in ("sensitivity", "standard_error", "gradient"):
        if name in arrays:
            arrays[name] = seen.in_time(arrays[name])
    return replace(found, arrays=arrays, said=() if seen.reverse else found.said, notes=(*found.notes, *seen.notes))


def _reading(
    model: SequenceModel, inputs: Tensor, step: int, norms: Callable[[], Numbers | None], most: int = _SEQUENCES
) -> Reading:
    """Return the reading on the first inputs (B, T, F), with the profile (T,) that `norms` returns, if it does."""
    T = inputs.shape[1]
    parameters = sum(each.numel() for each in model.recurrent.parameters())
    size = DIRECTIONS * T * model.recurrent.hidden_size * max(1, len(model.recurrent.entry.blocks))
    rows = max(1, min(_SEQUENCES, len(inputs), most, _MOST // size))
    if DIRECTIONS * parameters > _MOST or size > _MOST:
        raise NotDefinedError(f"not worked out here: {parameters:,} parameters over {T:,} timesteps take too long")
    values, errors = state_sensitivity(model, inputs[:rows])
    if not np.isfinite(values).all():
        raise NotDefinedError("not defined: the states change without bound")
    arrays: dict[str, Numbers] = {"t": np.arange(1.0, T + 1), "sensitivity": values, "standard_error": errors}
    exact = f"Exact: along each of the {many(parameters, 'parameter')}" if parameters > 1 else "Exact"
    how = exact if parameters <= DIRECTIONS else f"Estimated from {DIRECTIONS} random directions"
    notes = (f"{how}, averaged over {first_of(rows, len(inputs), 'sequence')}.",)
    panels = [_curve()]
    if (found := norms()) is not None:
        arrays["gradient"] = found
        panels.append(_profile())
    return Reading(
        instrument="sensitivity", step=step, arrays=arrays, panels=tuple(panels), said=said(values), notes=notes
    )


def said(values: Numbers) -> tuple[str, ...]:
    """Return how much more the last state depends on the parameters than an early one."""
    early = float(values[: max(1, len(values) // 10)].mean())
    if not early > 0:
        return ()
    ratio = figure(float(values[-1]) / early)
    times = "about as large as" if ratio == "1" else f"about {ratio} times"
    which = "the first state" if len(values) < 20 else "the states of the first tenth"
    return (f"E‖∂h/∂θ‖² of the last state is {times} that of {which}.",)


def _curve() -> Panel:
    return Panel(
        key="sensitivity",
        title="E‖∂h<sub>t</sub>/∂θ‖²: how strongly the state depends on the parameters",
        help="Line chart: the mean squared derivative of the state by the parameters, over the timesteps, logarithmic",
        x=Axis(title="timestep t"),
        y=Axis(title="E‖∂h/∂θ‖²", log=True),
        layers=(Layer(kind="line", x="t", y="sensitivity", hover="%{y:.3g}"),),
    )


def _profile() -> Panel:
    return Panel(
        key="profile",
        title="‖∂L/∂h<sub>t</sub>‖, for comparison",
        help="Line chart: the gradient of the loss by the state, over the timesteps, logarithmic",
        x=Axis(title="timestep t"),
        y=Axis(title="gradient", log=True),
        layers=(Layer(kind="line", x="t", y="gradient", tone="muted", hover="%{y:.2e}"),),
    )
