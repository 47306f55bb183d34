"""A store that version 0.1.0 wrote (tests/support/make_store_0_1_0.py): its runs are shown, continued and exported."""

import csv
import io
import json
import shutil
import sqlite3
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dashboard.experiment.history import measure, runs_of
from dashboard.exports.bundle import everything_zip
from dashboard.exports.report import report_html
from rnncore.codec import FIRST_SCALARS
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.train import Trainer
from rnncore.records import PROFILES, SCALARS, Record
from rnncore.runs.read.export import export_csv, export_json, export_parquet
from rnncore.runs.read.insights import look
from rnncore.runs.read.series import records_since
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.profiles import read_profiles
from rnncore.runs.store.runs import progress
from rnncore.runs.store.snapshots import read_snapshot, snapshot_steps
from rnncore.runs.store.store import Store, StoredRun
from tests.support.stored import records_of

OLD = Path(__file__).parents[1] / "support" / "store_0_1_0.sqlite"
WORKSPACE = "store-of-version-0-1-0"
RUNS = {
    "thinned": "finished", "twin 1": "finished", "twin 2": "finished", "lstm": "finished", "gru": "finished",
    "upload": "finished", "csv": "stopped", "diverged": "diverged", "changed": "finished", "interrupted": "interrupted",
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    shutil.copy(OLD, tmp_path / "runs.sqlite")
    store = Store(tmp_path / "runs.sqlite")
    assert store.message is None
    yield store
    store.close()


def named(store: Store, label: str) -> StoredRun:
    (run,) = [run for run in store.runs() if run.label == label]
    return run


def written(label: str, table: str, columns: str) -> list[tuple]:
    """Rows of the file as that version wrote them."""
    db = sqlite3.connect(f"file:{OLD}?mode=ro&immutable=1", uri=True)
    try:
        return db.execute(
            f"SELECT {columns} FROM {table} t JOIN runs r ON t.run = r.key WHERE r.label = ? ORDER BY 1", (label,)
        ).fetchall()
    finally:
        db.close()


def profiles_of(store: Store, run_id: str) -> dict[int, dict[str, np.ndarray]]:
    with store.read() as db:
        return {each.step: dict(each.arrays) for each in read_profiles(db, progress(db, run_id).key)}


def test_all_its_runs_are_listed(store: Store) -> None:
    assert {run.label: run.status for run in store.runs()} == RUNS
    listed = runs_of(store, WORKSPACE)
    assert {run.label for run in listed} == set(RUNS)
    assert all(measure(store, run).verdict for run in listed)
    assert [run.twin for run in listed if run.label.startswith("twin")] == ["1 of 2", "2 of 2"]


@pytest.mark.parametrize("label", RUNS)
def test_what_is_read_is_what_was_written(store: Store, label: str) -> None:
    run = named(store, label)
    chunks = written(label, "chunks", "t.first_step, t.scalars")
    values = np.frombuffer(b"".join(blob for _, blob in chunks)).reshape(-1, len(FIRST_SCALARS))
    records = records_of(store, run.id)
    for place, name in enumerate(FIRST_SCALARS):
        np.testing.assert_array_equal(records[name], values[:, place])
    rows = written(label, "profiles", f"t.step, t.layers, t.timesteps, {', '.join(PROFILES)}")
    stored = profiles_of(store, run.id)
    assert list(stored) == [row[0] for row in rows]
    for step, layers, timesteps, *blobs in rows:
        assert list(stored[step]) == [name for name, blob in zip(PROFILES, blobs, strict=True) if blob]
        for array, blob in zip(stored[step].values(), filter(None, blobs), strict=True):
            assert array.shape == (layers, timesteps)
            assert array.tobytes() == blob
    snapshots = written(label, "snapshots", "t.step, t.content")
    assert snapshot_steps(store, run.id) == [step for step, _ in snapshots]
    for step, content in snapshots:
        found = read_snapshot(store, run.id, step)
        assert found is not None
        assert found | json.loads(content) == found


@pytest.mark.parametrize("label", RUNS)
def test_every_run_is_shown_and_judged(store: Store, label: str) -> None:
    run = named(store, label)
    for since in (0, 1, run.step):
        answer = records_since(store, run.id, since)
        assert answer is not None
        assert (answer["count"], answer["missing"]) == (run.step - since, [])
    assert look(store, run.id)["verdicts"]
    for step in range(1, run.step + 1, 7):
        found = look(store, run.id, step)
        nearest = min(profiles_of(store, run.id), key=lambda known: abs(known - step))
        assert abs(found["step"] - step) == abs(nearest - step)
        assert found["verdicts"]
    changes = [(7, "clip_threshold", 0.5), (7, "learning_rate", 0.02)]
    assert sorted(store.events(run.id)) == (changes if label == "changed" else [])


def fresh(store: Store, run: StoredRun) -> list[Record]:
    """The same run, trained from its beginning by this version."""
    config = TrainConfig.model_validate(run.config)
    data = load_dataset(config.data, lambda file: store.file(run.workspace, file) or b"")
    return list(Trainer(config, data).records())


def test_what_was_unfinished_goes_on_to_its_end_bit_for_bit(tmp_path: Path, store: Store) -> None:
    settings = Settings(data_dir=tmp_path, workers=1, spare_workers=0, worker_nice=0)
    scheduler = Scheduler(store, settings)
    scheduler.start()
    labels = ("interrupted", "csv")
    for label in labels:
        scheduler.resume(named(store, label).id)
    deadline = time.monotonic() + 60
    while not all(named(store, label).ended for label in labels):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    scheduler.shutdown()
    for label in labels:
        run = named(store, label)
        assert (run.status, run.reason, run.step) == ("finished", "All 24 steps are done.", 24)
        expected, records = fresh(store, run), records_of(store, run.id)
        for name in set(FIRST_SCALARS) - {"elapsed_s"}:
            values = np.array([getattr(record, name) for record in expected], np.float64)
            np.testing.assert_array_equal(records[name], values)
        profiles = profiles_of(store, run.id)
        assert list(profiles) == [record.step for record in expected]
        for record in expected:
            np.testing.assert_array_equal(profiles[record.step]["hidden_grad_norm"], record.hidden_grad_norm)


@pytest.mark.parametrize("label", RUNS)
def test_every_run_is_exported(store: Store, label: str) -> None:
    run, records = named(store, label), records_of(store, named(store, label).id)
    lines = list(csv.DictReader(io.StringIO(b"".join(export_csv(store, run)).decode())))
    assert list(lines[0]) == list(SCALARS)
    np.testing.assert_array_equal([float(line["train_loss"]) for line in lines], records["train_loss"])
    whole = json.loads(b"".join(export_json(store, run)))
    assert [row["step"] for row in whole["records"]] == list(range(1, run.step + 1))
    assert [row["step"] for row in whole["profiles"]] == list(profiles_of(store, run.id))
    assert [row["step"] for row in whole["snapshots"]] == snapshot_steps(store, run.id)
    assert whole["missing"] == []
    table = pq.read_table(io.BytesIO(b"".join(export_parquet(store, run))))
    np.testing.assert_array_equal(table.column("grad_norm").to_numpy(), records["grad_norm"])


@pytest.mark.parametrize("label", ["twin 1", "upload", "csv", "diverged"])
def test_reports_and_zip_files_are_made_of_them(store: Store, label: str) -> None:
    runs = store.group(named(store, label).group)
    html = b"".join(report_html(store, runs)).decode()
    assert all(run.label in html for run in runs)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(everything_zip(store, runs, with_data=True))))
    assert archive.testzip() is None
    for number, run in enumerate(runs, start=1):
        assert len(archive.read(f"{number} {run.label}/records.csv").splitlines()) == run.step + 1
        assert f"{number} {run.label}/weights.safetensors" in archive.namelist()
