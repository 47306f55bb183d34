"""The clip threshold decides the step: nearly every gradient is cut to the same length."""

from rnncore.diagnosis.clipped import clipping
from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.remedies import clip_at
from rnncore.words import figure

MOSTLY = 0.9  # share of steps clipped from which the threshold decides the length of the step ...
FAR = 0.1  # ... to this share of the gradient or less: clipping at half to ten times the average norm does no harm
# (Pascanu, Mikolov, Bengio 2013, section 3.2)


def judge(e: Evidence) -> Finding | None:
    """Tell of a threshold far below the usual norm, in a run that does not learn."""
    found = clipping(e)
    if not e.sick or e.diverged or found is None or found.share < MOSTLY or found.median > FAR:
        return None
    tail = "; the threshold, not the gradient, decides how far a step goes"
    if e.adaptive:
        tail = "; an adaptive optimiser makes up for the length, so another threshold may not help by itself"
    sentence = (
        f"Clipped: {found.share:.0%} of the last {found.steps} steps, typically to {figure(found.median)} of the "
        f"gradient{tail}."
    )
    evidence = {"share": found.share, "median_coef": found.median, "median_norm": found.norm}
    remedy = clip_at(e, found.norm, f"the median norm of the last {found.steps} steps")
    return Finding("clip_rules", sentence, evidence, remedy)


RULE = Rule(
    key="clip_rules",
    title="The clip threshold decides the step",
    help="Nearly every gradient is cut to the threshold, so that the threshold decides how far a step goes.",
    group="cause",
    judge=judge,
    explains=("too_few_updates",),
    may_take_longer=True,
)
