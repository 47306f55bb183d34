"""Memorising: the training sequences are learned by heart, and new ones are answered no better for it."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.words import figure

BY_HEART = 0.8  # training loss over that of the best simple answer on training sequences, below which they are known
APART = 1.3  # validation loss over training loss (as far as the simple answer's own losses do not explain it)


def judge(e: Evidence) -> Finding | None:
    """Tell of a training loss below the simple answers' while the validation loss is not, or rises."""
    hardest = e.hardest
    if e.diverged or hardest is None or e.history.epoch < 1 or e.train_loss is None or not e.ripe:
        return None
    loss = hardest.loss - hardest.margin
    expected = loss * hardest.train / hardest.loss if hardest.loss else loss
    if e.train_loss >= BY_HEART * hardest.train or expected < APART * e.train_loss:
        return None
    evidence = {"train_loss": e.train_loss, "val_loss": loss, "baseline": hardest.loss}
    lead = f"Memorising: training loss {figure(e.train_loss, 3)}, but {figure(loss, 3)} on new sequences"
    if not e.beaten:
        return Finding(
            "memorising", f"{lead}, {hardest.standing} '{hardest.name}' ({figure(hardest.loss, 3)}).", evidence
        )
    steps, losses = e.evaluations
    best = int(losses.argmin()) if len(losses) else -1
    if best < 0 or losses[best] > 0.9 * loss:
        return None
    evidence |= {"best": float(losses[best]), "best_step": float(steps[best])}
    sentence = f"{lead}, which was {figure(float(losses[best]), 3)} at step {int(steps[best]):,} and has risen since."
    return Finding("memorising", sentence, evidence)


RULE = Rule(
    key="memorising",
    title="Memorising",
    help="The training loss falls, but on sequences that it was not trained on the network is no better for it.",
    group="description",
    judge=judge,
)
