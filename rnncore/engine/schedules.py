"""Learning-rate schedules: pure functions from the step to a factor of the learning rate."""

import math
from collections.abc import Callable

from rnncore.config import ScheduleConfig


def _constant(since_peak: int, span: int, config: ScheduleConfig) -> float:
    """1 throughout."""
    return 1.0


def _exponential(since_peak: int, span: int, config: ScheduleConfig) -> float:
    """`decay` per `decay_steps`, smoothly."""
    return float(config.decay ** (since_peak / config.decay_steps))


def _step(since_peak: int, span: int, config: ScheduleConfig) -> float:
    """`decay` per `decay_steps`, in stairs."""
    return float(config.decay ** (since_peak // config.decay_steps))


def _linear(since_peak: int, span: int, config: ScheduleConfig) -> float:
    """A straight line from 1 to `final_fraction` at the last step."""
    return 1.0 - (1.0 - config.final_fraction) * since_peak / span


def _cosine(since_peak: int, span: int, config: ScheduleConfig) -> float:
    """Half a cosine from 1 to `final_fraction` at the last step (Loshchilov & Hutter 2017, eq. 5, no restarts)."""
    share = (1.0 + math.cos(math.pi * since_peak / span)) / 2.0
    return config.final_fraction + (1.0 - config.final_fraction) * share


# name -> shape(steps since the peak, steps from the peak to the last one (at least 1), config) -> factor
SCHEDULES: dict[str, Callable[[int, int, ScheduleConfig], float]] = {
    "constant": _constant,
    "exponential": _exponential,
    "linear": _linear,
    "cosine": _cosine,
    "step": _step,
}


def learning_rate_factor(step: int, steps: int, config: ScheduleConfig) -> float:
    """Return the factor by which `step` (from 1) of a run of `steps` multiplies the learning rate.

    Warm-up of W steps is linear: step k has k / W and step W the peak, 1. The shape begins at the peak
    (step W, or step 1 without warm-up) and reaches its end at the last step.
    """
    peak = max(config.warmup_steps, 1)
    if step < peak:
        return step / peak
    return SCHEDULES[config.name](step - peak, max(steps - peak, 1), config)
