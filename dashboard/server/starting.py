"""Starting runs, for the pages and the API alike: what is checked before, and a changed run beside another one."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.experiment.configs import config_of
from dashboard.experiment.groups import MOST, Group, changes_in_words
from dashboard.experiment.words import label
from dashboard.server import services
from rnncore.changes import changed
from rnncore.checks import check_run
from rnncore.config import TrainConfig, UploadData, files_of
from rnncore.data import DataError, load_dataset
from rnncore.data.dataset import Described
from rnncore.errors import ConfigError
from rnncore.runs.scheduler import UnknownRun
from rnncore.runs.store.store import StoredRun

FOREIGN_FILE = "it reads a file that was not uploaded in this workspace; upload the file first"
NOTHING_CHANGES = "with this change the run would stay as it is"
_ENDED_EARLY = ("stopped", "failed", "killed", "interrupted")  # a run that may be started once more

_starting = threading.Lock()  # two presses at once start one run


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a change: the run that trains it, and how it differs, in words. new: whether it started just now."""

    run: str
    group: str
    label: str
    changes: tuple[str, ...]
    new: bool


def start_changed(
    run: str,
    changes: Mapping[str, Any],
    workspace: str,
    *,
    owner: str = "",
    beside: Collection[str] = (),
    slow_start: bool = False,
    visiting: bool = False,
) -> Tried:
    """Train a run with `changes` in its settings (`rnncore.changes.changed`): same seed, beside it in its group.

    A run of the group, or of those on the board (ids `beside`), that has these settings already is returned instead,
    unless it ended early. In a workspace other than the run's own, or where the group is full, it is a group of its
    own; so it is for who has come by a watch key (visiting), which changes nothing of the run. owner: as for
    `Scheduler.submit`.

    Raises:
        UnknownRun. ConfigError, DataError: it cannot be changed that way. LimitError, StoreTrouble: not now.
    """
    scheduler = services.scheduler()
    store = scheduler.store
    base = store.run(run)
    if base is None:
        raise UnknownRun("There is no such run.")
    before = config_of(base)
    after = changed(before, changes)
    words = changes_in_words(before, after)
    if not words:
        raise ConfigError(NOTHING_CHANGES)
    own = base.workspace == workspace and not visiting
    members = store.group(base.group) if own else []
    there = [*members, *(found for each in beside if (found := store.run(each)) and found not in members)]
    if found := _with_settings(after, there):
        return Tried(found.id, found.group, found.label, tuple(words), new=False)
    if not all(store.has_file(workspace, file) for file in files_of(after.data)):
        raise DataError(FOREIGN_FILE)
    joins = base.group if 0 < len(members) < MOST else None
    scheduler.check_start(workspace, [after], owner, joins)  # before memory is spent on the data
    check_run(after, described(workspace, owner or workspace, after))
    with _starting:
        members = store.group(base.group) if own else []
        if found := _with_settings(after, members):
            return Tried(found.id, found.group, found.label, tuple(words), new=False)
        joins = base.group if 0 < len(members) < MOST else None
        group = Group((*map(config_of, members if joins else [base]), after))
        name = group.labels([*(each.label for each in (members if joins else [base])), label(after)])[-1]
        started = scheduler.submit(workspace, [after], [name], owner=owner, slow_start=slow_start, joins=joins)
    return Tried(started.runs[0], started.id, name, tuple(words), new=True)


def _with_settings(config: TrainConfig, runs: Sequence[StoredRun]) -> StoredRun | None:
    """Return the run that was started with these settings and has not ended early, if there is one."""
    for run in runs:
        try:
            if run.status not in _ENDED_EARLY and config_of(run) == config:
                return run
        except ConfigError:  # damaged
            continue
    return None


def described(workspace: str, who: str, config: TrainConfig) -> Described:
    """Return what a run is checked against; who: for whom files are read. Raises DataError."""
    data, read = config.data, reader(workspace)
    if not isinstance(data, UploadData):
        return load_dataset(data)
    contents = [(entry.name or "your file", read(entry.file)) for entry in data.files]
    found = services.readers().inspect(who, data, contents)
    if found.summary is None:
        raise DataError(found.inspection.error or "The files cannot be used.")
    return found.summary


def reader(workspace: str) -> Callable[[str], bytes]:
    """Return what reads the uploads of a workspace, and nothing else: never a path on this machine."""

    def read(file_id: str) -> bytes:
        content = services.scheduler().store.file(workspace, file_id)
        if content is None:
            raise DataError(f"data.file: {file_id[:80]!r} was not uploaded in this workspace; upload it first.")
        return content

    return read
