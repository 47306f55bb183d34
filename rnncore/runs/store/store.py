"""The run store: one SQLite file with every run, its records, profiles, checkpoints and uploads."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rnncore.records import PROFILES
from rnncore.runs.store.database import Database

ACTIVE = ("queued", "running", "paused")
ENDED = ("finished", "stopped", "diverged", "failed", "killed", "interrupted")
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
class StoredFile:
    """An upload without its bytes. runs: how many train on it; needed: 1 if one of them is unfinished, else 0."""

    id: str
    name: str
    size: int
    created_at: float
    runs: int
    needed: int


class Store(Database):
    """All reading and writing of runs."""

    # Runs

    def create_runs(self, runs: Sequence[NewRun]) -> None:
        """Store new runs as `queued`, all or none."""
        now = time.time()
        with self.write() as db:
            db.executemany(
                "INSERT INTO runs (id, workspace, group_id, label, config, steps, status, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, 'queued', ?)",
                [(r.id, r.workspace, r.group, r.label, json.dumps(r.config), r.steps, now) for r in runs],
            )
            for run_id, file in ((r.id, file) for r in runs for file in r.files):
                db.execute("INSERT INTO run_files (run, file) SELECT key, ? FROM runs WHERE id = ?", (file, run_id))

    def update_run(self, run_id: str, **columns: Any) -> None:
        """Set columns of a run."""
        names = ", ".join(f"{name} = ?" for name in columns)
        with self.write() as db:
            db.execute(f"UPDATE runs SET {names} WHERE id = ?", (*columns.values(), run_id))

    def delete_run(self, run_id: str) -> bool:
        """Delete a run that is over, with all that belongs to it; tell whether there was one."""
        marks = ", ".join("?" * len(ENDED))
        with self.write() as db:
            return bool(db.execute(f"DELETE FROM runs WHERE id = ? AND status IN ({marks})", (run_id, *ENDED)).rowcount)

    def run(self, run_id: str) -> StoredRun | None:
        """Return a run, or None if there is none with this id."""
        rows = self.runs("id = ?", (run_id,))
        return rows[0] if rows else None

    def runs(self, where: str, values: Sequence[Any] = (), limit: int = -1) -> list[StoredRun]:
        """Return the runs that fulfil an SQL condition, oldest first."""
        with self.read() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM runs WHERE {where} ORDER BY key LIMIT {limit}", values)
            return [_stored_run(row) for row in rows]

    def runs_of(self, workspace: str) -> list[StoredRun]:
        """Return a workspace's runs, oldest first."""
        return self.runs("workspace = ?", (workspace,))

    def group(self, group_id: str) -> list[StoredRun]:
        """Return the runs of a group (twins) in their order."""
        return self.runs("group_id = ?", (group_id,))

    def interrupt_active(self, reason: str) -> int:
        """Mark every run that some earlier scheduler left unfinished; return how many there were."""
        marks = ", ".join("?" * len(ACTIVE))
        with self.write() as db:
            return db.execute(
                f"UPDATE runs SET status = 'interrupted', reason = ?, ended_at = ? WHERE status IN ({marks})",
                (reason, time.time(), *ACTIVE),
            ).rowcount

    def last_profile(self, run_id: str) -> dict[str, Any] | None:
        """Return the newest profile: step, layers, timesteps and float32 bytes (L, T) by name; None if absent."""
        names = ("step", "layers", "timesteps", *PROFILES)
        with self.read() as db:
            row = db.execute(
                f"SELECT {', '.join('p.' + name for name in names)} FROM profiles p JOIN runs r ON p.run = r.key"
                " WHERE r.id = ? ORDER BY p.number DESC LIMIT 1",
                (run_id,),
            ).fetchone()
        return dict(zip(names, row, strict=True)) if row else None

    def events(self, run_id: str) -> list[tuple[int, str, float]]:
        """Return the settings changed while the run trained: (first step in force, name, value)."""
        with self.read() as db:
            return db.execute(
                "SELECT e.step, e.name, e.value FROM events e JOIN runs r ON e.run = r.key WHERE r.id = ?"
                " ORDER BY e.rowid",
                (run_id,),
            ).fetchall()

    def load_checkpoint(self, run_id: str) -> tuple[int, bytes] | None:
        """Return the newest checkpoint: step and content."""
        with self.read() as db:
            row = db.execute(
                "SELECT c.step, c.content FROM checkpoints c JOIN runs r ON c.run = r.key WHERE r.id = ?", (run_id,)
            ).fetchone()
        return (row[0], row[1]) if row else None

    # Uploaded files

    def add_file(self, workspace: str, content: bytes, name: str = "") -> str:
        """Store an upload once per workspace; return its id, `sha256:...`. name: what its owner calls it."""
        file_id = file_id_of(content)
        with self.write() as db:
            db.execute(
                "INSERT INTO files (workspace, id, size, created_at, content, name) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET name = excluded.name WHERE excluded.name <> ''",
                (workspace, file_id, len(content), time.time(), content, name),
            )
        return file_id

    def files_of(self, workspace: str) -> list[StoredFile]:
        """Return a workspace's uploads, the newest first."""
        with self.read() as db:
            rows = db.execute(
                "SELECT f.id, f.name, f.size, f.created_at, COUNT(r.key), COALESCE(MAX(r.status IN"
                f" ({_marks(ACTIVE)})), 0) FROM files f LEFT JOIN run_files u ON u.file = f.id"
                " LEFT JOIN runs r ON r.key = u.run AND r.workspace = f.workspace"
                " WHERE f.workspace = ? GROUP BY f.id ORDER BY f.created_at DESC",
                (*ACTIVE, workspace),
            ).fetchall()
        return [StoredFile(*row) for row in rows]

    def delete_file(self, workspace: str, file_id: str) -> bool:
        """Delete an upload unless an unfinished run trains on it; tell whether it was deleted."""
        with self.write() as db:
            return bool(
                db.execute(
                    "DELETE FROM files WHERE workspace = ? AND id = ? AND NOT EXISTS (SELECT 1 FROM run_files u JOIN"
                    " runs r ON r.key = u.run WHERE u.file = files.id AND r.workspace = files.workspace"
                    f" AND r.status IN ({_marks(ACTIVE)}))",
                    (workspace, file_id, *ACTIVE),
                ).rowcount
            )

    def file(self, workspace: str, file_id: str) -> bytes | None:
        """Return the bytes of an upload, None if this workspace has no such file."""
        with self.read() as db:
            row = db.execute(
                "SELECT content FROM files WHERE workspace = ? AND id = ?", (workspace, file_id)
            ).fetchone()
        return row[0] if row else None

    def has_file(self, workspace: str, file_id: str) -> bool:
        """Tell whether a workspace has an upload."""
        with self.read() as db:
            return bool(
                db.execute("SELECT 1 FROM files WHERE workspace = ? AND id = ?", (workspace, file_id)).fetchone()
            )

    def file_bytes(self) -> int:
        """Return the size of everybody's uploads."""
        with self.read() as db:
            return int(db.execute("SELECT COALESCE(SUM(size), 0) FROM files").fetchone()[0])

    def drop_unused_files(self, before: float) -> int:
        """Delete the uploads from before a time that no run trains on; return how many there were."""
        with self.write() as db:
            return db.execute(
                "DELETE FROM files WHERE created_at < ? AND NOT EXISTS"
                " (SELECT 1 FROM run_files u JOIN runs r ON r.key = u.run"
                " WHERE u.file = files.id AND r.workspace = files.workspace)",
                (before,),
            ).rowcount

    def file_bytes_of(self, workspace: str) -> int:
        """Return the size of all uploads of a workspace."""
        with self.read() as db:
            return int(
                db.execute("SELECT COALESCE(SUM(size), 0) FROM files WHERE workspace = ?", (workspace,)).fetchone()[0]
            )


def file_id_of(content: bytes) -> str:
    """Return the id of an upload, `sha256:...`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _stored_run(row: Sequence[Any]) -> StoredRun:
    fields = list(row)
    fields[5] = json.loads(fields[5])
    fields[6] = json.loads(fields[6]) if fields[6] else None
    fields[7] = tuple(json.loads(fields[7]))
    fields[16] = json.loads(fields[16])
    return StoredRun(*fields)
