"""All kinds of findings, the most important first: what lies deepest before what only shows, then descriptions.

A run that learns has no cause, so `learning` comes first where it holds.
"""

from rnncore.diagnosis.finding import FINDINGS
from rnncore.diagnosis.rules import (
    clip_rules,
    constant_output,
    dead_units,
    diverged,
    echo,
    input_scale,
    learning,
    learning_rate_too_high,
    learning_rate_too_low,
    majority_only,
    memorising,
    no_better_than_baseline,
    no_temporal_order,
    optimizer_hides_vanishing,
    padding_tail,
    saturated,
    swapped_axes,
    target_scale,
    through_time,
    thrown_out,
    too_few_updates,
    truncation_shorter_than_delay,
    vanishing_through_layers,
)

__all__ = ["FINDINGS"]

_ORDER = (
    # the data
    swapped_axes, padding_tail, target_scale, input_scale, no_temporal_order,
    # the settings
    truncation_shorter_than_delay, learning_rate_too_high, learning_rate_too_low, clip_rules, thrown_out,
    # the network
    vanishing_through_layers, dead_units, saturated, too_few_updates,
    # what shows
    diverged, learning, memorising, majority_only, constant_output, echo, no_better_than_baseline,
)  # fmt: skip

for _module in _ORDER:
    FINDINGS.register(_module.RULE)
for _rule in through_time.RULES:
    FINDINGS.register(_rule)
FINDINGS.register(optimizer_hides_vanishing.RULE)
