"""The scheduler's doors: start, steer, watch and stop runs, from any thread, without waiting for any of them."""

import logging
import math
import secrets
import time
from collections.abc import Sequence

from rnncore.choices import CLIP_METHODS
from rnncore.config import ClipConfig, OptimizerConfig, TrainConfig, files_of
from rnncore.data.dataset import DataError
from rnncore.runs.active import RESUMABLE, ActiveRun, Ending, Group, Overview, RunStatus, usual_rate, waiting_times
from rnncore.runs.caretaker import Caretaker
from rnncore.runs.limits import LimitError, Load, check_file, check_start, check_uploads
from rnncore.runs.store.store import NewRun, file_id_of

logger = logging.getLogger(__name__)

MAX_CHANGES = 1000  # of settings while a run trains: each is kept and drawn
MAX_NOTE = 500  # characters of a note
UNUSED_S = 600.0  # an upload without a run is kept this long when room is scarce
AHEAD_S = 0.3  # how far ahead a change is announced, so that twins make it at the same step


class ControlError(ValueError):
    """A command that a run cannot obey; the message is one plain sentence."""


class UnknownRun(LookupError):  # noqa: N818 - it says what is wrong
    """No run and no group has this id."""


class Scheduler(Caretaker):
    """Queue and workers of one store. A target is the id of a run or of a group: one control drives both twins."""

    def submit(
        self,
        workspace: str,
        configs: Sequence[TrainConfig],
        labels: Sequence[str],
        files: Sequence[tuple[str, bytes]] = (),
        keep_when_gone: bool = False,
        owner: str = "",
    ) -> Group:
        """Store and queue runs as one group, all or none.

        files: (name, content) of uploads; the configs name them by their content, `sha256:...` (`file_id_of`).
        keep_when_gone: do not stop waiting runs when the workspace gives no sign of life.
        owner: who takes turns with the others in the queue, by default the workspace.

        Raises:
            LimitError: a limit forbids it. DataError: a file was not uploaded to this workspace.
        """
        group = Group(new_id(), tuple(new_id() for _ in configs))
        with self._lock:
            check_start(configs, self.load(workspace), self.settings)
            self._add_new_files(workspace, files)
            uploads = [self._uploads_of(workspace, config) for config in configs]
            new = [
                NewRun(run_id, workspace, group.id, label, config.model_dump(mode="json"), config.steps, own)
                for run_id, label, config, own in zip(group.runs, labels, configs, uploads, strict=True)
            ]
            self.store.create_runs(new)
            for run in new:
                self._active[run.id] = ActiveRun(
                    run.id, workspace, group.id, run.config, run.steps, run.files, owner or workspace, keep_when_gone
                )
            self._queue.add(owner or workspace, group.runs)
            self._seen[workspace] = time.monotonic()
        logger.info("runs are queued", extra={"event": "run_queued", "runs": group.runs, "workspace": workspace})
        self._wake()
        return group

    def add_file(self, workspace: str, content: bytes, name: str = "") -> str:
        """Store an upload for a workspace; return its id, `sha256:...`. Raises LimitError."""
        self._check_room(workspace, len(content))
        return self.store.add_file(workspace, content, name)

    def delete_file(self, workspace: str, file_id: str) -> None:
        """Remove an upload. Raises ControlError while an unfinished run trains on it."""
        with self._lock:
            if not self.store.delete_file(workspace, file_id) and self.store.has_file(workspace, file_id):
                raise ControlError("An unfinished run trains on this file; stop it first.")

    def _add_new_files(self, workspace: str, files: Sequence[tuple[str, bytes]]) -> None:
        """Store the uploads that the workspace does not have yet, all or none."""
        named = {file_id_of(content): (name, content) for name, content in files}
        new = [pair for file_id, pair in named.items() if not self.store.has_file(workspace, file_id)]
        if new:
            self._check_room(workspace, sum(len(content) for _, content in new))
        for name, content in new:
            self.store.add_file(workspace, content, name)

    def _check_room(self, workspace: str, size: int) -> None:
        check_file(size, self.store.file_bytes_of(workspace), self.settings)
        try:
            check_uploads(size, self.store.file_bytes(), self.settings)
        except LimitError:
            self.store.drop_unused_files(time.time() - UNUSED_S)  # nobody's runs go for files that train nothing
            check_uploads(size, self.store.file_bytes(), self.settings)

    def _uploads_of(self, workspace: str, config: TrainConfig) -> tuple[str, ...]:
        files = files_of(config.data)
        for file in files:
            if not self.store.has_file(workspace, file):
                raise DataError(f"The file '{file}' was not uploaded in this workspace; upload it again.")
        return files

    # Steering

    def stop(self, target: str) -> None:
        """End the unfinished runs of a target; they can be continued later. Raises UnknownRun."""
        with self._lock:
            for run in self._members(target):
                self._ask_to_end(run, Ending("stopped", "Stopped at step {step}."))
            self._save_endings()
        self._wake()

    def pause(self, target: str) -> None:
        """Hold the unfinished runs of a target, twins at the same step unless one is more than a second behind."""
        with self._lock:
            members = self._members(target)
            at_step = self._common_step(members)
            for run in members:
                near = at_step - run.step <= (AHEAD_S + 1.0) * run.steps_per_second + 1
                self._hold(run, at_step if near else 0)
        self._wake()

    def step(self, target: str) -> None:
        """Let the paused runs of a target make one step."""
        with self._lock:
            for run in self._members(target):
                if run.status != "paused":
                    raise ControlError("Only a paused run can make a single step; pause it first.")
                self._release(run, single_step=True)
        self._wake()

    def resume(self, target: str) -> None:
        """Let paused runs go on, and continue interrupted, stopped or killed ones from their last checkpoint.

        Raises:
            LimitError: continuing an ended run is a start. ControlError: it cannot be continued. UnknownRun.
        """
        with self._lock:
            members = self._members(target)
            for run in members:
                if run.hold:
                    self._release(run)
            if not members:
                self._continue(target)
        self._wake()

    def set_learning_rate(self, target: str, value: float) -> None:
        """Change the base learning rate of unfinished runs. Raises pydantic's ValidationError, UnknownRun."""
        OptimizerConfig(learning_rate=value)
        with self._lock:
            self._steer(self._members(target), "learning_rate", value)
        self._wake()

    def set_clip_threshold(self, target: str, value: float) -> None:
        """Change the threshold of those runs that clip by one. Raises ControlError, ValidationError, UnknownRun."""
        ClipConfig(threshold=value)
        with self._lock:
            members = self._members(target)
            clipping = [run for run in members if CLIP_METHODS[run.config["clip"]["method"]].has_threshold]
            if not clipping:
                raise ControlError("clip_threshold: none of these runs clips by a threshold.")
            self._steer(clipping, "clip_threshold", value)
        self._wake()

    def _members(self, target: str) -> list[ActiveRun]:
        members = [run for run in self._active.values() if target in (run.id, run.group)]
        if not members and not self.store.named(target):
            raise UnknownRun("There is no such run.")
        return [run for run in members if run.ending is None]

    def _steer(self, members: Sequence[ActiveRun], name: str, value: float) -> None:
        if any(run.changes >= MAX_CHANGES for run in members):
            raise ControlError(f"The settings of this run were changed {MAX_CHANGES:,} times; that is all it keeps.")
        at_step = self._common_step(members)
        for run in members:
            run.changes += 1
            if run.worker is not None:
                run.worker.send({"type": "set", "run": run.id, "name": name, "value": value, "at_step": at_step})
            else:
                run.settings.append((at_step, name, value))

    def _common_step(self, members: Sequence[ActiveRun]) -> int:
        """Return a step that no running member has reached yet, if there are twins; 0 for a single run."""
        if len(members) < 2:
            return 0
        running = [run for run in members if run.status == "running"]
        if not running:
            return max(run.step for run in members) + 1
        fastest = max(run.steps_per_second for run in running)
        return max(run.step for run in members) + math.ceil(AHEAD_S * fastest) + 1

    def _continue(self, target: str) -> None:
        going = [run for run in self.store.named(target) if run.status in RESUMABLE]
        if not going:
            raise ControlError("This run has ended and cannot be continued.")
        configs = [TrainConfig.model_validate(run.config) for run in going]
        workspace = going[0].workspace
        if not all(self.store.has_file(workspace, file) for run in going for file in run.files):
            raise ControlError("This run's uploaded file was deleted, so it cannot be continued.")
        check_start(configs, self.load(workspace), self.settings)
        for run in going:
            self.store.requeue_run(run.id)
            self._active[run.id] = ActiveRun(
                run.id, workspace, run.group, run.config, run.steps, run.files, workspace, step=run.step
            )
        self._queue.add(workspace, [run.id for run in going])
        self._seen[workspace] = time.monotonic()

    def delete(self, run_id: str) -> None:
        """Remove a run that is over, with all that was recorded of it. Raises ControlError, UnknownRun."""
        with self._lock:
            if run_id in self._active:
                raise ControlError("This run is unfinished and cannot be deleted; stop it first.")
            self._save_endings()
            if not self.store.delete_run(run_id):
                raise UnknownRun("There is no such run.")

    def set_note(self, workspace: str, run_id: str, text: str) -> None:
        """Replace a run's note, for its own workspace only. Raises ControlError (too long), UnknownRun."""
        note = text.strip()
        if len(note) > MAX_NOTE:
            raise ControlError(f"note: {len(note):,} characters are not allowed; allowed: up to {MAX_NOTE}.")
        run = self.store.run(run_id)
        if run is None or run.workspace != workspace:
            raise UnknownRun("There is no such run.")
        self.store.update_run(run_id, note=note)

    # Watching

    def seen(self, run_id: str) -> None:
        """Note that somebody is looking at a run, so that its workspace is not taken for gone."""
        run = self._active.get(run_id)
        if run is not None:
            self._seen[run.workspace] = time.monotonic()

    def overview(self) -> Overview:
        """Return how many workers and unfinished runs there are, in counts alone."""
        with self._lock:
            workers = self._pool.workers
            return Overview(
                workers=self.settings.workers,
                workers_ready=min(sum(worker.ready for worker in workers), self.settings.workers),
                workers_busy=sum(worker.run is not None for worker in workers),
                workers_lost=self._pool.died,
                running=sum(run.status == "running" for run in self._active.values()),
                paused=sum(run.status == "paused" for run in self._active.values()),
                queued=len(self._queue),
            )

    def load(self, workspace: str) -> Load:
        """Return what is there already when a workspace wants to start something."""
        with self._lock:
            mine = sum(run.workspace == workspace for run in self._active.values())
            return Load(mine, len(self._queue))

    def position(self, run_id: str) -> tuple[int | None, float | None]:
        """Return a queued run's place, from 1, and the estimated seconds until it starts; None where not known."""
        with self._lock:
            if run_id not in self._queue:
                return None, None
            waiting = list(self._queue)
            place = waiting.index(run_id)
            usual = usual_rate(self._rates, self._active.values())
            busy = [run.remaining_seconds(usual) for run in self._active.values() if run.worker is not None]
            ahead = [self._active[other].remaining_seconds(usual) for other in waiting[: place + 1]]
            if None in busy or None in ahead:
                return place + 1, None
            times = waiting_times([s for s in busy if s], [s for s in ahead if s is not None], self.settings.workers)
            return place + 1, times[-1]

    def status(self, run_id: str) -> RunStatus | None:
        """Return what is known of a run, None if there is none with this id."""
        run = self.store.run(run_id)
        return None if run is None else RunStatus(run, *self.position(run_id))


def new_id() -> str:
    """Return an unguessable id (128 bit) that does not begin with '-', so that it can stand on a command line."""
    while (token := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return token
