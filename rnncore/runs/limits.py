"""What may start: every refusal is one sentence that names the limit and says what to do."""

import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from rnncore.config import TrainConfig
from rnncore.runs.settings import Settings, env_name
from rnncore.runs.trouble import StoreTrouble
from rnncore.sizes import parameter_count
from rnncore.words import many

RETRY_S = 15.0
UPLOADS_SHARE = 4  # uploads may take a quarter of the store
COMPARED = 6  # runs that stand side by side count as one start
OWNERS_SHARE = 4  # a network address may take a quarter of the queue


class LimitError(Exception):
    """A start that a limit forbids.

    The message is a sentence for the page; `for_scripts` names the setting too. limit: the field of Settings.
    retry_after: seconds after which it may be allowed, None if waiting does not help.
    """

    def __init__(self, message: str, limit: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.limit = limit
        self.retry_after = retry_after

    def for_scripts(self) -> str:
        """Return the sentence with the environment variable that sets the limit."""
        return f"{self} ({env_name(self.limit)})"


@dataclass(frozen=True, slots=True)
class Load:
    """What is there already: unfinished starts of the workspace (`starts`), queued runs of everybody.

    active_of_owner: unfinished runs of the owner, None where the owner is the workspace. joins: whether what is asked
    for stands beside runs of a start that is counted already. teaches: whether students of the workspace may have
    filled the queue, beside which the teacher has room.
    """

    starts_of_workspace: int
    queued: int
    active_of_owner: int | None = None
    joins: bool = False
    teaches: bool = False


def starts(runs: int) -> int:
    """Return how many starts the runs of a group count as."""
    return math.ceil(runs / COMPARED)


def check_start(configs: Sequence[TrainConfig], load: Load, settings: Settings) -> None:
    """Raise LimitError if these runs may not start now."""
    for config in configs:
        check_steps(config.steps, settings)
        check_parameters(parameter_count(config.model, input_size=1, output_size=1), settings)
    new = 0 if load.joins else starts(len(configs))
    if load.starts_of_workspace + new > settings.max_active_per_workspace:
        raise LimitError(
            f"You have {many(load.starts_of_workspace, 'unfinished start')} (up to {COMPARED} runs that are compared"
            f" are one), and the limit is {settings.max_active_per_workspace}; wait for one to end or stop one.",
            "max_active_per_workspace",
            RETRY_S,
        )
    allowed = max(1, settings.max_queued // OWNERS_SHARE)
    if load.active_of_owner is not None and load.active_of_owner + len(configs) > allowed:
        raise LimitError(
            f"Your address has {many(load.active_of_owner, 'unfinished run')} started through the API, and the limit "
            f"is {allowed} (a quarter of the queue); wait for one to end or stop one.",
            "max_queued",
            RETRY_S,
        )
    room = settings.max_queued + (COMPARED * settings.max_active_per_workspace if load.teaches else 0)
    if load.queued + len(configs) > room:
        raise LimitError(
            f"The queue is full: it has {many(load.queued, 'run')}, and the limit is {settings.max_queued};"
            " try again in a minute.",
            "max_queued",
            RETRY_S,
        )
    check_disk(settings)


def check_steps(steps: int, settings: Settings) -> None:
    """Raise LimitError if a run is too long for this server."""
    if steps > settings.max_steps:
        raise LimitError(
            f"steps: {steps:,} is above this server's limit of {settings.max_steps:,}; choose fewer.",
            "max_steps",
        )


def check_parameters(count: int, settings: Settings) -> None:
    """Raise LimitError if a model is too large for this server."""
    if count > settings.max_parameters:
        raise LimitError(
            f"The model has at least {count:,} parameters, above this server's limit of {settings.max_parameters:,};"
            " choose a smaller hidden size or fewer layers.",
            "max_parameters",
        )


def check_file(size: int, stored: int, settings: Settings) -> None:
    """Raise LimitError if an upload of `size` bytes is too large, alone or beside the `stored` bytes."""
    if size > settings.max_file_mb * 2**20:
        raise LimitError(
            f"The file has {size / 2**20:.1f} MB, above this server's limit of {settings.max_file_mb} MB;"
            " upload a smaller one.",
            "max_file_mb",
        )
    if stored + size > settings.max_workspace_files_mb * 2**20:
        raise LimitError(
            f"With this file your uploads would take {(stored + size) / 2**20:.1f} MB, above the limit of"
            f" {settings.max_workspace_files_mb} MB; delete some of them first.",
            "max_workspace_files_mb",
        )
    check_disk(settings)


def check_uploads(size: int, stored: int, settings: Settings) -> None:
    """Raise LimitError if everybody's uploads, `stored` bytes, leave no room for `size` more."""
    room = settings.max_store_mb * 2**20 // UPLOADS_SHARE
    if stored + size > room:
        raise LimitError(
            f"The server's room for uploads, {room / 2**20:,.0f} MB (a quarter of its store), is used up;"
            " try again in ten minutes.",
            "max_store_mb",
            600.0,
        )


def check_disk(settings: Settings) -> None:
    """Raise LimitError if the disk is nearly full, StoreTrouble if the folder is gone."""
    try:
        free = shutil.disk_usage(settings.data_dir).free
    except OSError:
        raise StoreTrouble("The server's data folder is gone; nothing can start until it is back.") from None
    if free < settings.min_free_disk_mb * 2**20:
        raise LimitError(
            f"The server's disk has only {free / 2**20:,.0f} MB left, and {settings.min_free_disk_mb:,} MB are kept"
            " free; nothing new can start until there is more room.",
            "min_free_disk_mb",
            60.0,
        )
