"""The rows of runs: what a run is and how it stands, without what it recorded."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rnncore.runs.store.database import Connection, Database, StoreFault, is_damage, marks
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.life import LIVED

ACTIVE = ("queued", "running", "paused")
ENDED = ("finished", "stopped", "diverged", "failed", "killed", "interrupted")
DAMAGED = {"damaged": True}  # in place of a config that cannot be read; no valid config looks like this
_COLUMNS = (
    "id, workspace, group_id, label, note, config, info, "
    "(SELECT json_group_array(file) FROM run_files WHERE run = runs.key), "
    "status, reason, created_at, started_at, ended_at, "
    "step, steps, steps_per_second, last, checkpoint_step"
)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as stored. Times in seconds since 1970; `last` holds the newest values by field name."""

    id: str
    workspace: str
    group: str
    label: str
    note: str
    config: dict[str, Any]
    info: dict[str, Any] | None
    files: tuple[str, ...]
    status: str
    reason: str
    created_at: float
    started_at: float | None
    ended_at: float | None
    step: int
    steps: int
    steps_per_second: float | None
    last: dict[str, Any]
    checkpoint_step: int

    @property
    def ended(self) -> bool:
        """Whether the run is over (it may still be continued)."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class NewRun:
    """What the store must know to create a run."""

    id: str
    workspace: str
    group: str
    label: str
    config: dict[str, Any]
    steps: int
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedRun:
    """What a long list shows of a run: all that is cheap to read."""

    id: str
    group: str
    label: str
    note: str
    status: str
    reason: str
    step: int
    steps: int
    created_at: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How a run stands at this moment. `key` leads to what it recorded."""

    key: int
    status: str
    reason: str
    step: int
    steps: int
    steps_per_second: float | None


