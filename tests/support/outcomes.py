"""What a lesson's run came to: its records, its validation losses, the CPU seconds it took."""

import time
from dataclasses import dataclass

import numpy as np

from rnncore import train
from rnncore.config import TrainConfig
from rnncore.records import Record


@dataclass(frozen=True)
class Outcome:
    """A finished run: its records, its validation losses by step, the CPU seconds it took."""

    records: list[Record]
    val_loss: dict[int, float]
    cpu_s: float

    @property
    def final(self) -> float:
        return list(self.val_loss.values())[-1]

    @property
    def best(self) -> float:
        return float(np.nanmin(list(self.val_loss.values())))

    @property
    def clipped(self) -> float:
        return float(np.mean([record.clip_coef < 1 for record in self.records]))

    def between(self, first: int, last: int) -> list[float]:
        return [loss for step, loss in self.val_loss.items() if first <= step <= last]

    def train_loss(self, first: int, last: int) -> float:
        return float(np.mean([record.train_loss for record in self.records[first - 1 : last]]))

    def largest(self, field: str) -> float:
        return float(np.max([getattr(record, field) for record in self.records]))  # NaN stays NaN


def outcome(config: TrainConfig, seed: int) -> Outcome:
    began = time.process_time()
    records = list(train(config.model_copy(update={"seed": seed})))
    losses = {record.step: record.val_loss for record in records if record.val_loss is not None}
    return Outcome(records, losses, time.process_time() - began)
