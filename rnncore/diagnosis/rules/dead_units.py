"""Dead units: ReLU units that are 0 for every sequence."""

from rnncore.cells import CELLS
from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Remedy, Rule

MOST = 0.5  # share of a layer's units that are dead


def judge(e: Evidence) -> Finding | None:
    """Tell of a layer most of whose units are always 0, in a run that is no better than a simple answer."""
    if not e.stuck or e.diverged or not e.layers:
        return None
    if e.config is not None and e.config.model.nonlinearity != "relu":
        return None
    shares = [layer.get("dead") or 0.0 for layer in e.layers]
    share = max(shares)
    if share < MOST:
        return None
    layer = shares.index(share) + 1
    where = f" in layer {layer}" if len(shares) > 1 else ""
    sentence = (
        f"Dead units: {share:.0%} of the units{where} are 0 at every timestep of every sequence, so they have no "
    )
    sentence += "gradient and cannot come back."
    remedy = None
    if e.config is not None:
        known = CELLS[e.config.model.cell].nonlinearities
        if "tanh" in known:
            remedy = Remedy("Non-linearity: tanh, whose units cannot die.", {"model": {"nonlinearity": "tanh"}})
    return Finding("dead_units", sentence, {"dead": share, "layer": float(layer)}, remedy)


RULE = Rule(
    key="dead_units",
    title="Dead units",
    help="ReLU units whose output is 0 for every sequence: they have no gradient, so training cannot bring them back.",
    group="cause",
    judge=judge,
    may_take_longer=True,
)
