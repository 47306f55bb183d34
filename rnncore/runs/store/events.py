"""Events: the settings that were changed while a run trained, each in force from a step on."""

import time

from rnncore.runs.store.database import Connection, Database

MOST_AT_ONCE = 500

Event = tuple[int, str, float]  # first step in force, name of the setting, value


class EventTable(Database):
    """The changed settings of a run."""

    def events(self, run_id: str) -> list[Event]:
        """Return the settings changed by hand, the last ones perhaps for a step still to come: (step, name, value)."""
        with self.read() as db:
            return db.execute(
                "SELECT e.step, e.name, e.value FROM events e JOIN runs r ON e.run = r.key WHERE r.id = ?"
                " ORDER BY e.rowid",
                (run_id,),
            ).fetchall()

    def add_event(self, run_id: str, event: Event) -> None:
        """Note a setting that was changed while the run is not executed."""
        with self.write() as db:
            for (key,) in db.execute("SELECT key FROM runs WHERE id = ?", (run_id,)).fetchall():
                write_event(db, key, event)


def events_since(db: Connection, key: int, since: int) -> list[Event]:
    """Return the settings of run `key` changed after step `since`, at most `MOST_AT_ONCE`."""
    return db.execute(
        "SELECT step, name, value FROM events WHERE run = ? AND step > ? ORDER BY rowid LIMIT ?",
        (key, since, MOST_AT_ONCE),
    ).fetchall()


def write_event(db: Connection, key: int, event: Event) -> None:
    """Note a changed setting of run `key`, in place of another change of it at the same step."""
    step, name, value = event
    db.execute("DELETE FROM events WHERE run = ? AND step = ? AND name = ?", (key, step, name))
    db.execute(
        "INSERT INTO events (run, step, name, value, at) VALUES (?, ?, ?, ?, ?)", (key, step, name, value, time.time())
    )
