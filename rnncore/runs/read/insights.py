"""What can be said of a run in sentences and figures, from what the store recorded; cheap enough to poll."""

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from rnncore.diagnosis.quantities import recording_overhead
from rnncore.diagnosis.verdicts import History, verdicts
from rnncore.records import SCALARS, Baseline
from rnncore.runs.store.store import Store

REFRESH_S = 0.9
CACHED_RUNS = 256
LATELY = 600  # steps that verdicts on loss, updates and clipping look back
FIRST = 60  # steps from the start of the run, with which the updates of late are compared


@dataclass(slots=True)
class _Cached:
    step: int
    status: str
    at: float
    answer: dict[str, Any]


_cache: LRUCache[str, _Cached] = LRUCache(CACHED_RUNS)
_lock = threading.Lock()  # of the cache: every request is a thread


def insights(store: Store, run_id: str, status: str, last_step: int) -> dict[str, Any] | None:
    """Return verdicts (kind, sentence), the share of steps clipped and the overhead of recording of a run.

    At most once a second a run is looked at anew, and always when it has ended. None before the first record.
    """
    if last_step == 0:
        return None
    now = time.monotonic()
    with _lock:
        cached = _cache.get(run_id)
    fresh = cached and (cached.step == last_step or now - cached.at < REFRESH_S) and cached.status == status
    if cached is None or not fresh:
        cached = _Cached(last_step, status, now, look(store, run_id))
        with _lock:
            _cache[run_id] = cached
    return cached.answer


def look(store: Store, run_id: str, step: int | None = None) -> dict[str, Any]:
    """Look at a run as it stood at `step` (None: now).

    Keys: step, verdicts (kind, sentence), clipped (share of the latest steps whose gradient was clipped, or None),
    recording_overhead (share of the training time, see `rnncore.diagnosis.quantities`, or None).
    """
    with store.read() as db:
        run = db.execute(
            "SELECT key, step, reason, status, json_extract(info, '$.baselines'),"
            " json_extract(config, '$.profile_every') FROM runs WHERE id = ?",
            (run_id,),
        ).fetchone()
        if run is None:  # deleted meanwhile
            return {"step": 0, "verdicts": [], "clipped": None, "recording_overhead": None}
        key, last, reason, status, baselines, profile_every = run
        upto = last if step is None else min(step, last)
        chunks = db.execute(
            "SELECT scalars FROM chunks WHERE run = ? AND (first_step <= ? OR last_step > ?) AND first_step <= ?"
            " ORDER BY first_step",
            (key, FIRST, upto - LATELY, upto),
        ).fetchall()
        profile = db.execute(
            "SELECT step, layers, timesteps, hidden_grad_norm, direct_grad_norm FROM profiles"
            " WHERE run = ? AND step <= ? ORDER BY step DESC LIMIT 1",
            (key, upto),
        ).fetchone()
    rows = np.frombuffer(b"".join(chunk for (chunk,) in chunks), np.float64).reshape(-1, len(SCALARS))
    rows = rows[(rows[:, 0] <= upto) & ((rows[:, 0] <= FIRST) | (rows[:, 0] > upto - LATELY))]
    column = dict(zip(SCALARS, rows.T, strict=True))
    lately = column["step"] > upto - LATELY
    ended = reason if status == "diverged" and upto == last else None
    history = History(
        step=column["step"],
        train_loss=column["train_loss"],
        grad_norm=column["grad_norm"],
        clip_coef=column["clip_coef"],
        update_norm=column["update_norm"],
        val_loss=column["val_loss"],
        epoch=int(column["epoch"][-1]) if len(rows) else 0,
        diverged=ended.rstrip(".") if ended else None,
    )
    hidden, direct = (_array(blob, profile[1], profile[2]) for blob in profile[3:]) if profile else (None, None)
    found = verdicts(history, hidden, direct, _baselines(baselines))
    return {
        "step": upto,
        "verdicts": [{"kind": verdict.kind, "sentence": verdict.sentence} for verdict in found],
        "clipped": float(np.mean(column["clip_coef"][lately] < 1)) if lately.any() else None,
        "recording_overhead": recording_overhead(
            column["step"], column["elapsed_s"], ~np.isnan(column["val_loss"]), profile_every or 1
        ),
    }


def _array(blob: bytes | None, layers: int, timesteps: int) -> NDArray[np.float32] | None:
    return None if blob is None else np.frombuffer(blob, np.float32).reshape(layers, timesteps)


def _baselines(info: str | None) -> list[Baseline]:
    return [Baseline(**each) for each in json.loads(info or "[]")]
