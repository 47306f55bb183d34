"""Snapshots of a run (`rnncore.snapshot`) in the store: thinned as they come, read as JSON."""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from rnncore.codec import open_content
from rnncore.runs.settings import Settings
from rnncore.runs.store.database import ANY_STEP, Connection, Database


class SnapshotRecorder:
    """Writes the snapshots of one run; those that are stored already are skipped.

    They are numbered from 0 as they come. Numbers divisible by the stride stay, and the newest; the stride doubles
    whenever they would be more than `Settings.max_snapshots` or take more than `max_snapshot_mb`.
    """

    def __init__(self, db: Connection, key: int, settings: Settings) -> None:
        """Pick run `key` up where the store has it."""
        query = "SELECT COALESCE(MAX(number), -1), COALESCE(MAX(step), 0) FROM snapshots WHERE run = ?"
        last_number, self._step = db.execute(query, (key,)).fetchone()
        self._key, self._number, self._settings = key, last_number + 1, settings

    def add(self, db: Connection, snapshots: Sequence[tuple[int, bytes]]) -> None:
        """Store sealed snapshots (step, `rnncore.codec.seal`)."""
        for step, blob in snapshots:
            if step > self._step:
                self._insert(db, step, blob)

    def _insert(self, db: Connection, step: int, content: bytes) -> None:
        db.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?)", (self._key, self._number, step, content))
        affordable = self._settings.max_snapshot_mb * 2**20 // len(content)
        stride = thinning_stride(self._number, min(self._settings.max_snapshots, affordable))
        if stride > 1:
            db.execute(
                "DELETE FROM snapshots WHERE run = ? AND number % ? != 0 AND number < ?",
                (self._key, stride, self._number),
            )
        self._step, self._number = step, self._number + 1


def thinning_stride(newest: int, capacity: int) -> int:
    """Return the least power of 2 whose multiples from 0 to `newest`, and `newest` itself, are at most `capacity`.

    At least two are kept: the first and the newest.
    """
    stride = 1
    while -(-newest // stride) + 1 > max(2, capacity):
        stride *= 2
    return stride


def newest_snapshot_step(db: Connection, key: int) -> int | None:
    """Return the step of the newest snapshot of run `key`, None if there is none."""
    step: int | None = db.execute("SELECT MAX(step) FROM snapshots WHERE run = ?", (key,)).fetchone()[0]
    return step


def snapshot_before(db: Connection, key: int, step: int) -> dict[str, Any]:
    """Return the newest readable snapshot of run `key` up to `step`, as `Snapshot.to_json`; {} if there is none."""
    return _readable(db, key, step)[1]


def snapshot_steps(store: Database, run_id: str) -> list[int]:
    """Return the steps of a run's snapshots, ascending."""
    with store.read() as db:
        rows = db.execute(
            "SELECT s.step FROM snapshots s JOIN runs r ON s.run = r.key WHERE r.id = ? ORDER BY s.step", (run_id,)
        )
        return [step for (step,) in rows]


def read_snapshot(store: Database, run_id: str, step: int | None = None) -> dict[str, Any] | None:
    """Return the newest snapshot at or before `step` (None: of all), JSON-ready; None if there is no such run.

    Keys: run, step, next_step (of the next one stored, None after the newest), and those of `Snapshot.to_json`. Where
    there is no snapshot, `step` is None and nothing but run and next_step comes with it. Damaged ones are passed over.
    """
    with store.read() as db:
        run = db.execute("SELECT key FROM runs WHERE id = ?", (run_id,)).fetchone()
        if run is None:
            return None
        found_step, snapshot = _readable(db, run[0], ANY_STEP if step is None else step)
        next_step = db.execute(
            "SELECT MIN(step) FROM snapshots WHERE run = ? AND step > ?", (*run, found_step or 0)
        ).fetchone()[0]
    return {"run": run_id, "step": found_step, "next_step": next_step, **snapshot}


def _readable(db: Connection, key: int, step: int) -> tuple[int | None, dict[str, Any]]:
    rows = db.execute("SELECT step, content FROM snapshots WHERE run = ? AND step <= ? ORDER BY step DESC", (key, step))
    for found_step, blob in rows:
        with suppress(ValueError):  # of DamagedBlob, or of JSON that is none
            return found_step, json.loads(open_content(blob))
    return None, {}
