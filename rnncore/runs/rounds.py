"""The scheduler's own thread: gathers what workers say, stores it, and looks after every run in turn."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from queue import Empty, Full, Queue

from rnncore.runs.active import ActiveRun, Ending
from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.pool import Pool
from rnncore.runs.backend.process import WORKER_COMMAND, WorkerProcess
from rnncore.runs.queue import Turns
from rnncore.runs.settings import Settings
from rnncore.runs.store.database import StoreFault
from rnncore.runs.store.lock import FolderLock
from rnncore.runs.store.pruning import prune
from rnncore.runs.store.store import Store

logger = logging.getLogger(__name__)

IDLE_S = 0.25
HOUSEKEEPING_S = 2.0
WAL_BYTES = 4 * 2**20
PRUNING_S = 60.0
INBOX_FRAMES = 64  # when the store cannot keep up the pipes fill, and the workers wait
INTERRUPTED = "The server went away while this run was unfinished; it can be continued."
SHUT_DOWN = "The server was stopped while this run was unfinished; it can be continued."
Arrival = tuple[WorkerProcess, Frame | None]


class Rounds(ABC):
    """State of the scheduler, guarded by `_lock`, and the loop that works on it; `Caretaker` says what a round does."""

    def __init__(self, store: Store, settings: Settings, worker_command: Sequence[str] = WORKER_COMMAND) -> None:
        self.store = store
        self.settings = settings
        self._lock = threading.RLock()
        self._inbox: Queue[Arrival | None] = Queue(INBOX_FRAMES)  # None only wakes the loop
        self._pool = Pool(worker_command, settings, lambda worker, frame: self._inbox.put((worker, frame)))
        self._active: dict[str, ActiveRun] = {}
        self._queue = Turns()
        self._seen: dict[str, float] = {}  # last sign of life of each workspace with unfinished runs
        self._rates: deque[float] = deque(maxlen=20)  # steps per second of the latest runs
        self._unsaved: dict[str, Ending] = {}  # endings that the store does not have yet
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)
        self._housekeeper = threading.Thread(target=self._keep_house, name="housekeeper", daemon=True)
        self._folder_lock: FolderLock | None = None

    def start(self) -> None:
        """Take the data folder, end what an earlier server left unfinished, start the workers in the background.

        Raises StoreError if another server uses the folder.
        """
        self._folder_lock = FolderLock(self.store.path.parent)
        left = self.store.interrupt_active(INTERRUPTED)
        if left:
            logger.warning("%d runs were unfinished when the server went away; they are marked interrupted", left)
        self._thread.start()
        self._housekeeper.start()

    def shutdown(self) -> None:
        """Interrupt all runs at a checkpoint, end the workers, give the folder back. Takes a few seconds at most."""
        self._closing.set()
        self._wake()
        self._thread.join()
        self._housekeeper.join()
        if self._folder_lock is not None:
            self._folder_lock.release()

    def _wake(self) -> None:
        try:
            self._inbox.put_nowait(None)
        except Full:
            logger.debug("the loop is busy and needs no waking")

    def _loop(self) -> None:
        while not self._closing.is_set():
            self._round()
        with self._lock:
            self._interrupt_all(Ending("interrupted", SHUT_DOWN))
        deadline = time.monotonic() + self.settings.stop_grace_seconds
        while self._active and time.monotonic() < deadline:
            self._round()
        with self._lock:
            for run in list(self._active.values()):
                self._end(run, Ending("interrupted", SHUT_DOWN))
            self._save_endings()
        threading.Thread(target=self._drain, daemon=True).start()
        self._pool.close(self.settings.stop_grace_seconds)

    def _round(self) -> None:
        batch = self._collect()
        with self._lock:
            try:
                with self.store.write():
                    for worker, frame in batch:
                        self._handle(worker, frame)
                self._save_endings()
                with self.store.write():
                    self._look_after(time.monotonic())
                self._save_endings()
            except Exception as error:  # whatever it is, it must not stop everybody's runs
                logger.exception("a round of the scheduler failed")
                self._writing_failed([frame.run for _, frame in batch if frame is not None], str(error))

    def _collect(self) -> list[Arrival]:
        """Wait for frames and gather those of the next `commit_ms` into one transaction; urgent ones end the wait."""
        batch: list[Arrival] = []
        deadline, wait = None, IDLE_S
        while wait > 0:
            try:
                arrival = self._inbox.get(timeout=wait)
            except Empty:
                break
            if arrival is None:
                break
            batch.append(arrival)
            if self._urgent(arrival[1]):
                break
            deadline = deadline or time.monotonic() + self.settings.commit_ms / 1000
            wait = deadline - time.monotonic()
        while len(batch) < INBOX_FRAMES:
            try:
                arrival = self._inbox.get_nowait()
            except Empty:
                break
            if arrival is not None:
                batch.append(arrival)
        return batch

    def _urgent(self, frame: Frame | None) -> bool:
        if frame is None or frame.type != "records":
            return True
        run = self._active.get(frame.run)
        return run is not None and run.step == 0

    def _drain(self) -> None:
        while True:
            self._inbox.get()

    def _keep_house(self) -> None:
        """Empty the write-ahead log now and then, so that no commit has to; keep the store within its bounds."""
        wal = self.store.path.with_name(self.store.path.name + "-wal")
        pruning_due = time.monotonic()
        while not self._closing.wait(HOUSEKEEPING_S):
            try:
                if wal.exists() and wal.stat().st_size > WAL_BYTES:
                    self.store.checkpoint()
                if time.monotonic() >= pruning_due:
                    pruning_due = time.monotonic() + PRUNING_S
                    pruned = prune(self.store, self.settings, self._delete_ended)
                    logger.debug("pruned", extra={"event": "pruned", "runs": pruned.runs, "files": pruned.files})
            except (StoreFault, OSError):
                logger.exception("housekeeping failed")

    def _delete_ended(self, run_id: str) -> bool:
        """Delete a run that is over; not while it is being continued."""
        with self._lock:
            return run_id not in self._active and self.store.delete_run(run_id)

    def _save_endings(self) -> None:
        """Write the endings that the store does not have yet; they stay remembered until that has worked."""
        if self._unsaved:
            self.store.save_endings({run: (end.status, end.reason) for run, end in self._unsaved.items()})
            self._unsaved.clear()

    def _end(self, run: ActiveRun, ending: Ending) -> None:
        """Let go of a run for good; `{step}` in the reason becomes its last stored step."""
        reason = ending.reason.replace("{step}", f"{run.step:,} of {run.steps:,}")
        facts = {"event": "run_ended", "run": run.id, "status": ending.status, "step": run.step}
        logger.info("%s", reason, extra=facts)
        self._unsaved[run.id] = Ending(ending.status, reason)
        del self._active[run.id]
        self._queue.remove(run.id)
        if run.worker is not None:
            run.worker.run = None
        if run.recorder is not None and run.recorder.steps_per_second:
            self._rates.append(run.recorder.steps_per_second)
        if not any(other.workspace == run.workspace for other in self._active.values()):
            self._seen.pop(run.workspace, None)

    # What a round does, in `Caretaker`

    @abstractmethod
    def _handle(self, worker: WorkerProcess, frame: Frame | None) -> None:
        """Take in a frame of a worker; None is its death."""

    @abstractmethod
    def _look_after(self, now: float) -> None:
        """Enforce limits and endings, give queued runs to idle workers."""

    @abstractmethod
    def _interrupt_all(self, ending: Ending) -> None:
        """Ask every run to end this way."""

    @abstractmethod
    def _writing_failed(self, run_ids: Sequence[str], error: str) -> None:
        """End runs of which the store lacks records."""
