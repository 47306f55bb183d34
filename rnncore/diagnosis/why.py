"""What may stand behind answers that tell nothing: a gradient that vanishes on its way back, or one that explodes."""

import math

from rnncore.cells import CELLS
from rnncore.choices import READOUTS
from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Remedy
from rnncore.diagnosis.remedies import another_form, clip_at, more_steps, shorter_way, usual_weights
from rnncore.diagnosis.rules.through_time import FADING, VANISHING, reached
from rnncore.words import figure

FAR = 10.0  # loss over that of a simple answer above which more of the same training is no advice
DECAYS = 0.5  # share of the gradient (or of the update) from which weight decay decides where the weights go
USUAL_NORM = 1.0  # a threshold to begin with


def lost(e: Evidence) -> bool:
    """Whether the loss is far above that of a simple answer: weights that were thrown so far lack no updates."""
    hardest = e.hardest
    return hardest is not None and hardest.loss - hardest.margin > FAR * hardest.loss


def no_decay(e: Evidence) -> Remedy | None:
    """Return the remedy of a run whose weights are held back by weight decay as much as the gradient moves them."""
    if e.decay_share < DECAYS or e.config is None:
        return None
    sentence = f"Weight decay {figure(e.config.optimizer.weight_decay)} -> 0: it pulls the weights towards 0."
    return Remedy(sentence, {"optimizer": {"weight_decay": 0.0}})


def because(e: Evidence) -> tuple[str, Remedy | None]:
    """Return the rest of a sentence, and what to try.

    That is no decay, a network that is not linear, other weights, a shorter way, clipping, more steps.
    """
    if (freed := no_decay(e)) is not None:
        return f"; weight decay pulls the weights {figure(e.decay_share)} times as far as {_beside(e)}", freed
    if e.config is not None and CELLS[e.config.model.cell].linear and not READOUTS[e.config.model.readout].attends:
        told = f"; {CELLS[e.config.model.cell].phrase} with this read-out is linear: it cannot multiply two inputs"
        return told, another_form(e)
    found = reached(e)
    if found is not None and found.reach < FADING:
        arrives = f"only {figure(found.reach)}" if found.reach else "nothing"
        told = f"; {arrives} of the gradient at the end arrives at the first timestep"
        return told, usual_weights(e) or shorter_way(e) or more_steps(e, 5, 1000)
    clips = e.config is not None and e.config.clip.method != "off"
    if found is not None and not found.reach <= 1 / VANISHING and not clips and lost(e):
        told = "the gradient that arrives at the first timestep is "
        told += f"{figure(found.reach)} times the one at the end" if math.isfinite(found.reach) else "no longer finite"
        return f"; {told}", clip_at(e, USUAL_NORM, "so that no gradient takes a longer step; it may not help")
    remedy = usual_weights(e) or more_steps(e, 5, 1000)
    return "", remedy and Remedy(f"{remedy.sentence} It may not help.", remedy.changes)


def _beside(e: Evidence) -> str:
    return "the whole update goes" if e.optimizer == "adamw" else "the gradient"
