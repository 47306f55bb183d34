"""How long servers have worked with the store: the age of things by a clock that nobody can set."""

import logging

from rnncore.runs.settings import Settings
from rnncore.runs.store.pruning import DAY_S
from rnncore.runs.store.store import Store

logger = logging.getLogger(__name__)

JUMP_S = 60.0  # the calendar may go wrong by so much between two looks
LONGEST_LOOK_S = 60.0  # more than that is not counted: this process was stopped, or the machine slept
LONGEST_OFF_S = 7200.0  # nor more than that of a time without a server: the calendar may have been set meanwhile
OFF_SHARE = 10  # and no more than this part of the age at which runs are removed


class Lived:
    """Counts the time that the server lives through; `look` is to be called every few seconds."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Go on from where the server before left off. Raises StoreFault."""
        self._store, self._clock = store, store.clock
        self._wall, self._monotonic = self._clock.wall(), self._clock.monotonic()
        life = store.life()
        off = self._wall - life.wall if life.wall else 0.0
        counted = min(max(off, 0.0), LONGEST_OFF_S, settings.keep_days * DAY_S / OFF_SHARE)
        if off != counted:
            logger.warning(
                "the calendar has moved by %.1f hours since a server last worked here; %.1f hours of it count",
                off / 3600, counted / 3600, extra={"event": "time_off", "seconds": off},
            )  # fmt: skip
        self.seconds = life.lived_s + counted

    def look(self) -> bool:
        """Count the time since the last look; return whether the calendar has gone along with it."""
        wall, monotonic = self._clock.wall(), self._clock.monotonic()
        passed, by_calendar = monotonic - self._monotonic, wall - self._wall
        self._wall, self._monotonic = wall, monotonic
        self.seconds += min(max(passed, 0.0), LONGEST_LOOK_S)
        if abs(by_calendar - passed) <= JUMP_S and passed <= LONGEST_LOOK_S:
            return True
        logger.warning(
            "the calendar moved by %.0f seconds while %.0f passed; nothing is removed for some minutes",
            by_calendar, passed, extra={"event": "clock_jump", "seconds": by_calendar},
        )  # fmt: skip
        return False

    def note(self) -> None:
        """Write it down. Raises StoreFault."""
        self._store.note_life(self.seconds)
