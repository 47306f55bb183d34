"""A learning rate that is too low: the updates hardly change the weights."""

from rnncore.diagnosis.clipped import clipping
from rnncore.diagnosis.evidence import LATELY, SATURATED, Evidence
from rnncore.diagnosis.finding import Finding, Remedy, Rule
from rnncore.diagnosis.remedies import HEALTHY_RATIO, HIGHEST_ADAPTIVE_RATE, HIGHEST_RATE, learning_rate
from rnncore.words import figure

SMALL_UPDATES = 3e-5  # update norm / weight norm; healthy 3e-3 to 1.5e-2 (Adam, 5e-3), at 1e-6 it is 9e-6 (measured)
SMALL_GRADIENT = 1e-4  # below it, or where units have no slope, it is the gradient that is missing


def judge(e: Evidence) -> Finding | None:
    """Tell of updates that are tiny beside the weights although there is a gradient that is not clipped away."""
    ratio = e.update_ratio
    if not e.stuck or e.diverged or ratio is None or e.learning_rate is None or ratio >= SMALL_UPDATES:
        return None
    clipped = clipping(e)
    if clipped is not None and not e.adaptive and ratio / max(clipped.median, 1e-12) >= SMALL_UPDATES:
        return None
    gradient = sorted(e.norms[-LATELY:])[len(e.norms[-LATELY:]) // 2] if e.norms.size else 0.0
    if not e.adaptive and (gradient < SMALL_GRADIENT or max(e.saturated) >= SATURATED):
        return None
    changes = f"a typical step changes the weights by {figure(100 * ratio)} % of their norm"
    rate = e.rate_of_late or 0.0
    evidence = {"update_ratio": ratio, "learning_rate": rate}
    if e.rate_has_fallen:
        sentence = (
            f"The learning rate is too low: its schedule has brought it from {figure(e.learning_rate)} to "
            f"{figure(rate)}, where {changes}."
        )
        sooner = f"Schedule: constant, so that the learning rate stays at {figure(e.learning_rate)}."
        return Finding("learning_rate_too_low", sentence, evidence, Remedy(sooner, {"schedule": {"name": "constant"}}))
    wanted = rate * HEALTHY_RATIO / ratio if ratio > 0 else HIGHEST_ADAPTIVE_RATE
    wanted = min(wanted, HIGHEST_RATE.get(e.optimizer, HIGHEST_ADAPTIVE_RATE))
    if wanted <= rate:
        return None
    sentence = (
        f"The learning rate {figure(rate)} is too low: {changes}, so {e.step:,} steps by at most "
        f"{figure(100 * ratio * e.step)} %."
    )
    return Finding("learning_rate_too_low", sentence, evidence, learning_rate(e, wanted, "."))


RULE = Rule(
    key="learning_rate_too_low",
    title="Learning rate too low",
    help="The updates are so small beside the weights that they hardly change within the run.",
    group="cause",
    judge=judge,
    explains=("too_few_updates",),
    may_take_longer=True,
)
