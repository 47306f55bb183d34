"""Keeping the store in order while the scheduler works: its log short, its size within bounds, its folder in place."""

import logging
import threading
from collections.abc import Callable

from rnncore.runs.lived import Lived
from rnncore.runs.settings import Settings
from rnncore.runs.store.database import StoreFault
from rnncore.runs.store.pruning import prune
from rnncore.runs.store.store import Store

logger = logging.getLogger(__name__)

INTERVAL_S = 2.0
WAL_BYTES = 4 * 2**20
PRUNING_S = 60.0
FIRST_PRUNING_S = 300.0  # after a start, or after the calendar has jumped: somebody may still set it right
LOG_S = 60.0


class Housekeeper:
    """A thread of its own, so that no commit has to wait.

    delete: removes one ended run (see `prune`). look_after_folder: is called every few seconds.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        delete: Callable[[str], bool],
        look_after_folder: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._settings, self._delete = store, settings, delete
        self._look_after_folder = look_after_folder
        self._now = store.clock.monotonic
        self._closing = threading.Event()
        self._log_due = self._now() + LOG_S
        self._pruning_due = self._now() + FIRST_PRUNING_S
        self._note_due = self._now()
        self._lived: Lived | None = None
        self._thread = threading.Thread(target=self._work, name="housekeeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; takes as long as what is being done just now."""
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closing.wait(INTERVAL_S):
            self.tidy()

    def tidy(self) -> None:
        """Do what is due."""
        try:
            self._look_after_folder()
            self._count_time()
            self._empty_log()
            if self._now() >= self._pruning_due:
                self._pruning_due = self._now() + PRUNING_S
                pruned = prune(self._store, self._settings, self._delete, by_calendar=False)
                logger.debug("pruned", extra={"event": "pruned", "runs": pruned.runs, "files": pruned.files})
        except (StoreFault, OSError) as error:
            logger.warning("housekeeping failed: %s", error, extra={"event": "housekeeping_failed"})

    def _count_time(self) -> None:
        """Note how long the server lives; remove nothing for a while after the calendar has jumped."""
        if self._lived is None:
            self._lived = Lived(self._store, self._settings)
        elif not self._lived.look():
            self._pruning_due = self._now() + FIRST_PRUNING_S
            self._note_due = self._now()
        if self._now() >= self._note_due:
            self._note_due = self._now() + PRUNING_S
            self._lived.note()

    def _empty_log(self) -> None:
        """Bring the file up to date when its log has grown, and once a minute whatever its size."""
        log = self._store.path.with_name(self._store.path.name + "-wal")
        size = log.stat().st_size if log.exists() else 0
        if size > WAL_BYTES or (size and self._now() >= self._log_due):
            self._log_due = self._now() + LOG_S
            self._store.checkpoint()
