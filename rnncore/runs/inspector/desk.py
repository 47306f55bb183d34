"""Where instruments are asked for: each reading is worked out once, one after another, and kept in the store."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rnncore.config import TrainConfig, files_of
from rnncore.data.dataset import DataError
from rnncore.errors import ConfigError, not_allowed
from rnncore.key_of import either
from rnncore.on_demand import EVERY, ON_DEMAND, chosen, why_undefined
from rnncore.reading import Reading
from rnncore.runs.inspector.process import InspectorProcess
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import ACTIVE, Store, StoredRun
from rnncore.runs.watched_forms import is_watched

logger = logging.getLogger(__name__)

WATCHED = "This run trains in a program of its own, which has its weights, so instruments cannot be read here."
GONE = "The uploaded file of this run is no longer stored."
WANTED_S = 20.0  # what nobody has asked for for so long is not worked out any more
IDLE_S = 300.0  # after so long without a question the process ends
MOST_WAITING = 200
BUSY = "Many instruments are being read at this moment; try again in a few seconds."


@dataclass(frozen=True, slots=True)
class Place:
    """What is asked for: an instrument of a run before the update of `step`, or over training up to it.

    chosen: what the reader chose beside it, by name; then it is not kept.
    """

    run: str
    instrument: str
    step: int
    course: bool
    changes: int
    chosen: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class _Task:
    place: Place
    wanted: float
    share: float = 0.0
    found: Reading | None = None
    problem: str | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Desk:
    """Safe for threads. Nothing is started before somebody asks."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._tasks: dict[Place, _Task] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._process: InspectorProcess | None = None
        self._closed = False

    def ask(
        self,
        run: StoredRun,
        instrument: str,
        step: int | None,
        course: bool,
        wait_s: float,
        asked: Mapping[str, object] | None = None,
    ) -> Reading | float:
        """Return the reading, or, where it takes longer than `wait_s`, the share of the work that is done.

        step: None for the newest that takes no further training. course: over training up to that step. asked: what the
        reader chose beside it (`rnncore.on_demand.chosen`). Who is told a share asks again; a question that nobody
        repeats is given up. Raises DataError, ConfigError.
        """
        if instrument not in ON_DEMAND:
            raise not_allowed("instrument", instrument, "", either(ON_DEMAND))
        if course and not ON_DEMAND[instrument].course:
            raise ConfigError(f"course: the instrument '{instrument}' is not followed over training.")
        if is_watched(run.config):
            raise DataError(WATCHED)
        config = TrainConfig.model_validate(run.config)
        last = last_step(run)
        at = newest_step(run) if step is None else step
        if not 1 <= at <= last:
            raise not_allowed("step", at, "", f"1 to {last:,}")
        own = chosen(instrument, config, asked or {})
        if EVERY in own and not course:
            raise ConfigError(f"{EVERY}: it says at which evaluations an instrument is read over training (course=1).")
        if reason := why_undefined(instrument, config):
            return Reading(instrument=instrument, step=at, undefined=reason)
        changes = sum(first <= at for first, _, _ in self._store.events(run.id))
        place = Place(run.id, instrument, at, course, changes, tuple(sorted(own.items())))
        kept = None if own else self._store.reading(run.id, instrument, at, course, changes)
        if kept is not None:
            return Reading.from_bytes(kept)
        task = self._task(place)
        task.done.wait(wait_s)
        if not task.done.is_set():
            return task.share
        with self._changed:
            self._tasks.pop(place, None)
        if task.problem is not None:
            raise DataError(task.problem)
        assert task.found is not None
        return task.found

    def close(self) -> None:
        """End the process, and tell those who wait."""
        with self._changed:
            self._closed = True
            for task in self._tasks.values():
                task.problem = task.problem or BUSY
                task.done.set()
            self._changed.notify_all()
        self._end_process()

    def _task(self, place: Place) -> _Task:
        with self._changed:
            if self._closed:
                raise DataError(BUSY)
            task = self._tasks.get(place)
            if task is None:
                if len(self._tasks) >= MOST_WAITING:
                    raise DataError(BUSY)
                task = self._tasks[place] = _Task(place, time.monotonic())
            task.wanted = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="instruments", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return task

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                task.found = self._read(task)
            except DataError as error:
                task.problem = str(error)
            except Exception:
                logger.exception("an instrument could not be read")
                task.problem = "This instrument could not be read; the server's log says more."
            task.done.set()

    def _next(self) -> _Task | None:
        """Return the next task, None once there is nothing to do for long."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for place, task in list(self._tasks.items()):
                    if now - task.wanted > WANTED_S:
                        del self._tasks[place]
                    elif not task.done.is_set():
                        return task
                if not self._changed.wait(IDLE_S):
                    break
            self._thread = None
            self._end_process()
        return None

    def _read(self, task: _Task) -> Reading:
        place = task.place
        run = self._store.run(place.run)
        if run is None:
            raise DataError("There is no such run (any more).")
        kept = self._store.load_checkpoint(run.id)
        config = TrainConfig.model_validate(run.config)
        files = [("checkpoint", kept[1] if kept and kept[0] < place.step else b"")]
        for file in files_of(config.data):
            content = self._store.file(run.workspace, file)
            if content is None:
                raise DataError(GONE)
            files.append((file, content))
        request: Mapping[str, Any] = {
            "run": run.id, "config": run.config, "changes": self._store.events(run.id), "step": place.step,
            "instrument": place.instrument, "course": place.course, "chosen": dict(place.chosen),
        }  # fmt: skip

        def tell(share: float) -> None:
            task.share = share

        process = self._running()
        content = process.ask(dict(request), files, self._settings.instrument_seconds, tell)
        if not place.chosen:
            self._store.keep_reading(run.id, place.instrument, place.step, place.course, place.changes, content)
        return Reading.from_bytes(content)

    def _running(self) -> InspectorProcess:
        if self._process is None or not self._process.alive:
            self._end_process()
            nice = min(19, self._settings.worker_nice + 5)  # whoever trains goes first
            self._process = InspectorProcess(self._settings.worker_memory_mb, nice)
        return self._process

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()


def last_step(run: StoredRun) -> int:
    """Return the last step at which a run can be looked at: the one that would come next, or that it diverged at."""
    return max(1, run.step + (run.status != "diverged"))


def newest_step(run: StoredRun) -> int:
    """Return the newest step that can be looked at without training: that after the newest checkpoint."""
    if run.status in ACTIVE:
        return max(1, min(run.checkpoint_step + 1, last_step(run)))
    return last_step(run)
