"""Whether a batched model takes less time than its runs one after another: measured, once per machine and size."""

import json
import platform
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from statistics import median

import numpy as np
import platformdirs
import torch

from rnncore.cells import CELLS
from rnncore.config import TrainConfig
from rnncore.data.dataset import Batch, SequenceDataset
from rnncore.engine.batched.lockstep import Lockstep
from rnncore.engine.devices import SMALL
from rnncore.engine.train import Trainer

MOST = 8  # runs together; more would gain little, and touch more memory than caches hold
WORTH = 0.9  # of the time of separate runs, at most
_TIMESTEPS, _STEPS, _ROUNDS = 25, 4, 5


def pays(config: TrainConfig, count: int) -> bool:
    """Tell whether `count` runs like this one take clearly less CPU time together than one after another.

    Measured the first time that it is asked about a size of network and batch, which takes a tenth of a second or more,
    and then kept in a file of the user's cache folder.
    """
    together = min(count, MOST)
    work = config.batch_size * CELLS[config.model.cell].recurrent_work(config.model.hidden_size)
    return together > 1 and work < SMALL and share(config, together) < WORTH


def share(config: TrainConfig, count: int) -> float:
    """Return the CPU time of `count` runs in a batch over that of the same runs one after another."""
    model = config.model
    size = (model.cell, model.nonlinearity, model.num_layers, model.hidden_size, config.batch_size, config.dtype)
    return _kept(" ".join(map(str, (*size, count))), config, count)


def _measured(config: TrainConfig, count: int) -> float:
    model = config.model.model_dump() | {"readout": "last"}
    of_one = TrainConfig.model_validate(
        {"model": model, "batch_size": config.batch_size, "dtype": config.dtype, "device": "cpu", "steps": 1_000_000,
         "eval_every": 1_000_000, "clip": {"method": "norm"}}
    )  # fmt: skip
    dataset = _dataset(config.batch_size)
    alone = Trainer(of_one, dataset).records()
    together = Lockstep([Trainer(of_one, dataset) for _ in range(count)]).records()
    _seconds(alone, _STEPS), _seconds(together, _STEPS * count)
    return median(_seconds(together, _STEPS * count) / (_seconds(alone, _STEPS) * count) for _ in range(_ROUNDS))


def _seconds(records: Iterator[object], count: int) -> float:
    """Return the CPU seconds of this thread that some records take."""
    began = time.thread_time()
    for _ in range(count):
        next(records)
    return time.thread_time() - began


def _dataset(batch_size: int) -> SequenceDataset:
    """Return data that cost nothing to make."""
    generator = np.random.default_rng(0)

    def batch(rows: int) -> Batch:
        return Batch(generator.random((rows, _TIMESTEPS, 2), np.float32), generator.random((rows, 1), np.float32))

    always = batch(batch_size)
    return SequenceDataset(
        name="random numbers", input_size=2, output_size=1, seq_len=_TIMESTEPS, target="regression", per_step=False,
        train_batch=lambda step, size, seed: always, validation=batch(2),
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _shares(file: Path) -> dict[str, float]:
    """Return what has been measured on this machine so far."""
    try:
        found = json.loads(file.read_text("utf-8"))
        return {str(size): float(value) for size, value in found.items()}
    except (OSError, ValueError, AttributeError, TypeError):  # there is none yet, or it is damaged
        return {}


def _kept(size: str, config: TrainConfig, count: int) -> float:
    file = platformdirs.user_cache_path("rnn-gradient-lab", appauthor=False) / f"batched-{_machine()}.json"
    known = _shares(file)
    if size not in known:
        known[size] = _measured(config, count)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            written = file.with_suffix(f".{time.time_ns()}")
            written.write_text(json.dumps(known), "utf-8")
            written.replace(file)
        except OSError:  # then it is measured again in the next process
            pass
    return known[size]


def _machine() -> str:
    """Return what distinguishes machines as far as it matters here, fit for the name of a file."""
    parts = (platform.node(), platform.machine(), torch.__version__, torch.backends.cpu.get_cpu_capability())
    return "".join(letter if letter.isalnum() else "-" for letter in "-".join(parts))
