"""The warm readers of a server: a few processes, of which nobody holds more than one at a time."""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnncore.config import TrainConfig, UploadData
from rnncore.data.dataset import DataError
from rnncore.data.findings import Arrays
from rnncore.errors import ConfigError
from rnncore.runs.reader.jobs import Files, Findings
from rnncore.runs.reader.process import ReaderProcess

logger = logging.getLogger(__name__)

BUSY = "Many files are being read at this moment; try again in a few seconds."
_TIMES_LONGER = 3  # than a reading a prediction may take, which reads two files and loads torch


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions on a new file: how many rows, the names of the columns, the first rows, notes, picture, and CSV.

    picture: see `rnncore.data.prediction.Prediction`.
    """

    rows: int
    columns: list[str]
    head: list[list[str]]
    notes: list[str]
    picture: dict[str, Any]
    csv: bytes


class ReaderPool:
    """Reads files for many owners at once; safe for threads.

    size: processes. seconds: deadline of one reading, and of the wait for a free reader. memory_mb: how much a reader
    may take beyond what it holds when idle.
    """

    def __init__(self, size: int = 2, seconds: float = 20.0, memory_mb: int = 1024, nice: int = 5) -> None:
        self._seconds, self._memory_mb, self._nice = seconds, memory_mb, nice
        self._free: list[ReaderProcess] = []
        self._missing = size
        self._busy: set[str] = set()  # owners who are being served
        self._changed = threading.Condition()
        self._closed = False

    def warm_up(self) -> None:
        """Start one reader now, so that the first upload need not wait for it."""
        with self._changed:
            if self._missing and not self._closed:
                self._missing -= 1
                self._free.append(self._start())

    def inspect(self, owner: str, options: UploadData, files: Files) -> Findings:
        """Return what files are and become. Raises DataError.

        owner: who waits for it; one reading at a time for each.
        """
        plain, arrays = self._ask(owner, "inspect", {"options": options.model_dump(mode="json")}, files)
        return Findings.from_parts(plain, arrays)

    def script(
        self, owner: str, config: TrainConfig, events: Sequence[tuple[int, str, float]], files: Files
    ) -> str:  # fmt: skip
        """Return a config as a plain torch script. files: (id, content). Raises DataError, ConfigError."""
        request = {"config": config.model_dump(mode="json"), "events": list(events)}
        plain, _ = self._ask(owner, "script", request, files)
        if plain["problem"]:
            raise ConfigError(plain["problem"])
        return str(plain["script"])

    def script_files(self, owner: str, config: TrainConfig, files: Files) -> dict[str, bytes]:
        """Return the files that must lie beside the script, by name. Raises DataError."""
        _, arrays = self._ask(owner, "script_files", {"config": config.model_dump(mode="json")}, files)
        return {name: content.tobytes() for name, content in arrays.items()}

    def predict(self, owner: str, config: TrainConfig, weights: bytes, new: Files, files: Files) -> Predicted:
        """Return what weights (safetensors) answer to new files (name, content). files: the run's own, by their ids.

        The process, which has loaded torch, ends with the answer. Raises DataError.
        """
        request = {"config": config.model_dump(mode="json"), "new": len(new)}
        together = [("weights", weights), *new, *files]
        plain, arrays = self._ask(owner, "predict", request, together, _TIMES_LONGER * self._seconds, once=True)
        return Predicted(csv=arrays["csv"].tobytes(), **plain)

    def close(self) -> None:
        """End all readers that are free; one that is busy ends with its answer."""
        with self._changed:
            self._closed = True
            readers, self._free = self._free, []
        for reader in readers:
            reader.kill()

    def _ask(
        self, owner: str, job: str, request: dict[str, Any], files: Files, seconds: float = 0.0, once: bool = False
    ) -> tuple[dict[str, Any], Arrays]:
        """Return the answer of a reader. seconds: other than the pool's. once: the reader ends with its answer."""
        reader = self._take(owner)
        try:
            return reader.ask(job, request, files, seconds or self._seconds)
        finally:
            if once:
                reader.kill()
            reader.owner = owner
            self._give_back(owner, reader)

    def _take(self, owner: str) -> ReaderProcess:
        deadline = time.monotonic() + self._seconds
        with self._changed:
            while owner in self._busy or not (self._free or self._missing):
                if self._closed or not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    raise DataError(BUSY)
            self._busy.add(owner)
            return self._pick(owner)

    def _pick(self, owner: str) -> ReaderProcess:
        """Return a free reader: the one that knows this owner's files, or another one, or a new one."""
        for reader in [reader for reader in self._free if not reader.alive]:
            reader.kill()  # closes what is left of it
            self._free.remove(reader)
            self._missing += 1
        own = next((reader for reader in self._free if reader.owner == owner), None)
        if own is not None or (self._free and not self._missing):
            reader = own or self._free[0]
            self._free.remove(reader)
            return reader
        if self._free and self._free[0].owner == "":
            return self._free.pop(0)
        self._missing -= 1
        return self._start()

    def _give_back(self, owner: str, reader: ReaderProcess) -> None:
        keep = reader.alive and not reader.grown() and not self._closed
        if not keep:
            reader.kill()
        with self._changed:
            self._busy.discard(owner)
            if keep:
                self._free.append(reader)
            elif self._closed:
                self._missing += 1
            else:
                self._free.append(self._start())  # warm again before somebody needs it
            self._changed.notify_all()

    def _start(self) -> ReaderProcess:
        return ReaderProcess(self._memory_mb, self._nice)
