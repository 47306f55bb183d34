"""The rows of studies, and what is kept of their runs that are over."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnncore.runs.store.database import Connection, Database
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.life import LIVED
from rnncore.runs.store.runs import DAMAGED, object_in

_COLUMNS = (
    "key, id, watch, workspace, name, config, planned, status, reason, created_at, ended_at,"
    " (SELECT COUNT(*) FROM study_runs WHERE study = studies.key)"
)
PREFIX = "study:"  # of the workspace in which a study's runs train, and which nobody can name


@dataclass(frozen=True, slots=True)
class StoredStudy:
    """A study as stored.

    watch: `watch_key(id)`. config: StudyConfig as JSON, DAMAGED where it cannot be read. planned, over: runs.
    """

    key: int
    id: str
    watch: str
    workspace: str
    name: str
    config: dict[str, Any]
    planned: int
    status: str
    reason: str
    created_at: float
    ended_at: float | None
    over: int

    @property
    def runs_in(self) -> str:
        """The workspace in which its runs train; it is no one's own, so that no list of runs shows them."""
        return PREFIX + self.id


class StudyTable(Database):
    """Reading and writing studies."""

    def create_study(
        self, study_id: str, workspace: str, name: str, config: str, planned: int, files: tuple[str, ...]
    ) -> None:
        """Store a new study as `running`. files: ids of the workspace's uploads, which the study gets copies of."""
        with self.write() as db:
            db.execute(
                "INSERT INTO studies (id, watch, workspace, name, config, planned, status, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, 'running', ?)",
                (study_id, watch_key(study_id), workspace, name, config, planned, self.clock.wall()),
            )
            db.executemany(
                "INSERT INTO files (workspace, id, size, created_at, created_lived_s, content, name)"
                " SELECT ?, id, size, created_at, created_lived_s, content, name FROM files"
                " WHERE workspace = ? AND id = ?",
                [(PREFIX + study_id, workspace, file) for file in files],
            )

    def study(self, study_id: str) -> StoredStudy | None:
        """Return a study, None if there is none with this id."""
        found = self._studies("id = ?", study_id)
        return found[0] if found else None

    def watched_study(self, watch: str) -> StoredStudy | None:
        """Return the study that a watch key stands for, None if it stands for none."""
        found = self._studies("watch = ?", watch)
        return found[0] if found else None

    def studies_of(self, workspace: str) -> list[StoredStudy]:
        """Return a workspace's studies, the newest first."""
        return self._studies("workspace = ?", workspace)

    def unfinished_studies(self) -> list[StoredStudy]:
        """Return the studies that are to go on, the oldest first."""
        return self._studies("status = 'running'")[::-1]

    def _studies(self, where: str, *values: str) -> list[StoredStudy]:
        with self.read() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM studies WHERE {where} ORDER BY key DESC", values).fetchall()
        return [_stored_study(row) for row in rows]

    def set_study_status(self, study_id: str, status: str, reason: str = "") -> None:
        """Say that a study goes on, was stopped or is finished."""
        over = status != "running"
        with self.write() as db:
            db.execute(
                f"UPDATE studies SET status = ?, reason = ?, ended_at = ?, ended_lived_s = IIF(?, {LIVED}, NULL)"
                " WHERE id = ?",
                (status, reason, self.clock.wall() if over else None, over, study_id),
            )

    def rename_study(self, study_id: str, name: str) -> None:
        """Call a study otherwise."""
        with self.write() as db:
            db.execute("UPDATE studies SET name = ? WHERE id = ?", (name, study_id))

    def delete_study(self, study_id: str) -> bool:
        """Delete a study that does not go on, with all that is kept of its runs; tell whether there was one."""
        with self.write() as db:
            found = db.execute("DELETE FROM studies WHERE id = ? AND status <> 'running'", (study_id,)).rowcount
            if found:
                db.execute("DELETE FROM runs WHERE workspace = ?", (PREFIX + study_id,))
                db.execute("DELETE FROM files WHERE workspace = ?", (PREFIX + study_id,))
            return bool(found)

    # Their runs

    def settle_study_run(self, key: int, number: int, run_id: str, summary: Mapping[str, Any]) -> None:
        """Keep the summary of a run of study `key` that is over, in place of the run itself."""
        with self.write() as db:
            _keep(db, key, number, summary)
            db.execute("DELETE FROM runs WHERE id = ?", (run_id,))

    def keep_study_batch(self, run_id: str, summaries: Sequence[Mapping[str, Any]]) -> None:
        """Keep the summaries of the first runs of those that trained in one; its label tells their numbers."""
        if not summaries:
            return
        with self.write() as db:
            found = db.execute(
                f"SELECT studies.key, runs.label FROM runs JOIN studies ON runs.workspace = '{PREFIX}' || studies.id"
                " WHERE runs.id = ?",
                (run_id,),
            ).fetchone()
            if found is not None:
                for number, summary in zip(numbers_of(found[1]), summaries, strict=False):
                    _keep(db, found[0], number, summary)

    def drop_study_run(self, run_id: str) -> None:
        """Delete a run of a study of which nothing more is needed."""
        with self.write() as db:
            db.execute("DELETE FROM runs WHERE id = ?", (run_id,))

    def settled_numbers(self, key: int) -> set[int]:
        """Return the numbers of the runs of study `key` that are over."""
        with self.read() as db:
            return {number for (number,) in db.execute("SELECT number FROM study_runs WHERE study = ?", (key,))}

    def forget_failed_study_runs(self, key: int) -> int:
        """Forget the runs of study `key` that ended for a reason of the machine, or are damaged: they train again."""
        with self.write() as db:
            return db.execute(
                "DELETE FROM study_runs WHERE study = ?"
                " AND (NOT json_valid(summary) OR json_extract(summary, '$.status') NOT IN ('finished', 'diverged'))",
                (key,),
            ).rowcount

    def study_summaries(self, key: int, since: int = 0) -> tuple[list[tuple[int, dict[str, Any]]], int]:
        """Return (number, summary without curve and profile) of the runs of study `key`, and a mark to go on from.

        since: the mark of an earlier answer, so that only what came later is returned.
        """
        with self.read() as db:
            rows = db.execute(
                "SELECT key, number, summary FROM study_runs WHERE study = ? AND key > ? ORDER BY key",
                (key, since),
            ).fetchall()
        found = [(number, value) for _, number, text in rows if (value := object_in(text)) is not None]
        return found, rows[-1][0] if rows else since

    def study_seconds(self, key: int) -> float | None:
        """Return how long a run of study `key` trains, the mean of the latest ones; None before the first is over."""
        with self.read() as db:
            found = db.execute(
                "SELECT AVG(json_extract(summary, '$.seconds')) FROM"
                " (SELECT summary FROM study_runs WHERE study = ? AND json_valid(summary) ORDER BY key DESC LIMIT 50)",
                (key,),
            ).fetchone()[0]
        return None if found is None else float(found)

    def study_thinned(self, key: int, first: int, last: int) -> dict[int, dict[str, Any]]:
        """Return curve and profile of the runs first to last (included) of study `key`, by number."""
        with self.read() as db:
            rows = db.execute(
                "SELECT number, thinned FROM study_runs WHERE study = ? AND number BETWEEN ? AND ? ORDER BY number",
                (key, first, last),
            ).fetchall()
        return {number: value for number, text in rows if (value := object_in(text)) is not None}


