"""The scale of the targets: numbers far larger than those that a network gives out at first."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import SCALE_EXPLAINS, Finding, Rule
from rnncore.diagnosis.remedies import scale_data, undo_mistake
from rnncore.words import figure

# A read-out of H units begins with answers below 1, and its weights move by about the learning rate in a step: targets
# of size 10 take an adaptive optimiser of 0.005 thousands of steps, and throw SGD out (LeCun et al. 1998, section 4.3).
LARGE = 10.0


def judge(e: Evidence) -> Finding | None:
    """Tell of large targets in a run that does not learn."""
    size = e.facts.get("target_rms", 0.0)
    if not e.sick or size < LARGE:
        return None
    mean, std = e.facts.get("target_mean", 0.0), e.facts.get("target_std", 0.0)
    sentence = (
        f"Targets are not scaled: their mean is {figure(mean)} and their standard deviation {figure(std)}, while the "
        "network begins with answers near 0; errors and gradients are as large as the targets."
    )
    remedy = undo_mistake(e, ("unscaled_targets",)) or scale_data(e, "the targets")
    return Finding("target_scale", sentence, {"mean": mean, "std": std, "rms": size}, remedy)


RULE = Rule(
    key="target_scale",
    title="Scale of the targets",
    help="The targets are numbers far larger than those a network gives out at first, so that its errors, and the "
    "gradient with them, are huge.",
    group="cause",
    judge=judge,
    explains=("input_scale", *SCALE_EXPLAINS),
)
