"""What is found out about a run, most important first."""

from dataclasses import replace

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Remedy
from rnncore.diagnosis.kinds import FINDINGS


def _hedged(finding: Finding) -> Finding:
    """Return a finding whose remedy says that it may not suffice, where that is so."""
    if finding.remedy is None or not FINDINGS[finding.kind].may_take_longer:
        return finding
    sentence = f"{finding.remedy.sentence} Learning may still take more steps than this run has."
    return replace(finding, remedy=Remedy(sentence, finding.remedy.changes))


def findings(evidence: Evidence) -> list[Finding]:
    """Return all that is found, in the order of `FINDINGS`.

    A run that diverged has one verdict, with the causes that explain it: its losses say nothing any more.
    """
    found = [each for rule in FINDINGS.values() if (each := rule.judge(evidence)) is not None]
    found = [_hedged(each) for each in found]
    explained = {kind for each in found for kind in FINDINGS[each.kind].explains}
    found = [each for each in found if each.kind not in explained]
    if evidence.diverged is None:
        return found
    return [each for each in found if FINDINGS[each.kind].group == "cause" or each.kind == "exploding"]
