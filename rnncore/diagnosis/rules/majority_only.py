"""Only the commonest class: one answer to everything, right as often as that class occurs."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule

ONE_ANSWER = 0.98  # share of answers that are the same class
UNEQUAL = 1.25  # share of the commonest class over that of equal shares, from which classes are unequal


def judge(e: Evidence) -> Finding | None:
    """Tell of one class as the answer to nearly everything, where that class is far more frequent than others."""
    answered, common, accuracy = e.answers("answered"), e.answers("common"), e.answers("accuracy")
    if not e.stuck or e.diverged or answered is None or common is None or accuracy is None:
        return None
    unequal = common >= UNEQUAL / e.facts.get("classes", 2.0)
    if answered < ONE_ANSWER or not unequal or accuracy < common - 0.02:
        return None
    sentence = (
        f"Only the commonest class: {answered:.0%} of the answers are the same class, which {common:.0%} of the "
        f"sequences have; the accuracy of {accuracy:.0%} is that share and no more. Either the inputs do not tell the "
        "classes apart, or the rare ones need more weight or more training."
    )
    return Finding("majority_only", sentence, {"answered": answered, "common": common, "accuracy": accuracy})


RULE = Rule(
    key="majority_only",
    title="Only the commonest class",
    help="The network gives the commonest class as its answer to everything.",
    group="cause",
    judge=judge,
)
