"""What a study keeps of each run: a few numbers, a thinned curve and a thinned profile; torch-free."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rnncore.codec import Scalars
from rnncore.diagnosis.evidence import Evidence, History
from rnncore.diagnosis.quantities import Floats, decay, measured, share_clipped, unequal
from rnncore.diagnosis.rules.through_time import MIN_FITTED, describe
from rnncore.studies.success import Success

CURVE_POINTS = 48  # of a kept curve
PROFILE_POINTS = 48  # timesteps of a kept profile
LATE_PROFILES = 10  # the last so many recorded profiles are averaged
OVER = ("finished", "diverged")  # endings that say something about the configuration
FLOWS = ("vanishing", "fading", "steady", "growing", "exploding", "direct")


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run of a study. None stands for a number that is not finite, or that there is none of.

    success: None without a criterion. steps_to_success: the first step at which the criterion held. baseline: loss of
    the best answer that takes no learning. flow: how the gradient travels back through time at the end
    (`rnncore.diagnosis.rules.through_time`). half_life: steps in which it halves, None where it does not shrink.
    clipped: share of steps. curve: {"step", "train_loss", "val_loss"}. profile: {"lag", "norm"}, the mean of the last
    profiles of the layer whose reach is furthest from 1, on at most `PROFILE_POINTS` timesteps.
    """

    status: str
    reason: str
    steps: int
    success: bool | None
    steps_to_success: int | None
    final_train_loss: float | None
    final_val_loss: float | None
    final_val_metric: float | None
    best_val_loss: float | None
    baseline: float | None
    flow: str | None
    half_life: float | None
    clipped: float | None
    median_grad_norm: float | None
    max_grad_norm: float | None
    parameters: int | None
    seconds: float
    curve: dict[str, list[float | None]]
    profile: dict[str, list[float | None]]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)

    @property
    def over(self) -> bool:
        """Whether the run has trained to its end or diverged; others failed for reasons of the machine."""
        return self.status in OVER


NUMBERS = ("final_train_loss", "final_val_loss", "final_val_metric", "best_val_loss", "half_life", "clipped",
           "median_grad_norm", "max_grad_norm", "steps_to_success", "seconds")  # fmt: skip


def summarise(
    records: Scalars,
    profiles: Sequence[Mapping[str, Any]],
    info: Mapping[str, Any],
    status: str,
    reason: str,
    success: Success | None = None,
) -> RunSummary:
    """Return what is kept of a run that is over.

    records: of all steps. profiles: arrays by name of the recorded profiles, ascending; the last `LATE_PROFILES` count.
    info: `RunInfo.to_json()`, {} where the run never began. status, reason: how it ended.
    """
    diverged = status == "diverged"
    train, validation, metric = (records[name] for name in ("train_loss", "val_loss", "val_metric"))
    steps, evaluated = records["step"], ~np.isnan(records["val_loss"])
    baseline = _baseline(info)
    held = _held(success, records, baseline) if success is not None else None
    flow, half_life, profile = _through_time(profiles)
    norms = records["grad_norm"]
    finite_norms = norms[np.isfinite(norms)]
    coefs = records["clip_coef"]
    return RunSummary(
        status=status,
        reason=reason,
        steps=int(steps[-1]) if len(steps) else 0,
        success=None if success is None or held is None else _succeeded(success, steps, held, status),
        steps_to_success=None if held is None or not held.any() else int(steps[np.argmax(held)]),
        final_train_loss=None if diverged else _last(train),
        final_val_loss=None if diverged else _last(validation[evaluated]),
        final_val_metric=None if diverged else _last(metric[~np.isnan(metric)]),
        best_val_loss=_number(np.min(validation[evaluated])) if evaluated.any() else None,
        baseline=baseline,
        flow=flow,
        half_life=half_life,
        clipped=_number(share_clipped(coefs)) if len(coefs) else None,
        median_grad_norm=_number(np.median(finite_norms)) if finite_norms.size else None,
        max_grad_norm=_number(np.max(finite_norms)) if finite_norms.size else None,
        parameters=info.get("parameter_count"),
        seconds=float(records["elapsed_s"][-1]) if len(steps) else 0.0,
        curve=_curve(steps, train, validation),
        profile=profile,
    )


