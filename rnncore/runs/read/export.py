"""A stored run as a file: CSV, JSON or Parquet, made piece by piece, so that memory stays bounded.

Every record is in it. Profiles are those that the store keeps (`Settings.max_profile_rows`), so are snapshots
(`max_snapshots`), which only JSON has; CSV has neither.
Each piece is read in a transaction of its own: a slow download never holds the database up.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv

from rnncore.records import PROFILES, SCALARS
from rnncore.runs.active import RunStatus
from rnncore.runs.read.pieces import Pieces
from rnncore.runs.store.snapshots import read_snapshot
from rnncore.runs.store.store import Store, StoredRun

FORMAT = "rnn-gradient-lab/1"
CHUNKS_AT_ONCE = 8
VALUES_AT_ONCE = 30_000  # of profiles: a piece takes some ten milliseconds to write
_WHOLE = ("step", "epoch")
_OPTIONAL = ("val_loss", "val_metric")
_STEP = SCALARS.index("step")


def export_csv(store: Store, run: StoredRun) -> Iterator[bytes]:
    """Yield a CSV file: one line per record, a column per scalar; empty where there is no value."""
    options = csv.WriteOptions(include_header=False, quoting_style="none")
    yield (",".join(SCALARS) + "\n").encode()
    for scalars in scalar_batches(store, run):
        sink = pa.BufferOutputStream()
        csv.write_csv(pa.table(_columns(scalars)), sink, options)
        yield sink.getvalue().to_pybytes()


def export_json(store: Store, run: StoredRun) -> Iterator[bytes]:
    """Yield a JSON object: format, run, events, records (as `Record.to_json`), profiles, (L, T) each, snapshots."""
    head = {"format": FORMAT, "run": _told(run), "events": store.events(run.id)}
    yield json.dumps(head, allow_nan=False)[:-1].encode() + b',"records":['
    separator = b""
    for scalars in scalar_batches(store, run):
        rows = (_record(values) for values in scalars.tolist())
        yield separator + ",\n".join(json.dumps(row, allow_nan=False) for row in rows).encode()
        separator = b",\n"
    yield b'],"profiles":['
    separator = b""
    for row in profile_rows(store, run, 0, run.step):
        arrays = {name: _finite(array.tolist()) for name, array in row.items() if name != "step"}
        yield separator + json.dumps({"step": row["step"], **arrays}, allow_nan=False).encode()
        separator = b",\n"
    yield b'],"snapshots":['
    separator = b""
    for snapshot in _snapshots(store, run):
        yield separator + json.dumps(snapshot, allow_nan=False).encode()
        separator = b",\n"
    yield b"]}\n"


def export_parquet(store: Store, run: StoredRun) -> Iterator[bytes]:
    """Yield a Parquet file: a row per record, profiles as lists (L of T float32), config and info as metadata."""
    profile = pa.list_(pa.list_(pa.float32()))
    fields = [(name, pa.int64() if name in _WHOLE else pa.float64()) for name in SCALARS]
    metadata = {"format": FORMAT, "run": json.dumps(_told(run))}
    schema = pa.schema([*fields, *((name, profile) for name in PROFILES)], metadata)
    sink = Pieces()
    with pq.ParquetWriter(pa.PythonFile(sink, "w"), schema, compression="zstd") as writer:
        since = 0
        for scalars in scalar_batches(store, run):
            until = int(scalars[-1, _STEP])
            rows = {row["step"]: row for row in profile_rows(store, run, since, until)}
            steps = [int(step) for step in scalars[:, _STEP]]
            lists = {
                name: [list(rows[step][name]) if name in rows.get(step, ()) else None for step in steps]
                for name in PROFILES
            }
            arrays = _columns(scalars) | {name: pa.array(values, profile) for name, values in lists.items()}
            writer.write_table(pa.table(arrays, schema))
            yield sink.take()
            since = until
    yield sink.take()


def scalar_batches(store: Store, run: StoredRun) -> Iterator[NDArray[np.float64]]:
    """Yield the records up to `run.step`, (N, len(SCALARS)) each, in order."""
    since = 0
    while since < run.step:
        with store.read() as db:
            chunks = db.execute(
                "SELECT c.scalars FROM chunks c JOIN runs r ON c.run = r.key WHERE r.id = ? AND c.last_step > ?"
                " ORDER BY c.first_step LIMIT ?",
                (run.id, since, CHUNKS_AT_ONCE),
            ).fetchall()
        scalars = np.frombuffer(b"".join(chunk for (chunk,) in chunks)).reshape(-1, len(SCALARS))
        scalars = scalars[(scalars[:, _STEP] > since) & (scalars[:, _STEP] <= run.step)]
        if not len(scalars):
            return  # the run was deleted meanwhile
        yield scalars
        since = int(scalars[-1, _STEP])


def _columns(scalars: NDArray[np.float64]) -> dict[str, pa.Array]:
    columns = {}
    for name, values in zip(SCALARS, scalars.T, strict=True):
        if name in _WHOLE:
            columns[name] = pa.array(values.astype(np.int64))
        else:
            columns[name] = pa.array(values, mask=np.isnan(values) if name in _OPTIONAL else None)
    return columns


def _record(values: list[float]) -> dict[str, Any]:
    return {
        name: int(value) if name in _WHOLE else value if math.isfinite(value) else None
        for name, value in zip(SCALARS, values, strict=True)
    }


def profile_rows(store: Store, run: StoredRun, since: int, until: int) -> Iterator[dict[str, Any]]:
    """Yield step and (L, T) arrays of the profiles of steps above `since` up to `until`."""
    limit = 1  # until their size is known
    while True:
        with store.read() as db:
            rows = db.execute(
                f"SELECT p.step, p.layers, p.timesteps, {', '.join('p.' + name for name in PROFILES)} FROM profiles p"
                " JOIN runs r ON p.run = r.key WHERE r.id = ? AND p.step > ? AND p.step <= ? ORDER BY p.step LIMIT ?",
                (run.id, since, until, limit),
            ).fetchall()
        if not rows:
            return
        for step, layers, timesteps, *blobs in rows:
            arrays = {
                name: np.frombuffer(blob, np.float32).reshape(layers, timesteps)
                for name, blob in zip(PROFILES, blobs, strict=True)
                if blob
            }
            yield {"step": step, **arrays}
            since = step
        limit = max(1, VALUES_AT_ONCE // (rows[-1][1] * rows[-1][2] * len(PROFILES)))


def _snapshots(store: Store, run: StoredRun) -> Iterator[dict[str, Any]]:
    """Yield the snapshots up to `run.step`: step and the keys of `Snapshot.to_json`."""
    done = 0
    found = read_snapshot(store, run.id, done)
    while found is not None and found["next_step"] is not None and found["next_step"] <= run.step:
        found = read_snapshot(store, run.id, found["next_step"])
        if found is not None and found["step"] > done:  # not so where it was thinned out meanwhile
            done = found["step"]
            yield {name: value for name, value in found.items() if name not in ("run", "next_step")}


def _finite(values: list[list[float]]) -> list[list[float | None]]:
    return [[value if math.isfinite(value) else None for value in row] for row in values]


def _told(run: StoredRun) -> dict[str, Any]:
    """All that is known of a run but its ids: they are keys, and a file is passed on."""
    return {name: value for name, value in RunStatus(run).to_json().items() if name not in ("id", "group")}
