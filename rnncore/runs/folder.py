"""The data folder: one server at a time takes it, and notices when it is gone or another one is in its place."""

import logging
from collections.abc import Callable

from rnncore.runs.active import Ending
from rnncore.runs.lifecycle import Lifecycle
from rnncore.runs.store.database import StoreFault
from rnncore.runs.store.lock import FolderLock, StoreError

logger = logging.getLogger(__name__)

SETTLED_S = 5.0  # what is put in the place of the folder is left alone as long as it changes
GONE = "The server's data folder is gone; nothing can start until it is back or the server is started again."
WENT_AWAY = "The server went away while this run was unfinished; it can be continued."
FOLDER_WENT_AWAY = "Interrupted at step {step}: the server's data folder was gone; this run can be continued."


class DataFolder:
    """The folder of a scheduler's store, from `take` to `give_back`."""

    def __init__(self, lifecycle: Lifecycle, taken: Callable[[], None] = lambda: None) -> None:
        """taken: is called each time the folder has been taken."""
        self._lifecycle, self._store, self._taken = lifecycle, lifecycle.store, taken
        self._lock: FolderLock | None = None
        self._found: object = None  # what was in the place of a file that is gone, and since when
        self._found_since = 0.0

    def take(self) -> None:
        """Take the folder and end what an earlier server left unfinished. Raises StoreError."""
        self._lock = FolderLock(self._store.path.parent)
        try:
            left = self._store.interrupt_active(WENT_AWAY)
        except StoreFault as error:
            self._lock.release()
            raise StoreError(f"The run store '{self._store.path}' cannot be written: {error}.") from error
        self._taken()
        if left:
            logger.warning("%d runs were unfinished when the server went away; they are marked interrupted", left)

    def give_back(self) -> None:
        """Let others take it."""
        if self._lock is not None:
            self._lock.release()

    @property
    def problem(self) -> str | None:
        """What is wrong with it, as a sentence; None if nothing is."""
        return GONE if self._store.is_gone() else None

    def look(self) -> None:
        """Open what has come in the place of a store that is gone, once it has settled. To be called now and then."""
        if not self._store.is_gone():
            self._found = None
            return
        now, found = self._lifecycle.clock.monotonic(), self._store.what_is_there()
        if found != self._found:
            logger.warning("the file of the run store is gone", extra={"event": "store_gone"})
            self._found, self._found_since = found, now
        elif found is not None and now - self._found_since >= SETTLED_S:
            self._begin_with_it()

    def _begin_with_it(self) -> None:
        lifecycle = self._lifecycle
        with lifecycle.lock:
            try:
                self.give_back()
                FolderLock(self._store.path.parent).release()  # another server may have it
                self._store.reopen()
                for run in list(lifecycle.runs.values()):
                    lifecycle.give_up(run, Ending("interrupted", FOLDER_WENT_AWAY), has_ended=False)
                self.take()
            except StoreError as error:
                logger.error("%s", error, extra={"event": "store_gone"})
                self._found = None
