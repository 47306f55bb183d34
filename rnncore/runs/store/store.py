"""The run store: one SQLite file with every run, its records, profiles, checkpoints and uploads."""

from rnncore.runs.store.checkpoints import CheckpointTable
from rnncore.runs.store.classes import ClassTable
from rnncore.runs.store.events import EventTable
from rnncore.runs.store.files import FileTable, StoredFile, file_id_of
from rnncore.runs.store.life import LifeTable
from rnncore.runs.store.readings import ReadingTable
from rnncore.runs.store.runs import ACTIVE, ENDED, ListedRun, NewRun, RunTable, StoredRun
from rnncore.runs.store.studies import StudyTable
from rnncore.runs.store.watched import WatchedTable

__all__ = ["ACTIVE", "ENDED", "ListedRun", "NewRun", "Store", "StoredFile", "StoredRun", "file_id_of"]


class Store(
    RunTable, FileTable, EventTable, CheckpointTable, StudyTable, LifeTable, ClassTable, WatchedTable, ReadingTable
):
    """All tables in one place. Each base reads and writes those of its subject; none knows of another.

    What a run yields is written by `recording.Recorder` and read by functions on a connection, so that several things
    can be read in one view (`Database.read`): `scalars.read_scalars`, `profiles.read_profiles`,
    `snapshots.read_snapshot`.
    """
