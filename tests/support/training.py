"""Tiny training runs: the adding problem or noise, and whether two runs agree to the last bit."""

from dataclasses import fields
from typing import Any

import numpy as np

from rnncore import TrainConfig, train
from rnncore.data.dataset import Batch, SequenceDataset, TargetKind
from rnncore.records import Record


def config(**changes: Any) -> TrainConfig:
    """A tiny run: adding problem, T = 6, H = 4, batches of 3, 6 steps."""
    small: dict[str, Any] = {
        "data": {"kind": "task", "task": "adding", "seq_len": 6},
        "model": {"hidden_size": 4} | changes.pop("model", {}),
        "steps": 6,
        "batch_size": 3,
        "profile_every": 2,
        "eval_every": 3,
    }
    return TrainConfig.model_validate(small | changes)


def run(dataset: SequenceDataset | None = None, **changes: Any) -> list[Record]:
    return list(train(config(**changes), dataset))


def same(a: Record, b: Record) -> bool:
    """Whether two records agree bit for bit in everything but the time."""
    names = [f.name for f in fields(Record) if f.name != "elapsed_s"]
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in names)  # None equals None here


def assert_same_runs(first: list[Record], second: list[Record]) -> None:
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert same(a, b), f"step {a.step}"


def random_dataset(
    target: TargetKind = "regression", per_step: bool = False, ragged: bool = False, seq_len: int = 6
) -> SequenceDataset:
    """Fresh noise each step: 2 inputs, 3 outputs (1 where binary)."""
    width = 1 if target == "binary" else 3

    def sample(rng: np.random.Generator, count: int) -> Batch:
        inputs = rng.normal(size=(count, seq_len, 2)).astype(np.float32)
        shape = (count, seq_len) if per_step else (count,)
        targets: Any = rng.normal(size=(*shape, width)).astype(np.float32)
        if target == "binary":
            targets = (targets > 0).astype(np.float32)
        elif target == "multiclass":
            targets = rng.integers(0, width, shape)
        return Batch(inputs, targets, rng.integers(1, seq_len + 1, count) if ragged else None)

    def train_batch(step: int, batch_size: int, seed: int) -> Batch:
        return sample(np.random.default_rng([seed, step]), batch_size)

    validation = sample(np.random.default_rng(99), 10)
    return SequenceDataset("noise", 2, width, seq_len, target, per_step, train_batch, validation)
