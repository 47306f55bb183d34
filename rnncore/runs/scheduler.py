"""The scheduler: start, steer, watch and stop runs, from any thread, without waiting for any of them."""

import logging
import secrets
import time
from collections.abc import Sequence

from rnncore.choices import CLIP_METHODS
from rnncore.config import ClipConfig, OptimizerConfig, TrainConfig
from rnncore.runs.active import RESUMABLE, ActiveRun, Ending, Group, Overview, RunStatus
from rnncore.runs.backend.backends import open_backend
from rnncore.runs.backend.protocol import Backend
from rnncore.runs.forecast import position
from rnncore.runs.housekeeping import Housekeeper
from rnncore.runs.lifecycle import Lifecycle
from rnncore.runs.limits import Load, check_start
from rnncore.runs.loop import Loop
from rnncore.runs.settings import Settings
from rnncore.runs.store.lock import FolderLock
from rnncore.runs.store.store import NewRun, Store
from rnncore.runs.twins import common_step, is_near
from rnncore.runs.uploads import add_new_uploads, add_upload, uploads_of

logger = logging.getLogger(__name__)

MAX_CHANGES = 1000  # of settings while a run trains: each is kept and drawn
MAX_NOTE = 500  # characters of a note
WENT_AWAY = "The server went away while this run was unfinished; it can be continued."


class ControlError(ValueError):
    """A command that a run cannot obey; the message is one plain sentence."""


class UnknownRun(LookupError):  # noqa: N818 - it says what is wrong
    """No run and no group has this id."""


