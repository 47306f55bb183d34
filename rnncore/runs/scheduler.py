"""The scheduler: start, steer, watch and stop runs, from any thread, without waiting for any of them."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from rnncore.choices import CLIP_METHODS
from rnncore.config import ClipConfig, OptimizerConfig, TrainConfig
from rnncore.runs.active import ActiveRun, Ending, Group, Overview, RunStatus
from rnncore.runs.allowed import ACTS, ALREADY, STOPPING, TABLE
from rnncore.runs.backend.backends import open_backend
from rnncore.runs.backend.protocol import Backend
from rnncore.runs.folder import DataFolder
from rnncore.runs.forecast import position
from rnncore.runs.housekeeping import Housekeeper
from rnncore.runs.lifecycle import Lifecycle
from rnncore.runs.limits import Load, check_start, starts
from rnncore.runs.loop import Loop
from rnncore.runs.owners import Owners
from rnncore.runs.patience import patient
from rnncore.runs.settings import Settings
from rnncore.runs.store.database import is_damage
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.store import ACTIVE, NewRun, Store, StoredRun
from rnncore.runs.studies import Studies
from rnncore.runs.supervision import damaged
from rnncore.runs.tokens import new_id
from rnncore.runs.twins import common_step, is_near
from rnncore.runs.uploads import add_new_uploads, add_upload, uploads_of
from rnncore.runs.watched import NOT_HERE, NOT_YET, WatchedRuns
from rnncore.words import visible

logger = logging.getLogger(__name__)

MAX_CHANGES = 1000  # of settings while a run trains: each is kept and drawn
MAX_NOTE = 500  # characters of a note
BUSY_MS = 100  # how long a write waits for other programs while it keeps others of this one from working


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
        self.studies = Studies(self._lifecycle, self._check_study, self.wake)
        self._loop = Loop(self._lifecycle, self.studies.feeder)
        self._owners = Owners()
        self._folder = DataFolder(self._lifecycle, self.studies.feeder.forget_all)
        self.watched = WatchedRuns(store, settings)
        self._housekeeper = Housekeeper(store, settings, self._lifecycle.delete_ended, self._look_after)

    def start(self) -> None:
        """Take the data folder, end what an earlier server left unfinished, begin to work in the background.

        Raises StoreError if another server uses the folder, or if the store cannot be written.
        """
        self._folder.take()
        self.store.wait_for_others(BUSY_MS)
        self._loop.start()
        self._housekeeper.start()

    def shutdown(self) -> None:
        """Interrupt all runs at a checkpoint, end the workers, give the folder back. Takes a few seconds at most."""
        self._loop.close()
        self._housekeeper.close()
        self._folder.give_back()

    def _look_after(self) -> None:
        self._folder.look()
        self.watched.look()

    def wake(self) -> None:
        """Let the background look after the runs at once."""
        self._loop.wake()

    # Starting

    @patient
    def submit(
        self,
        workspace: str,
        configs: Sequence[TrainConfig],
        labels: Sequence[str],
        files: Sequence[tuple[str, bytes]] = (),
        keep_when_gone: bool = False,
        owner: str = "",
        slow_start: bool = False,
        joins: str | None = None,
    ) -> Group:
        """Store and queue runs as one group, all or none.

        files: (name, content) of uploads; the configs name them by their content, `sha256:...` (`file_id_of`).
        keep_when_gone: do not stop waiting runs when the workspace gives no sign of life.
        owner: who alternates with others in the queue and has a quota of it, by default the workspace, which has none.
        slow_start: let the first steps take seconds, for somebody who watches; what is measured stays the same.
        joins: id of a group of this workspace whose runs they are to stand beside, None for a group of their own.

        Raises:
            LimitError: a limit forbids it. DataError: a file was not uploaded to this workspace.
            StoreTrouble: the store cannot be written, as may be raised by every command.
        """
        group = Group(joins or new_id(), tuple(new_id() for _ in configs))
        with self._lifecycle.lock:
            self.check_start(workspace, configs, owner, joins)
            add_new_uploads(self.store, self.settings, workspace, files)
            uploads = [uploads_of(self.store, workspace, config) for config in configs]
            new = [
                NewRun(run_id, workspace, group.id, label, config.model_dump(mode="json"), config.steps, own)
                for run_id, label, config, own in zip(group.runs, labels, configs, uploads, strict=True)
            ]
            who = owner or workspace
            active = [
                ActiveRun(
                    run.id, workspace, group.id, run.config, run.steps, run.files, who, keep_when_gone, slow_start
                )
                for run in new
            ]
            with self._lifecycle.transaction():
                self.store.create_runs(new)
                self._lifecycle.add(active)
            self._owners.note(group.runs, owner)
        logger.info("runs are queued", extra={"event": "run_queued", "runs": group.runs, "workspace": workspace})
        self._loop.wake()
        return group

    def check_start(
        self, workspace: str, configs: Sequence[TrainConfig], owner: str = "", joins: str | None = None
    ) -> None:
        """Raise LimitError if these runs may not be queued now. owner, joins: as for `submit`."""
        with self._lifecycle.lock:
            runs = self._lifecycle.runs.values()
            groups = Counter(
                run.group for run in runs if run.workspace == workspace and run.ending is None and not run.in_study
            )
            mine = sum(map(starts, groups.values())) + self.studies.feeder.count(workspace)
            owned = sum(run.owner == owner for run in runs) if owner else None
            queued = sum(not self._lifecycle.runs[run].in_study for run in self._lifecycle.queue)
            teaches = bool(self._lifecycle.students_of(workspace))
            check_start(configs, Load(mine, queued, owned, joins in groups, teaches), self.settings)

    def _check_study(self, workspace: str, owner: str) -> None:
        """Raise LimitError if a study may not begin now; it counts as one start of its workspace."""
        self.check_start(workspace, [TrainConfig()], owner)

    @patient
    def add_file(self, workspace: str, content: bytes, name: str = "") -> str:
        """Store an upload for a workspace; return its id, `sha256:...`. Raises LimitError."""
        return add_upload(self.store, self.settings, workspace, content, name)

    @patient
    def delete_file(self, workspace: str, file_id: str) -> None:
        """Remove an upload. Raises ControlError while an unfinished run trains on it."""
        with self._lifecycle.lock:
            if not self.store.delete_file(workspace, file_id) and self.store.has_file(workspace, file_id):
                raise ControlError("An unfinished run trains on this file; stop it first.")

    # Steering: `allowed.TABLE` says which command a run obeys in which state; others raise ControlError

    @patient
    def stop(self, target: str) -> None:
        """End the unfinished runs of a target; they can be continued later. Raises ControlError, UnknownRun."""
        lifecycle = self._lifecycle
        with lifecycle.lock:
            members = {run.id: run for run in self._asked(target, "stop")}
            ending = Ending("stopped", "Stopped at step {step}.")
            failures = lifecycle.each_alone(members, lambda run: lifecycle.ask_to_end(members[run], ending))
            for run, error in failures.of.items():
                if failures.general is not None or not is_damage(error):
                    raise error
                lifecycle.give_up(members[run], Ending("interrupted", damaged(error)), has_ended=False)
        self._loop.wake()

    @patient
    def pause(self, target: str) -> None:
        """Hold the unfinished runs of a target, twins at the same step unless one is more than a second behind."""
        with self._lifecycle.transaction():
            members = self._asked(target, "pause")
            at_step = common_step(members)
            for run in members:
                self._lifecycle.hold(run, at_step if is_near(run, at_step) else 0)
        self._loop.wake()

    @patient
    def step(self, target: str) -> None:
        """Let the paused runs of a target make one step."""
        with self._lifecycle.transaction():
            for run in self._asked(target, "step"):
                self._lifecycle.release(run, single_step=True)
        self._loop.wake()

    @patient
    def resume(self, target: str, owner: str = "") -> None:
        """Let paused runs go on, and continue interrupted, stopped or killed ones from their last checkpoint.

        owner: as for `submit`, by default the one for whom the runs were started.

        Raises:
            LimitError: continuing an ended run is a start. ControlError: it cannot be continued. UnknownRun.
        """
        self._save_endings()
        with self._lifecycle.transaction():
            members = self._asked(target, "resume")
            for run in members:
                if run.hold:
                    self._lifecycle.release(run)
            if not members:
                self._continue(target, owner)
        self._loop.wake()

    @patient
    def set_learning_rate(self, target: str, value: float) -> None:
        """Change the base learning rate of unfinished runs. Raises pydantic's ValidationError, UnknownRun."""
        OptimizerConfig(learning_rate=value)
        with self._lifecycle.transaction():
            self._change(self._asked(target, "settings"), "learning_rate", value)
        self._loop.wake()

    @patient
    def set_clip_threshold(self, target: str, value: float) -> None:
        """Change the threshold of those runs that clip by one. Raises ControlError, ValidationError, UnknownRun."""
        ClipConfig(threshold=value)
        with self._lifecycle.transaction():
            members = self._asked(target, "settings")
            clipping = [run for run in members if CLIP_METHODS[run.config["clip"]["method"]].has_threshold]
            if not clipping:
                raise ControlError("clip_threshold: none of these runs clips by a threshold.")
            self._change(clipping, "clip_threshold", value)
        self._loop.wake()

    def _asked(self, target: str, command: str) -> list[ActiveRun]:
        """Return the unfinished runs of a target that are to obey; none where only ones are left that are over.

        Raises UnknownRun, and ControlError where one that is unfinished may not obey, or all that are over may not.
        """
        row = TABLE[command]
        unfinished = [run for run in self._lifecycle.runs.values() if target in (run.id, run.group)]
        if unfinished:
            members = [run for run in unfinished if run.ending is None]
            if not members and command != "stop":
                raise ControlError(STOPPING)
            verdicts = [row[run.status] for run in members]
            refused = any(verdict not in (ACTS, ALREADY) for verdict in verdicts)
        else:
            members = []
            stored = self._named(target)
            if any(self.store.is_watched(run.id) for run in stored):
                raise ControlError(NOT_HERE)
            verdicts = [row[run.status] for run in stored]
            refused = not any(verdict in (ACTS, ALREADY) for verdict in verdicts)
        if refused:
            raise ControlError(next(verdict for verdict in verdicts if verdict not in (ACTS, ALREADY)))
        return members

    def _named(self, target: str) -> list[StoredRun]:
        """Return the stored runs that an id stands for, as they truly are. Raises UnknownRun."""
        stored = [self._truly(run) for run in self.store.named(target)]
        if not stored:
            raise UnknownRun("There is no such run.")
        return stored

    def _truly(self, run: StoredRun) -> StoredRun:
        """Return a run with the ending that the store does not know yet, if there is one."""
        ending = self._lifecycle.unsaved_ending(run.id)
        return run if ending is None else replace(run, status=ending.status, reason=ending.reason)

    def _change(self, members: Sequence[ActiveRun], name: str, value: float) -> None:
        if any(run.changes >= MAX_CHANGES for run in members):
            raise ControlError(f"The settings of this run were changed {MAX_CHANGES:,} times; that is all it keeps.")
        at_step = common_step(members)
        for run in members:
            self._lifecycle.change(run, name, value, at_step)

    def _continue(self, target: str, owner: str) -> None:
        going = [run for run in self._named(target) if TABLE["resume"][run.status] == ACTS]
        configs = [TrainConfig.model_validate(run.config) for run in going]
        workspace = going[0].workspace
        if not all(self.store.has_file(workspace, file) for run in going for file in run.files):
            raise ControlError("This run's uploaded file was deleted, so it cannot be continued.")
        owner = owner or self._owners.of(going[0].id)
        self.check_start(workspace, configs, owner, going[0].group)
        for run in going:
            self.store.requeue_run(run.id)
        who = owner or workspace
        self._lifecycle.add(
            [
                ActiveRun(run.id, workspace, run.group, run.config, run.steps, run.files, who, step=run.step)
                for run in going
            ]
        )
        self._owners.note([run.id for run in going], owner)

    @patient
    def delete(self, run_id: str) -> None:
        """Remove a run that is over, with all that was recorded of it. Raises ControlError, UnknownRun."""
        with self._lifecycle.lock:
            unfinished = self._lifecycle.runs.get(run_id)
            if unfinished is not None:
                raise ControlError(TABLE["delete"][unfinished.status])
            self._save_endings()
            if not self.store.delete_run(run_id):
                if self.store.is_watched(run_id):
                    raise ControlError(NOT_YET)
                raise UnknownRun("There is no such run.")

    def _save_endings(self) -> None:
        """Let the store know how runs have ended, before one of them is continued or deleted. Raises StoreFault."""
        failures = self._lifecycle.save_endings()
        if failures.general is not None:
            raise failures.general

    @patient
    def set_note(self, workspace: str, run_id: str, text: str) -> None:
        """Replace a run's note, for its own workspace only. Raises ControlError (too long), UnknownRun."""
        note = visible(text).strip()
        if len(note) > MAX_NOTE:
            raise ControlError(f"note: {len(note):,} characters are not allowed; allowed: up to {MAX_NOTE}.")
        run = self.store.run(run_id)
        if run is None or run.workspace != workspace:
            raise UnknownRun("There is no such run.")
        self.store.update_run(run_id, note=note)

    def let_teachers_go_first(self, students_of: Callable[[str], Collection[str]]) -> None:
        """Let the runs of a workspace go before those, in the queue, of the workspaces that `students_of` tells."""
        self._lifecycle.students_of = students_of

    # Watching

    def seen(self, *targets: str, workspace: str | None = None) -> None:
        """Note a sign of life: somebody looks at these runs or groups (ids or watch keys), or is in a workspace."""
        runs, seen = self._lifecycle.runs, self._lifecycle.seen
        keys = set(targets)
        workspaces = {
            run.workspace
            for run in (list(runs.values()) if keys else ())
            if not keys.isdisjoint((run.id, run.group, watch_key(run.id), watch_key(run.group)))
        }
        for each in workspaces | ({workspace} if workspace in seen else set()):
            seen[each] = self._lifecycle.clock.monotonic()

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

    def position(self, run_id: str) -> tuple[int | None, float | None]:
        """Return a queued run's place, from 1, and the estimated seconds until it starts; None where not known."""
        return position(self._lifecycle, run_id)

    def notice(self, run_id: str, status: str) -> str | None:
        """Return what a run of a status waits for, or does before its next step; None if nothing."""
        if status not in ACTIVE:
            return None
        waiting = self._lifecycle.backend.capacity().problem if status == "queued" else ""
        own = self._lifecycle.troubles.get(run_id)
        run = self._lifecycle.runs.get(run_id)
        flossing = run.flossing if run is not None and status != "queued" else None
        trouble = self._lifecycle.trouble.sentence or (own.sentence if own else None)
        return waiting or trouble or flossing or self.watched.notice(run_id)

    def problem(self) -> str | None:
        """Return what is wrong with the whole server, as a sentence that names nobody; None if nothing is."""
        trouble, waiting = self._lifecycle.trouble.sentence, self._lifecycle.backend.capacity().problem
        return self._folder.problem or trouble or (f"No run can start: {waiting}." if waiting else None)

    def unsaved_ending(self, run_id: str) -> Ending | None:
        """Return how a run has ended if the store does not know it yet, because it cannot be written."""
        return self._lifecycle.unsaved_ending(run_id)

    def status(self, run_id: str) -> RunStatus | None:
        """Return what is known of a run, None if there is none with this id."""
        run = self.store.run(run_id)
        if run is None:
            return None
        run = self._truly(run)
        return RunStatus(run, *self.position(run_id), self.notice(run.id, run.status))
