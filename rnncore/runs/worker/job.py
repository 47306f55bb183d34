"""One run inside a worker: train, send what is measured, obey commands, say in a sentence how it ended."""

import time
import traceback
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import Any

from pydantic import ValidationError

from rnncore.codec import pack
from rnncore.config import TrainConfig, explain
from rnncore.data.dataset import DataError
from rnncore.errors import ConfigError
from rnncore.flossing import Progress
from rnncore.records import PROFILES, Record
from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.backend.memory import out_of_memory
from rnncore.runs.worker.confine import memory_is_short
from rnncore.runs.worker.engine import Engine, TrainerLike
from rnncore.runs.worker.together import Kept, train_together
from rnncore.studies.success import Success
from rnncore.words import sentence

FLUSH_BYTES = 2**20
FLOSS_S = 0.5  # between two messages about gradient flossing
LONG_FLOSS_S = 2.0  # after so much of it a checkpoint follows
CHECKPOINT_SHARE = 0.02  # of the training time, at most
IN_TURN_SECONDS = 4.0  # after which no further run of a job begins: others may wait for its place
SLOW_STEPS, SLOW_SECONDS = 20, 5.0  # a slow start takes so long for its first steps
Send = Callable[[dict[str, Any], bytes], None]


class _EndedByCommand(Exception):  # noqa: N818 - not an error
    """A command ended the run; `status` is what it becomes."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Job:
    """A run in progress.

    `commands` is filled by another thread; `send` writes a frame to the scheduler; `confine` limits the memory of this
    process as the run's device allows and returns the limit in MB; for None it lifts the limit.
    """

    def __init__(
        self,
        spec: JobSpec,
        engine: Engine,
        commands: SimpleQueue[Frame],
        send: Send,
        confine: Callable[[TrainConfig | None], int | None],
    ) -> None:
        self.run = spec.run
        self._spec, self._engine, self._commands, self._send = spec, engine, commands, send
        self._confine = confine
        self._memory_mb: int | None = None
        self._flush_s, self._checkpoint_s = spec.flush_ms / 1000, spec.checkpoint_seconds
        self._records: list[Record] = []
        self._profile_bytes = 0
        self._flush_due = 0.0  # the first record goes out at once
        self._floss_due = 0.0
        self._floss_began: float | None = None  # before the step that is under way
        self._checkpoint_due = time.monotonic() + self._checkpoint_s
        self._changes = sorted(spec.changes)
        self._pause_at = spec.pause_at
        self._slow_steps = SLOW_STEPS if spec.slow_start else 0
        self._diverged = False
        self.step = spec.start_step
        self._saved_step, self._saving_dear_until = self.step, 0.0
        self._trainer: TrainerLike | None = None

    def execute(self) -> None:
        """Train until the run ends, in whatever way, and report how."""
        trace = ""
        try:
            status, reason = self._train()
        except _EndedByCommand as command:
            status, reason = command.status, ""
        except ValidationError as error:
            status, reason = "failed", sentence(explain(error))
        except (DataError, ConfigError) as error:
            status, reason = "failed", sentence(str(error))
        except Exception as error:
            short = self._memory_mb is not None and memory_is_short()
            self._confine(None)  # else there may be no memory to say so
            trace = traceback.format_exc(limit=-20)
            if short or self._engine.memory_ran_out(error):
                status, reason = "killed", out_of_memory(self._memory_mb)
            else:
                status = "failed"
                reason = f"An unexpected error ended the run ({type(error).__name__}); the server's log says more."
        self._confine(None)  # what follows is not the run's
        self._flush()
        self._trainer = None
        self._send(
            {"type": "done", "run": self.run, "status": status, "reason": reason, "step": self.step,
             "traceback": trace}, b"",
        )  # fmt: skip

    def _train(self) -> tuple[str, str]:
        config = TrainConfig.model_validate(self._spec.config)
        self._memory_mb = self._confine(config)
        if self._spec.batch:
            return self._train_in_turn() if self._spec.in_turn else self._train_together()
        trainer = self._trainer = self._engine.trainer(config, self._read_file)
        if self._spec.checkpoint:
            self._engine.restore(trainer, self._spec.checkpoint)
        self._send({"type": "info", "run": self.run, "info": trainer.info.to_json()}, b"")
        try:
            self._run(trainer)
        except _EndedByCommand:
            self._save_checkpoint()
            raise
        self._save_checkpoint()
        return "diverged" if self._diverged else "finished", sentence(trainer.ended or "")

    def _train_together(self) -> tuple[str, str]:
        """Train a batch of a study's runs; nothing is saved on the way, so that one that is stopped begins anew."""
        configs = [TrainConfig.model_validate(each) for each in self._spec.batch]
        success = self._success()
        prepared = self._engine.together(configs, self._read_file)
        summaries: list[dict[str, Any]] = []
        if prepared is not None:
            trainers, steps = prepared
            for trainer in trainers:
                trainer.told = lambda progress: self._obey_at_once()
            self._send({"type": "info", "run": self.run, "info": trainers[0].info.to_json()}, b"")
            for told in train_together(trainers, steps, success):
                if isinstance(told, list):
                    summaries = told
                    continue
                self.step = told.step
                self._keep(told)
                self._obey_at_once()
        self._flush()
        self._send({"type": "together", "run": self.run, "summaries": summaries}, b"")
        return "finished", ""

    def _train_in_turn(self) -> tuple[str, str]:
        """Train short runs of a study one after another, each as it trains alone; only their summaries are sent.

        Nothing is saved on the way, so that they begin anew where they are stopped. Where they take longer than was
        expected, the last ones are left to another job.
        """
        success, summaries, largest = self._success(), list[dict[str, Any]](), 0
        until = time.monotonic() + IN_TURN_SECONDS
        for values in self._spec.batch:
            if summaries and time.monotonic() > until:
                break
            config = TrainConfig.model_validate(values)
            self._memory_mb = self._confine(config)
            trainer, kept = self._engine.trainer(config, self._read_file), Kept()
            trainer.told = lambda progress: self._obey_at_once()
            if trainer.info.parameter_count > largest:  # there may be a limit
                largest = trainer.info.parameter_count
                self._send({"type": "info", "run": self.run, "info": trainer.info.to_json()}, b"")
            for record in trainer.records():
                kept.add(record)
                self._obey_at_once()
            summaries.append(kept.summary(trainer, success))
        self._send({"type": "together", "run": self.run, "summaries": summaries}, b"")
        return "finished", ""

    def _success(self) -> Success | None:
        return None if self._spec.success is None else Success.model_validate(self._spec.success)

    def _obey_at_once(self) -> None:
        while not self._commands.empty():
            self._command(self._commands.get())

    def _run(self, trainer: TrainerLike) -> None:
        records = trainer.records()
        trainer.told = lambda progress: self._floss(trainer, progress)
        while True:
            self._hear(trainer)
            record = next(records, None)
            if record is None:
                return
            self.step, self._diverged = record.step, record.diverged is not None
            self._keep(record)
            self._note_flossing()
            if time.monotonic() >= self._checkpoint_due:
                self._save_checkpoint()
            if self.step < self._slow_steps:
                self._wait_for_watchers()

    def _hear(self, trainer: TrainerLike) -> None:
        """Do what commands ask for before the next step: end, wait, change settings."""
        self._obey(trainer)
        self._make_changes(trainer)

    def _floss(self, trainer: TrainerLike, progress: Progress) -> None:
        """Say how far gradient flossing is, twice a second at most, and do what commands ask for."""
        if self._floss_began is None:
            self._floss_began = time.monotonic()
        if (now := time.monotonic()) >= self._floss_due:
            self._flush()
            told = {"done": progress.done, "updates": progress.updates, "size": progress.size}
            self._send({"type": "flossing", "run": self.run, "step": self.step + 1, **told}, b"")
            self._floss_due = now + FLOSS_S
        self._hear(trainer)

    def _note_flossing(self) -> None:
        """Let a checkpoint follow a step before which flossing took long, so that nobody has to do it again."""
        began, self._floss_began = self._floss_began, None
        if began is not None and (now := time.monotonic()) - began >= LONG_FLOSS_S:
            self._checkpoint_due = now

    def _wait_for_watchers(self) -> None:
        """Hold a slow start at the step just done, which has been sent; commands are obeyed meanwhile."""
        due = time.monotonic() + SLOW_SECONDS / SLOW_STEPS
        while (left := due - time.monotonic()) > 0 and self._pause_at is None:
            try:
                self._command(self._commands.get(timeout=left))
            except Empty:
                return

    def _keep(self, record: Record) -> None:
        self._records.append(record)
        for name in PROFILES:
            array = getattr(record, name)
            self._profile_bytes += 0 if array is None else array.nbytes
        if time.monotonic() >= self._flush_due or self._profile_bytes > FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._records:
            header, blob = pack(self._records)
            self._send({"type": "records", "run": self.run, **header}, blob)
            self._records = []
            self._profile_bytes = 0
        self._flush_due = time.monotonic() + self._flush_s

    def _save_checkpoint(self) -> None:
        self._flush()
        began = time.monotonic()
        if self._trainer is not None and self._saved_step != self.step:
            blob = self._engine.save(self._trainer)
            self._send({"type": "checkpoint", "run": self.run, "step": self.step}, blob)
            self._saved_step = self.step
        now = time.monotonic()
        self._saving_dear_until = now + (now - began) / CHECKPOINT_SHARE
        self._checkpoint_due = max(now + self._checkpoint_s, self._saving_dear_until)

    def _obey(self, trainer: TrainerLike) -> None:
        while not self._commands.empty():
            self._command(self._commands.get())
        if self._pause_at is not None and self.step >= self._pause_at:
            self._flush()
            if time.monotonic() >= self._saving_dear_until:  # else the one before will do
                self._save_checkpoint()
            self._report("paused")
            while self._pause_at is not None and self.step >= self._pause_at:
                self._make_changes(trainer)  # so that whoever looks, or comes back later, sees what will be in force
                self._command(self._commands.get())
            self._report("resumed")

    def _report(self, what: str) -> None:
        self._send({"type": what, "run": self.run, "step": self.step}, b"")

    def _command(self, frame: Frame) -> None:
        if frame.run == self.run:  # one for an earlier run comes too late
            COMMANDS[frame.type](self, frame.header)

    def _stop(self, header: Mapping[str, Any]) -> None:
        raise _EndedByCommand("stopped")

    def _park(self, header: Mapping[str, Any]) -> None:
        raise _EndedByCommand("parked")

    def _pause(self, header: Mapping[str, Any]) -> None:
        self._pause_at = max(self.step, header.get("at_step", 0))

    def _resume(self, header: Mapping[str, Any]) -> None:
        self._pause_at = None

    def _single_step(self, header: Mapping[str, Any]) -> None:
        self._pause_at = self.step + 1

    def _set(self, header: Mapping[str, Any]) -> None:
        self._changes.append((header["at_step"], header["name"], header["value"]))
        self._changes.sort()

    def _make_changes(self, trainer: TrainerLike) -> None:
        upcoming = self.step + 1
        while self._changes and self._changes[0][0] <= upcoming:
            _, name, value = self._changes.pop(0)
            SETTABLE[name](trainer, value)
            self._flush()
            self._send({"type": "event", "run": self.run, "step": upcoming, "name": name, "value": value}, b"")

    def _read_file(self, name: str) -> bytes:
        if name not in self._spec.files:
            raise DataError(f"The file '{name}' was not uploaded, or was deleted since.")
        return self._spec.files[name]


COMMANDS: dict[str, Callable[[Job, Mapping[str, Any]], None]] = {
    "stop": Job._stop,
    "park": Job._park,
    "pause": Job._pause,
    "resume": Job._resume,
    "step": Job._single_step,
    "set": Job._set,
}
SETTABLE: dict[str, Callable[[TrainerLike, float], None]] = {
    "learning_rate": lambda trainer, value: trainer.set_learning_rate(value),
    "clip_threshold": lambda trainer, value: trainer.set_clip_threshold(value),
}
