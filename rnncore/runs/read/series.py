"""What a live board polls: a run's new records, bounded in size, with every spike kept."""

import base64
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.codec import Scalars, joined
from rnncore.records import COUNTS, PROFILES, SCALARS
from rnncore.runs.store.database import Connection
from rnncore.runs.store.events import events_since
from rnncore.runs.store.profiles import Profile, profile_rows, read_numbered, shown_profile
from rnncore.runs.store.runs import progress
from rnncore.runs.store.scalars import read_scalars
from rnncore.runs.store.snapshots import newest_snapshot_step
from rnncore.runs.store.store import Store
from rnncore.thinning import thinned

MAX_POINTS = 2000
REFRESH_PROFILES, FULL_PROFILES = 8, 300
REFRESH_PROFILE_BYTES, FULL_PROFILE_BYTES = 4_000, 2_000_000
_FLOAT32_MAX = float(np.finfo(np.float32).max)


def records_since(
    store: Store,
    run_id: str,
    since: int = 0,
    max_points: int = MAX_POINTS,
    columns: Collection[str] | None = None,
    profile_bytes: int = FULL_PROFILE_BYTES,
) -> dict[str, Any] | None:
    """Return a run's records after step `since`, JSON-ready; None if there is no such run.

    Keys: status, reason, steps, last_step, steps_per_second; since, decimated (whether records were left out), missing
    ([first, last] of the steps whose records are damaged); count and columns (base64 of little-endian float32 by name);
    val: count and the same for what is measured at evaluations; profiles: count, layers L, timesteps T, step (N) and
    hidden_grad_norm ... (N, L, T) in the same form, or null; snapshot_step (of the newest snapshot, or None); events:
    [step, name, value] for each setting changed.

    columns: the scalars that are wanted (None: all); `step` always comes along. At most `max_points` records (about),
    those with the extremes of each bucket; at most 8 profiles in a refresh (since > 0) and 300 or `profile_bytes` in a
    full fetch, thinned by the rule of `rnncore.thinning`. All of it is one consistent view: a status that says the run
    is over comes with its last record.
    """
    with store.read() as db:
        run = progress(db, run_id)
        if run is None:
            return None
        scalars = read_scalars(db, run.key, since) if run.step > since else joined([])
        profiles = _profiles(db, run.key, since, profile_bytes)
        snapshot_step = newest_snapshot_step(db, run.key)
        events = events_since(db, run.key, since)
    wanted = [each for each in SCALARS.values() if each.name != "step" and (columns is None or each.name in columns)]
    dense = [each.name for each in wanted if not each.optional]
    chosen = scalars.take(_decimate(scalars, [each.name for each in wanted if each.spiky], max_points))
    return {
        "run": run_id,
        "status": run.status,
        "reason": run.reason,
        "steps": run.steps,
        "last_step": run.step,
        "steps_per_second": run.steps_per_second,
        "since": since,
        "decimated": len(chosen) < len(scalars),
        "missing": [list(steps) for steps in scalars.missing],
        "count": len(chosen),
        "columns": {name: encode(chosen[name]) for name in ("step", *dense)},
        "val": _evaluations(scalars, [each.name for each in wanted if each.optional], max_points),
        "profiles": profiles,
        "snapshot_step": snapshot_step,
        "events": [list(event) for event in events],
    }


def profile_at(store: Store, run_id: str, step: int | None = None) -> dict[str, Any] | None:
    """Return the profile that stands for a step (`shown_profile`), JSON-ready; None if there is no such run.

    Keys: run, step (the profile's own) and profiles (that one, in the form of `records_since`); both None where the run
    has no profile.
    """
    with store.read() as db:
        run = progress(db, run_id)
        if run is None:
            return None
        profile = shown_profile(db, run.key, step)
    return {"run": run_id, "step": profile and profile.step, "profiles": profile and _packed([profile])}


