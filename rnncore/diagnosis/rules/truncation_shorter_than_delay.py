"""Truncation shorter than the delay: no gradient connects a cause with its effect."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Remedy, Rule


def judge(e: Evidence) -> Finding | None:
    """Compare the truncation with the delay that the data are known to have, in a run that learns little or nothing."""
    delay = e.facts.get("delay")
    truncation = e.config.truncation if e.config else None
    if not e.sick or not delay or truncation is None or truncation > delay:
        return None
    sentence = (
        f"Truncated too early: the gradient goes back at most {truncation} steps, but what decides an answer lies "
        f"about {delay:.0f} steps before it, so that no gradient tells the network to keep it."
    )
    remedy = Remedy("Let the gradient go back through the whole sequence: no truncation.", {"truncation": None})
    return Finding("truncation_shorter_than_delay", sentence, {"truncation": float(truncation), "delay": delay}, remedy)


RULE = Rule(
    key="truncation_shorter_than_delay",
    title="Truncation shorter than the delay",
    help="The gradient is cut off after fewer steps than lie between a cause and its effect, so that nothing can be "
    "learned of the connection.",
    group="cause",
    judge=judge,
    explains=("too_few_updates",),
    may_take_longer=True,
)
