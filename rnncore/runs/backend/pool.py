"""The pool of warm workers: as many as there may be runs at once, and spares that take over when one dies."""

import logging
import time
from collections.abc import Callable, Sequence

from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.process import WorkerProcess
from rnncore.runs.settings import Settings

logger = logging.getLogger(__name__)

LONGEST_BACKOFF_S = 30.0
LONGEST_START_S = 120.0


class Pool:
    """Worker processes of one scheduler; not safe for threads, the scheduler guards it."""

    def __init__(
        self,
        command: Sequence[str],
        settings: Settings,
        deliver: Callable[[WorkerProcess, Frame | None], None],
    ) -> None:
        self._command = [*command, "--nice", str(settings.worker_nice), "--memory-mb", str(settings.worker_memory_mb)]
        self._size, self._spares = settings.workers, settings.spare_workers
        self._deliver = deliver
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
                self.workers.append(WorkerProcess(self._command, self._deliver))
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

    def idle(self) -> list[WorkerProcess]:
        """Return the warm workers that may take a run now; the spares keep back."""
        busy = sum(worker.run is not None for worker in self.workers)
        return [worker for worker in self.workers if worker.ready and worker.run is None][: max(0, self._size - busy)]

    @property
    def failing(self) -> bool:
        """Whether workers keep dying before they are ready."""
        return self._failed_starts >= 3

    def close(self, grace: float) -> None:
        """Let all workers go; kill those that stay longer than `grace` seconds."""
        for worker in self.workers:
            worker.close()
        deadline = time.monotonic() + grace
        for worker in self.workers:
            if worker.wait(max(0.0, deadline - time.monotonic())) is None:
                worker.kill()
                worker.wait(5.0)
        self.workers.clear()

    def _back_off(self) -> None:
        self._failed_starts += 1
        self._next_start = time.monotonic() + min(0.125 * 2**self._failed_starts, LONGEST_BACKOFF_S)
