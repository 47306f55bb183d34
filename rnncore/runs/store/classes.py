"""Classes: who teaches and who takes part, what is shown, what students answered, and which runs they show."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnncore.runs.store.database import Database
from rnncore.runs.store.life import LIVED
from rnncore.runs.store.runs import object_in


@dataclass(frozen=True, slots=True)
class StoredClass:
    """A class as stored. workspace: the teacher's. state: what it shows, {} where that is damaged."""

    key: int
    code: str
    workspace: str
    opened_lived_s: float
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """A student: number, and the name that was given, '' for none."""

    number: int
    name: str


@dataclass(frozen=True, slots=True)
class WallRun:
    """A student's run on the wall."""

    id: str
    watch: str
    workspace: str
    status: str
    step: int
    steps: int
    config: dict[str, Any]
    last: dict[str, Any]


class ClassTable(Database):
    """Reading and writing classes. What belongs to one goes with it."""

    def create_class(self, code: str, workspace: str, state: Mapping[str, Any]) -> StoredClass:
        """Store a class that opens now. Raises sqlite3.IntegrityError where the code is taken."""
        with self.write() as db:
            key, lived_s = db.execute(
                "INSERT INTO classes (code, workspace, opened_at, opened_lived_s, state)"
                f" VALUES (?, ?, ?, {LIVED}, ?) RETURNING key, opened_lived_s",
                (code, workspace, self.clock.wall(), json.dumps(state)),
            ).fetchone()
        return StoredClass(key, code, workspace, lived_s, dict(state))

    def classes(self) -> list[StoredClass]:
        """Return all classes, the oldest first."""
        with self.read() as db:
            rows = db.execute("SELECT key, code, workspace, opened_lived_s, state FROM classes ORDER BY key").fetchall()
        return [
            StoredClass(key, code, workspace, lived_s, object_in(state) or {})
            for key, code, workspace, lived_s, state in rows
        ]

    def set_class_state(self, key: int, state: Mapping[str, Any]) -> None:
        """Keep what a class shows."""
        with self.write() as db:
            db.execute("UPDATE classes SET state = ? WHERE key = ?", (json.dumps(state), key))

    def delete_class(self, key: int) -> None:
        """Forget a class, its students and their answers; their runs stay."""
        with self.write() as db:
            db.execute("DELETE FROM classes WHERE key = ?", (key,))

    def set_member(self, key: int, workspace: str, member: Member) -> None:
        """Let a workspace take part, or be known by another name."""
        with self.write() as db:
            db.execute(
                "INSERT INTO class_members (class, workspace, number, name) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET name = excluded.name",
                (key, workspace, member.number, member.name),
            )

    def members(self, key: int) -> dict[str, Member]:
        """Return the students of a class by workspace."""
        with self.read() as db:
            rows = db.execute("SELECT workspace, number, name FROM class_members WHERE class = ?", (key,)).fetchall()
        return {workspace: Member(number, name) for workspace, number, name in rows}

    def set_answer(self, key: int, poll: int, workspace: str, choice: int) -> None:
        """Keep a student's answer, in place of an earlier one."""
        with self.write() as db:
            db.execute(
                "INSERT INTO class_answers (class, poll, workspace, choice) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET choice = excluded.choice",
                (key, poll, workspace, choice),
            )

    def answers(self, key: int, poll: int) -> dict[str, int]:
        """Return what was answered to a poll, by workspace."""
        with self.read() as db:
            rows = db.execute("SELECT workspace, choice FROM class_answers WHERE class = ? AND poll = ?", (key, poll))
            return dict(rows.fetchall())

    def put_on_wall(self, key: int, handout: int, workspace: str, run_id: str) -> bool:
        """Show a run of a workspace on the wall; tell whether it has such a run, which is not a watched one."""
        with self.write() as db:
            return bool(
                db.execute(
                    "INSERT INTO class_runs (class, run, handout, workspace)"
                    " SELECT ?, key, ?, workspace FROM runs WHERE id = ? AND workspace = ? AND steps > 0"
                    " ON CONFLICT DO UPDATE SET handout = excluded.handout",
                    (key, handout, run_id, workspace),
                ).rowcount
            )

    def wall(self, key: int, handout: int) -> list[WallRun]:
        """Return the newest run of each student that belongs to a hand-out."""
        with self.read() as db:
            rows = db.execute(
                "SELECT r.id, r.watch, r.workspace, r.status, r.step, r.steps, r.config, r.last FROM runs r WHERE r.key"
                " IN (SELECT MAX(run) FROM class_runs WHERE class = ? AND handout = ? GROUP BY workspace)"
                " ORDER BY r.key",
                (key, handout),
            ).fetchall()
        return [
            WallRun(run_id, watch, workspace, status, step, steps, object_in(config) or {}, object_in(last) or {})
            for run_id, watch, workspace, status, step, steps, config, last in rows
        ]
