"""Thrown out: one spike of the gradient, and the weights have not come back since."""

import math
from typing import NamedTuple

import numpy as np

from rnncore.diagnosis.evidence import LATELY, Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.remedies import clip_at, usual_weights
from rnncore.diagnosis.rules.learning_rate_too_high import too_high
from rnncore.words import figure

SPIKE = 100.0  # norm / median of up to 50 norms before; runs that go on learning stay below about 30 (measured)
RECOVERED = 0.9  # share of the loss before the spike below which a run has come back ...
STANDS = 1e-4  # ... unless its updates are below this share of the weights ...
DEAD = 0.5  # ... or this share of its units is dead
SUDDEN = 10.0  # norm before a run diverged over the median before it, above which it went wrong step by step
USUAL_NORM = 1.0  # the threshold that is tried where even the norms before the spike were larger


class Spike(NamedTuple):
    """A spike: its step, the norm (not finite where the run diverged in it), the median and the loss before it."""

    step: int
    norm: float
    before: float
    loss_before: float


def judge(e: Evidence) -> Finding | None:
    """Tell of a spike after which the run is dead, stands, or is at a loss no better than before."""
    if not e.stuck or too_high(e):
        return None
    spike = _last_step(e) if e.diverged else _largest(e)
    if spike is None or not spike.before > 0:
        return None
    size = f"{figure(spike.norm)}, {figure(spike.norm / spike.before)} times" if math.isfinite(spike.norm) else ""
    told = (
        f"the gradient was {size} the median of the steps before"
        if size
        else (f"the gradient stopped being finite, while the median of the steps before was {figure(spike.before)}")
    )
    evidence = {"step": float(spike.step), "before": spike.before, "loss_before": spike.loss_before}
    if size:
        evidence |= {"norm": spike.norm, "ratio": spike.norm / spike.before}
    now = ""
    if not e.diverged and e.train_loss is not None:
        evidence["train_loss"] = e.train_loss
        now = f"; the training loss was {figure(spike.loss_before, 3)} before and is {figure(e.train_loss, 3)} now"
    sentence = f"Thrown out: at step {spike.step:,} {told}{now}."
    what = "the median norm of the steps before the spike" if spike.before <= USUAL_NORM else "a norm to begin with"
    remedy = usual_weights(e) or clip_at(e, min(spike.before, USUAL_NORM), what)
    return Finding("thrown_out", sentence, evidence, remedy)


def _largest(e: Evidence) -> Spike | None:
    """Return the largest spike of a run that is dead or stuck since."""
    known = (e.health or {}).get("spike") or {}
    if (known.get("ratio") or 0.0) < SPIKE or e.train_loss is None:
        return None
    spike = Spike(int(known["step"]), known["norm"], known["before"], known["loss_before"])
    stands = e.update_ratio is not None and e.update_ratio < STANDS
    dead = any((layer.get("dead") or 0.0) >= DEAD for layer in e.layers)
    return spike if stands or dead or e.train_loss >= RECOVERED * spike.loss_before else None


def _last_step(e: Evidence) -> Spike | None:
    """Return the spike in which a run diverged, unless it went wrong step by step."""
    norms, losses = e.norms, e.history.train_loss
    if not norms.size:
        return None
    finite = np.isfinite(e.history.grad_norm)
    step = int(e.history.step[-1] if finite.all() else e.history.step[~finite][0])
    for place in range(max(1, len(norms) - 3), len(norms)):  # a spike, and a step or two until the end
        before = float(np.median(norms[max(0, place - LATELY) : place]))
        if norms[place] >= SPIKE * before and not norms[place - 1] >= SUDDEN * before:
            loss = float(np.median(losses[max(0, place - LATELY) : place]))
            return Spike(int(e.history.step[place]), float(norms[place]), before, loss)
    before = float(np.median(norms[-LATELY:]))
    if norms[-1] >= SUDDEN * before and len(norms) > 1:
        return None
    known = losses[np.isfinite(losses)]
    return Spike(step, math.inf, before, float(np.median(known[-LATELY:])) if known.size else 0.0)


RULE = Rule(
    key="thrown_out",
    title="Thrown out",
    help="One gradient far larger than those before it threw the weights to a place from which they have not come "
    "back.",
    group="cause",
    judge=judge,
    explains=("learning_rate_too_low", "clip_rules", "dead_units", "saturated", "too_few_updates"),
    may_take_longer=True,
)
