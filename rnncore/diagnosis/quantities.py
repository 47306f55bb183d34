"""Quantities read off recorded numbers: reach, half-life, share of steps clipped; pure functions, numpy only."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
MIN_TIMED = 10  # steps of a kind below which their typical duration is not told
UNDISTURBED = 0.1  # share of steps that nothing interrupted, on a machine that does other work too


@dataclass(frozen=True, slots=True)
class Decay:
    """How a profile changes per timestep back in time: slope of log g over the lag, by least squares.

    half_life: steps in which the gradient halves (slope < 0) or doubles (slope > 0); inf for a flat profile.
    """

    slope: float

    @property
    def half_life(self) -> float:
        """Steps per factor 2, ln 2 / |slope|."""
        return math.log(2) / abs(self.slope) if self.slope else math.inf

    @property
    def vanishes(self) -> bool:
        """Whether the gradient gets smaller on its way back in time."""
        return self.slope < 0


def measured(profile: ArrayLike | None, counts: ArrayLike | None = None) -> Floats | None:
    """Return the columns (L, T') of a profile (L, T) that stand for any sequence of its batch.

    counts: its `sequence_count`; None: all columns do.
    """
    if profile is None:
        return None
    values = np.atleast_2d(np.asarray(profile, np.float64))
    return values if counts is None else values[:, np.atleast_2d(np.asarray(counts))[0] > 0]


def unequal(counts: ArrayLike | None) -> bool:
    """Tell from a profile's `sequence_count` whether its sequences are of unequal length."""
    if counts is None:
        return False
    present = np.asarray(counts)[np.asarray(counts) > 0]
    return bool(present.size) and bool(present.min() < present.max())


def reach(profile: ArrayLike) -> Floats:
    """Return a profile (T,) or (L, T) relative to the last timestep that has a gradient; NaN where none has."""
    values = np.asarray(profile, np.float64)
    last = values.shape[-1] - 1 - np.argmax(np.flip(values, -1) > 0, axis=-1)  # (L,) or ()
    reference = np.take_along_axis(values, np.expand_dims(last, -1), -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return values / reference


def decay(profile: ArrayLike) -> Decay | None:
    """Fit log g[t] against the lag T - t over the finite, non-zero part of a profile (T,); None below two points."""
    values = np.asarray(profile, np.float64)
    usable = np.isfinite(values) & (values > 0)
    if usable.sum() < 2:
        return None
    lag = np.arange(len(values) - 1, -1, -1, dtype=np.float64)[usable]
    logs = np.log(values[usable])
    centred = lag - lag.mean()
    return Decay(float(centred @ (logs - logs.mean()) / (centred @ centred)))


def share_clipped(clip_coefs: ArrayLike) -> float:
    """Return the share of steps whose gradient was clipped (coefficient below 1); NaN of no steps."""
    coefs = np.asarray(clip_coefs, np.float64)
    return float(np.mean(coefs < 1)) if coefs.size else math.nan


def first_non_finite(steps: ArrayLike, *columns: ArrayLike) -> int | None:
    """Return the first of `steps` at which any of the columns is inf or NaN, or None."""
    bad = ~np.isfinite(np.array([np.asarray(column, np.float64) for column in columns])).all(0)
    return int(np.asarray(steps)[bad][0]) if bad.any() else None


def recording_overhead(step: ArrayLike, elapsed_s: ArrayLike, evaluated: ArrayLike, profile_every: int) -> float | None:
    """Return the share of training time that recording profiles costs, e.g. 0.03; None where it cannot be told.

    Time of a step that records a profile over that of one that does not, less 1, times the share of steps that record,
    1 / profile_every. Of either kind it is the time that a tenth of its steps stays below: on a machine that does other
    work too, these are the steps that nothing interrupted, and their time is that of the processor. Steps with an
    evaluation, and those whose predecessor is missing, are left out. It cannot be told where every step records, or
    from fewer than `MIN_TIMED` steps of either kind. A difference below 0 is chance and given as 0.

    step, elapsed_s: (N,) of consecutive records. evaluated: (N,) bool.
    """
    steps, seconds = np.asarray(step, np.int64), np.diff(np.asarray(elapsed_s, np.float64))
    timed = (np.diff(steps) == 1) & (seconds > 0) & ~np.asarray(evaluated, bool)[1:]  # a continued run's clock jumps
    records = steps[1:] % profile_every == 0
    recording, plain = seconds[timed & records], seconds[timed & ~records]
    if min(recording.size, plain.size) < MIN_TIMED:
        return None
    undisturbed, alone = (float(np.quantile(kind, UNDISTURBED)) for kind in (recording, plain))
    return max(0.0, undisturbed / alone - 1) / profile_every