def label_of(numbers: Sequence[int]) -> str:
    """Return the label of a run of a study: the numbers of those that train in it."""
    return ",".join(map(str, numbers))


def numbers_of(label: str) -> tuple[int, ...]:
    """Undo `label_of`."""
    return tuple(map(int, label.split(",")))


def _keep(db: Connection, key: int, number: int, summary: Mapping[str, Any]) -> None:
    rest = dict(summary)
    thinned = {name: rest.pop(name) for name in ("curve", "profile")}
    db.execute(
        "INSERT OR REPLACE INTO study_runs (study, number, summary, thinned) VALUES (?, ?, ?, ?)",
        (key, number, json.dumps(rest), json.dumps(thinned)),
    )


def _stored_study(row: Sequence[Any]) -> StoredStudy:
    fields = list(row)
    fields[5] = object_in(fields[5]) or DAMAGED
    return StoredStudy(*fields)


def study_sizes(db: Connection) -> list[tuple[float | None, str, str, str, int]]:
    """Return of each study when it ended (`life.lived_s`), id, workspace, status and bytes."""
    return db.execute(
        "SELECT ended_lived_s, id, workspace, status, 500 + length(config)"
        " + COALESCE((SELECT SUM(60 + length(summary) + length(thinned)) FROM study_runs WHERE study = studies.key), 0)"
        " FROM studies"
    ).fetchall()
