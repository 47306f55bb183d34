"""Echo: the forecast is no better than the last known value."""

from rnncore.diagnosis.evidence import Evidence, Line
from rnncore.diagnosis.finding import Finding, Remedy, Rule
from rnncore.diagnosis.remedies import more_steps
from rnncore.diagnosis.trend import falling
from rnncore.diagnosis.why import no_decay
from rnncore.words import figure

FOLLOWS = 0.25  # R^2 from which a forecast follows the series at all


def echoes(e: Evidence) -> Line | None:
    """Return the answer "the last value again" where a forecast follows the series and is no better than that."""
    line = next((line for line in e.lines if line.echo), None)
    others = [other for other in e.to_beat if not other.echo]
    r2 = e.answers("r2")
    if not e.stuck or e.diverged or line is None or line.beaten or r2 is None or r2 < FOLLOWS:
        return None
    if not all(other.beaten for other in others):
        return None
    return line


def judge(e: Evidence) -> Finding | None:
    """Compare the loss with that of the last value again: skill = 1 - loss / loss of the last value."""
    line = echoes(e)
    if line is None:
        return None
    falls = falling(*e.evaluations)
    loss = line.loss - line.margin
    sentence = (
        f"Echo: the forecast is {line.standing} '{line.name}': its loss is {figure(loss, 3)}, that of the last value "
        f"{figure(line.loss, 3)} (skill {figure(line.skill)}, where 0 is no skill). If the series is close to a random "
        "walk, no network can do better."
    )
    remedy = None
    if falls is not None:
        sentence += " The loss is still falling."
        remedy = more_steps(e, 5, 1000)
    evidence = {"skill": line.skill, "val_loss": loss, "last_value": line.loss}
    if (freed := no_decay(e)) is not None:
        return Finding("echo", sentence, evidence, freed)
    return Finding("echo", sentence, evidence, remedy and Remedy(f"{remedy.sentence} It may not help.", remedy.changes))


RULE = Rule(
    key="echo",
    title="Echo",
    help="The forecast is no better than saying the last known value again.",
    group="cause",
    judge=judge,
)
