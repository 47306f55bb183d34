"""Too few updates: the run ended before training could have an effect, or while the loss was still falling."""

import numpy as np

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.quantities import figure
from rnncore.diagnosis.remedies import more_steps

FEW = 100  # steps in which a gradient step of a healthy size (0.5 % of the weights) can have moved them by half
FALLING = 0.85  # validation loss over that of two thirds of the run, below which it is still falling
LEAST = 1000


def judge(e: Evidence) -> Finding | None:
    """Tell of a short run, or of a loss that was still falling at its end, where nothing has been learned."""
    if not e.stuck or e.diverged or not e.over:
        return None
    steps, losses = e.evaluations
    remedy = more_steps(e, 10, LEAST)
    if e.step < FEW:
        sentence = f"Too few updates: {e.step:,} steps are not enough to move the weights anywhere."
        if remedy is not None:
            sentence += " Whether the network can learn this cannot be told yet."
        return Finding("too_few_updates", sentence, {"steps": float(e.step)}, remedy)
    falls = falling(steps, losses)
    if falls is None:
        return None
    since, before, now = falls
    sentence = (
        f"Too few updates: the validation loss is still falling, from {figure(before, 3)} at step {since:,} to "
        f"{figure(now, 3)} at step {e.step:,}."
    )
    return Finding("too_few_updates", sentence, {"steps": float(e.step), "before": before, "now": now}, remedy)


def falling(steps: np.ndarray, losses: np.ndarray) -> tuple[int, float, float] | None:
    """Return a step at two thirds of the run, the loss there and now, if the loss is still falling; else None.

    steps, losses: of all evaluations. It falls where the last sixth of the evaluations is below `FALLING` of those at
    two thirds, and what lies between them is in between.
    """
    count = len(losses)
    if count < 6:
        return None
    width = max(1, count // 6)
    start = 2 * count // 3 - width // 2
    early, late = losses[start : start + width], losses[-width:]
    middle = losses[start + width : -width] if count - width > start + width else late
    before, now = float(np.median(early)), float(np.median(late))
    if now > FALLING * before or not now <= float(np.median(middle)) * 1.02 <= before * 1.04:
        return None
    return int(steps[start]), before, now


RULE = Rule(
    key="too_few_updates",
    title="Too few updates",
    help="The run ended before training could have an effect, or while the loss was still falling.",
    group="cause",
    judge=judge,
)
