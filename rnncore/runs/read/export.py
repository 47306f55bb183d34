"""A stored run as a file: CSV, JSON or Parquet, made piece by piece, so that memory stays bounded.

Every record is in it. Profiles are those that the store keeps (`Settings.max_profile_rows`), so are snapshots
(`max_snapshots`), which only JSON has; CSV has neither. A record that is damaged in the store is a row with nothing but
its step. Each piece is read in a transaction of its own: a slow download never holds the database up.
"""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from rnncore.codec import Range, Scalars
from rnncore.records import COUNTS, PROFILES, SCALARS
from rnncore.runs.active import RunStatus
from rnncore.runs.read.batches import profile_batches, profile_columns, scalar_batches
from rnncore.runs.read.pieces import Pieces
from rnncore.runs.store.profiles import Profile
from rnncore.runs.store.snapshots import read_snapshot, snapshot_steps
from rnncore.runs.store.store import Store, StoredRun

FORMAT = "rnn-gradient-lab/1"


def export_csv(store: Store, run: StoredRun) -> Iterator[bytes]:
    """Yield a CSV file: one line per record, a column per scalar; empty where there is no value."""
    options = csv.WriteOptions(include_header=False, quoting_style="none")
    yield (",".join(SCALARS) + "\n").encode()
    for scalars in scalar_batches(store, run):
        sink = pa.BufferOutputStream()
        csv.write_csv(pa.table(_columns(scalars)), sink, options)
        yield sink.getvalue().to_pybytes()


def export_json(store: Store, run: StoredRun) -> Iterator[bytes]:
    """Yield a JSON object: format, run, events, records (as `Record.to_json`), profiles, (L, T) each, snapshots.

    missing: [first, last] of the steps whose records are damaged. A damaged profile is a step alone.
    """
    head = {"format": FORMAT, "run": _told(run), "events": store.events(run.id)}
    missing: list[Range] = []
    yield json.dumps(head, allow_nan=False)[:-1].encode() + b',"records":['
    separator = b""
    for scalars in scalar_batches(store, run):
        yield separator + ",\n".join(json.dumps(row, allow_nan=False) for row in _records(scalars)).encode()
        separator = b",\n"
        missing += scalars.missing
    yield b'],"profiles":['
    separator = b""
    for profile in profile_batches(store, run, 0, run.step):
        arrays = {name: _finite(array.tolist()) for name, array in profile.arrays.items()}
        yield separator + json.dumps({"step": profile.step, **arrays}, allow_nan=False).encode()
        separator = b",\n"
    yield b'],"snapshots":['
    separator = b""
    for snapshot in _snapshots(store, run):
        yield separator + json.dumps(snapshot, allow_nan=False).encode()
        separator = b",\n"
    yield b'],"missing":' + json.dumps(missing).encode() + b"}\n"


def export_parquet(store: Store, run: StoredRun) -> Iterator[bytes]:
    """Yield a Parquet file: a row per record, profiles as lists (L of T float32).

    Those of sequences of unequal length are aligned at their ends: see `Record`, and the column sequence_count, which
    such a run has; norms are NaN where it is 0.
    The file's metadata hold config and info (`run`), those of a column what it means.
    """
    array = pa.list_(pa.list_(pa.float32()))
    types = [(each.name, pa.int64() if each.whole else pa.float64(), each.meaning) for each in SCALARS.values()]
    names = profile_columns(store, run)
    types += [(name, array, (PROFILES | COUNTS)[name]) for name in names]
    fields = [pa.field(name, kind, metadata={"meaning": meaning}) for name, kind, meaning in types]
    schema = pa.schema(fields, {"format": FORMAT, "run": json.dumps(_told(run))})
    sink = Pieces()
    with pq.ParquetWriter(pa.PythonFile(sink, "w"), schema, compression="zstd") as writer:
        since = 0
        for scalars in scalar_batches(store, run):
            steps = [int(step) for step in scalars["step"]]
            profiles = {profile.step: profile for profile in profile_batches(store, run, since, steps[-1])}
            lists = {name: pa.array([_rows(profiles.get(step), name) for step in steps], array) for name in names}
            writer.write_table(pa.table(_columns(scalars) | lists, schema))
            yield sink.take()
            since = steps[-1]
    yield sink.take()


def _columns(scalars: Scalars) -> dict[str, pa.Array]:
    columns = {}
    for name, scalar in SCALARS.items():
        values = scalars[name]
        measured = name in scalars.names and not (scalar.whole or scalar.optional)
        absent = scalars.lost if measured else np.isnan(values)  # a measured NaN is a number to tell
        if scalar.whole:
            values = values.copy()
            values[absent] = 0
            columns[name] = pa.array(values.astype(np.int64), mask=absent)
        else:
            columns[name] = pa.array(values, mask=absent)
    return columns


def _records(scalars: Scalars) -> Iterator[dict[str, Any]]:
    for values in zip(*(scalars[name].tolist() for name in SCALARS), strict=True):
        yield {
            name: None if not math.isfinite(value) else int(value) if scalar.whole else value
            for (name, scalar), value in zip(SCALARS.items(), values, strict=True)
        }


def _rows(profile: Profile | None, name: str) -> Sequence[Any] | None:
    return list(profile.arrays[name]) if profile is not None and name in profile.arrays else None


def _snapshots(store: Store, run: StoredRun) -> Iterator[dict[str, Any]]:
    """Yield the snapshots up to `run.step`: step and the keys of `Snapshot.to_json`."""
    for step in snapshot_steps(store, run.id):
        found = read_snapshot(store, run.id, step) if step <= run.step else None
        if found is not None and found["step"] == step:  # not so where it is damaged, or was thinned out meanwhile
            yield {name: value for name, value in found.items() if name not in ("run", "next_step")}


def _finite(values: list[list[float]]) -> list[list[float | None]]:
    return [[value if math.isfinite(value) else None for value in row] for row in values]


def _told(run: StoredRun) -> dict[str, Any]:
    """All that is known of a run but its ids: they are keys, and a file is passed on."""
    return {name: value for name, value in RunStatus(run).to_json().items() if name not in ("id", "group")}
