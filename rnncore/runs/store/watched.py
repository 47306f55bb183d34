"""Watched runs: which runs train in programs of their users, and the signs of life that these give."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from rnncore.runs.store.database import Connection, Database, marks

MOST_ASKED = 12  # readings that the program of one run is asked for at once
ASKED_S = 30.0  # after which a question that nobody repeats is forgotten
REPEATED_S = 5.0  # at most so often it is written down that somebody still asks
_Asked = tuple[str, str, float, float]  # instrument, what was chosen, asked at and wanted at, in seconds since 1970


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

    def beat_of(self, run_id: str) -> int | None:
        """Return the newest sign of life of a run, None of one that is not watched."""
        with self.read() as db:
            found = db.execute(
                "SELECT w.beat FROM watched_runs w JOIN runs r ON w.run = r.key WHERE r.id = ?", (run_id,)
            ).fetchone()
        return None if found is None else int(found[0])

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

    def ask(self, run_id: str, instrument: str, chosen: str) -> float | None:
        """Ask the program of a run for a reading, or go on asking for it; return for how many seconds that has been so.

        Questions that nobody has repeated for `ASKED_S` are forgotten. None: `MOST_ASKED` others wait already.
        """
        now = self.clock.wall()
        with self.read() as db:
            asks = _asks(db, run_id, now)
        for place, (key, choice, since, wanted) in enumerate(asks):
            if (key, choice) == (instrument, chosen):
                if now - wanted > REPEATED_S:
                    asks[place] = key, choice, since, now
                    self._keep_asks(run_id, asks)
                return max(0.0, now - since)
        if len(asks) >= MOST_ASKED:
            return None
        self._keep_asks(run_id, [*asks, (instrument, chosen, now, now)])
        return 0.0

    def asks(self, run_ids: Collection[str]) -> list[tuple[str, str, str]]:
        """Return which readings the programs of runs are asked for: run, instrument and what was chosen."""
        now = self.clock.wall()
        with self.read() as db:
            return [(run, key, choice) for run in run_ids for key, choice, _, _ in _asks(db, run, now)]

    def answered(self, run_id: str, instrument: str, chosen: str) -> None:
        """Forget a question that has its answer."""
        with self.write() as db:
            asks = _asks(db, run_id, self.clock.wall())
            rest = [each for each in asks if each[:2] != (instrument, chosen)]
            if rest != asks:
                self._keep_asks(run_id, rest)

    def _keep_asks(self, run_id: str, asks: list[_Asked]) -> None:
        with self.write() as db:
            which = "run = (SELECT key FROM runs WHERE id = ?)"
            db.execute(f"UPDATE watched_runs SET asks = ? WHERE {which}", (json.dumps(asks), run_id))

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


def _asks(db: Connection, run_id: str, now: float) -> list[_Asked]:
    row = db.execute(
        "SELECT w.asks FROM watched_runs w JOIN runs r ON w.run = r.key WHERE r.id = ?", (run_id,)
    ).fetchone()
    asks: list[_Asked] = [tuple(each) for each in json.loads(row[0])] if row else []
    return [each for each in asks if now - each[3] <= ASKED_S]
