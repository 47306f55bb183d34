"""What is known of a run when it is judged: its recorded numbers, its data and what was measured at its evaluations.

Whatever is absent is None or empty, and no rule claims anything from it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rnncore.config import TrainConfig
from rnncore.diagnosis.quantities import Floats, first_non_finite

ERRORS = 2.0  # standard errors of a paired difference from which one loss is said to beat another
WEAK = 0.05  # share of a baseline's loss that a network must save before it is said to learn in spite of other signs
PATIENCE = 50  # steps before a run is said not to learn; a shorter run is judged at its end
FIRST, RECENT = 60, 2_000  # steps from the start, and of late, that a run is judged by
FALLEN = 0.1  # share of the learning rate below which a schedule has taken it away
LATELY = 50  # steps whose median stands for "now"
CONSTANT = 0.1  # spread of the answers over that of the targets below which they are nearly the same ...
UNEXPLAINED = 0.05  # ... where they explain less than this of the targets' variance (R^2)
SATURATED = 0.5  # share of units or gates at the ends of their range from which they are said to be saturated


@dataclass(frozen=True, slots=True)
class History:
    """Scalars of a run so far, one per recorded step; val_loss is NaN between evaluations.

    learning_rate: that of each step, after the schedule; empty where it is not known.
    gaps: NaN is a number that nobody recorded, as of a watched model; one that is not finite stands there as inf.
    diverged: why the numbers are no longer finite; "" where it is known that they are, None where they tell.
    """

    step: Floats
    train_loss: Floats
    grad_norm: Floats
    clip_coef: Floats
    update_norm: Floats
    val_loss: Floats
    epoch: int = 0
    diverged: str | None = None
    learning_rate: Floats = field(default_factory=lambda: np.zeros(0))
    gaps: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A simple answer on the validation set, and by how much the network's loss is below its own.

    error: standard error of that difference. train: its loss on training sequences. knows: it takes some knowledge.
    """

    name: str
    loss: float
    margin: float
    error: float
    train: float
    knows: bool = False
    echo: bool = False

    @property
    def beaten(self) -> bool:
        """Whether the network is better by more than chance explains."""
        return self.margin > 0 and self.margin >= ERRORS * self.error

    @property
    def standing(self) -> str:
        """How the network compares with it where it does not beat it: by two standard errors, or hardly."""
        if self.margin > 0:
            return "not clearly better than"
        return "no better than" if self.margin > -ERRORS * self.error else "worse than"

    @property
    def skill(self) -> float:
        """Share of its loss that the network saves: 1 - loss / loss of this answer."""
        return self.margin / self.loss if self.loss else 0.0


