"""Keeping the store in order while the scheduler works: its log short, its size within bounds."""

import logging
import threading
import time
from collections.abc import Callable

from rnncore.runs.settings import Settings
from rnncore.runs.store.database import StoreFault
from rnncore.runs.store.pruning import prune
from rnncore.runs.store.store import Store

logger = logging.getLogger(__name__)

INTERVAL_S = 2.0
WAL_BYTES = 4 * 2**20
PRUNING_S = 60.0
LOG_S = 60.0


class Housekeeper:
    """A thread of its own, so that no commit has to wait; delete: removes one ended run (see `prune`)."""

    def __init__(self, store: Store, settings: Settings, delete: Callable[[str], bool]) -> None:
        self._store, self._settings, self._delete = store, settings, delete
        self._closing = threading.Event()
        self._log_due = time.monotonic() + LOG_S
        self._thread = threading.Thread(target=self._work, name="housekeeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; takes as long as what is being done just now."""
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        pruning_due = time.monotonic()
        while not self._closing.wait(INTERVAL_S):
            try:
                self._empty_log()
                if time.monotonic() >= pruning_due:
                    pruning_due = time.monotonic() + PRUNING_S
                    pruned = prune(self._store, self._settings, self._delete)
                    logger.debug("pruned", extra={"event": "pruned", "runs": pruned.runs, "files": pruned.files})
            except (StoreFault, OSError):
                logger.exception("housekeeping failed")

    def _empty_log(self) -> None:
        """Bring the file up to date when its log has grown, and once a minute whatever its size."""
        log = self._store.path.with_name(self._store.path.name + "-wal")
        size = log.stat().st_size if log.exists() else 0
        if size > WAL_BYTES or (size and time.monotonic() >= self._log_due):
            self._log_due = time.monotonic() + LOG_S
            self._store.checkpoint()
