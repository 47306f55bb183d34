"""An examination: train as a config says, then tell what is found out about the run."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rnncore.changes import changed
from rnncore.config import TrainConfig
from rnncore.data.dataset import SequenceDataset
from rnncore.diagnosis.evidence import FIRST, RECENT, Evidence, History
from rnncore.diagnosis.finding import Finding
from rnncore.diagnosis.judging import findings
from rnncore.diagnosis.quantities import measured, unequal
from rnncore.engine.train import Trainer
from rnncore.records import Record

_COLUMNS = ("step", "train_loss", "grad_norm", "clip_coef", "update_norm", "val_loss", "learning_rate")


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found, most important first, after `step` steps; diverged: why the run could not go on, or None."""

    findings: tuple[Finding, ...]
    step: int
    diverged: str | None
    evidence: Evidence

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict: findings and step."""
        return {"findings": [each.to_json() for each in self.findings], "step": self.step}


def diagnose(config: TrainConfig, steps: int | None = None, dataset: SequenceDataset | None = None) -> dict[str, Any]:
    """Train as `config` says and return what is found out, as `python -m rnncore diagnose` prints it.

    Keys: findings, most important first, of kind, sentence, evidence (numbers by name) and remedy (sentence and
    changes, a partial configuration, or None); and step, how far the run came. steps: instead of the config's own.
    dataset: instead of the one that `config.data` describes. Raises ConfigError or DataError.
    """
    return examine(config, steps, dataset).to_json()


def examine(config: TrainConfig, steps: int | None = None, dataset: SequenceDataset | None = None) -> Examination:
    """Train as `config` says and return what is found out, see `diagnose`."""
    if steps is not None:
        config = changed(config, {"steps": steps})
    trainer = Trainer(config, dataset)
    rows: list[tuple[float, ...]] = []
    hidden = direct = health = split = counts = None
    record: Record | None = None
    for record in trainer.records():
        values = (getattr(record, name) for name in _COLUMNS)
        rows.append(tuple(np.nan if value is None else float(value) for value in values))
        if record.hidden_grad_norm is not None:
            counts = record.sequence_count
            hidden, direct = (measured(each, counts) for each in (record.hidden_grad_norm, record.direct_grad_norm))
        if record.snapshot is not None:
            health, split = record.snapshot["health"], record.snapshot.get("saturation")
    assert record is not None
    table = np.array(rows)
    looked_at = (table[:, 0] <= FIRST) | (table[:, 0] > record.step - RECENT)
    columns = dict(zip(_COLUMNS, table[looked_at].T, strict=True))
    history = History(**columns, epoch=record.epoch, diverged=record.diverged)
    ragged = unequal(counts)
    evidence = Evidence(
        history, config, hidden, direct, health, trainer.info.facts, over=True, split=split, ragged=ragged
    )
    return Examination(tuple(findings(evidence)), record.step, record.diverged, evidence)
