"""A study run to its end on this machine or a cluster: `rnncore.study`, which the command line calls too."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from rnncore.changes import changed
from rnncore.config import UploadData
from rnncore.data import load_dataset, read_path
from rnncore.errors import ConfigError
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings, SettingsError
from rnncore.runs.store.lock import FolderTaken, StoreError
from rnncore.runs.store.store import Store
from rnncore.runs.studies import StudyStatus
from rnncore.studies.config import MOST_RUNS, StudyConfig, read_study
from rnncore.studies.expansion import cells_of, check_cells
from rnncore.studies.outcome import CellOutcome
from rnncore.studies.table import cells_table, outcomes_of, runs_table, text_table

WORKSPACE = "command"
POLL_S = 0.1
PROBLEM_S = 30.0  # after which a problem that does not pass ends the call
_HUGE = 2**40

Progress = Callable[[StudyStatus], None]


@dataclass(frozen=True, slots=True)
class StudyResult:
    """What came out of a study.

    runs: `RunSummary.to_json()` of each run by its number: that of its cell times the number of seeds, plus the place
    of its seed.
    """

    config: StudyConfig
    cells: list[CellOutcome]
    runs: dict[int, dict[str, Any]] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the cells as a JSON-ready dict."""
        return {"cells": [cell.to_json() for cell in self.cells]}

    def tables(self) -> tuple[pa.Table, pa.Table]:
        """Return a table of the runs and one of the cells."""
        return runs_table(self.config, cells_of(self.config), self.runs), cells_table(self.config, self.cells)

    def __str__(self) -> str:
        return text_table(self.config, self.cells)

    def write(self, folder: Path) -> None:
        """Write study.json, runs.parquet, cells.parquet and cells.csv."""
        runs, cells = self.tables()
        pq.write_table(runs, folder / "runs.parquet", compression="zstd")
        pq.write_table(cells, folder / "cells.parquet", compression="zstd")
        pyarrow.csv.write_csv(cells, folder / "cells.csv")


def study(
    config: StudyConfig | Mapping[str, Any],
    out: str | Path | None = None,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    ray: str | None = None,
) -> StudyResult:
    """Train all runs of a study on `workers` processes (default: one per core), and return what came out of each cell.

    config: a StudyConfig, or what its JSON says. out: a folder for the results; a study that was interrupted goes on
    where it stands when it is called once more with the same config and folder. Without it nothing is kept. progress:
    is called a few times a second. ray: address of a Ray cluster on which the runs execute.

    Each run is, bit for bit, what `rnncore.train` makes of its config, unless the study is `batched`.

    Raises ConfigError or DataError, one sentence, before anything starts.
    """
    asked = read_study(config)
    check_cells(cells_of(asked), lambda each: load_dataset(each.data), asked.success)
    with _folder(out) as folder:
        settings = _settings(folder, workers, ray)
        _keep_config(folder, asked)
        try:
            store = Store(settings.store_path)
        except FolderTaken:
            raise ConfigError(_taken(folder)) from None
        except StoreError as error:
            raise ConfigError(f"--out: {error}") from None
        try:
            result = _to_its_end(store, settings, asked, progress)
            result.write(folder)
        finally:
            store.close()
    return result


def _to_its_end(store: Store, settings: Settings, asked: StudyConfig, progress: Progress | None) -> StudyResult:
    try:
        scheduler = Scheduler(store, settings)
        scheduler.start()
    except FolderTaken:
        raise ConfigError(_taken(settings.data_dir.parent)) from None
    except (SettingsError, StoreError) as error:
        raise ConfigError(str(error)) from None
    try:
        status, well = _begun(scheduler, asked), time.monotonic()
        while status.study.status == "running":
            if progress is not None:
                progress(status)
            time.sleep(POLL_S)
            status = _status(scheduler, status.study.id)
            problem = scheduler.problem()
            well = time.monotonic() if problem is None else well
            if problem is not None and time.monotonic() - well > PROBLEM_S:
                raise ConfigError(problem)
        if progress is not None:
            progress(status)
        summaries, _ = store.study_summaries(status.study.key)
    finally:
        scheduler.shutdown()
    runs = dict(summaries)
    return StudyResult(asked, outcomes_of(asked, cells_of(asked), runs), runs)


def _taken(folder: Path) -> str:
    return f"--out: another study is training into the folder {str(folder)!r}; name another one"


def _begun(scheduler: Scheduler, asked: StudyConfig) -> StudyStatus:
    """Begin the study, or go on with the one that the folder has."""
    known = scheduler.studies.statuses(WORKSPACE)
    if not known:
        return _status(scheduler, scheduler.studies.submit(WORKSPACE, _with_files(scheduler, asked)))
    status = known[0]
    failed = any(
        each["status"] not in ("finished", "diverged")
        for _, each in scheduler.store.study_summaries(status.study.key)[0]
    )
    if status.study.status == "stopped" or (status.study.status == "finished" and failed):
        scheduler.studies.resume(status.study.id)
    return _status(scheduler, status.study.id)


def _status(scheduler: Scheduler, study_id: str) -> StudyStatus:
    status = scheduler.studies.status(study_id)
    assert status is not None
    return status


def _with_files(scheduler: Scheduler, asked: StudyConfig) -> StudyConfig:
    """Return the study with the files of this machine stored, and named by what they hold."""
    data = asked.base.data
    if not isinstance(data, UploadData):
        return asked
    files = [
        {
            "file": scheduler.add_file(WORKSPACE, read_path(entry.file), entry.name or Path(entry.file).name),
            "name": entry.name or Path(entry.file).name,
        }
        for entry in data.files
    ]
    return asked.model_copy(update={"base": changed(asked.base, {"data": {"files": files}})})


def _settings(folder: Path, workers: int | None, ray: str | None) -> Settings:
    """Return settings under which a study of one's own has no limits but those of the machine."""
    try:
        known = Settings.from_env()
        values = known.model_dump() | {
            "data_dir": folder / "work", "workers": known.workers if workers is None else workers, "spare_workers": 0,
            "worker_nice": 0, "max_steps": _HUGE, "max_parameters": _HUGE, "max_study_runs": MOST_RUNS,
            "max_active_per_workspace": _HUGE, "max_file_mb": 2**20, "max_workspace_files_mb": 2**20,
            "max_run_seconds": float(_HUGE), "max_store_mb": 2**20, "keep_days": float(_HUGE), "max_queued": _HUGE,
        }  # fmt: skip
        if ray is not None:
            values |= {"backend": "ray"} | ({"ray_address": ray} if "ray_address" in Settings.model_fields else {})
        return Settings(**values)
    except SettingsError as error:
        raise ConfigError(str(error)) from None


@contextmanager
def _folder(out: str | Path | None) -> Iterator[Path]:
    if out is None:
        with tempfile.TemporaryDirectory(prefix="rnncore-study-") as folder:
            yield Path(folder)
        return
    path = Path(out)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out: the folder {str(path)!r} cannot be written: {error.strerror}") from None
    yield path


def _keep_config(folder: Path, asked: StudyConfig) -> None:
    """Write study.json. Raises ConfigError where the folder has another study."""
    file = folder / "study.json"
    text = json.dumps(asked.model_dump(mode="json", by_alias=True, exclude_none=True), indent=2) + "\n"
    try:
        if file.exists() and file.read_text(encoding="utf-8") != text:
            raise ConfigError(f"--out: the folder {str(folder)!r} holds another study; name another one")
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out: the folder {str(folder)!r} cannot be written: {error.strerror}") from None
