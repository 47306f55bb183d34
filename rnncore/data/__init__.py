"""Data: synthetic tasks, bundled series and uploaded tables become a `SequenceDataset` of numpy arrays."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnncore.config import BundledData, TaskData, UploadData
from rnncore.data.bundled import SERIES, Series, bundled_dataset
from rnncore.data.dataset import Batch, DataError, SequenceDataset
from rnncore.data.tasks import TASKS, Preview, Task, preview, task_dataset

# Importing a module of tasks puts them into TASKS, in this order.
from rnncore.data.tasks import memory, grammar, dynamics, text  # noqa: F401 # isort: skip

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
]

ReadFile = Callable[[str], bytes]


def load_dataset(config: TaskData | BundledData | UploadData, read_file: ReadFile | None = None) -> SequenceDataset:
    """Build the data that a config describes.

    read_file: returns the bytes of an uploaded file; by default the file is a path. Ids of uploads (`sha256:...`) can
    only be read by a given `read_file`.

    Raises:
        DataError: the file or the series cannot be used; the message is one sentence for the user.
    """
    return _LOADERS[config.kind](config, read_file or read_path)


def read_path(file: str) -> bytes:
    """Return the bytes of a file on this machine."""
    if file.startswith("sha256:"):
        raise DataError("The uploaded file of this experiment is not on this machine; upload it again.")
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise DataError(f"The file '{file}' cannot be read: {error.strerror or error}.") from None


def _load_task(config: TaskData, read_file: ReadFile) -> SequenceDataset:
    return task_dataset(config)


def _load_bundled(config: BundledData, read_file: ReadFile) -> SequenceDataset:
    return bundled_dataset(config)


def _load_upload(config: UploadData, read_file: ReadFile) -> SequenceDataset:
    from rnncore.data.upload import upload_dataset

    return upload_dataset(config, read_file)


_LOADERS: dict[str, Callable[[Any, ReadFile], SequenceDataset]] = {
    "task": _load_task,
    "bundled": _load_bundled,
    "upload": _load_upload,
}
