"""Uploads: the bytes of each once per workspace, and which runs train on them."""

import hashlib
from dataclasses import dataclass

from rnncore.runs.store.database import Database, marks
from rnncore.runs.store.life import LIVED
from rnncore.runs.store.runs import ACTIVE


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An upload without its bytes. runs: how many train on it; needed: 1 if one of them is unfinished, else 0."""

    id: str
    name: str
    size: int
    created_at: float
    runs: int
    needed: int


class FileTable(Database):
    """Reading and writing uploads."""

    def add_file(self, workspace: str, content: bytes, name: str = "") -> str:
        """Store an upload once per workspace; return its id, `sha256:...`. name: what its owner calls it."""
        file_id = file_id_of(content)
        with self.write() as db:
            db.execute(
                "INSERT INTO files (workspace, id, size, created_at, created_lived_s, content, name)"
                f" VALUES (?, ?, ?, ?, {LIVED}, ?, ?)"
                " ON CONFLICT DO UPDATE SET name = excluded.name WHERE excluded.name <> ''",
                (workspace, file_id, len(content), self.clock.wall(), content, name),
            )
        return file_id

    def files_of(self, workspace: str) -> list[StoredFile]:
        """Return a workspace's uploads, the newest first."""
        with self.read() as db:
            rows = db.execute(
                "SELECT f.id, f.name, f.size, f.created_at, COUNT(r.key), COALESCE(MAX(r.status IN"
                f" ({marks(ACTIVE)})), 0) FROM files f LEFT JOIN run_files u ON u.file = f.id"
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
                    f" AND r.status IN ({marks(ACTIVE)}))",
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

    def file_bytes_of(self, workspace: str) -> int:
        """Return the size of all uploads of a workspace."""
        with self.read() as db:
            return int(
                db.execute("SELECT COALESCE(SUM(size), 0) FROM files WHERE workspace = ?", (workspace,)).fetchone()[0]
            )

    def drop_unused_files(self, seconds: float, by_calendar: bool = False) -> int:
        """Delete the uploads that no run trains on, of such an age and older; return how many there were.

        Age is the time in which a server has worked since, or what the calendar says.
        """
        age = ":now - created_at" if by_calendar else f"{LIVED} - COALESCE(created_lived_s, 0)"
        with self.write() as db:
            return db.execute(
                f"DELETE FROM files WHERE {age} > :seconds AND NOT EXISTS"
                " (SELECT 1 FROM run_files u JOIN runs r ON r.key = u.run"
                " WHERE u.file = files.id AND r.workspace = files.workspace)"
                " AND workspace NOT IN (SELECT 'study:' || id FROM studies)",
                {"now": self.clock.wall(), "seconds": seconds},
            ).rowcount


def file_id_of(content: bytes) -> str:
    """Return the id of an upload, `sha256:...`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
