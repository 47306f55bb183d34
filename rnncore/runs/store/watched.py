"""Watched runs: which runs train in programs of their users, and the signs of life that these give."""

from collections.abc import Collection
from dataclasses import dataclass

from rnncore.runs.store.database import Database, marks


@dataclass(frozen=True, slots=True)
class LiveWatched:
    """A watched run that is not over. beat: grows with each sign of life. group, workspace: of the run."""

    id: str
    group: str
    workspace: str
    beat: int


class WatchedTable(Database):
    """Reading and writing what is special about watched runs; all else is in the rows of runs."""

    def note_watched(self, run_ids: Collection[str]) -> None:
        """Say that these runs train in a program of their user, which no scheduler has started."""
        with self.write() as db:
            db.execute(
                "INSERT INTO watched_runs (run, beat, records)"
                f" SELECT key, 0, 0 FROM runs WHERE id IN ({marks(run_ids)})",
                (*run_ids,),
            )

    def is_watched(self, run_id: str) -> bool:
        """Tell whether there is such a run and it trains in a program of its user."""
        with self.read() as db:
            found = db.execute(
                "SELECT 1 FROM watched_runs w JOIN runs r ON w.run = r.key WHERE r.id = ?", (run_id,)
            ).fetchone()
        return found is not None

    def beat(self, run_ids: Collection[str]) -> None:
        """Note a sign of life of runs, and that they go on where they had been thought dead."""
        with self.write() as db:
            which = f"SELECT key FROM runs WHERE id IN ({marks(run_ids)})"
            db.execute(f"UPDATE watched_runs SET beat = beat + 1 WHERE run IN ({which})", (*run_ids,))
            db.execute(
                "UPDATE runs SET status = 'running', reason = '', ended_at = NULL, ended_lived_s = NULL"
                f" WHERE status = 'interrupted' AND key IN (SELECT run FROM watched_runs WHERE run IN ({which}))",
                (*run_ids,),
            )

    def count_records(self, run_id: str, more: int) -> int:
        """Count records of a run; return how many it has had by now."""
        with self.write() as db:
            return int(
                db.execute(
                    "UPDATE watched_runs SET records = records + ? WHERE run = (SELECT key FROM runs WHERE id = ?)"
                    " RETURNING records",
                    (more, run_id),
                ).fetchone()[0]
            )

    def live_watched(self) -> list[LiveWatched]:
        """Return the watched runs that are not over."""
        with self.read() as db:
            rows = db.execute(
                "SELECT r.id, r.group_id, r.workspace, w.beat FROM watched_runs w JOIN runs r ON w.run = r.key"
                " WHERE r.status = 'running'"
            ).fetchall()
        return [LiveWatched(*row) for row in rows]

    def move_watched(self, before: str, after: str) -> None:
        """Let a workspace's watched runs belong to another one."""
        with self.write() as db:
            db.execute(
                "UPDATE runs SET workspace = ? WHERE workspace = ? AND key IN (SELECT run FROM watched_runs)",
                (after, before),
            )
