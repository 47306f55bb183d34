"""Readings of instruments on demand: kept, so that what was worked out once is there for reports and everybody."""

from rnncore.codec import DamagedBlob, open_content, seal
from rnncore.runs.store.database import Database

MOST, MOST_BYTES = 60, 6 * 2**20  # of a run


class ReadingTable(Database):
    """Reading and writing what instruments have found, as `rnncore.reading.Reading.to_bytes`.

    course: whether it is of several steps up to `step`. changes: how many changes of settings up to that step were
    known; with more of them, or fewer, the reading is none of that run. chosen: what the reader chose, in words of the
    asker's own, '' where nothing was.
    """

    def keep_reading(
        self, run_id: str, instrument: str, step: int, course: bool, changes: int, content: bytes, chosen: str = ""
    ) -> None:
        """Keep a reading of a run, in place of an earlier one.

        Of too many those go of which there is a newer one of the same kind (instrument, course, choice), the oldest
        first, then the others.
        """
        with self.write() as db:
            row = db.execute("SELECT key FROM runs WHERE id = ?", (run_id,)).fetchone()
            if row is None:
                return  # it was deleted meanwhile
            place = (*row, instrument, step, int(course), chosen)
            db.execute(
                "DELETE FROM readings WHERE run = ? AND instrument = ? AND step = ? AND course = ? AND chosen = ?",
                place,
            )
            db.execute(
                "INSERT INTO readings (run, instrument, step, course, chosen, changes, content)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*place, changes, seal(content)),
            )
            total = 0
            rows = db.execute(
                "SELECT number, length(content) FROM readings WHERE run = ? ORDER BY"
                " ROW_NUMBER() OVER (PARTITION BY instrument, course, chosen ORDER BY number DESC) > 1, number DESC",
                row,
            ).fetchall()
            for count, (number, size) in enumerate(rows):
                total += size
                if count and (count >= MOST or total > MOST_BYTES):
                    db.execute("DELETE FROM readings WHERE number = ?", (number,))

    def reading(
        self, run_id: str, instrument: str, step: int, course: bool, changes: int, chosen: str = ""
    ) -> bytes | None:
        """Return a reading that is kept, None where there is none or it is damaged."""
        with self.read() as db:
            row = db.execute(
                "SELECT o.content FROM readings o JOIN runs r ON o.run = r.key WHERE r.id = ? AND o.instrument = ?"
                " AND o.step = ? AND o.course = ? AND o.changes = ? AND o.chosen = ?",
                (run_id, instrument, step, int(course), changes, chosen),
            ).fetchone()
        return _opened(row[0]) if row else None

    def reading_steps(self, run_id: str, instrument: str, chosen: str = "") -> list[int]:
        """Return at which steps there are readings of one step each, the newest reading last."""
        with self.read() as db:
            rows = db.execute(
                "SELECT o.step FROM readings o JOIN runs r ON o.run = r.key WHERE r.id = ? AND o.instrument = ?"
                " AND o.course = 0 AND o.chosen = ? ORDER BY o.number",
                (run_id, instrument, chosen),
            ).fetchall()
        return [step for (step,) in rows]

    def newest_readings(self, run_id: str) -> list[bytes]:
        """Return of each kind (instrument, course, choice) the reading that was made last, in the order of making."""
        with self.read() as db:
            rows = db.execute(
                "SELECT content FROM readings WHERE number IN (SELECT MAX(o.number) FROM readings o"
                " JOIN runs r ON o.run = r.key WHERE r.id = ? GROUP BY o.instrument, o.course, o.chosen)"
                " ORDER BY number",
                (run_id,),
            ).fetchall()
        return [content for (blob,) in rows if (content := _opened(blob)) is not None]


def _opened(blob: bytes) -> bytes | None:
    try:
        return open_content(blob)
    except DamagedBlob:
        return None
