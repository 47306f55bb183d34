"""A stored run as a plain torch script."""

from rnncore.config import TrainConfig
from rnncore.data import DataError, ReadFile
from rnncore.runs.store.store import Store, StoredRun
from rnncore.script import script_files, script_of


def script(store: Store, run: StoredRun) -> str:
    """Return the script of a run, changes made by hand included. Raises DataError, ConfigError."""
    return script_of(TrainConfig.model_validate(run.config), _reader(store, run), store.events(run.id))


def script_data(store: Store, run: StoredRun) -> dict[str, bytes]:
    """Return name -> content of the data files that the script reads. Raises DataError.

    They hold uploaded data: hand them out to the run's own workspace alone.
    """
    return script_files(TrainConfig.model_validate(run.config), _reader(store, run))


def _reader(store: Store, run: StoredRun) -> ReadFile:
    def read(file_id: str) -> bytes:
        content = store.file(run.workspace, file_id)
        if content is None:
            raise DataError("The uploaded file of this run is no longer stored.")
        return content

    return read
