"""Saturated units: most states or gates are at the ends of their range, where their slope is nearly 0."""

from rnncore.diagnosis.evidence import SATURATED, Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.remedies import learning_rate, usual_weights


def judge(e: Evidence) -> Finding | None:
    """Tell of saturated units or gates in a run that is no better than a simple answer."""
    if not e.stuck or e.diverged or not e.layers:
        return None
    units, gate = e.saturated
    shares = {"units": units} | {f"gate_{name}": share for name, share in e.gates.items()}
    if units < SATURATED and gate < SATURATED:
        return None
    parts = [f"{units:.0%} of the units' values are beyond 0.95"] if units >= SATURATED else []
    if gate >= SATURATED:
        parts.append(f"{gate:.0%} of the gates' values are below 0.05 or above 0.95")
    sentence = f"Saturated: {' and '.join(parts)}, where their slope is nearly 0."
    remedy = usual_weights(e) or learning_rate(
        e, (e.learning_rate or 0.0) / 10, ", and begin anew; it may not help if the inputs are large."
    )
    return Finding("saturated", sentence, shares, remedy)


RULE = Rule(
    key="saturated",
    title="Saturated units",
    help="Most units or gates are at the ends of their range, where their slope is nearly 0.",
    group="cause",
    judge=judge,
)
