"""A run as a plain torch script; uploaded files are read by a reader process, never here."""

from collections.abc import Sequence

from dashboard.experiment.configs import config_of
from rnncore.config import TrainConfig, UploadData
from rnncore.data import DataError, ReadFile
from rnncore.runs.reader.shared import readers
from rnncore.runs.store.store import Store, StoredRun
from rnncore.script import script_files, script_of

Events = Sequence[tuple[int, str, float]]


def script(store: Store, run: StoredRun) -> str:
    """Return the script of a run, changes made by hand included. Raises DataError, ConfigError."""
    config = config_of(run)
    return script_for(run.workspace, config, reader_of(store, run), store.events(run.id))


def script_for(owner: str, config: TrainConfig, read_file: ReadFile, events: Events = ()) -> str:
    """Return the script of a config. owner: who waits for it. Raises DataError, ConfigError."""
    if isinstance(config.data, UploadData):
        return readers().script(owner, config, events, contents(config.data, read_file))
    return script_of(config, events=events)


def script_data(store: Store, run: StoredRun) -> dict[str, bytes]:
    """Return name -> content of the data files that the script reads. Raises DataError.

    They hold uploaded data: hand them out to the run's own workspace alone.
    """
    config = config_of(run)
    if isinstance(config.data, UploadData):
        return readers().script_files(run.workspace, config, contents(config.data, reader_of(store, run)))
    return script_files(config)


def contents(data: UploadData, read_file: ReadFile) -> list[tuple[str, bytes]]:
    """Return id and content of each file of an upload. Raises DataError."""
    return [(entry.file, read_file(entry.file)) for entry in data.files]


def reader_of(store: Store, run: StoredRun) -> ReadFile:
    """Return what reads the uploaded files of a run; it raises DataError for one that is gone."""

    def read(file_id: str) -> bytes:
        content = store.file(run.workspace, file_id)
        if content is None:
            raise DataError("The uploaded file of this run is no longer stored.")
        return content

    return read
