"""What is found out about a run, most important first."""

from dataclasses import replace

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Remedy
from rnncore.diagnosis.kinds import FINDINGS

# What follows from a cause, so that it is no cause of its own.
_SCALE = (
    "learning_rate_too_high",
    "learning_rate_too_low",
    "thrown_out",
    "clip_rules",
    "saturated",
    "dead_units",
    "too_few_updates",
)
_EXPLAINS = {
    "swapped_axes": ("no_temporal_order", "too_few_updates"),
    "padding_tail": ("no_temporal_order",),
    "target_scale": ("input_scale", *_SCALE),
    "input_scale": _SCALE,
    "learning_rate_too_high": ("thrown_out", "saturated", "dead_units", "too_few_updates"),
    "learning_rate_too_low": ("too_few_updates",),
    "clip_rules": ("too_few_updates",),
    "thrown_out": ("learning_rate_too_low", "clip_rules", "dead_units", "saturated", "too_few_updates"),
    "truncation_shorter_than_delay": ("too_few_updates",),
}

# Causes that one change takes away, while a task may need more steps than the run has (tried on all sick runs).
_MAY_TAKE_LONGER = frozenset(
    {
        "truncation_shorter_than_delay", "learning_rate_too_high", "learning_rate_too_low", "clip_rules", "thrown_out",
        "vanishing_through_layers", "dead_units", "diverged",
    }
)  # fmt: skip


def _hedged(finding: Finding) -> Finding:
    """Return a finding whose remedy says that it may not suffice, where that is so."""
    if finding.remedy is None or finding.kind not in _MAY_TAKE_LONGER:
        return finding
    sentence = f"{finding.remedy.sentence} Learning may still take more steps than this run has."
    return replace(finding, remedy=Remedy(sentence, finding.remedy.changes))


def findings(evidence: Evidence) -> list[Finding]:
    """Return all that is found, in the order of `FINDINGS`.

    A run that diverged has one verdict, with the causes that explain it: its losses say nothing any more.
    """
    found = [each for rule in FINDINGS.values() if (each := rule.judge(evidence)) is not None]
    found = [_hedged(each) for each in found]
    explained = {kind for each in found for kind in _EXPLAINS.get(each.kind, ())}
    found = [each for each in found if each.kind not in explained]
    if evidence.diverged is None:
        return found
    return [each for each in found if FINDINGS[each.kind].group == "cause" or each.kind == "exploding"]
