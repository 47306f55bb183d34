"""The execution engine `local`: runs execute in worker processes of this machine."""

import logging
import threading
import time
from collections.abc import Sequence

from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.backend.memory import out_of_memory
from rnncore.runs.backend.process import WORKER_COMMAND, WorkerProcess
from rnncore.runs.backend.protocol import Capacity, Changed, Deliver, Lost, Message, NoPlaceError
from rnncore.runs.backend.worker_pool import WorkerPool
from rnncore.runs.settings import Settings, env_name

logger = logging.getLogger(__name__)

_WORDS = {3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}


class LocalBackend:
    """A pool of worker processes behind the protocol `Backend`."""

    def __init__(self, settings: Settings, command: Sequence[str] = WORKER_COMMAND) -> None:
        """Prepare the engine; `command` starts a worker."""
        self._command = (
            *command, "--nice", str(settings.worker_nice), "--memory-mb", str(settings.worker_memory_mb)
        )  # fmt: skip
        self._environment = {env_name("plugins"): settings.plugins}
        self._size, self._memory_mb = settings.workers, settings.worker_memory_mb
        self._lock = threading.Lock()  # of the pool and its workers; never held while a message is delivered
        self._pool = WorkerPool(self._start_worker, settings.workers, settings.spare_workers)
        self._deliver: Deliver | None = None  # None: not open

    def open(self, deliver: Deliver) -> None:
        """See `Backend`. The workers start with the first `keep_up`."""
        self._deliver = deliver

    def keep_up(self) -> None:
        """See `Backend`."""
        with self._lock:
            self._pool.fill()

    def capacity(self) -> Capacity:
        """See `Backend`."""
        with self._lock:
            pool = self._pool
            failed = pool.failed_starts
            problem = (
                f"waiting for a worker: the last {_WORDS.get(failed, failed)} died while starting" if failed else ""
            )
            return Capacity(self._size, pool.ready, pool.busy, len(pool.idle()), pool.died, problem)

    def start(self, job: JobSpec) -> str:
        """See `Backend`. The place is the number of the process."""
        frame = job.to_frame()
        with self._lock:
            idle = self._pool.idle()
            if not idle:
                raise NoPlaceError("no worker is free")
            worker = idle[0]
            worker.take(job.run)
            worker.send(frame.header, frame.blob)
            return str(worker.pid)

    def send(self, run: str, command: str, **values: int | float | str) -> None:
        """See `Backend`."""
        with self._lock:
            worker = self._pool.executing(run)
            if worker is not None:
                worker.send({"type": command, "run": run, **values})

    def abort(self, run: str) -> None:
        """See `Backend`: the worker is terminated, then killed."""
        with self._lock:
            worker = self._pool.executing(run)
            if worker is None:
                return
            if worker.aborted:
                worker.kill()
            else:
                worker.terminate()
            worker.aborted = True

    def close(self, grace_seconds: float) -> None:
        """See `Backend`."""
        self._deliver = None
        with self._lock:
            workers = self._pool.dismiss()
        deadline = time.monotonic() + grace_seconds
        for worker in workers:
            if worker.wait(max(0.0, deadline - time.monotonic())) is None:
                worker.kill()
                worker.wait(5.0)

    def _start_worker(self) -> WorkerProcess:
        return WorkerProcess(self._command, self._hear, self._environment)

    def _hear(self, worker: WorkerProcess, frame: Frame | None) -> None:
        """Take in a frame of a worker, None being its death; called in the worker's own thread."""
        message = self._died(worker) if frame is None else self._spoke(worker, frame)
        deliver = self._deliver
        if deliver is not None and message is not None:
            deliver(message)

    def _spoke(self, worker: WorkerProcess, frame: Frame) -> Message | None:
        with self._lock:
            if frame.type == "ready":
                self._pool.became_ready(worker)
                return Changed()
            if frame.run != worker.run:
                return None
            if frame.type == "done":
                worker.run = None
                if worker.aborted:  # it may be about to die: no other run may be given to it
                    worker.kill()
            return frame

    def _died(self, worker: WorkerProcess) -> Message:
        cause, by_itself = worker.cause_of_death(), bool(self._memory_mb) and worker.exceeded_its_memory()
        with self._lock:
            run, worker.run = worker.run, None
            self._pool.lost(worker)
        if self._deliver is not None:
            facts = {"event": "worker_died", "worker": worker.pid, "run": run}
            logger.warning("worker %d %s", worker.pid, cause, extra=facts)
        if run is None:
            return Changed()
        if by_itself:
            return Lost(run, out_of_memory(self._memory_mb), by_itself=True)
        return Lost(run, f"The training process {cause}")
