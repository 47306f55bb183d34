"""Gradient and update of each parameter at one step, and the learning rate that the optimiser makes of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rnncore.engine.cells.recurrent import StateTape
from rnncore.engine.clipping import clip_gradients
from rnncore.engine.evaluation import to_tensors
from rnncore.engine.flat import exact_norm
from rnncore.engine.instruments.jacobians import NotDefinedError
from rnncore.engine.readings.probe import Probe
from rnncore.engine.train import Trainer
from rnncore.reading import Axis, Layer, Numbers, Panel, Reading
from rnncore.words import figure

_SQUARES = ("max_exp_avg_sq", "exp_avg_sq", "square_avg", "sum")  # where torch's optimisers keep squared gradients
BEFORE_CLIPPING = "The gradient is that before clipping."


def read(probe: Probe) -> Reading:
    """Return for each parameter ||g||, ||update||, their ratio (NaN at g = 0), and its median effective rate."""
    trainer = probe.trainer
    gradient, change, rate = do_step(trainer, probe.step)
    parts = trainer.parameters.parts
    gradients = np.array([exact_norm(gradient[part]) for part in parts])
    updates = np.array([exact_norm(change[part]) for part in parts])
    effective = effective_rates(trainer, rate)
    rates = np.array([float(effective[part].median()) for part in parts])
    names = tuple(name.removeprefix("recurrent.") for name in trainer.parameters.names)
    return of_update(Update(probe.step, names, gradients, updates, rates, rate))


@dataclass(frozen=True, slots=True)
class Update:
    """What an optimiser made of a gradient in one step, by parameter; names: of P of them.

    gradients: ||g|| before clipping. updates: ||update||. rates: median effective rates, NaN where the optimiser is
    not known, (P,) each. rate: the learning rate. notes: what was left out.
    """

    step: int
    names: tuple[str, ...]
    gradients: Numbers
    updates: Numbers
    rates: Numbers
    rate: float
    notes: tuple[str, ...] = ()


def of_update(made: Update) -> Reading:
    """Return the reading of an update."""
    step, names, gradients, updates, rates, rate = (
        made.step,
        made.names,
        made.gradients,
        made.updates,
        made.rates,
        made.rate,
    )
    ratio = np.divide(updates, gradients, out=np.full_like(updates, np.nan), where=gradients > 0)
    arrays: dict[str, Numbers] = {
        "parameter": np.arange(1.0, len(names) + 1),
        "gradient_norm": gradients,
        "update_norm": updates,
        "ratio": ratio,
        "effective_learning_rate": rates,
    }
    panels = _panels(names, rate)
    notes = [BEFORE_CLIPPING, *made.notes]
    if still := [name for name, norm in zip(names, gradients, strict=True) if not norm > 0]:
        those = ", ".join(still)
        notes.append(f"The ratio of update and gradient is not defined for {those}, whose gradient is exactly 0.")
    if not np.isfinite(rates).any():
        panels = panels[:1]
        notes.append("By what this optimiser multiplies a gradient is not known here.")
    elif np.allclose(rates, rate, rtol=1e-3):
        panels = panels[:1]
        notes.append(f"This optimiser multiplies all gradients by the same learning rate, {figure(rate, 3)}.")
    return Reading(
        instrument="adam",
        step=step,
        arrays=arrays,
        panels=panels,
        said=said(gradients, updates),
        notes=tuple(notes),
        summary=("ratio", "effective_learning_rate"),
    )


def do_step(trainer: Trainer, step: int) -> tuple[Tensor, Tensor, float]:
    """Do a step of a run; return its gradient before clipping (N,), the change of the weights (N,), and the rate."""
    config, flat = trainer.config, trainer.parameters
    rate = trainer.plan().learning_rate
    batch = to_tensors(trainer.dataset.train_batch(step, config.batch_size, config.seed), flat.weights)
    trainer.backward(batch, StateTape(cell=False) if config.omega else None, step)
    norm = exact_norm(flat.gradients)
    if not np.isfinite(norm):
        raise NotDefinedError("not defined: the gradient is not finite")
    gradient, before = flat.gradients.clone(), flat.weights.detach().clone()
    clip_gradients(flat, norm, trainer.clipping)
    trainer.optimizer.param_groups[0]["lr"] = rate
    trainer.optimizer.step()
    trainer.model.recurrent.hold_weights()
    return gradient, flat.weights.detach() - before, rate


def effective_rates(trainer: Trainer, rate: float) -> Tensor:
    """Return by what the optimiser multiplied its (averaged) gradient: eta / (sqrt(v) + eps) of each weight (N,).

    v is the average of squared gradients, of Adam with its correction for the start; without one it is eta itself.
    """
    state, group = trainer.optimizer.state[trainer.parameters.weights], trainer.optimizer.param_groups[0]
    found = rates_of(state, group, rate)
    return torch.full_like(trainer.parameters.weights.detach(), rate) if found is None else found


def rates_of(state: Mapping[str, Any], group: Mapping[str, Any], rate: float) -> Tensor | None:
    """Return the same of what an optimiser of torch's keeps of one parameter; None where it keeps no squares."""
    kept = next((name for name in _SQUARES if name in state), None)
    if kept is None:
        return None
    squares = state[kept]
    if group.get("centered"):
        squares = squares - state["grad_avg"].square()
    if "lr_decay" in group:
        rate = rate / (1 + (float(state["step"]) - 1) * group["lr_decay"])
    if "betas" in group:
        squares = squares / (1 - group["betas"][1] ** float(state["step"]))
    rates: Tensor = rate / (squares.sqrt() + group["eps"])
    return rates


