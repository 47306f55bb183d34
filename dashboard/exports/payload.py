"""A run's records as the board's script reads them, small enough for a file that is sent around."""

import base64
import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.records import PROFILES
from rnncore.runs.read.series import records_since
from rnncore.runs.store.snapshots import read_snapshot
from rnncore.runs.store.store import Store, StoredRun

POINTS = 4000  # records per run, those with the extremes among them
PROFILE_BYTES = 1_900_000  # of all runs of a report together, before base64 adds a third
SNAPSHOT_CHARS, MAX_SNAPSHOTS = 500_000, 40  # of all runs together; of each run


def run_payload(store: Store, run: StoredRun, shares: int) -> dict[str, Any]:
    """Return what `records_since` says of a whole run, without its id, its profiles thinned out.

    shares: how many runs share PROFILE_BYTES.
    """
    answer = records_since(store, run.id, 0, POINTS) or {}
    answer.pop("run", None)
    if answer.get("profiles"):
        answer["profiles"] = thin_profiles(answer["profiles"], PROFILE_BYTES // shares)
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


def thin_profiles(profiles: dict[str, Any], budget: int) -> dict[str, Any]:
    """Return at most `budget` bytes of profiles: the largest and smallest of each stretch of training, and the last.

    profiles: as `records_since` packs them.
    """
    count, row_numbers = profiles["count"], profiles["layers"] * profiles["timesteps"]
    arrays = {name: _decode(profiles[name], count) for name in ("step", *PROFILES) if name in profiles}
    row_bytes = 4 * row_numbers * (len(arrays) - 1)
    allowed = max(2, budget // row_bytes)
    if count <= allowed:
        return profiles
    with np.errstate(divide="ignore", over="ignore"):
        sizes = np.linalg.norm(arrays["hidden_grad_norm"].astype(np.float64), axis=1)
    stretch = math.ceil(2 * (count - 1) / max(allowed - 1, 1))
    kept = {count - 1}
    for start in range(0, count - 1, max(stretch, 2)):
        part = sizes[start : min(start + max(stretch, 2), count - 1)]
        kept |= {start + int(np.argmax(part)), start + int(np.argmin(part))}
    rows = sorted(kept)[-allowed:] if len(kept) > allowed else sorted(kept)
    packed = {name: base64.b64encode(array[rows].tobytes()).decode() for name, array in arrays.items()}
    return profiles | packed | {"count": len(rows)}


def _decode(text: str, count: int) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(count, -1)
