"""Every limit of the background half in one frozen object; each can be set by an environment variable."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import platformdirs

from rnncore.runs.machine import available_cores, available_memory_mb

PREFIX = "RNNLAB_"


class SettingsError(ValueError):
    """An environment variable that cannot be used; the message is one plain sentence."""


IDLE_WORKER_MB = 300  # torch, loaded and warm


def default_workers() -> int:
    """Return one worker per core, fewer where they would fill half of the memory by merely being there."""
    return max(1, min(available_cores(), available_memory_mb() // 2 // IDLE_WORKER_MB))


def default_spare_workers() -> int:
    """Return one for each 8 GB of memory, at most 2: a second death may come before the first spare's heir is warm."""
    return min(2, available_memory_mb() // 8000)


def default_worker_memory_mb() -> int:
    """Return an equal share of two thirds of the memory, between 512 and 4,096 MB."""
    return min(max(available_memory_mb() * 2 // 3 // default_workers() - IDLE_WORKER_MB, 512), 4096)


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and places. The field `max_steps` is set by the environment variable `RNNLAB_MAX_STEPS`, and so on.

    Where:
        data_dir: folder of the run store.
    Workers:
        workers: runs that train at once, one process and one core each.
        spare_workers: further warm processes, that take over at once when one dies (300 MB each; one per 8 GB of
        memory, at most 2).
        worker_memory_mb: address space a run may take beyond what its process holds when idle (Linux, CPU runs).
        worker_nice: how far workers step back behind the page (0 to 19).
    Limits of a start:
        max_steps, max_parameters: per run. max_active_per_workspace: running, paused and queued runs of one workspace.
        max_queued: queued runs of everybody. max_file_mb, max_workspace_files_mb: one upload, all of a workspace's.
        min_free_disk_mb: nothing starts when the disk has less left.
    Limits of a run:
        max_run_seconds: training time, pauses not counted. pause_hold_seconds: how long a paused run keeps its process
        while others wait. gone_seconds: how long queued and paused runs outlive the last sign of their workspace.
        stop_grace_seconds: time to stop by itself before the process is terminated, and again before it is killed.
        checkpoint_seconds: shortest time between checkpoints.
    Sizes of the store:
        max_profile_rows, max_profile_mb: gradient profiles kept per run. max_snapshots, max_snapshot_mb: snapshots.
        max_store_mb: whole store. keep_days: age at which ended runs are removed.
    Pace:
        flush_ms: a worker sends its records this often. commit_ms: the store gathers them this long.
    """

    data_dir: Path = field(default_factory=lambda: platformdirs.user_data_path("rnn-gradient-lab", appauthor=False))
    workers: int = field(default_factory=default_workers)
    spare_workers: int = field(default_factory=default_spare_workers)
    worker_memory_mb: int = field(default_factory=default_worker_memory_mb)
    worker_nice: int = 5
    max_steps: int = 200_000
    max_parameters: int = 2_000_000
    max_active_per_workspace: int = 8
    max_queued: int = 400
    max_file_mb: int = 20
    max_workspace_files_mb: int = 100
    min_free_disk_mb: int = 256
    max_run_seconds: float = 1800.0
    pause_hold_seconds: float = 10.0
    gone_seconds: float = 300.0
    stop_grace_seconds: float = 2.0
    checkpoint_seconds: float = 5.0
    max_profile_rows: int = 2000
    max_profile_mb: int = 24
    max_snapshots: int = 200
    max_snapshot_mb: int = 4
    max_store_mb: int = 4096
    keep_days: float = 30.0
    flush_ms: int = 80
    commit_ms: int = 40

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            lowest = 1 if item.name in ("workers", "max_profile_rows") else 0
            if not isinstance(value, Path) and not value >= lowest:
                raise SettingsError(f"{env_name(item.name)}: {value} is not allowed; allowed: {lowest} or more")

    @property
    def store_path(self) -> Path:
        """File of the run store."""
        return self.data_dir / "runs.sqlite"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Return the defaults, overridden by `RNNLAB_...` variables. Raises SettingsError."""
        given: dict[str, int | float | Path] = {}
        for item in fields(cls):
            text = environ.get(env_name(item.name), "")
            if text:
                given[item.name] = _parse(item.name, item.type, text)
        return cls(**given)  # type: ignore[arg-type]


def env_name(field_name: str) -> str:
    """Return the environment variable that sets a field."""
    return PREFIX + field_name.upper()


def _parse(name: str, kind: object, text: str) -> int | float | Path:
    if kind is Path:
        return Path(text).expanduser()
    try:
        return int(text) if kind is int else float(text)
    except ValueError:
        word = "a whole number" if kind is int else "a number"
        raise SettingsError(f"{env_name(name)}: {text!r} is not allowed; allowed: {word}") from None
