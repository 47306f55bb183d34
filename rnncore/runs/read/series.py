"""What a live board polls: a run's new records, bounded in size, with every spike kept."""

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.records import PROFILES, SCALARS
from rnncore.runs.store.snapshots import newest_snapshot_step
from rnncore.runs.store.store import Store

COLUMNS = ("step", "train_loss", "grad_norm", "clip_coef", "update_norm", "learning_rate")
SPIKY = ("train_loss", "grad_norm", "update_norm")  # their extremes per bucket survive
VAL_COLUMNS = ("step", "val_loss", "val_metric")
MAX_POINTS = 2000
REFRESH_PROFILES, FULL_PROFILES = 8, 300
REFRESH_PROFILE_BYTES, FULL_PROFILE_BYTES = 4_000, 2_000_000
_WIDTH = len(SCALARS)
_STEP = SCALARS.index("step")
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_RUN = "key, status, reason, step, steps, steps_per_second"


def records_since(store: Store, run_id: str, since: int = 0, max_points: int = MAX_POINTS) -> dict[str, Any] | None:
    """Return a run's records after step `since`, JSON-ready; None if there is no such run.

    Keys: status, reason, steps, last_step, steps_per_second; since, decimated (whether records were left out);
    count and columns (`COLUMNS`, base64 of little-endian float32 each); val (count and the same for `VAL_COLUMNS`);
    profiles: count, layers L, timesteps T, step (N) and hidden_grad_norm ... (N, L, T) in the same form, or null;
    snapshot_step (of the newest snapshot, or None); events: [step, name, value] for each setting changed.

    At most `max_points` records (about), those with the extremes of each bucket; at most 8 profiles in a refresh
    (since > 0) and 300 in a full fetch, fewer if they are large; the newest is always among them. All of it is one
    consistent view: a status that says the run is over comes with its last record.
    """
    with store.read() as db:
        row = db.execute(f"SELECT {_RUN} FROM runs WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            return None
        key, status, reason, last_step, steps, rate = row
        scalars = _read_scalars(db, key, since) if last_step > since else np.empty((0, _WIDTH))
        profiles = _read_profiles(db, key, since)
        snapshot_step = newest_snapshot_step(db, key)
        events = db.execute(
            "SELECT step, name, value FROM events WHERE run = ? AND step > ? ORDER BY rowid LIMIT 500", (key, since)
        ).fetchall()
    chosen = scalars[_decimate(scalars, max_points)]
    return {
        "run": run_id,
        "status": status,
        "reason": reason,
        "steps": steps,
        "last_step": last_step,
        "steps_per_second": rate,
        "since": since,
        "decimated": len(chosen) < len(scalars),
        "count": len(chosen),
        "columns": {name: encode(chosen[:, SCALARS.index(name)]) for name in COLUMNS},
        "val": _val_points(scalars, max_points),
        "profiles": profiles,
        "snapshot_step": snapshot_step,
        "events": [list(event) for event in events],
    }


def encode(values: NDArray[Any]) -> str:
    """Return numbers as base64 of little-endian float32; finite ones stay finite."""
    with np.errstate(over="ignore"):
        narrow = values.astype("<f4")
    too_large = np.isinf(narrow)
    if too_large.any():
        too_large &= np.isfinite(values)
        narrow[too_large] = np.copysign(_FLOAT32_MAX, values[too_large])
    return base64.b64encode(narrow.tobytes()).decode()


def _read_scalars(db: Any, key: int, since: int) -> NDArray[np.float64]:
    chunks = db.execute(
        "SELECT scalars FROM chunks WHERE run = ?1 AND first_step >= COALESCE("
        "(SELECT MAX(first_step) FROM chunks WHERE run = ?1 AND first_step <= ?2), 0) ORDER BY first_step",
        (key, since + 1),
    ).fetchall()
    scalars = np.frombuffer(b"".join(chunk for (chunk,) in chunks), np.float64).reshape(-1, _WIDTH)
    return scalars[scalars[:, _STEP] > since]


def _decimate(scalars: NDArray[np.float64], max_points: int) -> NDArray[np.intp]:
    """Return ascending row numbers: all, or per bucket those where a spiky column is smallest or largest."""
    count = len(scalars)
    if count <= max_points:
        return np.arange(count)
    buckets = max(1, (max_points - 2) // (2 * len(SPIKY)))
    size = -(-count // buckets)
    kept = {0, count - 1}
    for name in SPIKY:
        column = scalars[:, SCALARS.index(name)]
        kept.update(_extremes(np.where(np.isnan(column), np.inf, column), size))
    return np.array(sorted(kept))


def _extremes(values: NDArray[np.float64], size: int) -> list[int]:
    """Return the places of the smallest and the largest value in each run of `size` values."""
    padding = -len(values) % size
    low = np.pad(values, (0, padding), constant_values=np.inf).reshape(-1, size).argmin(axis=1)
    high = np.pad(values, (0, padding), constant_values=-np.inf).reshape(-1, size).argmax(axis=1)
    starts = np.arange(len(low)) * size
    return [int(place) for place in np.concatenate((starts + low, starts + high)) if place < len(values)]


def _val_points(scalars: NDArray[np.float64], max_points: int) -> dict[str, Any]:
    loss = scalars[:, SCALARS.index("val_loss")]
    rows = scalars[~np.isnan(loss)]
    if len(rows) > max_points:
        size = -(-2 * len(rows) // max_points)
        rows = rows[sorted({0, len(rows) - 1, *_extremes(rows[:, SCALARS.index("val_loss")], size)})]
    return {"count": len(rows)} | {name: encode(rows[:, SCALARS.index(name)]) for name in VAL_COLUMNS}


def _read_profiles(db: Any, key: int, since: int) -> dict[str, Any] | None:
    index = db.execute(
        "SELECT number, step, norm FROM profiles WHERE run = ? AND step > ? ORDER BY step", (key, since)
    ).fetchall()
    if not index:
        return None
    newest = index[-1][0]
    names = f"step, layers, timesteps, {', '.join(PROFILES)}"
    L, T, *blobs = db.execute(
        f"SELECT layers, timesteps, {', '.join(PROFILES)} FROM profiles WHERE run = ? AND number = ?", (key, newest)
    ).fetchone()
    row_bytes = sum(len(blob) for blob in blobs if blob)
    most, budget = (REFRESH_PROFILES, REFRESH_PROFILE_BYTES) if since else (FULL_PROFILES, FULL_PROFILE_BYTES)
    count = max(1, min(most, budget // max(row_bytes, 1)))
    numbers = _spread([(number, norm) for number, _, norm in index], count)
    marks = ", ".join("?" * len(numbers))
    rows = db.execute(
        f"SELECT {names} FROM profiles WHERE run = ? AND number IN ({marks}) AND layers = ? AND timesteps = ?"
        " ORDER BY step",
        (key, *numbers, L, T),
    ).fetchall()
    result: dict[str, Any] = {"count": len(rows), "layers": L, "timesteps": T}
    result["step"] = encode(np.array([row[0] for row in rows], np.float64))
    for place, name in enumerate(PROFILES, start=3):
        if blobs[place - 3]:
            empty = bytes(4 * L * T)
            result[name] = base64.b64encode(b"".join(row[place] or empty for row in rows)).decode()
    return result


def _spread(rows: list[tuple[int, float]], count: int) -> list[int]:
    """Return the numbers of about `count` rows: the extremes of equal groups, the first and always the newest."""
    if len(rows) <= count:
        return [number for number, _ in rows]
    if count < 4:
        return sorted({max(rows, key=lambda row: row[1])[0], rows[-1][0]})[-count:]
    size = math.ceil(2 * len(rows) / (count - 2))
    norms = np.array([norm for _, norm in rows])
    places = {0, len(rows) - 1, *_extremes(norms, size)}
    return [rows[place][0] for place in sorted(places)]
