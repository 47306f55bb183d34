"""Verdicts on a run, one plain sentence with figures each, from its recorded numbers; numpy only.

Thresholds, all of them here. A profile is judged by its reach, the gradient at the first timestep relative to the last.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from rnncore.diagnosis.quantities import Floats, decay, figure, first_non_finite, reach, share_clipped
from rnncore.records import Baseline

FADING, VANISHING = 0.1, 1e-3  # reach below which the gradient fades, vanishes; their inverses: it grows, explodes
NEARLY_ONE = 0.95  # total / direct between this and its inverse count as equal
DIRECT_SHARE = 0.01  # a timestep has a gradient of its own where direct / total is above this
WINDOW = 200  # steps that count as "lately"
MOSTLY_CLIPPED = 0.9  # share of steps clipped from which the threshold determines the step size
STALLED = 1e-6  # update norm / gradient norm below which the parameters hardly move ...
LARGE_GRADIENT = 1e-3  # ... although the gradient is at least this
HIDDEN = (
    100.0  # growth of update norm / gradient norm since the first steps, from which the optimiser hides a vanishing
)
BEATEN = 0.98  # a loss below this share of the baseline beats it
MEMORISED = 1.5  # validation loss / training loss from which a finite training set is being learned by heart
PATIENCE = 50  # steps before the loss is judged at all


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finding: its kind (a stable key), a plain sentence with figures, and those figures by name."""

    kind: str
    sentence: str
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """Scalars of a run so far, one per recorded step; val_loss is NaN between evaluations."""

    step: Floats
    train_loss: Floats
    grad_norm: Floats
    clip_coef: Floats
    update_norm: Floats
    val_loss: Floats
    epoch: int = 0
    diverged: str | None = None


def judge_profile(profile: ArrayLike, direct: ArrayLike | None = None) -> Verdict:
    """Judge one `hidden_grad_norm` (L, T), of several layers the one whose reach is furthest from 1.

    direct: `direct_grad_norm`; where most timesteps have a read-out of their own, nothing can vanish and the
    verdict says what share comes from later timesteps.
    """
    values = np.atleast_2d(np.asarray(profile, np.float64))  # (L, T)
    if not np.isfinite(values).all():
        first = int(np.flatnonzero(~np.isfinite(values).all(0))[-1]) + 1
        return Verdict("exploding", f"Exploding: going back in time, the gradient stops being finite at t={first}.")
    if not values.any():
        return Verdict("dead", "No gradient: it is exactly 0 at every timestep.")
    relative = reach(values)
    with np.errstate(divide="ignore"):
        distance = np.abs(np.log(relative[:, 0]))  # inf where t=1 gets exactly nothing
    layer = int(np.nanargmax(distance))
    if direct is not None:
        own = np.atleast_2d(np.asarray(direct, np.float64))[layer]
        if np.mean(own > DIRECT_SHARE * values[layer]) > 0.5:
            return _judge_direct(values[layer], own)
    return _judge_reach(values[layer], float(relative[layer, 0]), f" in layer {layer + 1}" if len(values) > 1 else "")


