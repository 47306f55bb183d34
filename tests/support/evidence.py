"""Evidence made by hand: a run of which everything is known and nothing is wrong, to be changed in one respect."""

import math
from typing import Any

import numpy as np

from rnncore.config import TrainConfig
from rnncore.diagnosis.evidence import Evidence, History
from rnncore.diagnosis.finding import Finding
from rnncore.diagnosis.judging import findings


def history(steps: int = 300, epoch: int = 0, first: int = 1, diverged: str | None = None, **columns: Any) -> History:
    """Return a plain history; each column given is a constant or an array."""
    values = {"train_loss": 0.1, "grad_norm": 0.5, "clip_coef": 1.0, "update_norm": 0.05, "val_loss": math.nan}
    filled = {
        name: np.broadcast_to(np.asarray(value, float), steps).copy() for name, value in (values | columns).items()
    }
    return History(step=np.arange(first, first + steps, dtype=float), epoch=epoch, diverged=diverged, **filled)


def line(name: str = "predict 1", loss: float = 0.16, margin: float = 0.1, error: float = 0.01, **more: Any) -> dict:
    """Return a simple answer as `health` has it."""
    return {"name": name, "loss": loss, "margin": margin, "error": error, "train": loss, "knows": False, "echo": False,
            **more}  # fmt: skip


def stuck(**more: Any) -> dict:
    """Return a simple answer that is not beaten."""
    return line(margin=0.001, error=0.01, **more)


def health(*lines: dict, answers: dict | None = None, layers: list[dict] | None = None, **more: Any) -> dict:
    """Return a part "health" of a run that learns, with other `lines`, answers or layers where they are given."""
    return {
        "loss": 0.06, "baselines": list(lines or (line(),)), "answers": {"spread": 0.8, "r2": 0.6, **(answers or {})},
        "layers": layers or [{"saturated": 0.0, "dead": 0.0, "size": 0.3}], "feature": 1.0, "weight_norm": 10.0,
        "first_weight_norm": 8.0,
        "spike": {"ratio": 3.0, "step": 7, "norm": 3.0, "before": 1.0, "loss_before": 0.2}, **more,
    }  # fmt: skip


CONSTANT = {"spread": 0.02, "r2": -0.01}

# A kind, the config as JSON has it, what `sick` makes the evidence of; sentence, figures, and the remedy's sentence and
# changes, or None.
Told = tuple[str, dict, dict, str, dict[str, float], tuple[str, dict] | None]


def evidence(config: dict | None = None, facts: dict | None = None, **more: Any) -> Evidence:
    """Return evidence of a run; config: as JSON has it."""
    known = {"seq_len": 50.0, "input_rms": 0.6, "tail": 0.0, "forecast": 0.0, "order": 0.02, **(facts or {})}
    return Evidence(
        more.pop("history", history()),
        config=TrainConfig.model_validate(config or {}),
        health=more.pop("health", health()),
        facts=known,
        over=more.pop("over", True),
        **more,
    )


def found(*arguments: Any, **more: Any) -> dict[str, Finding]:
    """Return the findings about evidence by kind, the most important first."""
    return {each.kind: each for each in findings(evidence(*arguments, **more))}


def sick(
    config: dict,
    facts: dict | None = None,
    profile: Any = None,
    lines: list[dict] | None = None,
    healthy: bool = False,
    **more: Any,
) -> dict[str, Finding]:
    """Return the findings about a run that is stuck, unless it has `lines` or is `healthy`; more: for `health`."""
    columns = more.pop("history", {})
    part = health(*(lines or ([line()] if healthy else [stuck()])), **more)
    part["layers"] = more.get("layers", part["layers"])
    return found(config, facts, history=history(**columns), health=part, profile=profile)
