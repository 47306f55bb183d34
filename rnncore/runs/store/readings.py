"""Readings of instruments on demand: kept, so that what was worked out once is there for reports and everybody."""

from rnncore.codec import DamagedBlob, open_content, seal
from rnncore.runs.store.database import Database

MOST, MOST_BYTES = 60, 6 * 2**20  # of a run


class ReadingTable(Database):
    """Reading and writing what instruments have found, as `rnncore.reading.Reading.to_bytes`.

    course: whether it is of several steps up to `step`. changes: how many changes of settings up to that step were
    known; with more of them, or fewer, the reading is none of that run.
    """

    def keep_reading(
        self, run_id: str, instrument: str, step: int, course: bool, changes: int, content: bytes
    ) -> None:  # fmt: skip
        """Keep a reading of a run, in place of an earlier one; the oldest of too many go."""
        with self.write() as db:
            row = db.execute("SELECT key FROM runs WHERE id = ?", (run_id,)).fetchone()
            if row is None:
                return  # it was deleted meanwhile
            place = (*row, instrument, step, int(course))
            db.execute("DELETE FROM readings WHERE run = ? AND instrument = ? AND step = ? AND course = ?", place)
            db.execute(
                "INSERT INTO readings (run, instrument, step, course, changes, content) VALUES (?, ?, ?, ?, ?, ?)",
                (*place, changes, seal(content)),
            )
            total = 0
            rows = db.execute(
                "SELECT number, length(content) FROM readings WHERE run = ? ORDER BY number DESC", row
            ).fetchall()
            for count, (number, size) in enumerate(rows):
                total += size
                if count and (count >= MOST or total > MOST_BYTES):
                    db.execute("DELETE FROM readings WHERE run = ? AND number <= ?", (*row, number))
                    break

    def reading(self, run_id: str, instrument: str, step: int, course: bool, changes: int) -> bytes | None:
        """Return a reading that is kept, None where there is none or it is damaged."""
        with self.read() as db:
            row = db.execute(
                "SELECT o.content FROM readings o JOIN runs r ON o.run = r.key WHERE r.id = ? AND o.instrument = ?"
                " AND o.step = ? AND o.course = ? AND o.changes = ?",
                (run_id, instrument, step, int(course), changes),
            ).fetchone()
        return _opened(row[0]) if row else None

    def newest_readings(self, run_id: str) -> list[bytes]:
        """Return of each instrument the reading that was made last, of one step and of several."""
        with self.read() as db:
            rows = db.execute(
                "SELECT content FROM readings WHERE number IN (SELECT MAX(o.number) FROM readings o"
                " JOIN runs r ON o.run = r.key WHERE r.id = ? GROUP BY o.instrument, o.course) ORDER BY number",
                (run_id,),
            ).fetchall()
        return [content for (blob,) in rows if (content := _opened(blob)) is not None]


def _opened(blob: bytes) -> bytes | None:
    try:
        return open_content(blob)
    except DamagedBlob:
        return None
