"""How fast this machine trains: measured once by a worker, and kept in a file of the user's cache folder."""

import json
import platform
import time
from pathlib import Path

import platformdirs

LEAST, MOST = 0.1, 30.0  # of a pace that is believed

_kept: dict[Path, float] = {}


def file() -> Path:
    """Return where the pace of this machine is kept."""
    name = "".join(letter if letter.isalnum() else "-" for letter in f"{platform.node()}-{platform.machine()}")
    return platformdirs.user_cache_path("rnn-gradient-lab", appauthor=False) / f"pace-{name}.json"


def measured() -> float | None:
    """Return how many times the seconds of `rnncore.studies.forecast` this machine takes; None: not measured yet."""
    place = file()
    if place not in _kept:
        try:
            pace = float(json.loads(place.read_text("utf-8")))
        except (OSError, ValueError, TypeError):  # there is none yet, or it is damaged
            return None
        if not LEAST <= pace <= MOST:
            return None
        _kept[place] = pace
    return _kept[place]


def keep(pace: float) -> None:
    """Keep what was measured; where the folder cannot be written, the next worker measures again."""
    place = file()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        written = place.with_suffix(f".{time.time_ns()}")
        written.write_text(json.dumps(round(min(max(pace, LEAST), MOST), 3)), "utf-8")
        written.replace(place)
    except OSError:
        pass
