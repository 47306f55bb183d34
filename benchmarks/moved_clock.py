"""A plugin for the server under test: its calendar is wrong by the seconds in a file, and its housekeeper hurries."""

import os
import time
from pathlib import Path

from rnncore.runs import clock, housekeeping

FILE = "LAB_CALENDAR_FILE"


class FileClock(clock.Clock):
    """The machine's clocks; the calendar is moved by what the file says."""

    def wall(self) -> float:
        """Return a calendar's time that may be wrong."""
        try:
            return time.time() + float(Path(os.environ[FILE]).read_text())
        except (OSError, ValueError, KeyError):
            return time.time()


clock.system = FileClock()
housekeeping.FIRST_PRUNING_S, housekeeping.PRUNING_S = 1.0, 1.0  # so that a wrong calendar would do harm at once
