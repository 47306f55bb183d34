"""Learning-rate schedules: pure functions from the step to a factor of the learning rate."""

import math
from collections.abc import Callable

from rnncore.choices import SCHEDULES
from rnncore.config import ScheduleConfig


def constant(since_peak: int, span: int, config: ScheduleConfig) -> float:
    """1 throughout."""
    return 1.0


def exponential(since_peak: int, span: int, config: ScheduleConfig) -> float:
    """`decay` per `decay_steps`, smoothly."""
    return float(config.decay ** (since_peak / config.decay_steps))


def stairs(since_peak: int, span: int, config: ScheduleConfig) -> float:
    """`decay` per `decay_steps`, in stairs."""
    return float(config.decay ** (since_peak // config.decay_steps))


def linear(since_peak: int, span: int, config: ScheduleConfig) -> float:
    """A straight line from 1 to `final_fraction` at the last step."""
    return 1.0 - (1.0 - config.final_fraction) * since_peak / span


def cosine(since_peak: int, span: int, config: ScheduleConfig) -> float:
    """Half a cosine from 1 to `final_fraction` at the last step (Loshchilov & Hutter 2017, eq. 5, no restarts)."""
    share = (1.0 + math.cos(math.pi * since_peak / span)) / 2.0
    return config.final_fraction + (1.0 - config.final_fraction) * share


def learning_rate_factor(step: int, steps: int, config: ScheduleConfig) -> float:
    """Return the factor by which `step` (from 1) of a run of `steps` multiplies the learning rate.

    Warm-up of W steps is linear: step k has k / W and step W the peak, 1. The shape begins at the peak
    (step W, or step 1 without warm-up) and reaches its end at the last step.
    """
    peak = max(config.warmup_steps, 1)
    if step < peak:
        return step / peak
    shape: Callable[[int, int, ScheduleConfig], float] = SCHEDULES[config.name].load()
    return shape(step - peak, max(steps - peak, 1), config)
