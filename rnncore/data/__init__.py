"""Data: synthetic tasks, bundled series and uploaded tables become a `SequenceDataset` of numpy arrays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnncore.config import BundledData, TaskData, UploadData
from rnncore.data.bundled import SERIES, Series, bundled_dataset
from rnncore.data.dataset import Batch, DataError, SequenceDataset
from rnncore.data.mistakes import with_mistake
from rnncore.data.scaling import Scaling
from rnncore.data.tasks import TASKS, Preview, Task, preview, task_dataset
from rnncore.mistakes import MISTAKES, NONE

# Importing a module of tasks puts them into TASKS, in this order.
from rnncore.data.tasks import memory, recall, grammar, dynamics, digits, text  # noqa: F401 # isort: skip

__all__ = [
    "SERIES",
    "TASKS",
    "Batch",
    "DataError",
    "Preview",
    "SequenceDataset",
    "Series",
    "Task",
    "load_dataset",
    "preview",
    "read_path",
]

ReadFile = Callable[[str], bytes]


def load_dataset(
    config: TaskData | BundledData | UploadData, read_file: ReadFile | None = None, mistake: str = NONE
) -> SequenceDataset:
    """Build the data that a config describes.

    mistake: one of `MISTAKES` to make with them.

    read_file: returns the bytes of an uploaded file; by default the file is a path. Ids of uploads (`sha256:...`) can
    only be read by a given `read_file`.

    Raises:
        DataError: the file or the series cannot be used; the message is one sentence for the user.
        ConfigError: the mistake cannot be made with these data.
    """
    raw = MISTAKES[mistake].unscaled
    scaling = None
    if raw and not isinstance(config, TaskData):
        scaling = Scaling(*("none" if part == raw else config.scaling for part in ("inputs", "targets")))
    return with_mistake(_LOADERS[config.kind](config, read_file or read_path, scaling), mistake)


def read_path(file: str) -> bytes:
    """Return the bytes of a file on this machine."""
    if file.startswith("sha256:"):
        raise DataError("The uploaded file of this experiment is not on this machine; upload it again.")
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise DataError(f"The file '{file}' cannot be read: {error.strerror or error}.") from None


def _load_task(config: TaskData, read_file: ReadFile, scaling: Scaling | None) -> SequenceDataset:
    return task_dataset(config)


def _load_bundled(config: BundledData, read_file: ReadFile, scaling: Scaling | None) -> SequenceDataset:
    return bundled_dataset(config, scaling)


def _load_upload(config: UploadData, read_file: ReadFile, scaling: Scaling | None) -> SequenceDataset:
    from rnncore.data.upload import upload_dataset

    return upload_dataset(config, read_file, scaling)


_LOADERS: dict[str, Callable[[Any, ReadFile, Scaling | None], SequenceDataset]] = {
    "task": _load_task,
    "bundled": _load_bundled,
    "upload": _load_upload,
}
