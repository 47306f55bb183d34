"""What is found out about a run, most important first."""

from collections.abc import Sequence

from rnncore.diagnosis.finding import Finding
from rnncore.diagnosis.kinds import FINDINGS
from rnncore.diagnosis.verdicts import Verdict

_NOW_CALLED = {
    "cut": "vanishing",
    "dead": "vanishing",
    "stalled": "learning_rate_too_low",
    "clipped": "clip_rules",
    "hidden": "optimizer_hides_vanishing",
    "partly_learning": "no_better_than_baseline",
    "not_learning": "no_better_than_baseline",
}


def findings(verdicts: Sequence[Verdict]) -> list[Finding]:
    """Return what verdicts say as findings, in the order of `FINDINGS`."""
    order = list(FINDINGS)
    found = [Finding(_NOW_CALLED.get(each.kind, each.kind), each.sentence, each.figures) for each in verdicts]
    return sorted((each for each in found if each.kind in FINDINGS), key=lambda each: order.index(each.kind))
