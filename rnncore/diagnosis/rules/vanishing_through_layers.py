"""Vanishing through the layers: the gradient shrinks on its way down from layer to layer."""

import numpy as np

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Remedy, Rule
from rnncore.words import figure

VANISHED = 1e-2  # largest gradient of layer 1 over that of the last layer; two layers of any cell stay above .05


def judge(e: Evidence) -> Finding | None:
    """Compare the largest gradients over time of layer 1 and of the last layer, in a run that does not learn."""
    if not e.stuck or e.diverged or e.profile is None:
        return None
    values = np.atleast_2d(np.asarray(e.profile, np.float64))  # (L, T)
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    first, last = float(values[0].max()), float(values[-1].max())
    if not last > 0 or first / last >= VANISHED:
        return None
    L, ratio = len(values), first / last
    sentence = (
        f"Vanishing through the layers: of {L} layers, the gradient of layer 1 is at most {figure(first)}, that of "
        f"layer {L} {figure(last)}; {figure(ratio)} of it arrives, so the lower layers hardly learn."
    )
    evidence = {"ratio": ratio, "first": first, "last": last, "layers": float(L)}
    remedy = None
    if e.config is not None:
        fewer = 1 if L <= 4 else 2
        remedy = Remedy(f"Layers: {L} -> {fewer}.", {"model": {"num_layers": fewer}})
    return Finding("vanishing_through_layers", sentence, evidence, remedy)


RULE = Rule(
    key="vanishing_through_layers",
    title="Vanishing through the layers",
    help="The gradient shrinks on its way down from layer to layer, so that the lower layers hardly learn.",
    group="cause",
    judge=judge,
    may_take_longer=True,
)