@dataclass(frozen=True)
class Evidence:
    """What rules look at.

    config: of the run; None for a model that is only watched. profile, direct: (L, T), of the step that is judged.
    health: the part "health" of the last snapshot up to that step, split: its part "saturation". facts:
    `rnncore.data.facts`. over: there are no more steps to come. ragged: sequences are of unequal length, so that the
    columns of profiles are lags, the last one each sequence's own end.
    """

    history: History
    config: TrainConfig | None = None
    profile: ArrayLike | None = None
    direct: ArrayLike | None = None
    health: Mapping[str, Any] | None = None
    facts: Mapping[str, float] = field(default_factory=dict)
    over: bool = False
    split: Mapping[str, Any] | None = None
    ragged: bool = False

    @cached_property
    def step(self) -> int:
        """The newest step."""
        return int(self.history.step[-1]) if self.history.step.size else 0

    @cached_property
    def diverged(self) -> str | None:
        """Why the run's numbers are no longer finite, or None."""
        if self.history.diverged is not None:
            return self.history.diverged.rstrip(".") or None
        columns = self.history.train_loss, self.history.grad_norm
        if self.history.gaps:
            since = _since(self.history.step, np.array(columns))
            return None if since is None else f"since step {since:,} the recorded numbers are not finite"
        step = first_non_finite(self.history.step, *columns)
        return None if step is None else f"the numbers stopped being finite at step {step:,}"

    @cached_property
    def lines(self) -> list[Line]:
        """The simple answers, the easiest to beat first; none where the network's own loss is not known."""
        if not self.health or self.health.get("loss") is None:
            return []
        lines = []
        for each in self.health["baselines"]:
            numbers = {name: each[name] for name in ("loss", "margin", "error", "train")}
            if None not in numbers.values():
                lines.append(Line(each["name"], knows=each["knows"], echo=each["echo"], **numbers))
        return sorted(lines, key=lambda line: -line.loss)

    @property
    def to_beat(self) -> list[Line]:
        """Those that take no knowledge of the problem."""
        return [line for line in self.lines if not line.knows]

    @cached_property
    def hardest(self) -> Line | None:
        """Of those that take no knowledge the best one."""
        return self.to_beat[-1] if self.to_beat else None

    @cached_property
    def constant(self) -> bool:
        """Whether the answers are known to hardly differ from sequence to sequence, and to explain nothing.

        Such answers can beat a constant one by the difference between the means of validation and training set.
        """
        spread, r2 = self.answers("spread"), self.answers("r2")
        return spread is not None and r2 is not None and spread < CONSTANT and r2 < UNEXPLAINED

    @cached_property
    def beaten(self) -> bool:
        """Whether every answer that takes no knowledge is beaten by more than chance explains, not by a constant."""
        if self.diverged or self.constant or not self.to_beat:
            return False
        return all(line.beaten for line in self.to_beat)

    @cached_property
    def learning(self) -> bool:
        """Whether they are all beaten, and by so much that nothing can be badly wrong."""
        return self.beaten and self.hardest is not None and self.hardest.skill >= WEAK

    @cached_property
    def ripe(self) -> bool:
        """Whether there were enough steps to say that a run does not learn."""
        return self.over or self.step >= PATIENCE or self.diverged is not None

    @cached_property
    def sick(self) -> bool:
        """Whether the run is known not to learn, or hardly to learn, or diverged."""
        return self.diverged is not None or (self.ripe and bool(self.to_beat) and not self.learning)

    @cached_property
    def stuck(self) -> bool:
        """Whether the run is known to be no better than a simple answer, or diverged."""
        return self.sick and not self.beaten

    def due_to_units(self, layer: int) -> float | None:
        """Return which part of a layer's (from 0) shrinking gradient is due to its units; None where none is known.

        That is the sum of the terms "units" over that of both, all steps back together: 0 for a linear network, above 1
        where the weights make it longer.
        """
        if self.split is None:
            return None
        units, weights = (self.split[name][layer] for name in ("units_total", "weights_total"))
        if units is None or weights is None or units + weights >= 0:
            return None
        return float(units / (units + weights))

    def answers(self, name: str) -> float | None:
        """Return a number about the answers on the validation set (`health.answers`), or None."""
        value = (self.health or {}).get("answers", {}).get(name)
        return None if value is None else float(value)

    def number(self, name: str) -> float | None:
        """Return a number of the part "health", or None."""
        value = (self.health or {}).get(name)
        return None if value is None else float(value)

    @property
    def layers(self) -> list[Mapping[str, Any]]:
        """What is known of the units of each layer."""
        return list((self.health or {}).get("layers", []))

    @cached_property
    def update_ratio(self) -> float | None:
        """The median update of late over the norm of the weights."""
        weights = self.number("weight_norm")
        finite = self._finite(self.history.update_norm)
        if not weights or not finite.size:
            return None
        return float(np.median(finite[-LATELY:])) / weights

    @cached_property
    def first_ratio(self) -> float | None:
        """The median update of the first steps over the norm of the initial weights; None where they are not known."""
        weights = self.number("first_weight_norm")
        first = self._finite(self.history.update_norm[self.history.step <= LATELY])
        return float(np.median(first)) / weights if weights and first.size else None

    @cached_property
    def norms(self) -> Floats:
        """The gradient norms before clipping, those that are finite."""
        return self._finite(self.history.grad_norm)

    @cached_property
    def evaluations(self) -> tuple[Floats, Floats]:
        """Steps and validation losses of the evaluations."""
        known = np.isfinite(self.history.val_loss)
        return self.history.step[known], self.history.val_loss[known]

    @cached_property
    def train_loss(self) -> float | None:
        """The median training loss of late."""
        finite = self._finite(self.history.train_loss)
        return float(np.median(finite[-LATELY:])) if finite.size else None

    @cached_property
    def optimizer(self) -> str:
        """The key of the optimiser, "" where it is not known."""
        return self.config.optimizer.name if self.config else ""

    @cached_property
    def adaptive(self) -> bool:
        """Whether the optimiser makes its updates about as long whatever the length of the gradient."""
        return self.optimizer not in ("", "sgd")

    @cached_property
    def learning_rate(self) -> float | None:
        """The learning rate of the configuration."""
        return self.config.optimizer.learning_rate if self.config else None

    @cached_property
    def rate_of_late(self) -> float | None:
        """The median learning rate of late, after the schedule; that of the configuration where it is not known."""
        finite = self._finite(self.history.learning_rate)
        return float(np.median(finite[-LATELY:])) if finite.size else self.learning_rate

    @cached_property
    def rate_has_fallen(self) -> bool:
        """Whether a schedule has kept the learning rate below a tenth of what it is set to for most of the steps."""
        finite = self._finite(self.history.learning_rate)
        if self.config is None or self.config.schedule.name == "constant" or not finite.size:
            return False
        return float(np.median(finite)) < FALLEN * self.config.optimizer.learning_rate

    @cached_property
    def decay_share(self) -> float:
        """How far weight decay pulls the weights of late, as a share of how far the gradient does; 0 without any.

        Added to the gradient: weight decay times weight norm over gradient norm. Decoupled (AdamW): what it takes off
        the weights over the whole update.
        """
        decay, weights = self.config.optimizer.weight_decay if self.config else 0.0, self.number("weight_norm")
        if not decay or not weights:
            return 0.0
        if self.optimizer == "adamw":
            return (self.rate_of_late or 0.0) * decay / self.update_ratio if self.update_ratio else 0.0
        return decay * weights / float(np.median(self.norms[-LATELY:])) if self.norms[-LATELY:].any() else 0.0

    @cached_property
    def initial_radius(self) -> float | None:
        """The spectral radius that the initial W_hh is drawn with; None where its scheme sets none.

        Of a matrix (H, H) of independent values it is about their standard deviation times sqrt(H) (circular law).
        """
        if self.config is None:
            return None
        init = self.config.init
        if init.scheme == "spectral":
            return init.spectral_radius
        return init.std * math.sqrt(self.config.model.hidden_size) if init.scheme == "normal" else None

    @cached_property
    def saturated(self) -> tuple[float, float]:
        """The largest share of a layer's units, and the mean share of gates, that are at the ends of their range.

        (0, 0) where it is not known; the states of ReLU have no upper end.
        """
        relu = self.config is not None and self.config.model.nonlinearity == "relu"
        units = 0.0 if relu else max((layer.get("saturated") or 0.0 for layer in self.layers), default=0.0)
        return units, _mean(self.gates)

    @cached_property
    def gates(self) -> dict[str, float]:
        """The share of each gate's values below 0.05 or above 0.95, of the layer where they are most."""
        shares = [
            {name: (low or 0.0) + (high or 0.0) for name, (low, high) in (layer.get("gates") or {}).items()}
            for layer in self.layers
        ]
        return max(shares, key=_mean, default={})

    @staticmethod
    def _finite(values: Floats) -> Floats:
        return values[np.isfinite(values)]


def _mean(shares: Mapping[str, float]) -> float:
    return sum(shares.values()) / len(shares) if shares else 0.0


def _since(step: Floats, columns: Floats) -> int | None:
    """Return since which step all that is recorded is not finite up to the newest one, or None; NaN is not recorded."""
    bad = np.atleast_1d(np.isinf(columns).any(axis=0))
    if not bad.size or not bad[-1]:
        return None
    fine = np.flatnonzero(~bad)
    return int(step[fine[-1] + 1 if fine.size else 0])
