"""What the presets show, seed by seed: `python -m benchmarks.opening [--seeds N] [--search] [--record]`.

--search tries experiments of four families of tasks for an opening; --record writes the pictures of the presets and the
recorded example of the board anew.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.timing import table
from dashboard.experiment.opening import DEFAULT
from dashboard.experiment.presets import EXAMPLE, PICTURES, PRESETS, Preset
from dashboard.experiment.twins import twins
from dashboard.experiment.words import in_words
from dashboard.figures import columns_read
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.data.dataset import SequenceDataset
from rnncore.engine.train import Trainer
from rnncore.runs.read.series import records_since
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store

PROFILE_BYTES = 16_000  # of each run in it
RISES, SPIKES = 1e3, 10.0  # g[1] / g[T] of a profile that rises; times the threshold of a norm that is a spike
HEAD = (
    "experiment",
    "seed",
    "run",
    "rise >= 1e3",
    "first, second, last third",
    "loss / baseline",
    "spikes",
    "end",
    "s",
)


@dataclass(frozen=True)
class Outcome:
    """What one run recorded. rises: g[1] / g[T] of the top layer at each recorded step; final: loss over baseline."""

    rises: NDArray[np.float64]
    norms: NDArray[np.float64]
    final: float
    diverged: int | None
    seconds: float

    def share(self, first: float = 0.0, last: float = 1.0) -> float:
        """Return the share of the recordings that rise, of those between two shares of the run."""
        count = len(self.rises)
        return float(np.mean(self.rises[int(first * count) : int(last * count)] >= RISES))

    def thirds(self) -> tuple[float, float, float]:
        """Return the share that rises in each third of the run."""
        return self.share(0, 1 / 3), self.share(1 / 3, 2 / 3), self.share(2 / 3, 1)


@cache
def _data(text: str) -> SequenceDataset:
    return load_dataset(TrainConfig.model_validate_json(text).data)


def outcome(config: TrainConfig) -> Outcome:
    """Train a run to its end."""
    began = time.process_time()
    trainer = Trainer(config, _data(TrainConfig(data=config.data).model_dump_json()))
    rises, norms, final, diverged = [], [], np.nan, None
    with np.errstate(divide="ignore", invalid="ignore"):
        for record in trainer.records():
            norms.append(record.grad_norm)
            final = final if record.val_loss is None else record.val_loss
            if record.diverged:
                diverged = record.step
            elif record.hidden_grad_norm is not None:
                profile = record.hidden_grad_norm[-1].astype(np.float64)
                rises.append(profile[0] / profile[-1])
    baseline = trainer.info.baselines[0].loss
    seconds = time.process_time() - began
    return Outcome(np.array(rises), np.array(norms), final / baseline, diverged, seconds)


def row(name: str, config: TrainConfig, run: str) -> tuple[str, ...]:
    """Train a run and return its line of the table."""
    found = outcome(config)
    thirds = ", ".join(f"{100 * share:.0f} %" for share in found.thirds())
    spikes = int((found.norms > SPIKES * config.clip.threshold).sum())
    end = "finite" if found.diverged is None else f"step {found.diverged}"
    rise = f"{100 * found.share():.1f} %"
    return name, str(config.seed), run, rise, thirds, f"{found.final:.2g}", str(spikes), end, f"{found.seconds:.1f}"


def candidates() -> Iterator[TrainConfig]:
    """Yield experiments of four families: forecasts of the Lorenz system, Mackey-Glass, sines; the adding problem."""
    tasks = (("lorenz", 35), ("mackey_glass", 40), ("sines", 40), ("adding", 50))
    for (task, seq_len), radius, rate in product(tasks, (2.0, 2.5), (0.003, 0.008)):
        data = {"kind": "task", "task": task, "seq_len": seq_len}
        changes: dict[str, Any] = {
            "data": data,
            "init": {"scheme": "spectral", "spectral_radius": radius},
            "optimizer": {"name": "adam", "learning_rate": rate},
        }
        yield TrainConfig.model_validate(DEFAULT.model_dump() | changes)


def search() -> None:
    """Print what all candidates give, with the seed of the opening experiment."""
    names = ("clipped", "not clipped")
    lines = [
        row(f"{in_words(config)} · radius {config.init.spectral_radius:g}", twin, name)
        for config in candidates()
        for twin, name in zip(twins(config), names, strict=True)
    ]
    print(table(HEAD, lines))


def record() -> None:
    """Write the presets' pictures and the board's example anew."""
    about = {
        "made_by": "python -m benchmarks.opening --record",
        "what": "real runs, seed as in config; pictures: log10 of g[t] / g[T], t = 1 to T, of each run of a preset",
        "torch": version("torch"),
        "machine": platform.machine(),
    }
    own = [preset for preset in PRESETS.values() if preset.configs]
    configs = {preset.key: [_given(config) for config in preset.configs] for preset in own}
    drawn = {"about": about, "configs": configs, "pictures": {preset.key: _picture(preset) for preset in own}}
    PICTURES.write_text(json.dumps(drawn) + "\n")
    example = {"about": about, "config": configs["clipped"][0], "runs": _example()}
    EXAMPLE.write_text(json.dumps(example, separators=(",", ":")) + "\n")


def _given(config: TrainConfig) -> dict[str, Any]:
    return config.model_dump(mode="json")


def _picture(preset: Preset) -> list[list[float]]:
    lines = []
    for config in preset.configs:
        wanted = preset.shown_step or config.steps
        for each in Trainer(config).records():
            if each.step == wanted and each.hidden_grad_norm is not None:
                profile = each.hidden_grad_norm[-1].astype(np.float64)
                lines.append([round(float(value), 2) for value in np.log10(profile / profile[-1])])
                break
    return lines


def _example() -> list[dict[str, Any]]:
    """Return what the server sends of the opening experiment's twins, with fewer points and profiles."""
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), workers=1)
        store = Store(settings.store_path)
        scheduler = Scheduler(store, settings)
        scheduler.start()
        group = scheduler.submit("example", twins(DEFAULT), ["clipped", "not clipped"], keep_when_gone=True)
        while not all(run.ended for run in store.group(group.id)):
            time.sleep(0.2)
        runs = []
        for run in store.group(group.id):
            answer = records_since(store, run.id, 0, DEFAULT.steps, columns_read(), PROFILE_BYTES) or {}
            runs.append({**answer, "run": "", "snapshot_step": None, "info": run.info})
        scheduler.shutdown()
        store.close()
    return runs


def main() -> int:
    """Print the table of the presets; return 1 where a run ended early."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.record:
        record()
    elif options.search:
        search()
    else:
        lines = [
            row(preset.title, config.model_copy(update={"seed": seed}), name)
            for preset in PRESETS.values()
            for seed in range(options.seeds)
            for name, config in zip(preset.names, preset.configs, strict=True)
        ]
        print(table(HEAD, lines))
        return int(any(line[-2] != "finite" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
