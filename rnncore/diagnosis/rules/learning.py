"""Learning: every simple answer is beaten by more than chance explains."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.words import figure


def judge(e: Evidence) -> Finding | None:
    """Say what is beaten, and by how much: of the difference on the same sequences, at least two standard errors."""
    hardest = e.hardest
    if not e.beaten or hardest is None:
        return None
    loss = hardest.loss - hardest.margin
    how, part = ("Learning", "") if e.learning else ("Learning a little", f", {100 * hardest.skill:.2g} % of it,")
    sentence = (
        f"{how}: validation loss {figure(loss, 3)}, below '{hardest.name}' ({figure(hardest.loss, 3)}) by "
        f"{figure(hardest.margin)}{part} with a standard error of {figure(hardest.error)}"
    )
    evidence = {"val_loss": loss, "baseline": hardest.loss, "skill": hardest.skill, "standard_error": hardest.error}
    further = [line for line in e.lines if line.knows]
    missed = next((line for line in further if not line.beaten), None)
    if missed is not None:
        sentence += f"; not yet below '{missed.name}' ({figure(missed.loss, 3)})"
    elif further:
        sentence += f", and below '{further[-1].name}' ({figure(further[-1].loss, 3)})"
    return Finding("learning", f"{sentence}.", evidence)


RULE = Rule(
    key="learning",
    title="Learning",
    help="On sequences that it was not trained on, the network beats every simple answer by more than chance explains.",
    group="description",
    judge=judge,
)
