"""The wall of a class: the newest run of every student as a small curve and a small profile, in one answer for all."""

import base64
import json
import math
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from rnncore.classes.school import Classroom, School
from rnncore.runs.read.series import profile_at, records_since
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.store.classes import WallRun
from rnncore.runs.store.store import Store

POINTS = 60  # of a curve, and timesteps of a profile
FRESH_S = 1.0  # as long as one answer serves all who ask

_lock = threading.Lock()
_walls: LRUCache[tuple[int, str], tuple[float, bytes]] = LRUCache(256)
_pictures: LRUCache[str, tuple[int, str, dict[str, Any]]] = LRUCache(2048)  # run -> step and status, and what is drawn


def wall_bytes(scheduler: Scheduler, school: School, room: Classroom) -> bytes:
    """Return the wall as JSON, encoded once a second for everybody. Raises StoreFault."""
    key = id(school), room.code
    with _lock:
        known = _walls.get(key)
        if known is None or time.monotonic() - known[0] > FRESH_S:
            content = json.dumps(_wall(scheduler.store, school, room), separators=(",", ":"), allow_nan=False)
            known = _walls[key] = time.monotonic(), content.encode("ascii")
    return known[1]


def _wall(store: Store, school: School, room: Classroom) -> dict[str, Any]:
    handout = room.state.handout
    vary = handout.handout.vary if handout else None
    runs = [
        {
            "watch": run.watch,
            "label": label,
            "status": run.status,
            "step": run.step,
            "steps": run.steps,
            "loss": _loss(run.last),
            "varied": _value(run.config, vary),
            **_picture(store, run),
        }
        for label, run in school.wall(room)
    ]
    runs.sort(key=lambda run: (run["loss"] is None, run["loss"] or 0.0))
    return {"handout": room.state.handouts, "vary": vary, "runs": runs}


def _loss(last: Mapping[str, Any]) -> float | None:
    """Return the newest loss, on data that a run does not train on where that was measured."""
    for name in ("val_loss", "train_loss"):
        value = last.get(name)
        if isinstance(value, int | float):
            return float(value) if math.isfinite(value) else None
    return None


def _value(config: Mapping[str, Any], path: str | None) -> Any:
    value: Any = config
    for name in path.split(".") if path else ():
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if path else None


def _picture(store: Store, run: WallRun) -> dict[str, Any]:
    """Return `curve` with step and loss, and `profile`: the gradient through time, a list for each layer, or None."""
    known = _pictures.get(run.id)
    if known is None or known[:2] != (run.step, run.status):
        _pictures[run.id] = known = run.step, run.status, _drawn(store, run.id)
    return known[2]


def _drawn(store: Store, run: str) -> dict[str, Any]:
    series = records_since(store, run, 0, POINTS, ("train_loss",), 1)
    if series is None or not series["count"]:
        return {"curve": {"step": [], "loss": []}, "profile": None}
    curve = {name: _column(series["columns"][source]) for name, source in (("step", "step"), ("loss", "train_loss"))}
    packed = (profile_at(store, run) or {}).get("profiles")
    profile = None
    if packed is not None:
        layers, timesteps = packed["layers"], packed["timesteps"]
        values = _decoded(packed["hidden_grad_norm"]).reshape(layers, timesteps)
        places = np.unique(np.linspace(0, timesteps - 1, min(POINTS, timesteps)).round().astype(int))
        profile = {"t": (places + 1).tolist(), "norm": [_listed(layer) for layer in values[:, places]]}
    return {"curve": curve, "profile": profile}


def _column(text: str) -> list[float | None]:
    return _listed(_decoded(text))


def _decoded(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), "<f4")


def _listed(values: NDArray[np.float32]) -> list[float | None]:
    """Return numbers with four digits, None for those that are not finite."""
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in values.tolist()]
