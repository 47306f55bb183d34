"""Synthetic tasks: each is one function with the decorator `task`, which puts it into the registry `TASKS`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.config import TaskData
from rnncore.data.dataset import Batch, SequenceDataset
from rnncore.data.sampling import VALIDATION_SIZE, finite_batches, fresh_batches, validation_rng
from rnncore.records import Baseline


@dataclass(frozen=True, slots=True)
class Task:
    """A task: what the UI says about it, and the function that builds its data from a config."""

    title: str
    description: str
    source: str
    default_length: int
    build: Callable[[TaskData, int], SequenceDataset]


TASKS: dict[str, Task] = {}

Build = Callable[[TaskData, int], SequenceDataset]


def task(name: str, *, title: str, description: str, source: str, seq_len: int) -> Callable[[Build], Build]:
    """Register `build(config, seq_len) -> SequenceDataset` under `name`; seq_len is the task's default length."""

    def register(build: Build) -> Build:
        TASKS[name] = Task(title, description, source, seq_len, build)
        return build

    return register


def task_dataset(config: TaskData) -> SequenceDataset:
    """Build the data of a synthetic task."""
    chosen = TASKS[config.task]
    return chosen.build(config, config.seq_len or chosen.default_length)


def _share_within_004(outputs: NDArray[Any], batch: Batch) -> float:
    """Share of sequences with |error| < .04, the criterion of Hochreiter & Schmidhuber (1997), experiment 4."""
    return float(np.mean(np.abs(outputs - batch.targets) < 0.04))


@task(
    "adding",
    title="Adding problem",
    description="Each timestep brings a random number and a marker; two markers are set, one in each half of the "
    "sequence. After the last step the network must say the sum of the two marked numbers. It has to keep the first "
    "one for half a sequence or more, while everything in between is noise.",
    source="Hochreiter & Schmidhuber (1997), Long short-term memory, experiment 4",
    seq_len=50,
)
def adding(config: TaskData, seq_len: int) -> SequenceDataset:
    """x_t = (u_t ~ U[0,1], marker); target = sum of the two marked values."""

    def sample(rng: np.random.Generator, count: int) -> Batch:
        inputs = np.zeros((count, seq_len, 2), np.float32)  # (B, T, 2)
        inputs[:, :, 0] = rng.random((count, seq_len), np.float32)
        rows, half = np.arange(count), seq_len // 2
        first, second = rng.integers(0, half, count), rng.integers(half, seq_len, count)  # (B,) each
        inputs[rows, first, 1] = inputs[rows, second, 1] = 1
        targets = inputs[rows, first, 0] + inputs[rows, second, 0]  # (B,)
        return Batch(inputs, targets[:, None])

    # Var(u + v) = 1/6 and E|u + v - 1| = 1/3; with one addend known what remains is U[-1/2, 1/2]. Huber's delta is 1,
    # no error exceeds it, so the Huber loss is half the squared error.
    know_none, know_one = "predict 1", "one number known"
    return SequenceDataset(
        name="adding",
        input_size=2,
        output_size=1,
        seq_len=seq_len,
        target="regression",
        per_step=False,
        train_batch=fresh_batches(sample),
        validation=sample(validation_rng(), VALIDATION_SIZE),
        baselines={
            "mse": (Baseline(know_none, 1 / 6), Baseline(know_one, 1 / 12)),
            "mae": (Baseline(know_none, 1 / 3), Baseline(know_one, 1 / 4)),
            "huber": (Baseline(know_none, 1 / 12), Baseline(know_one, 1 / 24)),
        },
        metric="share with |error| < .04",
        metric_function=_share_within_004,
    )


NOISE_TRAIN_SIZE = 100


@task(
    "noise",
    title="Noise",
    description="One hundred sequences of random numbers with random targets: there is nothing to learn. On new "
    "sequences no network can do better than always predicting 1/2 (MSE 1/12); a lower training loss is "
    "memorisation. This is the example of many tutorials on gradient clipping.",
    source="uniform noise, X = U[0,1]^(100 x 10 x 1), y = U[0,1]^(100 x 1)",
    seq_len=10,
)
def noise(config: TaskData, seq_len: int) -> SequenceDataset:
    """100 fixed training sequences of U[0,1] numbers, each with an independent U[0,1] target."""

    def sample(rng: np.random.Generator, count: int) -> Batch:
        return Batch(rng.random((count, seq_len, 1), np.float32), rng.random((count, 1), np.float32))

    train = sample(validation_rng(stream=2), NOISE_TRAIN_SIZE)
    chance = "predict 1/2"
    return SequenceDataset(
        name="noise",
        input_size=1,
        output_size=1,
        seq_len=seq_len,
        target="regression",
        per_step=False,
        train_batch=finite_batches(NOISE_TRAIN_SIZE, lambda rows: Batch(train.inputs[rows], train.targets[rows])),
        validation=sample(validation_rng(), VALIDATION_SIZE),
        train_size=NOISE_TRAIN_SIZE,
        baselines={
            "mse": (Baseline(chance, 1 / 12),),
            "mae": (Baseline(chance, 1 / 4),),
            "huber": (Baseline(chance, 1 / 24),),
        },
    )
