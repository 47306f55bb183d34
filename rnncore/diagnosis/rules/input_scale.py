"""The scale of the inputs: numbers far larger than 1 drive every unit to the end of its range."""

from collections.abc import Mapping
from typing import Any

from rnncore.cells import CELLS
from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import SCALE_EXPLAINS, Finding, Rule
from rnncore.diagnosis.remedies import scale_data, undo_mistake
from rnncore.words import figure

# Input weights are drawn up to 1/sqrt(H): inputs of size 10 saturate tanh in layers of up to about 100 units
# (LeCun et al. 1998, section 4.3: inputs of mean 0 and variance 1).
LARGE = 10.0
ALL_SATURATED = 0.9  # share of states beyond 0.95 that no scaled data bring about


def judge(e: Evidence) -> Finding | None:
    """Tell of large inputs in a run that does not learn, or whose units they have driven to the ends of their range."""
    size = e.facts.get("input_rms", 0.0)
    saturated = max((_saturated(layer) for layer in e.layers), default=None)
    if size < LARGE or not (e.sick or (saturated or 0.0) >= ALL_SATURATED):
        return None
    largest = e.facts.get("input_max", size)
    evidence = {"rms": size, "max": largest}
    told = ""
    if saturated is not None and _has_ends(e):
        evidence["saturated"] = saturated
        told = f"; {saturated:.0%} of the values of units or gates are at the ends of their range"
    sentence = (
        f"Inputs are not scaled: their typical size is {figure(size)} and the largest is {figure(largest)}{told}."
    )
    remedy = undo_mistake(e, ("unscaled",)) or scale_data(e, "the inputs")
    return Finding("input_scale", sentence, evidence, remedy)


def _has_ends(e: Evidence) -> bool:
    """Tell whether anything of the network has a range with ends: gates, or units that are squashed."""
    if e.config is None:
        return True
    cell = CELLS[e.config.model.cell]
    return bool(cell.gates) or (cell.squashed and e.config.model.nonlinearity != "relu")


def _saturated(layer: Mapping[str, Any]) -> float:
    """Return the share of states, or of the values of all gates, that are at the ends of their range."""
    gates = [(low or 0.0) + (high or 0.0) for low, high in (layer.get("gates") or {}).values()]
    return max(layer.get("saturated") or 0.0, sum(gates) / len(gates) if gates else 0.0)


RULE = Rule(
    key="input_scale",
    title="Scale of the inputs",
    help="The inputs are numbers far larger than 1, which drive every unit to the end of its range at once.",
    group="cause",
    judge=judge,
    explains=SCALE_EXPLAINS,
)
