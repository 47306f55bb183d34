"""How the gradient changes on its way back through time: vanishing, fading, steady, growing, exploding, or direct.

A profile is judged by its reach, the gradient at the first timestep relative to the last.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.quantities import Decay, Floats, decay, reach
from rnncore.words import figure, many

FADING, VANISHING = 0.1, 1e-3  # reach below which the gradient fades, vanishes; their inverses: it grows, explodes
NEARLY_ONE = 0.95  # total / direct between this and its inverse count as equal
MIN_FITTED = 4  # timesteps with a gradient below which no rate is told: two points lie on any line
AGREEING = 1.25  # times that a rate, told beside the gradient at both ends, may be more or less than these make it
DIRECT_SHARE = 0.01  # a timestep has a gradient of its own where direct / total is above this

_REACHES = (
    (VANISHING, "vanishing"),
    (FADING, "fading"),
    (1 / FADING, "steady"),
    (1 / VANISHING, "growing"),
    (math.inf, "exploding"),
)


class Reach(NamedTuple):
    """The layer (from 0) whose reach is furthest from 1, its profile (T,), its reach and its trend."""

    layer: int
    layers: int
    profile: Floats
    reach: float
    trend: Decay | None


def reached(e: Evidence) -> Reach | None:
    """Return how far the gradient reaches; None where it is not known, not finite, 0 everywhere, or mostly direct."""
    values = _profile(e)
    if values is None or not np.isfinite(values).all() or not values.any():
        return None
    found = _furthest(values)
    return None if _own_read_outs(e, found) is not None else found


def describe(e: Evidence) -> Finding | None:
    """Describe one `hidden_grad_norm` (L, T), of several layers the one whose reach is furthest from 1."""
    values = _profile(e)
    if values is None:
        return None
    if not np.isfinite(values[:, -1]).all():
        return None  # no way through time has made it so
    if not np.isfinite(values).all():
        first = int(np.flatnonzero(~np.isfinite(values).all(0))[-1]) + 1
        where = _at(e, first, values.shape[1])
        return Finding("exploding", f"Exploding: going back in time, the gradient stops being finite {where}.")
    if not values.any():
        return Finding("vanishing", f"No gradient: it is exactly 0 at every timestep{_why_zero(e)}.", {"reach": 0.0})
    found = _furthest(values)
    own = _own_read_outs(e, found)
    return _direct(found.profile, own) if own is not None else _reach(e, found)


def _profile(e: Evidence) -> Floats | None:
    """Return the profile (L, T) to be judged; None too where its direct part is NaN: how it came about is not known."""
    if e.profile is None or (e.direct is not None and np.isnan(e.direct).all()):
        return None
    return np.atleast_2d(np.asarray(e.profile, np.float64))


def _furthest(values: Floats) -> Reach:
    relative = reach(values)
    with np.errstate(divide="ignore"):
        distance = np.abs(np.log(relative[:, 0]))  # inf where t=1 gets exactly nothing
    layer = int(np.nanargmax(distance))
    profile = values[layer]
    return Reach(layer, len(values), profile, float(relative[layer, 0]), decay(profile))


def _own_read_outs(e: Evidence, found: Reach) -> Floats | None:
    """Return the direct part of the profile where most timesteps have a read-out of their own, else None."""
    if e.direct is None:
        return None
    own: Floats = np.atleast_2d(np.asarray(e.direct, np.float64))[found.layer]
    return own if np.mean(own > DIRECT_SHARE * found.profile) > 0.5 else None


def _direct(total: Floats, own: Floats) -> Finding:
    half = slice(0, (len(total) + 1) // 2)
    ratio = float(np.median(total[half] / np.maximum(own[half], np.finfo(np.float64).tiny)))
    lead = "Direct: every timestep has a read-out of its own; in the first half of the sequence"
    if NEARLY_ONE < ratio < 1 / NEARLY_ONE:
        size = "about as large as that alone makes it"
    elif ratio > 1:
        size = f"{figure(ratio)} times as large as that alone makes it, the rest comes through later timesteps"
    else:
        size = f"only {figure(ratio)} of what that alone gives: what comes through later timesteps cancels part of it"
    return Finding("direct", f"{lead} the gradient is {size}.", {"total_to_direct": ratio})


def _reach(e: Evidence, found: Reach) -> Finding:
    start, trend = found.reach, found.trend
    where = f" in layer {found.layer + 1}" if found.layers > 1 else ""
    with_gradient = np.flatnonzero(found.profile)
    T = int(with_gradient[-1]) + 1
    kind = next(kind for limit, kind in _REACHES if start < limit)
    figures, rate = {"reach": start}, ""
    told = kind != "steady" and with_gradient.size >= MIN_FITTED
    if told and trend is not None and trend.vanishes == (start < 1) and _agrees(trend, found.profile):
        figures["half_life"] = trend.half_life
        rate = f"the gradient{where} {'halves' if trend.vanishes else 'doubles'} every {_steps(trend.half_life)}; "
    subject = "it" if rate else f"the gradient{where}"
    if start == 0:
        zeros = int(with_gradient[0])
        figures["zeros"] = zeros
        upto = f"{T - zeros:,} and more steps before the end of each sequence" if e.ragged else f"up to t={zeros}"
        sentence = f"Vanishing: {rate}{upto} {subject} is exactly 0{_why_zero(e)}."
        return Finding("vanishing", sentence, figures)
    times = f"{figure(start)} {'times' if start >= 1 else 'of'} its value"
    end = "at the end" if e.ragged else f"at t={T}"
    return Finding(kind, f"{kind.capitalize()}: {rate}{_at(e, 1, T)} {subject} is {times} {end}.", figures)


def _agrees(trend: Decay, profile: Floats) -> bool:
    """Tell whether a trend takes the gradient about where the first timestep has it that it reaches."""
    first, last = np.flatnonzero(profile)[[0, -1]]
    whole = math.log(profile[first] / profile[last])
    fitted = trend.slope * float(last - first)
    return whole * fitted > 0 and 1 / AGREEING <= fitted / whole <= AGREEING


def _at(e: Evidence, t: int, T: int) -> str:
    """Say where a column of a profile is: sequences of unequal length have the lag from their ends in common alone."""
    if not e.ragged:
        return f"at t={t}"
    return _before(T - t) if t < T else "at the end of each sequence"


def _before(lag: int) -> str:
    return f"{many(lag, 'step')} before the end of each sequence"


def _why_zero(e: Evidence) -> str:
    """Say why a gradient is exactly 0, where that is known."""
    if e.config is not None and e.config.truncation is not None:
        return ", because it is truncated"
    dead = max((layer.get("dead") or 0.0 for layer in e.layers), default=0.0)
    if dead > 0.5:
        return f", because {dead:.0%} of the units are dead"
    saturated = max((layer.get("saturated") or 0.0 for layer in e.layers), default=0.0)
    if saturated > 0.5:
        return f", because {saturated:.0%} of the units' values are saturated"
    return ", or smaller than the smallest number of this precision"


def _steps(count: float) -> str:
    text = figure(count)
    return "step" if text == "1" else f"{text} steps"


def _only(kind: str) -> Callable[[Evidence], Finding | None]:
    def judge(e: Evidence) -> Finding | None:
        found = describe(e)
        return found if found is not None and found.kind == kind else None

    return judge


def _rule(key: str, title: str, help: str) -> Rule:
    return Rule(key=key, title=title, help=help, group="description", judge=_only(key))


RULES = (
    _rule("vanishing", "Vanishing", "Going back in time, the gradient shrinks below a thousandth of its last value."),
    _rule("exploding", "Exploding", "Going back in time, the gradient grows above a thousand times its last value."),
    _rule("fading", "Fading", "Going back in time, the gradient shrinks to a tenth or less of its last value."),
    _rule("growing", "Growing", "Going back in time, the gradient grows to ten times its last value or more."),
    _rule("steady", "Steady", "Going back in time, the gradient stays between a tenth and ten times its last value."),
    _rule(
        "direct",
        "Direct",
        "Most timesteps have a read-out of their own, so that a gradient reaches them without travelling through time.",
    ),
)
