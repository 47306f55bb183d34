"""Saturated units: most states or gates are at the ends of their range, where their slope is nearly 0."""

from collections.abc import Mapping
from typing import Any

from rnncore.diagnosis.evidence import SATURATED, Evidence
from rnncore.diagnosis.finding import Finding, Rule
from rnncore.diagnosis.remedies import learning_rate


def judge(e: Evidence) -> Finding | None:
    """Tell of saturated units or gates in a run that is no better than a simple answer."""
    if not e.stuck or e.diverged or not e.layers:
        return None
    relu = e.config is not None and e.config.model.nonlinearity == "relu"
    units = 0.0 if relu else max(layer.get("saturated") or 0.0 for layer in e.layers)
    gates = max((_gates(layer) for layer in e.layers), key=_mean)
    shares = {"units": units} | {f"gate_{name}": share for name, share in gates.items()}
    gate = _mean(gates)
    if units < SATURATED and gate < SATURATED:
        return None
    parts = [f"{units:.0%} of the units' values are beyond 0.95"] if units >= SATURATED else []
    if gate >= SATURATED:
        parts.append(f"{gate:.0%} of the gates' values are below 0.05 or above 0.95")
    sentence = f"Saturated: {' and '.join(parts)}, where their slope is nearly 0."
    remedy = learning_rate(
        e, (e.learning_rate or 0.0) / 10, ", and begin anew; it may not help if the inputs are large."
    )
    return Finding("saturated", sentence, shares, remedy)


def _gates(layer: Mapping[str, Any]) -> dict[str, float]:
    """Return the share of the values of each gate of a layer that are at the ends of their range."""
    return {name: (low or 0.0) + (high or 0.0) for name, (low, high) in (layer.get("gates") or {}).items()}


def _mean(gates: dict[str, float]) -> float:
    return sum(gates.values()) / len(gates) if gates else 0.0


RULE = Rule(
    key="saturated",
    title="Saturated units",
    help="Most units or gates are at the ends of their range, where their slope is nearly 0.",
    group="cause",
    judge=judge,
)
