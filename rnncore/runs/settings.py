"""Every limit and place of the background half in one frozen object; an environment variable sets each."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import platformdirs
from annotated_types import Ge, Le
from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core.core_schema import ValidatorFunctionWrapHandler
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from rnncore.runs.machine import available_cores, available_memory_mb

PREFIX = "RNNLAB_"
IDLE_WORKER_MB = 300  # torch, loaded and warm
_KINDS = {int: "a whole number", float: "a number"}


class SettingsError(Exception):
    """A setting that cannot be used; the message is one plain sentence: variable, value, what is allowed."""


def default_data_dir() -> Path:
    """Return this user's folder for the data of programs."""
    return platformdirs.user_data_path("rnn-gradient-lab", appauthor=False)


def default_workers() -> int:
    """Return one worker per core, fewer where they would fill half of the memory by merely being there."""
    return max(1, min(available_cores(), available_memory_mb() // 2 // IDLE_WORKER_MB))


def default_spare_workers() -> int:
    """Return one for each 8 GB of memory, at most 2: a second worker may die before the first spare is replaced."""
    return min(2, available_memory_mb() // 8000)


def default_worker_memory_mb() -> int:
    """Return an equal share of two thirds of the memory, between 512 and 4,096 MB."""
    return min(max(available_memory_mb() * 2 // 3 // default_workers() - IDLE_WORKER_MB, 512), 4096)


def _about(group: str, default: str = "", allowed: str = "") -> dict[str, Any]:
    """Return what docs/settings.md says beside the field: its group; in words, what the field itself cannot tell."""
    return {"group": group, "default": default, "allowed": allowed}


class Settings(BaseSettings):
    """Limits and places. The field `max_steps` is set by the environment variable `RNNLAB_MAX_STEPS`, and so on.

    `Settings(...)` takes what is given and the defaults, `from_env()` reads the environment. Both raise SettingsError.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    data_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default_factory=default_data_dir,
        description="Folder of the run store. One server at a time may use it.",
        json_schema_extra=_about("Places", "`rnn-gradient-lab` in the user's data folder", "a folder"),
    )
    backend: str = Field(
        "local",
        min_length=1,
        description="Engine that executes the runs: `local` is worker processes on this machine, `ray` a Ray cluster.",
        json_schema_extra=_about("Places", allowed="`local`, `ray`, or one that a plugin brings"),
    )
    plugins: str = Field(
        "",
        description="Python modules that add cells and other choices, with commas between them; imported at the start.",
        json_schema_extra=_about("Places", allowed="names of modules"),
    )

    trusted_proxies: str = Field(
        "",
        description="Network addresses of reverse proxies, with commas between them, whose header X-Forwarded-For tells"
        " the client's address; nobody else's is believed.",
        json_schema_extra=_about("Places", allowed="network addresses"),
    )

    workers: int = Field(
        default_factory=default_workers,
        ge=1,
        description="Runs that train at once, each in a process and on a core of its own.",
        json_schema_extra=_about("Workers", "one per core, fewer where memory is scarce"),
    )
    spare_workers: int = Field(
        default_factory=default_spare_workers,
        ge=0,
        description=f"Further warm processes, which take over at once when one dies; each takes {IDLE_WORKER_MB} MB.",
        json_schema_extra=_about("Workers", "one per 8 GB of memory, at most 2"),
    )
    worker_memory_mb: int = Field(
        default_factory=default_worker_memory_mb,
        ge=0,
        description="Memory (MB of address space) that a run may take beyond what its process holds when idle;"
        " 0: no limit. Only Linux enforces it, and only for runs on the CPU.",
        json_schema_extra=_about("Workers", "an equal share of two thirds of the memory, between 512 and 4096"),
    )
    worker_nice: int = Field(
        5,
        ge=0,
        le=19,
        description="Priority of the workers below the page's process (the system's nice value).",
        json_schema_extra=_about("Workers"),
    )

    ray_address: str = Field(
        "",
        description="Address of the cluster's head, as `10.0.0.1:6379`; empty: one is started on this machine.",
        json_schema_extra=_about("Ray cluster (`RNNLAB_BACKEND=ray`)", allowed="an address"),
    )
    ray_runs: int = Field(
        0,
        ge=0,
        description="Runs that train at once; 0: as many as the CPUs and GPUs of the cluster allow. More than that lets"
        " a cluster that can grow do so.",
        json_schema_extra=_about("Ray cluster (`RNNLAB_BACKEND=ray`)"),
    )
    ray_cpus_per_run: float = Field(
        1.0,
        ge=0,
        description="CPUs that a run reserves on its node.",
        json_schema_extra=_about("Ray cluster (`RNNLAB_BACKEND=ray`)"),
    )
    ray_gpus_per_run: float = Field(
        0.0,
        ge=0,
        description="GPUs that a run reserves, or a share of one: with 0.25, four runs train on each GPU.",
        json_schema_extra=_about("Ray cluster (`RNNLAB_BACKEND=ray`)"),
    )
    ray_store_mb: int = Field(
        100,
        ge=80,
        description="Memory (MB) of the object store of a Ray that is started on this machine.",
        json_schema_extra=_about("Ray cluster (`RNNLAB_BACKEND=ray`)"),
    )

    readers: int = Field(
        2,
        ge=1,
        description="Processes that read uploaded files; each is started when it is needed and then kept.",
        json_schema_extra=_about("Reading of files"),
    )
    reader_seconds: float = Field(
        20.0,
        ge=1,
        description="Time after which the reading of files is given up (seconds).",
        json_schema_extra=_about("Reading of files"),
    )
    reader_memory_mb: int = Field(
        1024,
        ge=64,
        description="Memory (MB) that reading files may take beyond what its process holds when idle.",
        json_schema_extra=_about("Reading of files"),
    )

    instrument_seconds: float = Field(
        120.0,
        ge=1,
        description="Time after which the reading of an instrument, with the way to its step, is given up (seconds).",
        json_schema_extra=_about("Reading of instruments"),
    )

    max_steps: int = Field(
        200_000, ge=0, description="Training steps of one run.", json_schema_extra=_about("Limits of a start")
    )
    max_parameters: int = Field(
        2_000_000, ge=0, description="Parameters of one model.", json_schema_extra=_about("Limits of a start")
    )
    max_active_per_workspace: int = Field(
        8,
        ge=0,
        description="Unfinished starts of one workspace; up to 6 runs that are compared are one start.",
        json_schema_extra=_about("Limits of a start"),
    )
    max_study_runs: int = Field(
        10_000,
        ge=0,
        description="Runs of one study, which counts as one start.",
        json_schema_extra=_about("Limits of a start"),
    )
    max_queued: int = Field(
        400, ge=0, description="Queued runs of everybody.", json_schema_extra=_about("Limits of a start")
    )
    max_file_mb: int = Field(20, ge=0, description="One upload (MB).", json_schema_extra=_about("Limits of a start"))
    max_workspace_files_mb: int = Field(
        100, ge=0, description="All uploads of one workspace (MB).", json_schema_extra=_about("Limits of a start")
    )
    min_free_disk_mb: int = Field(
        256,
        ge=0,
        description="Nothing starts when the disk has less room left (MB).",
        json_schema_extra=_about("Limits of a start"),
    )

    max_students: int = Field(
        300, ge=1, description="Students of one class.", json_schema_extra=_about("Limits of a start")
    )

    max_run_seconds: float = Field(
        1800.0,
        ge=0,
        description="Training time of one run (seconds), pauses not counted.",
        json_schema_extra=_about("Limits of a run"),
    )
    pause_hold_seconds: float = Field(
        10.0,
        ge=0,
        description="How long a paused run keeps its process while others wait (seconds).",
        json_schema_extra=_about("Limits of a run"),
    )
    gone_seconds: float = Field(
        300.0,
        ge=0,
        description="A queued or paused run is stopped when nobody looks at its workspace for this long (seconds).",
        json_schema_extra=_about("Limits of a run"),
    )
    stop_grace_seconds: float = Field(
        2.0,
        ge=0,
        description="Time that a run has to stop by itself (seconds) before its process is terminated,"
        " and again before it is killed.",
        json_schema_extra=_about("Limits of a run"),
    )
    store_patience_seconds: float = Field(
        180.0,
        ge=0,
        description="How long runs wait when their records cannot be written (a full disk, a store that another program"
        " has locked) before they are interrupted (seconds).",
        json_schema_extra=_about("Limits of a run"),
    )
    checkpoint_seconds: float = Field(
        5.0,
        ge=0,
        description="Shortest time between two checkpoints (seconds).",
        json_schema_extra=_about("Limits of a run"),
    )

    max_profile_rows: int = Field(
        2000, ge=1, description="Gradient profiles kept of one run.", json_schema_extra=_about("Size of the store")
    )
    max_profile_mb: int = Field(
        24,
        ge=0,
        description="Gradient profiles kept of one run (MB).",
        json_schema_extra=_about("Size of the store"),
    )
    max_snapshots: int = Field(
        200, ge=0, description="Snapshots kept of one run.", json_schema_extra=_about("Size of the store")
    )
    max_snapshot_mb: int = Field(
        4, ge=0, description="Snapshots kept of one run (MB).", json_schema_extra=_about("Size of the store")
    )
    max_store_mb: int = Field(
        4096,
        ge=0,
        description="Whole store (MB); uploads may take a quarter of it. Ended runs are removed when it is full.",
        json_schema_extra=_about("Size of the store"),
    )
    keep_days: float = Field(
        30.0,
        ge=0,
        description="Age (days) at which ended runs are removed, counted in the time in which a server works, and at"
        " most two hours of each time without one: the calendar of a machine may be wrong.",
        json_schema_extra=_about("Size of the store"),
    )

    flush_ms: int = Field(
        80, ge=0, description="A worker sends its records this often (milliseconds).", json_schema_extra=_about("Pace")
    )
    commit_ms: int = Field(
        40,
        ge=0,
        description="The store gathers records this long (milliseconds) before it writes them.",
        json_schema_extra=_about("Pace"),
    )

    @property
    def store_path(self) -> Path:
        """File of the run store."""
        return self.data_dir / "runs.sqlite"

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the defaults, overridden by the `RNNLAB_...` variables that are not empty. Raises SettingsError."""
        source = EnvSettingsSource(cls)
        source.env_vars = {name.lower(): text for name, text in environ.items() if text}
        return cls(**source())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let `Settings(...)` mean what it says: the environment is read by `from_env` alone."""
        return (init_settings,)

    @model_validator(mode="wrap")
    @classmethod
    def _explain(cls, values: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(values)
        except ValidationError as error:
            raise SettingsError(_sentence(error)) from None


def env_name(field_name: str) -> str:
    """Return the environment variable that sets a field."""
    return PREFIX + field_name.upper()


def kind_of(field: FieldInfo) -> str:
    """Return the type of a setting in words; '' for text and folders."""
    return _KINDS.get(field.annotation, "") if isinstance(field.annotation, type) else ""


def range_of(field: FieldInfo) -> str:
    """Return the allowed range of a number in words."""
    (low,) = (str(limit.ge) for limit in field.metadata if isinstance(limit, Ge))
    high = [str(limit.le) for limit in field.metadata if isinstance(limit, Le)]
    return f"{low} to {high[0]}" if high else f"{low} or more"


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    name, value = str(first["loc"][0]), first["input"]
    if first["type"] == "extra_forbidden":
        return f"{env_name(name)}: there is no such setting"
    field = Settings.model_fields[name]
    if first["type"] in ("greater_than_equal", "less_than_equal"):
        return f"{env_name(name)}: {value} is not allowed; allowed: {range_of(field)}"
    allowed = kind_of(field) or ("a folder" if name == "data_dir" else "text")
    return f"{env_name(name)}: {value!r} is not allowed; allowed: {allowed}"
