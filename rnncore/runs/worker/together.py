"""Several runs of a study that train in one job, as one batched model or in turn, and are summarised one by one."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rnncore.codec import Scalars
from rnncore.records import COUNTS, PROFILES, SCALARS, Record
from rnncore.runs.worker.engine import TrainerLike
from rnncore.studies.success import Success
from rnncore.studies.summary import LATE_PROFILES, summarise
from rnncore.words import sentence

_ARRAYS = (*PROFILES, *COUNTS)


class Kept:
    """What is needed of one run to summarise it: all scalars, and the last profiles."""

    def __init__(self) -> None:
        self._rows: list[list[float]] = []
        self._profiles: deque[dict[str, Any]] = deque(maxlen=LATE_PROFILES)
        self._last: Record | None = None

    def add(self, record: Record) -> None:
        """Take the next record."""
        self._last = record
        values = (getattr(record, name) for name in SCALARS)
        self._rows.append([np.nan if value is None else float(value) for value in values])
        if record.hidden_grad_norm is not None:
            arrays = ((name, getattr(record, name)) for name in _ARRAYS)
            self._profiles.append({name: array for name, array in arrays if array is not None})

    def summary(self, trainer: TrainerLike, success: Success | None, runs: int = 1) -> dict[str, Any]:
        """Return `RunSummary.to_json()`; of the time that `runs` took as one model the run has its share."""
        records = Scalars(tuple(SCALARS), np.array(self._rows).reshape(-1, len(SCALARS)))
        diverged = self._last is not None and self._last.diverged is not None
        status, info = "diverged" if diverged else "finished", trainer.info.to_json()
        found = summarise(records, list(self._profiles), info, status, sentence(trainer.ended or ""), success)
        return replace(found, seconds=found.seconds / runs).to_json()


def train_together(
    trainers: Sequence[TrainerLike], steps: Iterator[tuple[int, Record]], success: Success | None
) -> Iterator[Record | list[dict[str, Any]]]:
    """Yield the records of the first run as they come, and at last the summaries of all runs."""
    kept = [Kept() for _ in trainers]
    for place, record in steps:
        kept[place].add(record)
        if place == 0:
            yield record
    yield [each.summary(trainer, success, len(kept)) for each, trainer in zip(kept, trainers, strict=True)]