def _judge_direct(total: Floats, own: Floats) -> Verdict:
    half = slice(0, (len(total) + 1) // 2)
    ratio = float(np.median(total[half] / np.maximum(own[half], np.finfo(np.float64).tiny)))
    lead = "Direct: every timestep has a read-out of its own; in the first half of the sequence"
    if NEARLY_ONE < ratio < 1 / NEARLY_ONE:
        size = "about as large as that alone makes it"
    elif ratio > 1:
        size = f"{figure(ratio)} times as large as that alone makes it, the rest comes through later timesteps"
    else:
        size = f"only {figure(ratio)} of what that alone gives: what comes through later timesteps cancels part of it"
    sentence = f"{lead} the gradient is {size}."
    return Verdict("direct", sentence, {"total_to_direct": ratio})


def _judge_reach(profile: Floats, start: float, where: str) -> Verdict:
    with_gradient = np.flatnonzero(profile)
    T = int(with_gradient[-1]) + 1
    trend = decay(profile)
    figures, rate = {"reach": start}, ""
    if trend is not None and trend.slope and trend.vanishes == (start < 1):
        figures["half_life"] = trend.half_life
        rate = f"the gradient{where} {'halves' if trend.vanishes else 'doubles'} every {_steps(trend.half_life)}; "
    subject = "it" if rate else f"the gradient{where}"
    if start == 0:
        zeros = int(with_gradient[0])
        figures["zeros"] = zeros
        why = "dead units, truncation or underflow let nothing through"
        return Verdict("cut", f"Cut off: {rate}up to t={zeros} {subject} is exactly 0; {why}.", figures)
    kind = next(kind for limit, kind in _REACHES if start < limit)
    times = f"{figure(start)} {'times' if start >= 1 else 'of'} its value"
    return Verdict(kind, f"{kind.capitalize()}: {rate}at t=1 {subject} is {times} at t={T}.", figures)


def _steps(count: float) -> str:
    text = figure(count)
    return "step" if text == "1" else f"{text} steps"


_REACHES = (
    (VANISHING, "vanishing"),
    (FADING, "fading"),
    (1 / FADING, "steady"),
    (1 / VANISHING, "growing"),
    (math.inf, "exploding"),
)


def judge_clipping(history: History) -> Verdict | None:
    """Say how often clipping acted lately, once it has acted at all."""
    lately = history.clip_coef[-WINDOW:]
    share = share_clipped(lately)
    if not share > 0:
        return None
    middle = float(np.median(lately[lately < 1]))
    sentence = f"Clipped: {share:.0%} of the last {lately.size} steps, typically to {figure(middle)} of the gradient"
    tail = "; the threshold, not the learning rate, determines the step size." if share >= MOSTLY_CLIPPED else "."
    return Verdict("clipped", sentence + tail, {"share": share, "median_coef": middle})


def judge_updates(history: History) -> Verdict | None:
    """Compare the size of the updates with the size of the gradients; None where nothing is odd.

    What changed "since the start" can only be told of a history that still has its first steps.
    """
    if history.step.size < 2 * PATIENCE:
        return None
    first, last = slice(1, PATIENCE), slice(-PATIENCE, None)  # the first update of an adaptive optimiser is special
    gradients = [float(np.median(history.grad_norm[part])) for part in (first, last)]
    updates = [float(np.median(history.update_norm[part])) for part in (first, last)]
    if gradients[1] >= LARGE_GRADIENT and updates[1] <= STALLED * gradients[1]:
        sentence = f"Stalled: updates of only {figure(updates[1])} although the gradient is {figure(gradients[1])}."
        return Verdict("stalled", sentence, {"update": updates[1], "gradient": gradients[1]})
    complete = history.step[0] <= PATIENCE and min(*gradients, *updates) > 0
    if complete and updates[1] / gradients[1] >= HIDDEN * updates[0] / gradients[0]:
        fall, kept = gradients[0] / gradients[1], updates[0] / updates[1]
        moved = f"shrank {figure(kept)}-fold" if kept >= 1 else f"grew {figure(1 / kept)}-fold"
        sentence = f"Hidden: since the start the gradient shrank {figure(fall)}-fold, but the updates {moved}."
        return Verdict("hidden", sentence, {"gradient_fall": fall, "update_fall": kept})
    return None


def judge_loss(history: History, baselines: Sequence[Baseline]) -> Verdict | None:
    """Compare the latest validation loss with the baselines, and, where none is beaten, with the training loss."""
    evaluated = np.flatnonzero(np.isfinite(history.val_loss))
    if not baselines or not evaluated.size or history.step[-1] < PATIENCE:
        return None
    val_loss = float(history.val_loss[evaluated[-1]])
    figures, loss = {"val_loss": val_loss}, f"validation loss {figure(val_loss, 3)}"
    ordered = sorted(baselines, key=lambda baseline: -baseline.loss)  # the easiest to beat first
    beaten = sum(val_loss < BEATEN * baseline.loss for baseline in ordered)
    said = [f"'{baseline.name}' ({figure(baseline.loss, 3)})" for baseline in ordered]
    if beaten == len(ordered):
        times = figure(ordered[-1].loss / val_loss) if val_loss > 0 else "infinitely many"
        return Verdict("learning", f"Learning: {loss}, {times} times below {said[-1]}.", figures)
    if beaten:
        sentence = f"Partly learning: {loss} beats {said[beaten - 1]} but not {said[beaten]}."
        return Verdict("partly_learning", sentence, figures)
    train_loss = float(np.median(history.train_loss[-PATIENCE:]))
    if history.epoch > 0 and val_loss >= MEMORISED * train_loss:
        sentence = (
            f"Memorising: training loss {figure(train_loss, 3)}, but on new sequences {figure(val_loss, 3)}, "
            f"which does not beat {said[0]}."
        )
        return Verdict("memorising", sentence, {**figures, "train_loss": train_loss})
    return Verdict("not_learning", f"Not learning: {loss} does not beat {said[0]}.", figures)


def verdicts(
    history: History,
    profile: ArrayLike | None = None,
    direct: ArrayLike | None = None,
    baseline: Baseline | Sequence[Baseline] | None = None,
) -> list[Verdict]:
    """Return all that can be said of a run, the most telling first: ending, profile, loss, updates, clipping.

    profile, direct: the latest `hidden_grad_norm` and `direct_grad_norm`, (L, T). baseline: one or several.
    """
    step = first_non_finite(history.step, history.train_loss, history.grad_norm)
    found: list[Verdict | None] = []
    if history.diverged or step is not None:
        reason = (history.diverged or f"the numbers stopped being finite at step {step:,}").rstrip(".")
        sentence = f"Diverged: {reason[:1].lower()}{reason[1:]}."
        found.append(Verdict("diverged", sentence, {} if step is None else {"step": step}))
    if profile is not None:
        found.append(judge_profile(profile, direct))
    baselines = (baseline,) if isinstance(baseline, Baseline) else baseline or ()
    found += [judge_loss(history, baselines), judge_updates(history), judge_clipping(history)]
    return [verdict for verdict in found if verdict is not None]