class RunTable(Database):
    """Reading and writing the rows of runs."""

    def create_runs(self, runs: Sequence[NewRun]) -> None:
        """Store new runs as `queued`, all or none."""
        now = self.clock.wall()
        with self.write() as db:
            db.executemany(
                "INSERT INTO runs (id, watch, workspace, group_id, group_watch, label, config, steps, status,"
                " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?)",
                [
                    (
                        r.id,
                        watch_key(r.id),
                        r.workspace,
                        r.group,
                        watch_key(r.group),
                        r.label,
                        json.dumps(r.config),
                        r.steps,
                        now,
                    )
                    for r in runs
                ],
            )
            for run_id, file in ((r.id, file) for r in runs for file in r.files):
                db.execute("INSERT INTO run_files (run, file) SELECT key, ? FROM runs WHERE id = ?", (file, run_id))

    def run(self, run_id: str) -> StoredRun | None:
        """Return a run, or None if there is none with this id."""
        rows = self._runs("id = ?", run_id)
        return rows[0] if rows else None

    def runs(self, statuses: Collection[str] = ()) -> list[StoredRun]:
        """Return everybody's runs, oldest first; only those with one of the statuses where some are named."""
        return self._runs(f"status IN ({marks(statuses)})", *statuses) if statuses else self._runs("TRUE")

    def runs_of(self, workspace: str) -> list[StoredRun]:
        """Return a workspace's runs, oldest first."""
        return self._runs("workspace = ?", workspace)

    def unfinished(self, workspace: str) -> list[StoredRun]:
        """Return the runs of a workspace that are queued, running or paused, oldest first."""
        return self._runs("workspace = ? AND status IN ('queued', 'running', 'paused')", workspace)

    def group(self, key: str) -> list[StoredRun]:
        """Return the runs of a group (twins) in their order, by its id or its watch key."""
        return self._runs("group_id = ? OR group_watch = ?", key, key)

    def named(self, target: str) -> list[StoredRun]:
        """Return the runs that an id stands for: those of a group in their order, or the one run."""
        return self._runs("group_id = ? OR id = ?", target, target)

    def watched(self, watch: str) -> list[StoredRun]:
        """Return the runs that a watch key stands for: those of a group in their order, or the one run."""
        return self._runs("group_watch = ? OR watch = ?", watch, watch)

    def id_of(self, watch: str) -> str | None:
        """Return the id of the run that has a watch key, None if there is none."""
        with self.read() as db:
            row = db.execute("SELECT id FROM runs WHERE watch = ?", (watch,)).fetchone()
        return row[0] if row else None

    def _runs(self, where: str, *values: str) -> list[StoredRun]:
        with self.read() as db:
            return [_stored_run(row) for row in _rows(db, _COLUMNS, where, values, "key")]

    def listed_runs(self, workspace: str, most: int) -> list[ListedRun]:
        """Return the newest runs of a workspace, at most `most`, the newest first."""
        with self.read() as db:
            columns = "id, group_id, label, note, status, reason, step, steps, created_at"
            rows = _rows(db, columns, "workspace = ?", (workspace,), "created_at DESC, key DESC", most)
            return [ListedRun(*row) for row in rows]

    def configs(self, run_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return the configs of runs by id, DAMAGED for one that cannot be read."""
        with self.read() as db:
            rows = db.execute(
                "SELECT id, config FROM runs WHERE id IN (SELECT value FROM json_each(?))", (json.dumps([*run_ids]),)
            )
            return {run_id: object_in(config) or DAMAGED for run_id, config in rows}

    def interrupted(self, workspace: str) -> dict[str, float]:
        """Return when each interrupted run of a workspace with steps left was interrupted, by id."""
        with self.read() as db:
            rows = db.execute(
                "SELECT id, ended_at FROM runs WHERE workspace = ? AND status = 'interrupted' AND step < steps",
                (workspace,),
            )
            return dict(rows.fetchall())

    # Changes

    def update_run(self, run_id: str, **columns: str | float | None) -> None:
        """Set columns of a run's row."""
        names = ", ".join(f"{name} = ?" for name in columns)
        with self.write() as db:
            db.execute(f"UPDATE runs SET {names} WHERE id = ?", (*columns.values(), run_id))

    def set_status(self, run_id: str, status: str) -> None:
        """Say that a run is queued, running or paused."""
        self.update_run(run_id, status=status)

    def set_info(self, run_id: str, info: Mapping[str, Any]) -> None:
        """Keep what is known of a run before its first step (`RunInfo.to_json`)."""
        self.update_run(run_id, info=json.dumps(info))

    def begin_run(self, run_id: str) -> None:
        """Say that a run trains now; when it first did stays known."""
        with self.write() as db:
            db.execute(
                "UPDATE runs SET status = 'running', started_at = COALESCE(started_at, ?) WHERE id = ?",
                (self.clock.wall(), run_id),
            )

    def requeue_run(self, run_id: str) -> None:
        """Let a run that had ended wait for a worker again."""
        self.update_run(run_id, status="queued", reason="", ended_at=None)

    def save_endings(self, endings: Mapping[str, tuple[str, str]]) -> None:
        """Write down how runs ended, now: status and reason by id."""
        with self.write() as db:
            db.executemany(
                f"UPDATE runs SET status = ?, reason = ?, ended_at = ?, ended_lived_s = {LIVED} WHERE id = ?",
                [(status, reason, self.clock.wall(), run_id) for run_id, (status, reason) in endings.items()],
            )

    def interrupt_active(self, reason: str) -> int:
        """Mark every run that some earlier scheduler left unfinished; return how many there were.

        Watched runs are none of a scheduler's: their programs go on without it.
        """
        with self.write() as db:
            return db.execute(
                f"UPDATE runs SET status = 'interrupted', reason = ?, ended_at = ?, ended_lived_s = {LIVED}"
                f" WHERE status IN ({marks(ACTIVE)}) AND key NOT IN (SELECT run FROM watched_runs)",
                (reason, self.clock.wall(), *ACTIVE),
            ).rowcount

    def delete_run(self, run_id: str) -> bool:
        """Delete a run that is over, with all that belongs to it; tell whether there was one."""
        with self.write() as db:
            return bool(
                db.execute(f"DELETE FROM runs WHERE id = ? AND status IN ({marks(ENDED)})", (run_id, *ENDED)).rowcount
            )


def progress(db: Connection, run_id: str) -> Progress | None:
    """Return how a run stands, None if there is none with this id."""
    row = db.execute(
        "SELECT key, status, reason, step, steps, steps_per_second FROM runs WHERE id = ?", (run_id,)
    ).fetchone()
    return Progress(*row) if row else None


def _rows(
    db: Connection, columns: str, where: str, values: Sequence[str], order: str, most: int = -1
) -> list[tuple[Any, ...]]:
    """Return rows of the table; where a page of it is damaged, those that can be read."""
    which = f"FROM runs WHERE {where} ORDER BY {order} LIMIT {most}"
    try:
        return db.execute(f"SELECT {columns} {which}", values).fetchall()
    except StoreFault as error:
        if not is_damage(error):
            raise
    rows = []
    for key in db.execute(f"SELECT key {which}", values).fetchall():  # an index alone tells that
        with suppress(StoreFault):
            rows += db.execute(f"SELECT {columns} FROM runs WHERE key = ?", key).fetchall()
    return rows


def setup(db: Connection, key: int) -> tuple[dict[str, Any], dict[str, float]]:
    """Return a run's configuration, {} where it is damaged, and the facts about its data, {} where none are known."""
    config, info = db.execute("SELECT config, info FROM runs WHERE key = ?", (key,)).fetchone()
    return object_in(config) or {}, (object_in(info) or {}).get("facts") or {}


def _stored_run(row: Sequence[Any]) -> StoredRun:
    """Return a row as a run. A row that is damaged stands for itself alone: the others are listed as ever."""
    fields = list(row)
    config, info, last = (object_in(fields[place]) for place in (5, 6, 16))
    fields[5] = DAMAGED if config is None else config
    fields[6] = info if fields[6] else None
    fields[7] = tuple(json.loads(fields[7]))
    fields[16] = last or {}
    return StoredRun(*fields)


def object_in(text: str | None) -> dict[str, Any] | None:
    """Return the JSON object in a column, None where it is damaged."""
    try:
        value = json.loads(text or "")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
