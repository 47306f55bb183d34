"""What may stand behind answers that tell nothing: a gradient that does not reach the beginning of the sequence."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Remedy
from rnncore.diagnosis.quantities import figure
from rnncore.diagnosis.remedies import more_steps, shorter_way
from rnncore.diagnosis.rules.through_time import FADING, reached


def because(e: Evidence) -> tuple[str, Remedy | None]:
    """Return the rest of a sentence, and what to try: a shorter way for the gradient, or else more steps."""
    found = reached(e)
    if found is not None and found.reach < FADING:
        arrives = f"only {figure(found.reach)}" if found.reach else "nothing"
        told = f"; {arrives} of the gradient at the end arrives at the first timestep"
        return told, shorter_way(e) or more_steps(e, 5, 1000)
    remedy = more_steps(e, 5, 1000)
    return "", remedy and Remedy(f"{remedy.sentence} It may not help.", remedy.changes)
