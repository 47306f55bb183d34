"""A run as a folder of plain files: config.json, info.json, records.jsonl, snapshots.jsonl, weights."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from rnncore.config import TrainConfig
from rnncore.errors import ConfigError
from rnncore.records import RunInfo
from rnncore.snapshot import Snapshot


class RunFolder:
    """Writes a run as it goes; every record is on disk before the next one begins.

    Raises ConfigError when the folder cannot be written or already holds a run.
    """

    def __init__(self, path: Path, config: TrainConfig, info: RunInfo) -> None:
        self._path = path
        if (path / "records.jsonl").exists():
            raise ConfigError(f"--out: the folder {str(path)!r} already holds a run; name another one")
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / "config.json").write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")
            (path / "info.json").write_text(json.dumps(info.to_json(), indent=2) + "\n", encoding="utf-8")
            self._records = (path / "records.jsonl").open("x", encoding="utf-8", buffering=1)
            self._snapshots = (path / "snapshots.jsonl").open("w", encoding="utf-8", buffering=1)
        except OSError as error:
            raise ConfigError(f"--out: the folder {str(path)!r} cannot be written: {error.strerror}") from None

    def append(self, line: str) -> None:
        """Add one record, a JSON object on one line."""
        self._records.write(line + "\n")

    def append_snapshot(self, step: int, snapshot: Snapshot) -> None:
        """Add what the run showed at the evaluation of `step`: `Snapshot.to_json` and the step, on one line."""
        self._snapshots.write(json.dumps({"step": step, **snapshot.to_json()}, allow_nan=False) + "\n")

    def close(self, weights: dict[str, NDArray[np.floating]]) -> None:
        """Write the weights, named as in the model, and end the run."""
        self._records.close()
        self._snapshots.close()
        save_file(
            {name: np.ascontiguousarray(values) for name, values in weights.items()}, self._path / "weights.safetensors"
        )
