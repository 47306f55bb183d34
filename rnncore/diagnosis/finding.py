"""A finding: what was found out about a run, with its figures, and the one change that may help; the rules for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from rnncore.diagnosis.evidence import Evidence
from rnncore.registry import Choice, Registry

Group = Literal["description", "cause"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change to try: a sentence, and the change itself as a partial, nested `TrainConfig`.

    `rnncore.changes.changed` applies it: {"optimizer": {"learning_rate": 0.001}}.
    """

    sentence: str
    changes: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {"sentence": self.sentence, "changes": self.changes}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: its kind (a key of `FINDINGS`), a plain sentence with figures, those figures by name, a remedy."""

    kind: str
    sentence: str
    evidence: dict[str, float] = field(default_factory=dict)
    remedy: Remedy | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        remedy = self.remedy and self.remedy.to_json()
        return {"kind": self.kind, "sentence": self.sentence, "evidence": dict(self.evidence), "remedy": remedy}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Choice):
    """What can be found. help: the glossary's sentence on it. group: a description is never a fault by itself.

    judge: returns the finding where it holds, else None; also where what it needs is not known. explains: kinds that
    follow from this one, and are then no causes of their own. may_take_longer: its change takes the cause away, while
    the task may need more steps than the run has, which the remedy then says.
    """

    group: Group
    judge: Callable[[Evidence], Finding | None]
    explains: tuple[str, ...] = ()
    may_take_longer: bool = False


FINDINGS: Registry[Rule] = Registry("finding")

# What follows from numbers of a wrong size, wherever they are.
SCALE_EXPLAINS = (
    "learning_rate_too_high",
    "learning_rate_too_low",
    "thrown_out",
    "clip_rules",
    "saturated",
    "dead_units",
    "too_few_updates",
)
