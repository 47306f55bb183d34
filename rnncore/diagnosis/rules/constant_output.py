"""Constant answers: nearly the same answer to every sequence."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.why import because
from rnncore.words import figure


def judge(e: Evidence) -> Finding | None:
    """Compare the standard deviation of the answers over sequences with that of the targets."""
    if not e.sick or e.diverged or not e.constant:
        return None
    spread, r2 = e.answers("spread") or 0.0, e.answers("r2") or 0.0
    explained, remedy = because(e)
    apart = f"from sequence to sequence they spread {figure(spread)} times as far as the targets, and"
    sentence = (
        f"Constant answers: {apart if spread else 'the same one to every sequence; they'} explain "
        f"{figure(max(0.0, 100 * r2))} % of the targets' variance (R^2 {figure(r2)}){explained}."
    )
    return Finding("constant_output", sentence, {"spread": spread, "r2": r2}, remedy)


RULE = Rule(
    key="constant_output",
    title="Constant answers",
    help="The network gives nearly the same answer to every sequence.",
    group="cause",
    judge=judge,
)
