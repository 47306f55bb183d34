"""How many unfinished runs one network address may have started: a fresh workspace per request evades no limit."""

import threading
from collections.abc import Sequence

from rnncore.runs.limits import RETRY_S, LimitError
from rnncore.runs.scheduler import Scheduler

SHARE = 4  # an address may take a quarter of the queue
MAX_ADDRESSES = 10_000


class Quota:
    """Remembers the runs that each address has started through the API, as long as they are unfinished."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[str, list[str]] = {}

    def check(self, address: str, count: int, scheduler: Scheduler) -> None:
        """Raise LimitError if `count` more runs are too many for `address`."""
        allowed = max(1, scheduler.settings.max_queued // SHARE)
        with self._lock:
            runs = self._runs.get(address, [])
            if len(runs) + count <= allowed:
                return
            runs = [run for run in runs if (stored := scheduler.store.run(run)) and not stored.ended]
            self._runs[address] = runs
            if len(runs) + count > allowed:
                raise LimitError(
                    f"Your address has {len(runs)} unfinished runs that were started through the API, and {allowed} are"
                    " allowed (a quarter of the queue); wait for one to end or stop one.",
                    "max_queued",
                    RETRY_S,
                )

    def started(self, address: str, runs: Sequence[str]) -> None:
        """Note runs that an address has started."""
        with self._lock:
            if len(self._runs) >= MAX_ADDRESSES:
                self._runs.pop(next(iter(self._runs)))
            self._runs.setdefault(address, []).extend(runs)
