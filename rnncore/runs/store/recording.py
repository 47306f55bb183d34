"""What a run yields goes into the store: scalars in chunks, profiles thinned, newest values in the run's row."""

import json
import math
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnncore.records import PROFILES, SCALARS
from rnncore.runs.backend.frames import Frame
from rnncore.runs.settings import Settings
from rnncore.runs.store.checkpoints import write_checkpoint
from rnncore.runs.store.database import Connection, Database
from rnncore.runs.store.events import write_event
from rnncore.runs.store.snapshots import SnapshotRecorder
from rnncore.runs.store.thinning import Thinner

CHUNK_RECORDS = 256
RATE_WINDOW_S = 3.0
_STEP, _ELAPSED = SCALARS.index("step"), SCALARS.index("elapsed_s")
_BETWEEN_EVALUATIONS_NAN = ("val_loss", "val_metric")
_WIDTH = len(SCALARS)


class Recorder:
    """Writes one run's frames. Records that are stored already (a run that went back to its checkpoint) are skipped."""

    def __init__(self, store: Database, run_id: str, settings: Settings) -> None:
        """Pick the run up where the store has it."""
        self._store = store
        with store.write() as db:  # what this transaction has done so far counts
            self._pick_up(db, run_id, settings)

    def _pick_up(self, db: Connection, run_id: str, settings: Settings) -> None:
        self.key, self.step, last = db.execute("SELECT key, step, last FROM runs WHERE id = ?", (run_id,)).fetchone()
        self.last: dict[str, float | None] = json.loads(last)
        self.steps_per_second: float | None = None
        self._settings = settings
        self._rate: deque[tuple[float, float]] = deque()  # (elapsed_s, step)
        tail = db.execute(
            "SELECT first_step, scalars FROM chunks WHERE run = ? ORDER BY first_step DESC LIMIT 1", (self.key,)
        ).fetchone()
        self._tail_start: int = tail[0] if tail else 0
        self._tail = bytearray(tail[1]) if tail else bytearray()
        rows = db.execute("SELECT number, norm, step FROM profiles WHERE run = ? ORDER BY number", (self.key,))
        stored = rows.fetchall()
        self._profile_step: int = stored[-1][2] if stored else 0
        self._number: int = stored[-1][0] + 1 if stored else 0
        self._stored_rows = [(number, norm) for number, norm, _ in stored]
        self._thinner: Thinner | None = None
        self._snapshots = SnapshotRecorder(db, self.key, settings)

    def add(self, frame: Frame) -> None:
        """Store a `records` frame (rnncore.records.pack)."""
        with self._store.write() as db:
            self._add(db, frame)

    def _add(self, db: Connection, frame: Frame) -> None:
        count = frame.header["count"]
        scalars = np.frombuffer(frame.blob, np.float64, count * _WIDTH).reshape(count, _WIDTH)
        steps = scalars[:, _STEP]
        self._add_profiles(db, frame, steps, scalars.nbytes)
        self._snapshots.add(db, frame, steps)
        fresh = scalars[steps > self.step]
        if len(fresh):
            self._add_scalars(db, fresh)

    def _add_scalars(self, db: Connection, scalars: NDArray[np.float64]) -> None:
        if not self._tail or len(self._tail) >= CHUNK_RECORDS * _WIDTH * 8:
            self._tail_start, self._tail = int(scalars[0, _STEP]), bytearray()
        self._tail += scalars.tobytes()
        self.step = int(scalars[-1, _STEP])
        db.execute(
            "INSERT INTO chunks (run, first_step, last_step, scalars) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (run, first_step) DO UPDATE SET last_step = excluded.last_step, scalars = excluded.scalars",
            (self.key, self._tail_start, self.step, self._tail),
        )
        self._update_newest(scalars)
        db.execute(
            "UPDATE runs SET step = ?, last = ?, steps_per_second = ? WHERE key = ?",
            (self.step, json.dumps(self.last), self.steps_per_second, self.key),
        )

    def _update_newest(self, scalars: NDArray[np.float64]) -> None:
        newest = dict(zip(SCALARS, scalars[-1].tolist(), strict=True))
        for name in _BETWEEN_EVALUATIONS_NAN:
            column = scalars[:, SCALARS.index(name)]
            known = column[~np.isnan(column)]
            newest[name] = float(known[-1]) if len(known) else self.last.get(name)
        self.last = {name: v if v is not None and math.isfinite(v) else None for name, v in newest.items()}
        elapsed = float(scalars[-1, _ELAPSED])
        if self._rate and elapsed < self._rate[-1][0]:
            self._rate.clear()  # the run was continued: its clock began anew
        if not self._rate:
            self._rate.append((float(scalars[0, _ELAPSED]), float(scalars[0, _STEP])))
        self._rate.append((elapsed, self.step))
        while len(self._rate) > 2 and elapsed - self._rate[1][0] >= RATE_WINDOW_S:
            self._rate.popleft()
        seconds = elapsed - self._rate[0][0]
        if seconds > 0:
            self.steps_per_second = (self.step - self._rate[0][1]) / seconds

    def _add_profiles(self, db: Connection, frame: Frame, steps: NDArray[np.float64], offset: int) -> None:
        view = memoryview(frame.blob)
        rows: dict[int, dict[str, Any]] = {}
        for row, name, layers, timesteps in frame.header["profiles"]:
            size = layers * timesteps * 4
            entry = rows.setdefault(row, {"layers": layers, "timesteps": timesteps})
            entry[name] = view[offset : offset + size]
            offset += size
        inserts, deletes = [], []
        for row, entry in rows.items():
            step = int(steps[row])
            if step <= self._profile_step:
                continue
            norm = _norm(entry.get("hidden_grad_norm", b""))
            blobs = [entry.get(name) for name in PROFILES]
            inserts.append((self.key, self._number, step, norm, entry["layers"], entry["timesteps"], *blobs))
            deletes += [(self.key, number) for number in self._thin(norm, sum(len(b) for b in blobs if b))]
            self._profile_step = step
            self._number += 1
        if inserts:
            marks = ", ".join("?" * len(inserts[0]))
            db.executemany(
                f"INSERT INTO profiles (run, number, step, norm, layers, timesteps, {', '.join(PROFILES)})"
                f" VALUES ({marks})",
                inserts,
            )
        if deletes:
            db.executemany("DELETE FROM profiles WHERE run = ? AND number = ?", deletes)

    def _thin(self, norm: float, row_bytes: int) -> list[int]:
        if self._thinner is None:
            affordable = self._settings.max_profile_mb * 2**20 // max(row_bytes, 1)
            self._thinner = Thinner(min(self._settings.max_profile_rows, affordable), self._stored_rows)
            self._stored_rows = []
        return self._thinner.add(self._number, norm)

    def forget_rate(self) -> None:
        """Begin to measure the speed anew, after a pause."""
        self._rate.clear()

    def add_event(self, frame: Frame) -> None:
        """Store an `event` frame, unless the run passes this step for the second time."""
        event = (frame.header["step"], frame.header["name"], frame.header["value"])
        if event[0] > self.step:
            with self._store.write() as db:
                write_event(db, self.key, event)

    def add_checkpoint(self, frame: Frame) -> None:
        """Store a `checkpoint` frame in place of the one before."""
        with self._store.write() as db:
            write_checkpoint(db, self.key, frame.header["step"], frame.blob)


def _norm(profile: memoryview | bytes) -> float:
    values = np.frombuffer(profile, np.float32).astype(np.float64)
    norm = math.sqrt(float(values @ values))
    return norm if math.isfinite(norm) else math.inf
