"""The pool of warm workers: as many as there may be runs at once, and spares that take over when one dies."""

import logging
import time
from collections.abc import Callable

from rnncore.runs.backend.process import WorkerProcess

logger = logging.getLogger(__name__)

LONGEST_BACKOFF_S = 30.0
LONGEST_START_S = 120.0
FAILED_STARTS = 3  # in a row, after which starting is said to fail


class WorkerPool:
    """Worker processes; not safe for threads, `LocalBackend` guards it."""

    def __init__(self, start: Callable[[], WorkerProcess], size: int, spares: int) -> None:
        self._start, self._size, self._spares = start, size, spares
        self.workers: list[WorkerProcess] = []
        self.died = 0  # workers that ended by themselves or were killed
        self._failed_starts = 0
        self._next_start = 0.0

    def fill(self) -> None:
        """Start the workers that are missing; wait ever longer while they die before they are ready."""
        now = time.monotonic()
        for worker in self.workers:
            if not worker.ready and now - worker.started > LONGEST_START_S:
                worker.kill()
        if now < self._next_start:
            return
        while len(self.workers) < self._size or self._wants_spare():
            try:
                self.workers.append(self._start())
            except OSError as error:
                logger.error("a worker cannot be started: %s", error)
                self._back_off()
                return

    def _wants_spare(self) -> bool:
        """One warms up at a time: a spare must not hinder those that are needed now, nor another spare."""
        return len(self.workers) < self._size + self._spares and all(worker.ready for worker in self.workers)

    def became_ready(self, worker: WorkerProcess) -> None:
        """Note that a worker has warmed up."""
        worker.ready = True
        self._failed_starts = 0

    def lost(self, worker: WorkerProcess) -> None:
        """Forget a worker that has died."""
        if worker in self.workers:
            self.died += 1
            self.workers.remove(worker)
            if not worker.ready:
                self._back_off()

    def executing(self, run: str) -> WorkerProcess | None:
        """Return the worker that executes a run, if one does."""
        return next((worker for worker in self.workers if worker.run == run), None)

    @property
    def busy(self) -> int:
        """How many workers execute a run."""
        return sum(worker.run is not None for worker in self.workers)

    @property
    def ready(self) -> int:
        """How many workers have warmed up, spares not counted."""
        return min(sum(worker.ready for worker in self.workers), self._size)

    def idle(self) -> list[WorkerProcess]:
        """Return the warm workers that may take a run now; the spares are not among them."""
        waiting = [worker for worker in self.workers if worker.ready and worker.run is None and not worker.aborted]
        return waiting[: max(0, self._size - self.busy)]

    @property
    def failed_starts(self) -> int:
        """How many workers in a row have died before they were ready; 0 while there is a warm one, or if a few have."""
        return self._failed_starts if self._failed_starts >= FAILED_STARTS and self.ready == 0 else 0

    def dismiss(self) -> list[WorkerProcess]:
        """Let all workers go, and return them: each ends as soon as it can."""
        gone, self.workers = self.workers, []
        for worker in gone:
            worker.close()
        return gone

    def _back_off(self) -> None:
        self._failed_starts += 1
        self._next_start = time.monotonic() + min(0.125 * 2 ** min(self._failed_starts, 10), LONGEST_BACKOFF_S)
