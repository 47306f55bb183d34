"""What is found out about a run, most important first."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding
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


def findings(evidence: Evidence) -> list[Finding]:
    """Return all that is found, in the order of `FINDINGS`.

    A run that diverged has one verdict, with the causes that explain it: its losses say nothing any more.
    """
    found = [each for rule in FINDINGS.values() if (each := rule.judge(evidence)) is not None]
    explained = {kind for each in found for kind in _EXPLAINS.get(each.kind, ())}
    found = [each for each in found if each.kind not in explained]
    if evidence.diverged is None:
        return found
    return [each for each in found if FINDINGS[each.kind].group == "cause" or each.kind == "exploding"]
