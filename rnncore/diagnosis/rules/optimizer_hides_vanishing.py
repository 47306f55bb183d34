"""The optimiser hides it: the gradient has become far smaller since the start, but the updates have not."""

import numpy as np

from rnncore.diagnosis.evidence import LATELY, Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.words import figure

HIDDEN = 100.0  # growth of update norm / gradient norm since the first steps


def judge(e: Evidence) -> Finding | None:
    """Compare the first steps, where a history still has them, with the last ones."""
    history = e.history
    if history.step.size < 2 * LATELY or history.step[0] > LATELY or e.diverged:
        return None
    first, last = slice(1, LATELY), slice(-LATELY, None)  # the first update of an adaptive optimiser is special
    gradients = [float(np.median(history.grad_norm[part])) for part in (first, last)]
    updates = [float(np.median(history.update_norm[part])) for part in (first, last)]
    if not all(each > 0 for each in (*gradients, *updates)):  # 0, or not known
        return None
    if updates[1] / gradients[1] < HIDDEN * updates[0] / gradients[0]:
        return None
    fall, kept = gradients[0] / gradients[1], updates[0] / updates[1]
    moved = f"shrank {figure(kept)}-fold" if kept >= 1 else f"grew {figure(1 / kept)}-fold"
    sentence = f"Hidden: since the start the gradient shrank {figure(fall)}-fold, but the updates {moved}."
    return Finding("optimizer_hides_vanishing", sentence, {"gradient_fall": fall, "update_fall": kept})


RULE = Rule(
    key="optimizer_hides_vanishing",
    title="The optimiser hides it",
    help="The gradient has become far smaller since the start, but the optimiser makes the updates as long as before.",
    group="description",
    judge=judge,
)
