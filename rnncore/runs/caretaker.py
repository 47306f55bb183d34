"""What the scheduler does with each frame of a worker, and in each round with each run."""

import logging
import time
from collections.abc import Callable, Sequence

from rnncore.runs.active import ActiveRun, Ending
from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.process import WorkerProcess
from rnncore.runs.limits import LimitError, check_parameters
from rnncore.runs.rounds import Rounds
from rnncore.runs.settings import env_name
from rnncore.runs.store.recording import Recorder

logger = logging.getLogger(__name__)

NO_WORKERS = "The training processes cannot be started; the server's log says why."


class Caretaker(Rounds):
    """Gives queued runs to workers and every run its ending."""

    # Frames

    def _handle(self, worker: WorkerProcess, frame: Frame | None) -> None:
        if frame is None:
            self._worker_died(worker)
        elif frame.type == "ready":
            self._pool.became_ready(worker)
        elif frame.run == worker.run:
            HANDLERS[frame.type](self, self._active[frame.run], frame)

    def _on_info(self, run: ActiveRun, frame: Frame) -> None:
        info = frame.header["info"]
        self.store.set_info(run.id, info)
        try:
            check_parameters(info["parameter_count"], self.settings)
        except LimitError as error:
            self._ask_to_end(run, Ending("failed", str(error)))

    def _on_records(self, run: ActiveRun, frame: Frame) -> None:
        if run.recorder is not None:
            run.recorder.add(frame)
            run.step = run.recorder.step

    def _on_event(self, run: ActiveRun, frame: Frame) -> None:
        if run.recorder is not None:
            run.recorder.add_event(frame)

    def _on_checkpoint(self, run: ActiveRun, frame: Frame) -> None:
        if run.recorder is not None:
            run.recorder.add_checkpoint(frame)

    def _on_paused(self, run: ActiveRun, frame: Frame) -> None:
        now = time.monotonic()
        run.clock_stops(now)
        run.paused_since = now
        self._set_status(run, "paused")

    def _on_resumed(self, run: ActiveRun, frame: Frame) -> None:
        run.paused_since, run.running_since = None, time.monotonic()
        if run.recorder is not None:
            run.recorder.forget_rate()
        self._set_status(run, "running")

    def _on_done(self, run: ActiveRun, frame: Frame) -> None:
        header = frame.header
        if header["traceback"]:
            facts = {"event": "run_failed", "run": run.id, "step": header["step"]}
            logger.error("%s\n%s", header["reason"], header["traceback"], extra=facts)
        if header["status"] in ("stopped", "parked") and run.ending is not None:
            self._end(run, run.ending)
        elif header["status"] == "parked":
            self._give_up_worker(run)
        else:
            self._end(run, Ending(header["status"], header["reason"]))

    def _worker_died(self, worker: WorkerProcess) -> None:
        cause = worker.cause_of_death()
        self._pool.lost(worker)
        run = self._active.get(worker.run or "")
        if run is not None:
            killed = Ending("killed", f"The training process {cause}, after step {{step}}.")
            self._end(run, run.ending or killed)
        if not self._closing.is_set():
            facts = {"event": "worker_died", "worker": worker.pid, "run": run.id if run else None}
            logger.warning("worker %d %s", worker.pid, cause, extra=facts)

    # Rounds

    def _look_after(self, now: float) -> None:
        for run in list(self._active.values()):
            self._enforce_time(run, now)
            self._enforce_ending(run, now)
            self._enforce_presence(run, now)
            self._enforce_hold(run, now)
        if self._closing.is_set():
            return
        self._pool.fill()
        if self._pool.failing and not any(worker.ready for worker in self._pool.workers):
            for run_id in list(self._queue):
                self._end(self._active[run_id], Ending("failed", NO_WORKERS))
        for worker in self._pool.idle():
            if self._queue:
                run = self._active[self._queue.take()]
                try:
                    self._begin(run, worker, now)
                except Exception:  # whatever is wrong with this run, the others go on
                    logger.exception("a run cannot be started", extra={"event": "start_failed", "run": run.id})
                    self._end(run, Ending("failed", "This run cannot be started; the server's log says why."))

    def _enforce_time(self, run: ActiveRun, now: float) -> None:
        limit = self.settings.max_run_seconds
        if run.ending is None and run.trained_seconds(now) > limit:
            reason = (
                f"Stopped at step {{step}}: the limit of {limit:g} seconds ({env_name('max_run_seconds')}) was reached."
            )
            self._ask_to_end(run, Ending("stopped", reason))

    def _enforce_ending(self, run: ActiveRun, now: float) -> None:
        """A worker that does not stop by itself in time is terminated, then killed."""
        if run.ending is None or run.worker is None:
            return
        late = (now - run.ending_since) // max(self.settings.stop_grace_seconds, 0.01)
        if late >= 1 and run.signals_sent == 0:
            run.worker.terminate()
            run.signals_sent = 1
        elif late >= 2 and run.signals_sent == 1:
            run.worker.kill()
            run.signals_sent = 2

    def _enforce_presence(self, run: ActiveRun, now: float) -> None:
        """Waiting runs of a workspace that nobody looks at any more make room; what trains is left to finish."""
        gone = now - self._seen.get(run.workspace, now)
        if gone > self.settings.gone_seconds and not run.keep_when_gone and run.status != "running":
            reason = (
                f"Stopped at step {{step}}: it was waiting, and nobody has looked at it for {gone:.0f} seconds"
                f" ({env_name('gone_seconds')})."
            )
            self._ask_to_end(run, Ending("stopped", reason))

    def _enforce_hold(self, run: ActiveRun, now: float) -> None:
        """A paused run does not keep its worker from others for long."""
        held = run.paused_since is not None and now - run.paused_since > self.settings.pause_hold_seconds
        if held and self._queue and run.worker is not None and not run.parking and run.ending is None:
            run.parking = True
            run.worker.send({"type": "park", "run": run.id})

    def _begin(self, run: ActiveRun, worker: WorkerProcess, now: float) -> None:
        stored = {file_id: self.store.file(run.workspace, file_id) for file_id in run.files}
        files = {file_id: content for file_id, content in stored.items() if content is not None}
        start_step, checkpoint = self.store.load_checkpoint(run.id) or (0, b"")
        changed = [event for event in self.store.events(run.id) if event[0] > start_step]
        run.recorder = Recorder(self.store, run.id, self.settings)
        run.worker, worker.run = worker, run.id
        run.running_since = now
        worker.send(
            {
                "type": "job",
                "run": run.id,
                "config": run.config,
                "start_step": start_step,
                "events": changed + run.settings,
                "pause_at": run.pause_at,
                "files": {file_id: len(content) for file_id, content in files.items()},
                "flush_ms": self.settings.flush_ms,
                "checkpoint_seconds": self.settings.checkpoint_seconds,
            },
            b"".join((*files.values(), checkpoint)),
        )
        run.settings, run.pause_at = [], None
        logger.info("a run starts", extra={"event": "run_started", "run": run.id, "worker": worker.pid})
        run.status = "running"
        self.store.begin_run(run.id)

    # Changes of a run's state

    def _set_status(self, run: ActiveRun, status: str) -> None:
        run.status = status
        self.store.set_status(run.id, status)

    def _ask_to_end(self, run: ActiveRun, ending: Ending) -> None:
        if run.ending is not None:
            return
        if run.worker is None:
            self._end(run, ending)
        else:
            run.ending, run.ending_since = ending, time.monotonic()
            run.worker.send({"type": "stop", "run": run.id})

    def _hold(self, run: ActiveRun, at_step: int) -> None:
        if run.hold:
            return
        run.hold = True
        if run.worker is not None:
            run.worker.send({"type": "pause", "run": run.id, "at_step": at_step})
        elif run.id in self._queue:
            self._queue.remove(run.id)
            run.paused_since = time.monotonic()
            self._set_status(run, "paused")

    def _release(self, run: ActiveRun, single_step: bool = False) -> None:
        run.hold = single_step
        if run.worker is not None and not run.parking:
            run.worker.send({"type": "step" if single_step else "resume", "run": run.id})
            return
        run.pause_at = run.step + 1 if single_step else None
        run.wanted = True
        if run.worker is None:
            self._requeue(run)

    def _give_up_worker(self, run: ActiveRun) -> None:
        if run.worker is not None:
            run.worker.run = None
        run.worker, run.recorder, run.parking = None, None, False
        if run.wanted:
            self._requeue(run)

    def _requeue(self, run: ActiveRun) -> None:
        run.wanted, run.paused_since = False, None
        self._queue.add(run.owner, [run.id])
        self._set_status(run, "queued")

    def _interrupt_all(self, ending: Ending) -> None:
        for run in list(self._active.values()):
            self._ask_to_end(run, ending)

    def _writing_failed(self, run_ids: Sequence[str], error: str) -> None:
        """After a failed transaction the store lacks records of these runs: they end, with what it has."""
        for run in [self._active[run_id] for run_id in set(run_ids) if run_id in self._active]:
            run.recorder = None
            self._ask_to_end(run, Ending("failed", f"The run store could not be written ({error})."))


HANDLERS: dict[str, Callable[[Caretaker, ActiveRun, Frame], None]] = {
    "info": Caretaker._on_info,
    "records": Caretaker._on_records,
    "event": Caretaker._on_event,
    "checkpoint": Caretaker._on_checkpoint,
    "paused": Caretaker._on_paused,
    "resumed": Caretaker._on_resumed,
    "done": Caretaker._on_done,
}
