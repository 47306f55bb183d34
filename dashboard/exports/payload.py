"""A run's records as the board's script reads them, small enough for a file that is passed on."""

import json
from typing import Any

import numpy as np

from dashboard import figures
from dashboard.figures.panels import drawn
from rnncore.on_demand import ON_DEMAND
from rnncore.reading import Reading
from rnncore.runs.read.series import records_since
from rnncore.runs.store.snapshots import read_snapshot
from rnncore.runs.store.store import Store, StoredRun
from rnncore.runs.watched_forms import is_watched

POINTS = 4000  # records per run, those with the extremes among them
PROFILE_BYTES = 1_900_000  # of all runs of a report together, before base64 adds a third
SNAPSHOT_CHARS, MAX_SNAPSHOTS = 500_000, 40  # of all runs together; of each run


def run_payload(store: Store, run: StoredRun, shares: int) -> dict[str, Any]:
    """Return what `records_since` says of a whole run, without its id, its profiles thinned to a budget.

    shares: how many runs share PROFILE_BYTES.
    """
    answer = records_since(store, run.id, 0, POINTS, figures.columns_read(), PROFILE_BYTES // shares) or {}
    answer.pop("run", None)
    return answer


def run_snapshots(store: Store, run: StoredRun, shares: int) -> list[dict[str, Any]]:
    """Return snapshots of a run (`read_snapshot`, without the id), spread over its steps, the newest last.

    shares: how many runs share SNAPSHOT_CHARS.
    """
    newest = read_snapshot(store, run.id)
    if newest is None or newest["step"] is None:
        return []
    count = min(MAX_SNAPSHOTS, max(1, SNAPSHOT_CHARS // shares // len(json.dumps(newest))))
    found = {newest["step"]: newest}
    for step in np.linspace(1, newest["step"], count, endpoint=False).astype(int).tolist() if count > 1 else ():
        snapshot = read_snapshot(store, run.id, step)
        if snapshot is not None and snapshot["step"] is not None:
            found[snapshot["step"]] = snapshot
    return [{key: value for key, value in found[step].items() if key != "run"} for step in sorted(found)]


def run_readings(store: Store, run: StoredRun, color: int) -> list[dict[str, Any]]:
    """Return of each instrument that was opened on a run the reading made last, drawn for both themes.

    color: place of the run's colour. Of a surface that there is a map of, the map is enough: the script that draws
    surfaces would add 3.6 MB to the report.
    """
    found = map(Reading.from_bytes, store.newest_readings(run.id))
    return [
        {
            "label": run.label,
            "color": color,
            "last": max(run.step, reading.step) if is_watched(run.config) else run.step,
            "title": ON_DEMAND[reading.instrument].title,
            "help": ON_DEMAND[reading.instrument].help,
            "light": drawn(reading, "light", color, flat=True),
            "dark": drawn(reading, "dark", color, flat=True),
        }
        for reading in found
        if reading.instrument in ON_DEMAND
    ]
