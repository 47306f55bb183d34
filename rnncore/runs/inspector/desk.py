"""Where instruments are asked for: each reading is worked out once, and kept in the store."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rnncore.config import TrainConfig, files_of
from rnncore.data.dataset import DataError
from rnncore.errors import ConfigError, not_allowed
from rnncore.flossing import due
from rnncore.key_of import either
from rnncore.on_demand import EVERY, ON_DEMAND, chosen, course_steps, largest, why_undefined
from rnncore.reading import Reading
from rnncore.runs.inspector.process import InspectorProcess
from rnncore.runs.inspector.programs import NO_COURSE, Asked, ask_program, stand_in
from rnncore.runs.inspector.turns import Question, Share, Task, Turns
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import ACTIVE, Store, StoredRun
from rnncore.runs.watched_forms import is_watched

LIVE_S = 5.0  # that a course of a run in training is worked on before what is there of it is shown
GONE = "The uploaded file of this run is no longer stored."
FLOSSES = "the run is being flossed and can be read after its first step"
ENDS = "The server ends at this moment; ask again when it is back."


def largest_choices(run: StoredRun, instrument: str) -> dict[str, int]:
    """Return the largest number that each choice of an instrument allows for a run, by the choice's name."""
    return largest(instrument, stand_in(run) if is_watched(run.config) else TrainConfig.model_validate(run.config))


class Desk:
    """Safe for threads. Nothing is started before somebody asks."""

    def __init__(self, store: Store, settings: Settings, quiet_for: Callable[[str], float] = lambda run: 0.0) -> None:
        """Prepare; quiet_for: for how many seconds nothing has been heard of a watched run's program."""
        self._store, self._quiet_for = store, quiet_for
        self._turns = Turns(lambda: _Process(store, settings))

    def ask(
        self,
        run: StoredRun,
        instrument: str,
        step: int | None,
        course: bool,
        wait_s: float,
        asked: Mapping[str, object] | None = None,
        asker: str = "",
    ) -> Reading | Share | Asked:
        """Return the reading, or, where it takes longer than `wait_s`, the share of the work that is done.

        Of a run that trains in a program of its own, return what there is, and what that program is asked for.

        step: None for the newest that takes no further training, or that of the same question where it is being worked
        out already. course: over training up to that step. asked: what the reader chose beside it
        (`rnncore.on_demand.chosen`). asker: askers take turns; by default the run's workspace. Who is told a share asks
        again; a question that nobody repeats is given up. Raises DataError, ConfigError.
        """
        if instrument not in ON_DEMAND:
            raise not_allowed("instrument", instrument, "", either(ON_DEMAND))
        if course and is_watched(run.config):
            raise DataError(NO_COURSE)
        if course and not ON_DEMAND[instrument].course:
            raise ConfigError(f"course: the instrument '{instrument}' is not followed over training.")
        if is_watched(run.config):
            return ask_program(self._store, run, instrument, step, asked or {}, wait_s, self._quiet_for)
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
        if step is None and run.status == "running" and not run.step and due(config, 1):
            time.sleep(min(wait_s, 2.0))  # else the same flossing would be done twice at once, and take longer
            return Share(0.0, FLOSSES)
        changes = sum(first <= at for first, _, _ in self._store.events(run.id))
        live = course and step is None and run.status in ACTIVE
        question = Question(run.id, instrument, at, course, changes, tuple(sorted(own.items())), live)
        kept = self._store.reading(run.id, instrument, at, course, changes, question.choice)
        if kept is not None:
            self._turns.found(question)
            return Reading.from_bytes(kept)
        if step is None:
            question = self._turns.underway(question) or question
        task = self._turns.task(question, asker or run.workspace, step is None)
        task.done.wait(wait_s)
        if not task.done.is_set():
            return task.share
        self._turns.answered(task)
        if task.problem is not None:
            raise DataError(task.problem)
        assert task.found is not None
        return task.found

    def close(self) -> None:
        """End the processes, and tell those who wait."""
        self._turns.close()


class _Process:
    """A place where readings are worked out, with a process of its own, which starts with the first one."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._process: InspectorProcess | None = None
        self._closed = False

    def read(self, task: Task) -> Reading:
        """Return what a task asks for, and keep it. Raises DataError."""
        asked = task.question
        run = self._store.run(asked.run)
        if run is None:
            raise DataError("There is no such run (any more).")
        kept = self._store.load_checkpoint(run.id)
        config = TrainConfig.model_validate(run.config)
        files = [("checkpoint", kept[1] if kept and kept[0] < asked.step else b"")]
        for file in files_of(config.data):
            content = self._store.file(run.workspace, file)
            if content is None:
                raise DataError(GONE)
            files.append((file, content))
        request: dict[str, Any] = {
            "run": run.id, "config": run.config, "changes": self._store.events(run.id), "step": asked.step,
            "instrument": asked.instrument, "course": asked.course, "chosen": dict(asked.chosen),
            "seconds": LIVE_S if asked.live else None,
        }  # fmt: skip

        def tell(share: float, doing: str) -> None:
            task.share = Share(share, doing)

        content = self._running().ask(request, files, self._settings.instrument_seconds, tell)
        found = Reading.from_bytes(content)
        if note := _elsewhere(run):
            found = replace(found, notes=(*found.notes, note))
        wanted = course_steps(config, asked.step, dict(asked.chosen).get(EVERY))[0] if asked.live else []
        if len(found.arrays.get("step", ())) >= len(wanted):  # else it is a part of a course, for now
            self._store.keep_reading(
                run.id, asked.instrument, asked.step, asked.course, asked.changes, found.to_bytes(), asked.choice
            )
        return found

    def close(self) -> None:
        """End the process, for good."""
        self._closed = True
        self._end_process()

    def _running(self) -> InspectorProcess:
        if self._process is None or not self._process.alive:
            self._end_process()
            nice = min(19, self._settings.worker_nice + 5)  # whoever trains goes first
            self._process = InspectorProcess(self._settings.worker_memory_mb, nice)
        process = self._process
        if self._closed:  # it may have been, while the process was started
            self._end_process()
            raise DataError(ENDS)
        return process

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()


def _elsewhere(run: StoredRun) -> str:
    """Return what is to be known of a reading of a run that did not train on the CPU, else ''."""
    device = (run.info or {}).get("device", "cpu")
    if device == "cpu":
        return ""
    dropping = ", and dropout leaves out other units there" if run.config["model"].get("dropout") else ""
    return (
        f"This run trained on '{device}'. It is read on the CPU, where the steps between its last checkpoint and this "
        f"step are done again and round differently{dropping}."
    )


def last_step(run: StoredRun) -> int:
    """Return the last step at which a run can be looked at: the one that would come next, or that it diverged at."""
    return max(1, run.step + (run.status != "diverged"))


def newest_step(run: StoredRun) -> int:
    """Return the newest step that can be looked at without training: that after the newest checkpoint."""
    if run.status in ACTIVE:
        return max(1, min(run.checkpoint_step + 1, last_step(run)))
    return last_step(run)
