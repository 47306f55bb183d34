"""A learning rate that is too high: each step overshoots."""

from typing import NamedTuple

import numpy as np

from rnncore.cells import CELLS
from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.remedies import HEALTHY_RATIO, HIGHEST_ADAPTIVE_RATE, HIGHEST_RATE, learning_rate
from rnncore.words import figure

# Update norm / weight norm: healthy 3e-3 to 1.5e-2 (measured with Adam at 5e-3, whose first step is up to 0.15).
LARGE_UPDATES, LARGE_FIRST_UPDATE = 0.05, 0.4
USUAL_RADIUS = 3**-0.5  # spectral radius of W_hh as PyTorch draws it, from U(-1/sqrt(H), 1/sqrt(H)) (circular law)
# A linear read-out of features h is unstable under SGD above lr = 1 / (1 + |h|^2) for the mean squared error, above
# twice that and more for the other losses; |h|^2 is at most H for units that are bounded by 1.
UNSTABLE = 2.0


class TooHigh(NamedTuple):
    """Why a learning rate is too high: the typical update over the weights, or the |h|^2 that SGD cannot follow."""

    ratio: float | None
    feature: float | None


def too_high(e: Evidence) -> TooHigh | None:
    """Return why the learning rate of a run that does not learn is too high, None where it is not known to be."""
    if not e.stuck or e.learning_rate is None:
        return None
    if e.adaptive:
        scale = _beside_usual(e)
        ratios = [each for each in (e.update_ratio, e.first_ratio and e.first_ratio * scale) if each is not None]
        if ratios and max(ratios) >= LARGE_UPDATES and (_first_update(e) or 0.0) * scale >= LARGE_FIRST_UPDATE:
            return TooHigh(max(ratios), None)
        return None
    feature = e.number("feature")
    model = e.config.model if e.config is not None else None
    bounded = model is not None and model.nonlinearity != "relu" and CELLS[model.cell].squashed
    if bounded and e.optimizer == "sgd" and feature is not None and e.learning_rate * (1 + feature) > UNSTABLE:
        return TooHigh(None, feature)
    return None


def judge(e: Evidence) -> Finding | None:
    """Tell of updates that are large beside the weights, or of a read-out that SGD cannot hold."""
    found = too_high(e)
    if found is None or e.learning_rate is None:
        return None
    rate, lead = e.learning_rate, f"The learning rate {figure(e.learning_rate)} is too high"
    if found.feature is not None:
        bound = 1 / (1 + found.feature)
        sentence = (
            f"{lead}: the read-out sees states of squared norm {figure(found.feature)}, for which SGD is stable up to "
            f"about {figure(bound)}."
        )
        evidence, wanted = {"learning_rate": rate, "bound": bound, "feature": found.feature}, bound / 4
    else:
        ratio = found.ratio or 0.0
        norm = "their norm" if _beside_usual(e) == 1 or ratio == e.update_ratio else "the norm of usual initial weights"
        sentence = (
            f"{lead}: a typical step changed the weights by {figure(100 * ratio)} % of {norm}, where 0.3 % to 1.5 % is "
            "usual."
        )
        evidence, wanted = {"learning_rate": rate, "update_ratio": ratio}, rate * HEALTHY_RATIO / ratio
    wanted = min(wanted, rate / 2, HIGHEST_RATE.get(e.optimizer, HIGHEST_ADAPTIVE_RATE))
    return Finding("learning_rate_too_high", sentence, evidence, learning_rate(e, wanted, "."))


def _first_update(e: Evidence) -> float | None:
    """Return the very first update over the initial weights; None where they are not known."""
    weights, first = e.number("first_weight_norm"), e.history.update_norm[e.history.step == 1]
    return float(first[0]) / weights if weights and first.size and np.isfinite(first[0]) else None


def _beside_usual(e: Evidence) -> float:
    """Return how large the initial weights are beside PyTorch's own, at most 1: any step is large beside tiny ones."""
    return 1.0 if e.initial_radius is None else min(1.0, e.initial_radius / USUAL_RADIUS)


RULE = Rule(
    key="learning_rate_too_high",
    title="Learning rate too high",
    help="Each step overshoots: the loss jumps or grows instead of falling.",
    group="cause",
    judge=judge,
    explains=("thrown_out", "saturated", "dead_units", "too_few_updates"),
    may_take_longer=True,
)
