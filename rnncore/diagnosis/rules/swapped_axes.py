"""Swapped axes: what the network answers to one sequence depends on the others in its batch."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.remedies import undo_mistake
from rnncore.words import figure

MIXED = 1e-3  # change of an answer, in standard deviations of all answers, far above what rounding does (1e-6)


def judge(e: Evidence) -> Finding | None:
    """Compare the answer to a sequence alone with that in a batch; they are the same unless sequences touch."""
    mixes = e.facts.get("mixes")
    if mixes is None or mixes < MIXED:
        return None
    sentence = (
        "Batch and time have changed places: the answer to a sequence changes when other sequences stand beside it, by "
        f"{figure(mixes)} of their spread, so the network reads across the batch instead of along time."
    )
    return Finding("swapped_axes", sentence, {"mixes": mixes}, undo_mistake(e, ("swapped_batch_and_time",)))


RULE = Rule(
    key="swapped_axes",
    title="Swapped axes",
    help="Batch and time have changed places: it reads one sequence after another instead of step after step.",
    group="cause",
    judge=judge,
    explains=("no_temporal_order", "too_few_updates"),
)
