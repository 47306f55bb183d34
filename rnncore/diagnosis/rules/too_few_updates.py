"""Too few updates: the run ended before training could have an effect, or while the loss was still falling."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.remedies import more_steps
from rnncore.diagnosis.rules.echo import echoes
from rnncore.diagnosis.trend import falling
from rnncore.diagnosis.why import lost
from rnncore.words import figure

FEW = 100  # steps in which a gradient step of a healthy size (0.5 % of the weights) can have moved them by half
LEAST = 1000
MORE = 10  # times as many steps are tried
FAR = 10.0  # times the loss of the simplest answer, above which a loss must be on its way to get below that in those


def judge(e: Evidence) -> Finding | None:
    """Tell of a short run, or of a loss that was still falling at its end, where nothing has been learned."""
    if not e.stuck or e.diverged or not e.over:
        return None
    steps, losses = e.evaluations
    remedy = more_steps(e, MORE, LEAST)
    if e.step < FEW:
        steps_are = "1 step is" if e.step == 1 else f"{e.step:,} steps are"
        sentence = f"Too few updates: {steps_are} not enough to move the weights anywhere."
        if remedy is not None:
            sentence += " Whether the network can learn this cannot be told yet."
        return Finding("too_few_updates", sentence, {"steps": float(e.step)}, remedy)
    falls = falling(steps, losses)
    if falls is None or echoes(e) is not None or lost(e):
        return None
    since, before, now = falls
    if _out_of_reach(e, since, before, now):
        return None
    sentence = (
        f"Too few updates: the validation loss is still falling, from {figure(before, 3)} at step {since:,} to "
        f"{figure(now, 3)} at step {e.step:,}."
    )
    return Finding("too_few_updates", sentence, {"steps": float(e.step), "before": before, "now": now}, remedy)


def _out_of_reach(e: Evidence, since: int, before: float, now: float) -> bool:
    """Tell whether a loss far above all simple answers would stay there: it falls on as it has since a step."""
    if not e.to_beat or now <= FAR * e.to_beat[0].loss:
        return False
    paces = (MORE - 1) * e.step / max(e.step - since, 1)
    return bool(now * (now / before) ** paces > e.to_beat[0].loss)


RULE = Rule(
    key="too_few_updates",
    title="Too few updates",
    help="The run ended before training could have an effect, or while the loss was still falling.",
    group="cause",
    judge=judge,
)
