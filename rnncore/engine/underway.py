"""A training step on its way: what it is to do, and what has come of it so far."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Plan:
    """What a step is to do: evaluate and take a snapshot, record profiles, at this learning rate."""

    step: int
    evaluating: bool
    recording: bool
    learning_rate: float

    @property
    def measuring(self) -> bool:
        """Whether its state gradients are looked at."""
        return self.recording or self.evaluating


@dataclass(slots=True)
class Underway:
    """A step whose backward pass is done. parts: of its snapshot. problem: what keeps it from being done."""

    plan: Plan
    train_loss: float
    grad_norm: float
    problem: str | None
    parts: dict[str, Any] | None = None
    clip_coef: float = 1.0
    update_norm: float = 0.0


def non_finite(what: str, value: float) -> str | None:
    """Return what is wrong with a number that is not finite, else None."""
    if math.isfinite(value):
        return None
    return f"the {what} became {'NaN' if math.isnan(value) else 'infinite'}"
