"""Diverged: the numbers of the run became infinite or NaN."""

import numpy as np

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Remedy, Rule
from rnncore.diagnosis.remedies import clip_at, learning_rate, usual_weights

USUAL_NORM = 1.0  # a threshold to begin with where the run had no usual norm


def judge(e: Evidence) -> Finding | None:
    """Say at which step the numbers stopped being finite, and why the run ended."""
    reason = e.diverged
    if reason is None:
        return None
    sentence = f"Diverged: {reason[:1].lower()}{reason[1:]}."
    return Finding("diverged", sentence, {"step": float(e.step)}, _remedy(e))


def _remedy(e: Evidence) -> Remedy | None:
    if e.config is None:
        return None
    if e.step <= 1:  # no weight has been changed yet: neither clipping nor the learning rate has acted
        if e.config.init.scheme == "default":
            return None
        return Remedy(
            "Draw the initial weights as PyTorch does: no weight had been changed yet.", {"init": {"scheme": "default"}}
        )
    if (remedy := usual_weights(e)) is not None:
        return remedy
    if e.config.clip.method == "off":
        early = e.norms[: max(1, len(e.norms) // 2)]
        usual = float(np.median(early)) if early.size else USUAL_NORM
        return clip_at(e, min(usual, USUAL_NORM) or USUAL_NORM, "so that no gradient takes a longer step than usual")
    return learning_rate(e, (e.learning_rate or 0.0) / 10, ".")


RULE = Rule(
    key="diverged",
    title="Diverged",
    help="The loss, the gradient or the weights became infinite or NaN, which ended the run.",
    group="cause",
    judge=judge,
    may_take_longer=True,
)
