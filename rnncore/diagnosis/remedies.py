"""Remedies that several causes share: each a sentence and a partial configuration, made for the run at hand."""

import math
from typing import Any

from rnncore.cells import CELLS
from rnncore.choices import READOUTS
from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Remedy
from rnncore.words import figure

HEALTHY_RATIO = 5e-3  # update norm / weight norm of a healthy run: 3e-3 to 1.5e-2 measured with Adam at 5e-3
HIGHEST_RATE = {"sgd": 0.1}  # learning rates above which a remedy does not go; for the adaptive ones:
HIGHEST_ADAPTIVE_RATE = 0.005
# Spectral radius of initial weights that are to blame. Of 54 runs that did not learn (RNN with tanh and LSTM,
# 3 tasks, radius 2 to 17) 12 learned with the usual weights, and none of the 18 where clipping was tried (measured).
LARGE_RADIUS = 2.0
LONGEST_RUN = 1_000_000


def undo_mistake(e: Evidence, names: tuple[str, ...]) -> Remedy | None:
    """Return the remedy of a run that was broken on purpose by one of the mistakes `names`, else None."""
    mistake = getattr(e.config, "mistake", "none")
    if mistake not in names:
        return None
    return Remedy("Undo the mistake that was made on purpose.", {"mistake": "none"})


def scale_data(e: Evidence, what: str) -> Remedy | None:
    """Return the remedy that scales the data by their mean and standard deviation, where they are not."""
    scaling = getattr(e.config and e.config.data, "scaling", None)
    if scaling != "none":
        return None
    return Remedy(f"Scale {what}: mean 0 and standard deviation 1 in the training part.", {"data": {"scaling": "auto"}})


def learning_rate(e: Evidence, rate: float, why: str) -> Remedy | None:
    """Return the remedy of another learning rate, rounded to one digit; None where it would stay the same."""
    old = e.learning_rate
    if old is None or not rate > 0 or not math.isfinite(rate):
        return None
    new = min(100.0, max(1e-9, one_digit(rate)))
    if new == old:
        return None
    sentence = f"Learning rate {figure(old)} -> {figure(new)}{why}"
    return Remedy(sentence, {"optimizer": {"learning_rate": new}})


def usual_weights(e: Evidence) -> Remedy | None:
    """Return the remedy of initial recurrent weights as PyTorch draws them, where those of the run are large."""
    radius = e.initial_radius
    if radius is None or radius < LARGE_RADIUS:
        return None
    sentence = (
        f"Draw the initial weights as PyTorch does: those of this run have a spectral radius of {figure(radius)}."
    )
    return Remedy(sentence, {"init": {"scheme": "default"}})


def one_digit(value: float) -> float:
    """Return a number rounded to its first digit."""
    return float(f"{value:.0e}")


def two_digits(value: float) -> float:
    """Return a number rounded to its first two digits."""
    return float(f"{value:.1e}")


def clip_at(e: Evidence, norm: float, what: str) -> Remedy | None:
    """Return the remedy that clips the gradient by norm at `norm`, of which `what` says what it is."""
    if e.config is None or not norm > 0 or not math.isfinite(norm):
        return None
    threshold = two_digits(norm)
    return Remedy(f"Clip at {figure(threshold)}, {what}.", {"clip": {"method": "norm", "threshold": threshold}})


def more_steps(e: Evidence, times: int, least: int) -> Remedy | None:
    """Return the remedy of a longer run; none while the run has steps of its own left."""
    if e.config is None or not e.over:
        return None
    steps = min(LONGEST_RUN, max(least, times * e.config.steps))
    if steps <= e.config.steps:
        return None
    return Remedy(f"Train for {steps:,} steps instead of {e.config.steps:,}.", {"steps": steps})


def another_form(e: Evidence) -> Remedy | None:
    """Return the remedy of a linear network: attention, or where each step has its answer a cell with gates."""
    if e.config is None:
        return None
    if READOUTS[e.config.model.readout].per_step:
        return Remedy("Cell: GRU, which is not linear.", {"model": {"cell": "gru"}})
    return Remedy("Read-out: attention, which is not linear.", {"model": {"readout": "attention"}})


def shorter_way(e: Evidence) -> Remedy | None:
    """Return the remedy that lets the gradient reach early timesteps: attention, or a cell with gates."""
    if e.config is None:
        return None
    readout = READOUTS[e.config.model.readout]
    if not readout.per_step and not readout.attends:
        changes: dict[str, Any] = {"model": {"readout": "attention"}}
        return Remedy("Read-out: attention, which gives every timestep a short way to the loss.", changes)
    cell = CELLS[e.config.model.cell]
    if cell.squashed and not cell.gates:  # others without gates carry it as far by their form
        changes = {"model": {"cell": "lstm", "nonlinearity": "tanh"}, "init": {"scheme": "default"}, "omega": 0.0}
        return Remedy("Cell: LSTM, whose cell state carries the gradient further.", changes)
    return None