def _held(success: Success, records: Scalars, baseline: float | None) -> Any:
    """Return at which records the criterion held, (N,) bool."""
    return np.array([success.passes(float(value), baseline) for value in records[success.metric]], bool)


def _succeeded(success: Success, steps: Floats, held: Any, status: str) -> bool:
    if status == "diverged" or not len(steps):
        return False
    return bool(held.any()) if success.when == "any" else bool(held[-1])


def _baseline(info: Mapping[str, Any]) -> float | None:
    """Return the loss of the best answer that takes no learning and knows no part of the solution."""
    losses = [line["loss"] for line in info.get("baselines", ()) if not line.get("knows")]
    return _number(min(losses)) if losses else None


def _through_time(profiles: Sequence[Mapping[str, Any]]) -> tuple[str | None, float | None, dict[str, Any]]:
    """Return flow, half-life and the thinned profile of the mean of the last profiles."""
    late = profiles[-LATE_PROFILES:]
    if not late:
        return None, None, {}
    counts = late[-1].get("sequence_count")
    hidden, direct = (
        _mean([measured(each[name], each.get("sequence_count")) for each in late if each.get(name) is not None])
        for name in ("hidden_grad_norm", "direct_grad_norm")
    )
    if hidden is None:
        return None, None, {}
    nothing = np.zeros(0)
    history = History(nothing, nothing, nothing, nothing, nothing, nothing)
    found = describe(Evidence(history, profile=hidden, direct=direct, ragged=unequal(counts)))
    if found is None:
        return None, None, {}
    with np.errstate(divide="ignore", invalid="ignore"):
        reaches = np.abs(np.log(hidden[:, 0] / hidden[:, -1]))
    layer = hidden[int(np.nanargmax(reaches)) if np.isfinite(reaches).any() else 0]
    lags = np.arange(len(layer) - 1, -1, -1)
    kept = np.unique(np.linspace(0, len(layer) - 1, min(PROFILE_POINTS, len(layer))).round().astype(int))
    profile = {"lag": [int(lags[place]) for place in kept], "norm": [_short(layer[place]) for place in kept]}
    trend = decay(layer) if np.count_nonzero(layer) >= MIN_FITTED and found.kind != "direct" else None
    half_life = _number(trend.half_life) if trend is not None and trend.vanishes else None
    return found.kind, half_life, profile


def _mean(profiles: Sequence[Floats | None]) -> Floats | None:
    """Return the mean of profiles (L, T') aligned at their ends, of the columns that all have."""
    present = [each for each in profiles if each is not None and each.size]
    if not present:
        return None
    width = min(each.shape[1] for each in present)
    mean: Floats = np.mean([each[:, each.shape[1] - width :] for each in present], axis=0)
    return mean


def _curve(steps: Floats, train: Floats, validation: Floats) -> dict[str, list[float | None]]:
    """Return at most `CURVE_POINTS` evaluations, with the mean of the training losses since the one before."""
    places = np.flatnonzero(~np.isnan(validation))
    if len(places) > CURVE_POINTS:
        places = places[np.unique(np.linspace(0, len(places) - 1, CURVE_POINTS).round().astype(int))]
    if not len(places):
        return {"step": [], "train_loss": [], "val_loss": []}
    starts = [0, *(place + 1 for place in places[:-1])]
    with np.errstate(invalid="ignore", over="ignore"):
        means = [float(np.mean(train[start : place + 1])) for start, place in zip(starts, places, strict=True)]
    return {
        "step": [int(steps[place]) for place in places],
        "train_loss": [_short(mean) for mean in means],
        "val_loss": [_short(validation[place]) for place in places],
    }


def _last(values: Floats) -> float | None:
    return _number(values[-1]) if len(values) else None


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _short(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None