def encode(values: NDArray[Any]) -> str:
    """Return numbers as base64 of little-endian float32; finite ones stay finite."""
    with np.errstate(over="ignore"):
        narrow = values.astype("<f4")
    too_large = np.isinf(narrow)
    if too_large.any():
        too_large &= np.isfinite(values)
        narrow[too_large] = np.copysign(_FLOAT32_MAX, values[too_large])
    return _base64(narrow.tobytes())


def _decimate(scalars: Scalars, spiky: Sequence[str], max_points: int) -> NDArray[np.intp]:
    """Return ascending row numbers: all, or per bucket those where a spiky column is smallest or largest."""
    count = len(scalars)
    if count <= max_points:
        return np.arange(count)
    buckets = max(1, (max_points - 2) // (2 * max(1, len(spiky))))
    return _with_extremes(scalars, spiky, -(-count // buckets))


def _with_extremes(scalars: Scalars, names: Sequence[str], size: int) -> NDArray[np.intp]:
    """Return the rows where a column is smallest or largest in its `size` rows, the first and the last, ascending."""
    kept = {0, len(scalars) - 1}
    for name in names:
        kept.update(_extremes(np.where(np.isnan(scalars[name]), np.inf, scalars[name]), size))
    return np.array(sorted(kept))


def _extremes(values: NDArray[np.float64], size: int) -> list[int]:
    """Return the places of the smallest and the largest value in each run of `size` values."""
    padding = -len(values) % size
    low = np.pad(values, (0, padding), constant_values=np.inf).reshape(-1, size).argmin(axis=1)
    high = np.pad(values, (0, padding), constant_values=-np.inf).reshape(-1, size).argmax(axis=1)
    starts = np.arange(len(low)) * size
    return [int(place) for place in np.concatenate((starts + low, starts + high)) if place < len(values)]


def _evaluations(scalars: Scalars, names: Sequence[str], max_points: int) -> dict[str, Any]:
    """Return the records that have one of the values `names`, at most `max_points` (about)."""
    if not names:
        return {"count": 0, "step": ""}
    measured = np.stack([~np.isnan(scalars[name]) for name in names])  # (columns, N)
    rows = scalars.take(np.flatnonzero(measured.any(axis=0)))
    if len(rows) > max_points:
        rows = rows.take(_with_extremes(rows, names, -(-2 * len(names) * len(rows) // max_points)))
    return {"count": len(rows)} | {name: encode(rows[name]) for name in ("step", *names)}


def _profiles(db: Connection, key: int, since: int, full_bytes: int) -> dict[str, Any] | None:
    rows = profile_rows(db, key, since)
    if not rows:
        return None
    newest = read_numbered(db, key, [rows[-1].number])
    row_bytes = sum(array.nbytes for array in newest[0].arrays.values())
    most, budget = (REFRESH_PROFILES, REFRESH_PROFILE_BYTES) if since else (FULL_PROFILES, full_bytes)
    chosen = thinned(rows, max(1, min(most, budget // max(row_bytes, 1))))
    profiles = newest if len(chosen) == 1 else read_numbered(db, key, [row.number for row in chosen])
    readable = [profile for profile in profiles if profile.arrays]
    return _packed(readable) if readable else None


def _packed(profiles: Sequence[Profile]) -> dict[str, Any]:
    """Pack profiles of one shape (that of the newest); what the newest does not have is left out."""
    newest = profiles[-1].arrays
    layers, timesteps = shape = newest["hidden_grad_norm"].shape
    same = [profile for profile in profiles if profile.arrays["hidden_grad_norm"].shape == shape]
    packed: dict[str, Any] = {"count": len(same), "layers": layers, "timesteps": timesteps}
    packed["step"] = encode(np.array([profile.step for profile in same], np.float64))
    for name in (*PROFILES, *COUNTS):
        if name in newest:
            empty = np.full(shape, float(name in COUNTS), np.float32)  # without counts every timestep had sequences
            packed[name] = _base64(b"".join(profile.arrays.get(name, empty).tobytes() for profile in same))
    return packed


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