def said(gradients: Numbers, updates: Numbers) -> tuple[str, ...]:
    """Return over how many powers of ten gradients spread, and over how many updates do."""
    moved = (gradients > 0) & (updates > 0)
    if moved.sum() < 2:
        return ()
    spans = [float(np.log10(values[moved].max() / values[moved].min())) for values in (gradients, updates)]
    return (
        f"The lengths of the parameters' gradients differ by up to a factor of {figure(10 ** spans[0], 3)}, "
        f"those of their updates by up to {figure(10 ** spans[1], 3)}.",
    )


def course(arrays: dict[str, Numbers], latest: Reading) -> Reading:
    """Return ratio and effective learning rate of each parameter over training, as lines."""
    names = latest.panels[0].x.names
    found: dict[str, Numbers] = {"step": arrays["step"]}
    panels = []
    for key, title in (("ratio", "‖Δθ‖ / ‖g‖"), ("effective_learning_rate", "effective learning rate, median")):
        layers = []
        for place, name in enumerate(names):
            found[f"{key} of {name}"] = arrays[key][:, place]
            layers.append(Layer(kind="line", x="step", y=f"{key} of {name}", name=name, place=place, hover="%{y:.2e}"))
        panels.append(
            Panel(
                key=key,
                title=f"{title} of each parameter over training",
                help=f"Line chart over training steps: {title} of each parameter",
                x=Axis(title="training step", log=True),
                y=Axis(title=title, log=True),
                layers=tuple(layers),
            )
        )
    notes = [BEFORE_CLIPPING]
    if np.isnan(arrays["ratio"]).any():
        notes.append("A line of ratios has a gap where the gradient is exactly 0 or not finite.")
    rates = arrays["effective_learning_rate"]
    if np.allclose(rates, rates[:, :1], rtol=1e-3, equal_nan=True):
        notes.append("At each step this optimiser multiplies all gradients by one number.")
    return Reading(instrument="adam", step=0, arrays=found, panels=tuple(panels), notes=tuple(notes))


def _panels(names: tuple[str, ...], rate: float) -> tuple[Panel, ...]:
    axis = Axis(title="", names=names)
    hover = "%{y:.2e}"
    return (
        Panel(
            key="norms",
            title="‖g‖ and, in grey, ‖Δθ‖ of each parameter",
            help="Bar chart: the length of the gradient of each parameter and of its update, logarithmic",
            x=axis,
            y=Axis(title="length", log=True),
            layers=(
                Layer(kind="bars", x="parameter", y="gradient_norm", name="gradient", hover=hover),
                Layer(kind="bars", x="parameter", y="update_norm", name="update", tone="muted", hover=hover),
            ),
        ),
        Panel(
            key="rates",
            title="Effective learning rate η / (√v̂ + ε), median of each parameter",
            help="Bar chart: the median effective learning rate of each parameter, logarithmic",
            x=axis,
            y=Axis(title="effective learning rate", log=True),
            layers=(Layer(kind="bars", x="parameter", y="effective_learning_rate", hover=hover + "<extra></extra>"),),
            levels=((rate, f"η = {figure(rate, 3)}"),),
        ),
    )
