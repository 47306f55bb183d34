"""No better than a baseline: an answer that takes no learning does as well."""

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.why import because
from rnncore.words import figure


def judge(e: Evidence) -> Finding | None:
    """Name the first simple answer that is not beaten by two standard errors of the paired difference."""
    line = next((line for line in e.to_beat if not line.beaten), None)
    if not e.stuck or e.diverged or line is None:
        return None
    loss = line.loss - line.margin
    explained, remedy = because(e)
    sentence = (
        f"Not learning: the validation loss of {figure(loss, 3)} is {line.standing} '{line.name}' "
        f"({figure(line.loss, 3)}; the difference has a standard error of {figure(line.error)}){explained}."
    )
    evidence = {"val_loss": loss, "baseline": line.loss, "standard_error": line.error, "skill": line.skill}
    return Finding("no_better_than_baseline", sentence, evidence, remedy)


RULE = Rule(
    key="no_better_than_baseline",
    title="No better than a baseline",
    help="On sequences that it was not trained on, the network is no better than an answer that takes no learning.",
    group="cause",
    judge=judge,
)