class Scheduler:
    """Queue and runs of one store. A target is the id of a run or of a group: one control drives both twins."""

    def __init__(self, store: Store, settings: Settings, backend: Backend | None = None) -> None:
        """Prepare; backend: the execution engine, by default the one that the settings name. Raises SettingsError."""
        self.store, self.settings = store, settings
        self._lifecycle = Lifecycle(store, settings, backend or open_backend(settings))
        self._loop = Loop(self._lifecycle)
        self._housekeeper = Housekeeper(store, settings, self._lifecycle.delete_ended)
        self._folder_lock: FolderLock | None = None

    def start(self) -> None:
        """Take the data folder, end what an earlier server left unfinished, begin to work in the background.

        Raises StoreError if another server uses the folder.
        """
        self._folder_lock = FolderLock(self.store.path.parent)
        left = self.store.interrupt_active(WENT_AWAY)
        if left:
            logger.warning("%d runs were unfinished when the server went away; they are marked interrupted", left)
        self._loop.start()
        self._housekeeper.start()

    def shutdown(self) -> None:
        """Interrupt all runs at a checkpoint, end the workers, give the folder back. Takes a few seconds at most."""
        self._loop.close()
        self._housekeeper.close()
        if self._folder_lock is not None:
            self._folder_lock.release()

    # Starting

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
        owner: who alternates with others in the queue, by default the workspace.

        Raises:
            LimitError: a limit forbids it. DataError: a file was not uploaded to this workspace.
        """
        group = Group(new_id(), tuple(new_id() for _ in configs))
        with self._lifecycle.lock:
            check_start(configs, self.load(workspace), self.settings)
            add_new_uploads(self.store, self.settings, workspace, files)
            uploads = [uploads_of(self.store, workspace, config) for config in configs]
            new = [
                NewRun(run_id, workspace, group.id, label, config.model_dump(mode="json"), config.steps, own)
                for run_id, label, config, own in zip(group.runs, labels, configs, uploads, strict=True)
            ]
            self.store.create_runs(new)
            who = owner or workspace
            self._lifecycle.add(
                [
                    ActiveRun(run.id, workspace, group.id, run.config, run.steps, run.files, who, keep_when_gone)
                    for run in new
                ]
            )
        logger.info("runs are queued", extra={"event": "run_queued", "runs": group.runs, "workspace": workspace})
        self._loop.wake()
        return group

    def add_file(self, workspace: str, content: bytes, name: str = "") -> str:
        """Store an upload for a workspace; return its id, `sha256:...`. Raises LimitError."""
        return add_upload(self.store, self.settings, workspace, content, name)

    def delete_file(self, workspace: str, file_id: str) -> None:
        """Remove an upload. Raises ControlError while an unfinished run trains on it."""
        with self._lifecycle.lock:
            if not self.store.delete_file(workspace, file_id) and self.store.has_file(workspace, file_id):
                raise ControlError("An unfinished run trains on this file; stop it first.")

    # Steering

    def stop(self, target: str) -> None:
        """End the unfinished runs of a target; they can be continued later. Raises UnknownRun."""
        with self._lifecycle.lock:
            for run in self._members(target):
                self._lifecycle.ask_to_end(run, Ending("stopped", "Stopped at step {step}."))
            self._lifecycle.save_endings()
        self._loop.wake()

    def pause(self, target: str) -> None:
        """Hold the unfinished runs of a target, twins at the same step unless one is more than a second behind."""
        with self._lifecycle.lock:
            members = self._members(target)
            at_step = common_step(members)
            for run in members:
                self._lifecycle.hold(run, at_step if is_near(run, at_step) else 0)
        self._loop.wake()

    def step(self, target: str) -> None:
        """Let the paused runs of a target make one step."""
        with self._lifecycle.lock:
            for run in self._members(target):
                if run.status != "paused":
                    raise ControlError("Only a paused run can make a single step; pause it first.")
                self._lifecycle.release(run, single_step=True)
        self._loop.wake()

    def resume(self, target: str) -> None:
        """Let paused runs go on, and continue interrupted, stopped or killed ones from their last checkpoint.

        Raises:
            LimitError: continuing an ended run is a start. ControlError: it cannot be continued. UnknownRun.
        """
        with self._lifecycle.lock:
            members = self._members(target)
            for run in members:
                if run.hold:
                    self._lifecycle.release(run)
            if not members:
                self._continue(target)
        self._loop.wake()

    def set_learning_rate(self, target: str, value: float) -> None:
        """Change the base learning rate of unfinished runs. Raises pydantic's ValidationError, UnknownRun."""
        OptimizerConfig(learning_rate=value)
        with self._lifecycle.lock:
            self._change(self._members(target), "learning_rate", value)
        self._loop.wake()

    def set_clip_threshold(self, target: str, value: float) -> None:
        """Change the threshold of those runs that clip by one. Raises ControlError, ValidationError, UnknownRun."""
        ClipConfig(threshold=value)
        with self._lifecycle.lock:
            members = self._members(target)
            clipping = [run for run in members if CLIP_METHODS[run.config["clip"]["method"]].has_threshold]
            if not clipping:
                raise ControlError("clip_threshold: none of these runs clips by a threshold.")
            self._change(clipping, "clip_threshold", value)
        self._loop.wake()

    def _members(self, target: str) -> list[ActiveRun]:
        members = [run for run in self._lifecycle.runs.values() if target in (run.id, run.group)]
        if not members and not self.store.named(target):
            raise UnknownRun("There is no such run.")
        return [run for run in members if run.ending is None]

    def _change(self, members: Sequence[ActiveRun], name: str, value: float) -> None:
        if any(run.changes >= MAX_CHANGES for run in members):
            raise ControlError(f"The settings of this run were changed {MAX_CHANGES:,} times; that is all it keeps.")
        at_step = common_step(members)
        for run in members:
            self._lifecycle.change(run, name, value, at_step)

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
        self._lifecycle.add(
            [
                ActiveRun(run.id, workspace, run.group, run.config, run.steps, run.files, workspace, step=run.step)
                for run in going
            ]
        )

    def delete(self, run_id: str) -> None:
        """Remove a run that is over, with all that was recorded of it. Raises ControlError, UnknownRun."""
        with self._lifecycle.lock:
            if run_id in self._lifecycle.runs:
                raise ControlError("This run is unfinished and cannot be deleted; stop it first.")
            self._lifecycle.save_endings()
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
        run = self._lifecycle.runs.get(run_id)
        if run is not None:
            self._lifecycle.seen[run.workspace] = time.monotonic()

    def overview(self) -> Overview:
        """Return how many places and unfinished runs there are, in counts alone."""
        with self._lifecycle.lock:
            capacity = self._lifecycle.backend.capacity()
            runs = self._lifecycle.runs.values()
            return Overview(
                workers=capacity.size,
                workers_ready=capacity.ready,
                workers_busy=capacity.busy,
                workers_lost=capacity.lost,
                running=sum(run.status == "running" for run in runs),
                paused=sum(run.status == "paused" for run in runs),
                queued=len(self._lifecycle.queue),
            )

    def load(self, workspace: str) -> Load:
        """Return what is there already when a workspace wants to start something."""
        with self._lifecycle.lock:
            mine = sum(run.workspace == workspace for run in self._lifecycle.runs.values())
            return Load(mine, len(self._lifecycle.queue))

    def position(self, run_id: str) -> tuple[int | None, float | None]:
        """Return a queued run's place, from 1, and the estimated seconds until it starts; None where not known."""
        return position(self._lifecycle, run_id)

    def status(self, run_id: str) -> RunStatus | None:
        """Return what is known of a run, None if there is none with this id."""
        run = self.store.run(run_id)
        return None if run is None else RunStatus(run, *self.position(run_id))


def new_id() -> str:
    """Return an unguessable id (128 bit) that does not begin with '-', so that it can stand on a command line."""
    while (token := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return token
