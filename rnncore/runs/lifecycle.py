"""The life of an unfinished run: queued, running, paused, ended; every change of that state."""

import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from rnncore.runs.active import ActiveRun, Ending
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.backend.protocol import Backend, NoPlaceError
from rnncore.runs.settings import Settings
from rnncore.runs.store.recording import Recorder
from rnncore.runs.store.store import Store
from rnncore.runs.transactions import Failures, Transactions
from rnncore.runs.trouble import Trouble

logger = logging.getLogger(__name__)

STUDY_FLUSH_MS = 2000  # nobody watches the runs of a study step by step


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The execution engine could not start a run that was to begin. again: it may do so later."""

    run: str
    again: bool


class Lifecycle(Transactions):
    """What can happen to the runs of a scheduler; each method but those that say so is for use in a `transaction`."""

    def __init__(self, store: Store, settings: Settings, backend: Backend) -> None:
        super().__init__(store)
        self.settings, self.backend = settings, backend
        self.seen: dict[str, float] = {}  # last sign of life of each workspace with unfinished runs
        self.troubles: dict[str, Trouble] = {}  # of runs that the store cannot keep while it works for others
        self.students_of: Callable[[str], Collection[str]] = (
            lambda teacher: ()
        )  # by workspace: whose runs wait for theirs
        self.not_started: deque[NotStarted] = deque()  # for the loop to take in
        self.over_in_studies: deque[str] = deque()  # runs of studies that have ended, for `study_feeder`
        self.looked_at: tuple[float, float] | None = None  # when `supervision` last looked: monotonic, by the calendar

    def _tell(self, run: ActiveRun, command: str, **values: int | float | str) -> None:
        self._afterwards(partial(self.backend.send, run.id, command, **values))

    # Executing

    def add(self, runs: Sequence[ActiveRun]) -> None:
        """Queue the runs of one start, which the store has as `queued` already."""
        students = set(self.students_of(runs[0].workspace))
        behind = {run.id for run in self.runs.values() if run.workspace in students}
        self.runs = self.runs | {run.id: run for run in runs}
        self.queue.add(runs[0].owner, [run.id for run in runs], before=behind)
        self.seen[runs[0].workspace] = self.clock.monotonic()

    def job(self, run: ActiveRun) -> JobSpec:
        """Return what the execution engine needs to execute a run from its newest checkpoint on."""
        stored = {file_id: self.store.file(run.workspace, file_id) for file_id in run.files}
        start_step, checkpoint = self.store.load_checkpoint(run.id) or (0, b"")
        return JobSpec(
            run.id,
            run.config,
            max(self.settings.flush_ms, STUDY_FLUSH_MS) if run.in_study else self.settings.flush_ms,
            self.settings.checkpoint_seconds,
            start_step,
            [change for change in self.store.events(run.id) if change[0] > start_step],
            run.pause_at,
            {file_id: content for file_id, content in stored.items() if content is not None},
            checkpoint,
            run.slow_start,
            run.batch,
            run.in_turn,
            run.success,
        )

    def begin(self, run: ActiveRun, job: JobSpec) -> None:
        """Take a run from the queue and let it execute."""
        self.queue.take(run.id)
        self.store.begin_run(run.id)
        run.executing, run.status, run.running_since = True, "running", self.clock.monotonic()
        run.unreadable_since = None
        self._afterwards(partial(self._start, run, job))

    def _start(self, run: ActiveRun, job: JobSpec) -> None:
        try:
            place = self.backend.start(job)
        except NoPlaceError:
            self.not_started.append(NotStarted(run.id, again=True))
            return
        except Exception:  # whatever is wrong with this run, the others go on
            logger.exception("a run cannot be started", extra={"event": "start_failed", "run": run.id})
            self.not_started.append(NotStarted(run.id, again=False))
            return
        run.pause_at = None
        logger.info("a run starts", extra={"event": "run_started", "run": run.id, "worker": place})

    def put_back(self, run: ActiveRun) -> None:
        """Let a run that was to begin, but has no place, wait where it was."""
        run.executing, run.running_since = False, None
        self.queue.put_back(run.id)
        self.set_status(run, "queued")

    def recorder(self, run: ActiveRun) -> Recorder:
        """Return what writes a run's frames; for use in a transaction."""
        self._recorded.add(run.id)
        if run.recorder is None:
            run.recorder = Recorder(self.store, run.id, self.settings)
        return run.recorder

    def let_go(self, run: ActiveRun) -> None:
        """Note that a paused run has given its place up; queue it again if it was asked to go on meanwhile."""
        run.clock_stops(self.clock.monotonic())
        run.executing, run.recorder, run.parking, run.flossing = False, None, False, None
        self.queue.remove(run.id)
        if run.wanted:
            self._queue_again(run)

    def move(self, run: ActiveRun) -> None:
        """Let a run whose place has died go on from its last checkpoint as soon as there is another place."""
        logger.warning("a run goes on elsewhere", extra={"event": "run_moved", "run": run.id, "step": run.step})
        run.moves += 1
        run.clock_stops(self.clock.monotonic())
        run.wanted = run.wanted or not run.hold
        if run.hold and run.pause_at is None and run.paused_since is None:
            run.paused_since = self.clock.monotonic()
        if not run.wanted:
            self.set_status(run, "paused")
        self.let_go(run)

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
            self._tell(run, "set", name=name, value=value, at_step=at_step)
        else:
            self.store.add_event(run.id, (max(at_step, run.step + 1), name, value))

    def hold(self, run: ActiveRun, at_step: int) -> None:
        """Pause a run after a step, at once if it has passed that step."""
        if run.hold:
            return
        run.hold = True
        if run.executing:
            self._tell(run, "pause", at_step=at_step)
        elif run.id in self.queue:
            self.queue.remove(run.id)
            run.paused_since = self.clock.monotonic()
            self.set_status(run, "paused")

    def release(self, run: ActiveRun, single_step: bool = False) -> None:
        """Let a paused run go on, for a single step or until further notice."""
        run.hold = single_step
        if run.executing and not run.parking:
            self._tell(run, "step" if single_step else "resume")
            return
        run.pause_at = run.step + 1 if single_step else None
        run.wanted = True
        if not run.executing:
            self._queue_again(run)

    def park(self, run: ActiveRun) -> None:
        """Ask a paused run to give its place up to others; it stays paused."""
        run.parking = True
        self._tell(run, "park")

    # Ending

    def ask_to_end(self, run: ActiveRun, ending: Ending) -> None:
        """End a run, once it has stopped if it executes."""
        if run.ending is not None:
            return
        if not run.executing:
            self.end(run, ending)
        else:
            run.ending, run.ending_since = ending, self.clock.monotonic()
            self._tell(run, "stop")

    def abort(self, run: ActiveRun) -> None:
        """Let the execution engine end a run that does not end by itself."""
        run.aborts += 1
        self._afterwards(partial(self.backend.abort, run.id))

    def end(self, run: ActiveRun, ending: Ending) -> None:
        """Let go of a run for good; `{step}` in the reason becomes its last stored step."""
        told = _filled(run, ending)
        self.store.save_endings({run.id: (told.status, told.reason)})
        self._forget(run, told)

    def give_up(self, run: ActiveRun, ending: Ending, has_ended: bool) -> None:
        """Let go of a run though the store cannot be written; its ending is written once it can be.

        has_ended: its last word has come, else the execution engine is made to end it.
        """
        told = _filled(run, ending)
        self._unsaved[run.id] = told
        self.drop(run, has_ended)
        self._forget(run, told)

    def drop(self, run: ActiveRun, has_ended: bool) -> None:
        """Hear nothing more of a run that is let go; it can be continued once its last word has come."""
        if run.executing and not has_ended:
            self.leaving.add(run.id)
            for _ in ("politely", "by force"):
                self.abort(run)

    def _forget(self, run: ActiveRun, ending: Ending) -> None:
        facts = {"event": "run_ended", "run": run.id, "status": ending.status, "step": run.step}
        self._afterwards(partial(logger.info, "%s", ending.reason, extra=facts))
        self.runs = {run_id: other for run_id, other in self.runs.items() if run_id != run.id}
        self.queue.remove(run.id)
        if run.in_study:
            self._afterwards(partial(self.over_in_studies.append, run.id))
        if run.recorder is not None and run.recorder.steps_per_second:
            self.rates.append(run.recorder.steps_per_second)

    def unsaved_ending(self, run_id: str) -> Ending | None:
        """Return how a run has ended if the store does not know it yet."""
        return self._unsaved.get(run_id)

    def save_endings(self) -> Failures:
        """Write the endings that the store does not have yet; each stays remembered until that has worked."""
        return self.each_alone(self._unsaved, self._save_ending)

    def _save_ending(self, run_id: str) -> None:
        self.store.save_endings(_columns({run_id: self._unsaved[run_id]}))
        self._unsaved = {other: ending for other, ending in self._unsaved.items() if other != run_id}

    def delete_ended(self, run_id: str) -> bool:
        """Delete a run that is over, unless it is being continued; tell whether it was deleted."""
        with self.lock:
            return run_id not in self.runs and self.store.delete_run(run_id)


def _filled(run: ActiveRun, ending: Ending) -> Ending:
    return Ending(ending.status, ending.reason.replace("{step}", f"{run.step:,} of {run.steps:,}"))


def _columns(endings: Mapping[str, Ending]) -> dict[str, tuple[str, str]]:
    return {run: (ending.status, ending.reason) for run, ending in endings.items()}
