"""For how long servers have worked with the store: the time by which it counts how old things are."""

from typing import NamedTuple

from rnncore.runs.store.database import Database

LIVED = "(SELECT lived_s FROM life)"


class Life(NamedTuple):
    """lived_s: seconds in which a server worked. wall: the calendar's time when that was noted, 0 before the first."""

    lived_s: float
    wall: float


class LifeTable(Database):
    """Reading and writing the store's own time."""

    def life(self) -> Life:
        """Return what was noted last."""
        with self.read() as db:
            return Life(*db.execute("SELECT lived_s, wall FROM life").fetchone())

    def note_life(self, lived_s: float) -> None:
        """Note that servers have worked for so long by now."""
        with self.write() as db:
            db.execute("UPDATE life SET lived_s = ?, wall = ?", (lived_s, self.clock.wall()))

    def touch(self) -> None:
        """Write something that changes nothing, to see whether it can be written."""
        with self.write() as db:
            db.execute("UPDATE life SET lived_s = lived_s")
