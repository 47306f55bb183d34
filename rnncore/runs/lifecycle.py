"""The life of an unfinished run: queued, running, paused, ended; every change of that state, in memory and store."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence

from rnncore.runs.active import ActiveRun, Ending
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.backend.protocol import Backend
from rnncore.runs.queue import RunQueue
from rnncore.runs.settings import Settings
from rnncore.runs.store.recording import Recorder
from rnncore.runs.store.store import Store

logger = logging.getLogger(__name__)

KEPT_RATES = 20  # of runs that ended, to estimate how long others will take


class Lifecycle:
    """The unfinished runs of a scheduler; whoever reads or changes them holds `lock`."""

    def __init__(self, store: Store, settings: Settings, backend: Backend) -> None:
        self.store, self.settings, self.backend = store, settings, backend
        self.lock = threading.RLock()
        self.runs: dict[str, ActiveRun] = {}
        self.queue = RunQueue()
        self.rates: deque[float] = deque(maxlen=KEPT_RATES)  # steps per second of the latest runs
        self.seen: dict[str, float] = {}  # last sign of life of each workspace with unfinished runs
        self._unsaved: dict[str, Ending] = {}  # endings that the store does not have yet

    def add(self, runs: Sequence[ActiveRun]) -> None:
        """Queue the runs of one start, which the store has as `queued` already."""
        self.runs |= {run.id: run for run in runs}
        self.queue.add(runs[0].owner, [run.id for run in runs])
        self.seen[runs[0].workspace] = time.monotonic()

    # Executing

    def begin(self, run: ActiveRun) -> None:
        """Let a run that was taken from the queue execute, from its newest checkpoint on."""
        stored = {file_id: self.store.file(run.workspace, file_id) for file_id in run.files}
        start_step, checkpoint = self.store.load_checkpoint(run.id) or (0, b"")
        job = JobSpec(
            run.id,
            run.config,
            self.settings.flush_ms,
            self.settings.checkpoint_seconds,
            start_step,
            [*(change for change in self.store.events(run.id) if change[0] > start_step), *run.changes_to_make],
            run.pause_at,
            {file_id: content for file_id, content in stored.items() if content is not None},
            checkpoint,
        )
        run.recorder = Recorder(self.store, run.id, self.settings)
        self.store.begin_run(run.id)
        place = self.backend.start(job)
        run.executing, run.status, run.running_since = True, "running", time.monotonic()
        run.changes_to_make, run.pause_at = [], None
        logger.info("a run starts", extra={"event": "run_started", "run": run.id, "worker": place})

    def let_go(self, run: ActiveRun) -> None:
        """Note that a paused run has given its place up; queue it again if it was asked to go on meanwhile."""
        run.executing, run.recorder, run.parking = False, None, False
        if run.wanted:
            self._queue_again(run)

    def set_status(self, run: ActiveRun, status: str) -> None:
        """Change the state of a run that goes on."""
        run.status = status
        self.store.set_status(run.id, status)

    def _queue_again(self, run: ActiveRun) -> None:
        run.wanted, run.paused_since = False, None
        self.queue.add(run.owner, [run.id])
        self.set_status(run, "queued")

    # Steering

    def change(self, run: ActiveRun, name: str, value: float, at_step: int) -> None:
        """Change a setting of a run from a step on, at once if it has passed that step."""
        run.changes += 1
        if run.executing:
            self.backend.send(run.id, "set", name=name, value=value, at_step=at_step)
        else:
            run.changes_to_make.append((at_step, name, value))

    def hold(self, run: ActiveRun, at_step: int) -> None:
        """Pause a run after a step, at once if it has passed that step."""
        if run.hold:
            return
        run.hold = True
        if run.executing:
            self.backend.send(run.id, "pause", at_step=at_step)
        elif run.id in self.queue:
            self.queue.remove(run.id)
            run.paused_since = time.monotonic()
            self.set_status(run, "paused")

    def release(self, run: ActiveRun, single_step: bool = False) -> None:
        """Let a paused run go on, for a single step or until further notice."""
        run.hold = single_step
        if run.executing and not run.parking:
            self.backend.send(run.id, "step" if single_step else "resume")
            return
        run.pause_at = run.step + 1 if single_step else None
        run.wanted = True
        if not run.executing:
            self._queue_again(run)

    def park(self, run: ActiveRun) -> None:
        """Ask a paused run to give its place up to others; it stays paused."""
        run.parking = True
        self.backend.send(run.id, "park")

    # Ending

    def ask_to_end(self, run: ActiveRun, ending: Ending) -> None:
        """End a run, once it has stopped if it executes."""
        if run.ending is not None:
            return
        if not run.executing:
            self.end(run, ending)
        else:
            run.ending, run.ending_since = ending, time.monotonic()
            self.backend.send(run.id, "stop")

    def end(self, run: ActiveRun, ending: Ending) -> None:
        """Let go of a run for good; `{step}` in the reason becomes its last stored step."""
        reason = ending.reason.replace("{step}", f"{run.step:,} of {run.steps:,}")
        facts = {"event": "run_ended", "run": run.id, "status": ending.status, "step": run.step}
        logger.info("%s", reason, extra=facts)
        self._unsaved[run.id] = Ending(ending.status, reason)
        del self.runs[run.id]
        self.queue.remove(run.id)
        if run.recorder is not None and run.recorder.steps_per_second:
            self.rates.append(run.recorder.steps_per_second)
        if not any(other.workspace == run.workspace for other in self.runs.values()):
            self.seen.pop(run.workspace, None)

    def save_endings(self) -> None:
        """Write the endings that the store does not have yet; they stay remembered until that has worked."""
        if self._unsaved:
            self.store.save_endings({run: (ending.status, ending.reason) for run, ending in self._unsaved.items()})
            self._unsaved.clear()

    def delete_ended(self, run_id: str) -> bool:
        """Delete a run that is over, unless it is being continued; tell whether it was deleted."""
        with self.lock:
            return run_id not in self.runs and self.store.delete_run(run_id)

    def fail_unwritten(self, run_ids: Sequence[str], error: str) -> None:
        """End runs of which the store lacks records, because a transaction failed, with what it has of them."""
        for run in [self.runs[run_id] for run_id in set(run_ids) if run_id in self.runs]:
            run.recorder = None
            self.ask_to_end(run, Ending("failed", f"The run store could not be written ({error})."))
