"""Studies as the scheduler's users see them: start, stop, continue, watch and delete."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from rnncore.config import files_of
from rnncore.data.dataset import DataError
from rnncore.runs.lifecycle import Lifecycle
from rnncore.runs.limits import LimitError, check_disk, check_parameters, check_steps
from rnncore.runs.patience import patient
from rnncore.runs.store.studies import StoredStudy
from rnncore.runs.study_feeder import StudyFeeder
from rnncore.runs.tokens import new_id
from rnncore.sizes import parameter_count
from rnncore.studies.config import StudyConfig
from rnncore.studies.expansion import cells_of
from rnncore.words import many, visible

MAX_NAME = 120  # characters


class StudyError(ValueError):
    """A command that a study cannot obey; the message is one plain sentence."""


class UnknownStudy(LookupError):  # noqa: N818 - it says what is wrong
    """No study has this id."""


@dataclass(frozen=True, slots=True)
class StudyStatus:
    """A study with how it stands. executing: runs that train now. wait_seconds: estimate of the time left, or None."""

    study: StoredStudy
    executing: int
    wait_seconds: float | None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict without key and workspace."""
        fields = asdict(self.study)
        del fields["key"], fields["workspace"]
        return fields | {"executing": self.executing, "wait_seconds": self.wait_seconds}


class Studies:
    """Commands for studies, from any thread.

    check_start: raises LimitError where the workspace, or the owner, may not start anything more. wake: lets the
    scheduler's loop look at once.
    """

    def __init__(self, lifecycle: Lifecycle, check_start: Callable[[str, str], None], wake: Callable[[], None]) -> None:
        self._lifecycle, self._check_start, self._wake = lifecycle, check_start, wake
        self.feeder = StudyFeeder(lifecycle)

    @patient
    def submit(self, workspace: str, study: StudyConfig, name: str = "", owner: str = "") -> str:
        """Store a study and let it begin; return its id. It counts as one start.

        Raises:
            LimitError: a limit forbids it. DataError: a file was not uploaded to this workspace. ConfigError.
            StoreTrouble: the store cannot be written, as may be raised by every command.
        """
        lifecycle, cells = self._lifecycle, cells_of(study)
        self.check_size(study)
        files = tuple(dict.fromkeys(file for cell in cells for file in files_of(cell.config.data)))
        study_id = new_id()
        with lifecycle.lock:
            self._check_start(workspace, owner)
            for file in files:
                if not lifecycle.store.has_file(workspace, file):
                    raise DataError(f"The file '{file}' was not uploaded in this workspace; upload it again.")
            with lifecycle.transaction():
                text = study.model_dump_json(by_alias=True)
                lifecycle.store.create_study(study_id, workspace, _name(name), text, study.run_count, files)
            self.feeder.take_up(self._stored(study_id))
        self._wake()
        return study_id

    def check_size(self, study: StudyConfig) -> None:
        """Raise LimitError where a study has too many runs, or one of them is too long or too large."""
        settings = self._lifecycle.settings
        if study.run_count > settings.max_study_runs:
            raise LimitError(
                f"The study has {many(study.run_count, 'run')}, above this server's limit of"
                f" {settings.max_study_runs:,}; choose fewer values or fewer seeds.",
                "max_study_runs",
            )
        for cell in cells_of(study):
            check_steps(cell.config.steps, settings)
            check_parameters(parameter_count(cell.config.model, input_size=1, output_size=1), settings)
        check_disk(settings)

    @patient
    def stop(self, study_id: str) -> None:
        """Let a study rest; what it has done is kept, and it can be continued. Raises UnknownStudy."""
        with self._lifecycle.transaction():
            stored = self._stored(study_id)
            if stored.status == "running":
                self._lifecycle.store.set_study_status(study_id, "stopped", "Stopped by its owner.")
                self.feeder.stop(study_id)
        self._wake()

    @patient
    def resume(self, study_id: str, owner: str = "") -> None:
        """Let a stopped study go on; runs that failed for a reason of the machine train again. Raises LimitError."""
        lifecycle = self._lifecycle
        with lifecycle.lock:
            stored = self._stored(study_id)
            if stored.status == "running":
                return
            self._check_start(stored.workspace, owner)
            with lifecycle.transaction():
                failed = lifecycle.store.forget_failed_study_runs(stored.key)
                if stored.status == "finished" and not failed:
                    raise StudyError("This study is finished: all of its runs are over.")
                lifecycle.store.set_study_status(study_id, "running")
            self.feeder.take_up(self._stored(study_id))
        self._wake()

    @patient
    def delete(self, study_id: str) -> None:
        """Remove a study with all that is kept of it. Raises StudyError while it goes on, UnknownStudy."""
        with self._lifecycle.lock:
            stored = self._stored(study_id)
            if stored.status == "running":
                raise StudyError("This study goes on; stop it before you delete it.")
            if any(run.workspace == stored.runs_in for run in self._lifecycle.runs.values()):
                raise StudyError("This study is still being stopped; try again in a moment.")
            self._lifecycle.store.delete_study(study_id)

    @patient
    def rename(self, workspace: str, study_id: str, name: str) -> None:
        """Call a study otherwise, for its own workspace only. Raises UnknownStudy."""
        if self._stored(study_id).workspace != workspace:
            raise UnknownStudy("There is no such study.")
        self._lifecycle.store.rename_study(study_id, _name(name))

    def status(self, study_id: str) -> StudyStatus | None:
        """Return what is known of a study, None if there is none with this id."""
        stored = self._lifecycle.store.study(study_id)
        return None if stored is None else self._status(stored)

    def statuses(self, workspace: str) -> list[StudyStatus]:
        """Return a workspace's studies, the newest first."""
        return [self._status(stored) for stored in self._lifecycle.store.studies_of(workspace)]

    def _status(self, stored: StoredStudy) -> StudyStatus:
        lifecycle = self._lifecycle
        with lifecycle.lock:
            runs = [run for run in lifecycle.runs.values() if run.workspace == stored.runs_in and run.executing]
            size = lifecycle.backend.capacity().size
        left = None
        if stored.status == "running":
            seconds = lifecycle.store.study_seconds(stored.key)
            left = None if seconds is None else seconds * (stored.planned - stored.over) / max(size, 1)
        return StudyStatus(stored, len(runs), left)

    def _stored(self, study_id: str) -> StoredStudy:
        stored = self._lifecycle.store.study(study_id)
        if stored is None:
            raise UnknownStudy("There is no such study.")
        return stored


def _name(text: str) -> str:
    return visible(text).strip()[:MAX_NAME]
