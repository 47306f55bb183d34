"""No order in time: neighbouring values are unrelated although the data are given as a series."""

import math

from rnncore.data.facts import UNRELATED
from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.remedies import undo_mistake
from rnncore.words import figure

# An autocorrelation of N unrelated values is about 1/sqrt(N) off 0; the largest over 10 lags and several inputs is
# about 3 times that (Bartlett 1946).
ERRORS = 3.0


def judge(e: Evidence) -> Finding | None:
    """Tell of timesteps that were moved, or of a series of unrelated values in a run that does not learn from it."""
    order, moved = e.facts.get("order"), bool(e.facts.get("reordered"))
    if order is None or not (moved or (e.stuck and e.facts.get("forecast"))):
        return None
    chance = max(UNRELATED, ERRORS / math.sqrt(max(1.0, e.facts.get("train_size", math.inf))))
    if not moved and order >= chance:
        return None
    evidence = {"autocorrelation": order}
    if moved:
        said = "the timesteps of each sequence stand in another order than the data have them in"
    else:
        said = (
            f"the largest autocorrelation within a sequence, over up to 10 steps, is {figure(order)}, which is what "
            "unrelated numbers have; the rows may be shuffled, or the series may be noise"
        )
    return Finding("no_temporal_order", f"No order in time: {said}.", evidence, undo_mistake(e, ("shuffled_time",)))


RULE = Rule(
    key="no_temporal_order",
    title="No order in time",
    help="Neighbouring values are unrelated although the data are a series: the rows are shuffled, or the series is "
    "noise.",
    group="cause",
    judge=judge,
)
