"""Writes store_0_1_0.sqlite with the code of version 0.1.0 (commit 980cc40), whose modules it imports.

In a checkout of that commit: `PYTHONPATH=$PWD python .../make_store_0_1_0.py FILE`. Real workers train every run; the
file was made once and is never made again by newer code, so that the tests read what that version wrote.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rnncore.config import TrainConfig
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store import Store  # type: ignore[attr-defined]  # where it stood in version 0.1.0

WORKSPACE = "store-of-version-0-1-0"
CSV = ("day,x,y\n" + "\n".join(f"{d},{np.sin(d / 3):.4f},{np.cos(d / 5):.4f}" for d in range(90)) + "\n").encode()
SMALL: dict[str, Any] = {
    "data": {"kind": "task", "task": "sines", "seq_len": 8},
    "model": {"cell": "rnn", "hidden_size": 4},
    "clip": {"method": "norm", "threshold": 0.05},
    "steps": 24,
    "batch_size": 4,
    "eval_every": 8,
    "profile_every": 1,
}


def config(**changes: Any) -> TrainConfig:
    """Return SMALL with changes; those of a section replace single fields of it."""
    merged = {
        name: SMALL[name] | value if isinstance(value, dict) and name in SMALL and name != "data" else value
        for name, value in changes.items()
    }
    return TrainConfig.model_validate(SMALL | merged)


def wait(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Lab:
    """A scheduler with one real worker on a store."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.settings = Settings(data_dir=folder, workers=1, spare_workers=0, **settings)
        self.store = Store(self.settings.store_path)
        self.scheduler = Scheduler(self.store, self.settings)
        self.scheduler.start()

    def start(self, label: str, *configs: TrainConfig, files: Any = ()) -> Any:
        """Start a group."""
        labels = [label] if len(configs) == 1 else [f"{label} {number}" for number in range(1, len(configs) + 1)]
        return self.scheduler.submit(WORKSPACE, configs, labels, files)

    def finish(self, label: str, *configs: TrainConfig, files: Any = (), status: str = "finished") -> None:
        """Start a group and wait for its end."""
        for run in self.start(label, *configs, files=files).runs:
            wait(lambda run=run: self.store.run(run).ended)
            assert self.store.run(run).status == status, self.store.run(run)

    def held(self, label: str, steps: int, run_config: TrainConfig, files: Any = ()) -> str:
        """Start a run, make some single steps and leave it paused; return its id."""
        (run,) = self.start(label, run_config, files=files).runs
        self.scheduler.pause(run)
        for step in range(1, steps + 1):
            wait(lambda: self.store.run(run).status == "paused")
            self.scheduler.step(run)
            wait(lambda step=step: self.store.run(run).step == step)
        wait(lambda: self.store.run(run).status == "paused")
        return run

    def close(self) -> None:
        """Stop as the server does, and close the store, so that the file alone holds everything."""
        self.scheduler.shutdown()
        self.store.close()


def main(target: Path) -> None:
    """Train and copy the store to `target`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lab = Lab(folder, max_profile_rows=16, max_snapshots=4)
        lab.finish("thinned", config(steps=300, eval_every=25))
        lab.close()

        lab = Lab(folder)
        lab.finish("twin", config(), config(clip={"method": "off"}))
        lab.finish("lstm", config(model={"cell": "lstm", "num_layers": 2}, profile_every=4))
        lab.finish("gru", config(model={"cell": "gru"}, seed=3))
        file = lab.store.add_file(WORKSPACE, CSV, "days.csv")
        upload = {"kind": "upload", "files": [{"file": file, "name": "days.csv"}], "targets": ["y"], "window": 6}
        lab.finish("upload", config(data=upload))
        csv = lab.held("csv", 9, config(data={"kind": "csv", "file": file, "target": "x", "window": 6}))
        lab.scheduler.stop(csv)
        wait(lambda: lab.store.run(csv).status == "stopped")
        wild = config(
            data={"kind": "task", "task": "sines", "seq_len": 30},
            model={"nonlinearity": "relu"}, init={"scheme": "identity"}, clip={"method": "off"},
            optimizer={"name": "sgd", "learning_rate": 50.0},
        )  # fmt: skip
        lab.finish("diverged", wild, status="diverged")
        changed = lab.held("changed", 6, config())
        lab.scheduler.set_learning_rate(changed, 0.02)
        lab.scheduler.set_clip_threshold(changed, 0.5)
        lab.scheduler.resume(changed)
        wait(lambda: lab.store.run(changed).status == "finished")
        lab.scheduler.set_note(WORKSPACE, changed, "learning rate and threshold changed after step 6")
        lab.held("interrupted", 11, config(seed=5))
        lab.close()

        lab.store = Store(folder / "runs.sqlite")
        assert [run.label for run in lab.store.runs_of(WORKSPACE) if run.status == "interrupted"] == ["interrupted"]
        for run in lab.store.runs_of(WORKSPACE):
            sys.stdout.write(f"{run.label:12} {run.status:12} {run.step:4} of {run.steps:4}  {run.reason}\n")
        with lab.store.write() as db:
            db.execute("PRAGMA incremental_vacuum")
        lab.store.close()
        assert not (folder / "runs.sqlite-wal").exists()
        target.write_bytes((folder / "runs.sqlite").read_bytes())
        sys.stdout.write(f"{target.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
