"""The largest spike of the gradient norm so far: the norm of a step over the median norm of the steps before it."""

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Any

BEFORE = 50  # steps that a spike is held against


@dataclass(slots=True)
class Spikes:
    """Follows a run step by step. ratio, step: of the largest spike; norm, before: its norm and the median before it.

    loss_before: the median training loss of the steps before the spike.
    """

    ratio: float = 0.0
    step: int = 0
    norm: float = 0.0
    before: float = 0.0
    loss_before: float = 0.0
    norms: deque[float] = field(default_factory=lambda: deque(maxlen=BEFORE))
    losses: deque[float] = field(default_factory=lambda: deque(maxlen=BEFORE))

    def add(self, step: int, norm: float, loss: float) -> None:
        """Take note of a step's gradient norm and training loss."""
        # A norm that is no larger than the spike so far times the smallest one before it is no larger spike.
        if self.norms and norm > self.ratio * min(self.norms):
            before = median(self.norms)
            if norm > self.ratio * before:
                self.ratio = norm / before if before else 0.0  # after norms of 0 there is nothing to compare with
                self.step, self.norm, self.before = step, norm, before
                self.loss_before = median(self.losses)
        self.norms.append(norm)
        self.losses.append(loss)

    def largest(self) -> dict[str, Any]:
        """Return the largest spike so far, JSON-ready."""
        return {name: getattr(self, name) for name in ("ratio", "step", "norm", "before", "loss_before")}

    def state_dict(self) -> dict[str, Any]:
        """Return what a continued run needs, JSON-ready."""
        return {**self.largest(), "norms": list(self.norms), "losses": list(self.losses)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict()`."""
        for name, value in state.items():
            setattr(self, name, deque(value, maxlen=BEFORE) if isinstance(value, list) else value)
