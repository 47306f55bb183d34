"""What a run yields goes into the store: scalars, profiles, snapshots, and the newest values into the run's row."""

import json
import math
from collections import deque

import numpy as np

from rnncore.codec import Scalars, read_batch
from rnncore.records import SCALARS
from rnncore.runs.backend.frames import Frame
from rnncore.runs.settings import Settings
from rnncore.runs.store.checkpoints import write_checkpoint
from rnncore.runs.store.database import Connection, Database, StoreFault
from rnncore.runs.store.events import write_event
from rnncore.runs.store.profiles import ProfileRecorder
from rnncore.runs.store.runs import object_in
from rnncore.runs.store.scalars import ScalarRecorder
from rnncore.runs.store.snapshots import SnapshotRecorder

RATE_WINDOW_S = 3.0


class Recorder:
    """Writes one run's frames. Records that are stored already (a run that went back to its checkpoint) are skipped.

    What it remembers is what it has written: after a transaction that was undone, begin with a new one.
    """

    def __init__(self, store: Database, run_id: str, settings: Settings) -> None:
        """Pick the run up where the store has it."""
        self._store = store
        with store.write() as db:  # what this transaction has done so far counts
            row = db.execute("SELECT key, step, last FROM runs WHERE id = ?", (run_id,)).fetchone()
            if row is None:
                raise StoreFault("the row of this run is gone")
            key, step, last = row
            self._scalars = ScalarRecorder(db, key)
            self._profiles = ProfileRecorder(db, key, settings)
            self._snapshots = SnapshotRecorder(db, key, settings)
        self.key: int = key
        self.step: int = step
        self.last: dict[str, float | None] = object_in(last) or {}
        self._rate = _Rate()

    @property
    def steps_per_second(self) -> float | None:
        """Speed of late; None where it is not known yet."""
        return self._rate.steps_per_second

    def add(self, frame: Frame) -> None:
        """Store a `records` frame (rnncore.codec.pack). Raises DamagedBlob."""
        batch = read_batch(frame.header, frame.blob)
        with self._store.write() as db:
            self._profiles.add(db, batch.profiles)
            self._snapshots.add(db, batch.snapshots)
            fresh = batch.scalars.take(batch.scalars["step"] > self.step)
            if len(fresh):
                self._add_scalars(db, fresh)

    def _add_scalars(self, db: Connection, records: Scalars) -> None:
        self._scalars.add(db, records)
        self.step = int(records["step"][-1])
        self.last = _newest(records, self.last)
        self._rate.add(records)
        db.execute(
            "UPDATE runs SET step = ?, last = ?, steps_per_second = ? WHERE key = ?",
            (self.step, json.dumps(self.last), self.steps_per_second, self.key),
        )

    def forget_rate(self) -> None:
        """Begin to measure the speed anew, after a pause."""
        self._rate.forget()

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


def _newest(records: Scalars, before: dict[str, float | None]) -> dict[str, float | None]:
    """Return the newest value of each scalar, None where it is not finite."""
    newest = {}
    for name, scalar in SCALARS.items():
        column = records[name]
        value: float | None = float(column[-1])
        if scalar.optional:
            known = column[~np.isnan(column)]
            value = float(known[-1]) if len(known) else before.get(name)
        newest[name] = value if value is not None and math.isfinite(value) else None
    return newest


class _Rate:
    """Steps per second over the last seconds of training."""

    def __init__(self) -> None:
        self.steps_per_second: float | None = None
        self._points: deque[tuple[float, float]] = deque()  # (elapsed_s, step)

    def add(self, records: Scalars) -> None:
        """Take newer records."""
        steps, seconds = records["step"], records["elapsed_s"]
        points, elapsed = self._points, float(seconds[-1])
        if points and elapsed < points[-1][0]:
            points.clear()  # the run was continued: its clock began anew
        if not points:
            points.append((float(seconds[0]), float(steps[0])))
        points.append((elapsed, float(steps[-1])))
        while len(points) > 2 and elapsed - points[1][0] >= RATE_WINDOW_S:
            points.popleft()
        if elapsed > points[0][0]:
            self.steps_per_second = (points[-1][1] - points[0][1]) / (elapsed - points[0][0])

    def forget(self) -> None:
        """Begin anew."""
        self._points.clear()
