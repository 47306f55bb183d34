"""A padded tail: most of each sequence is constant at its end."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.remedies import shorter_way, undo_mistake

LONG = 0.5  # share of a sequence from which its constant tail is longer than all that it tells


def judge(e: Evidence) -> Finding | None:
    """Tell of a long constant tail in a run that does not learn."""
    tail = e.facts.get("tail", 0.0)
    if not e.sick or tail < LONG:
        return None
    steps = e.facts.get("seq_len", 0.0)
    sentence = (
        f"Padding: the last {tail:.0%} of each sequence, about {tail * steps:.0f} of {steps:.0f} timesteps, are "
        "constant; what comes before them has to be kept through all of these steps, and the gradient has to come back."
    )
    remedy = undo_mistake(e, ("padded",)) or shorter_way(e)
    return Finding("padding_tail", sentence, {"tail": tail, "seq_len": steps}, remedy)


RULE = Rule(
    key="padding_tail",
    title="Padded tail",
    help="Most of each sequence is a constant tail that tells nothing, through which the network must keep what it "
    "read.",
    group="cause",
    judge=judge,
    explains=("no_temporal_order",),
)
