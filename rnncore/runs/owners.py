"""For whom runs were started, so that continuing one counts as a start of the same owner."""

import threading
from collections.abc import Sequence

MOST = 50_000


class Owners:
    """Remembers the owners of the latest starts while this process lives, in memory alone: they may be addresses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: dict[str, str] = {}

    def note(self, runs: Sequence[str], owner: str) -> None:
        """Note for whom runs were started; '' for nobody but their workspace."""
        with self._lock:
            for run in runs:
                self._owners.pop(run, None)
                if owner:
                    self._owners[run] = owner
            while len(self._owners) > MOST:
                del self._owners[next(iter(self._owners))]

    def of(self, run: str) -> str:
        """Return for whom a run was started last, '' if that is not known."""
        with self._lock:
            return self._owners.get(run, "")
