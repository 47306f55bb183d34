"""Flipped bits in the store: what is damaged is missing and said to be so; no number is ever a wrong one."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dashboard.exports.bundle import everything_zip
from dashboard.exports.profiles import profiles_csv
from rnncore.__main__ import main
from rnncore.config import TrainConfig
from rnncore.runs.read.damage import damage, damage_in_words
from rnncore.runs.read.export import export_csv, export_json, export_parquet
from rnncore.runs.read.insights import look
from rnncore.runs.read.series import profile_at, records_since
from rnncore.runs.store.snapshots import read_snapshot
from rnncore.runs.store.store import NewRun, Store, StoredRun
from tests.support.stored import add, record, records_of

SAID = "Damaged: the store has lost the records of steps 257 to 512 of this run."


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A run of 600 steps, that is three chunks, of which the second is damaged; so is the profile of step 300."""
    store = Store(tmp_path / "runs.sqlite")
    store.create_runs([NewRun("r", "w", "g", "a run", TrainConfig().model_dump(mode="json"), 1000)])
    add(store, [record(step, profile=step % 100 == 0) for step in range(1, 601)], size=64)
    store.set_info("r", {"input_size": 1, "output_size": 1})
    flip(store, "chunks", "scalars", "first_step = 257")
    flip(store, "profiles", "content", "step = 300")
    yield store
    store.close()


def flip(store: Store, table: str, column: str, where: str) -> None:
    """Turn one bit in the middle of a blob."""
    with store.write() as db:
        ((blob,),) = db.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchall()
        wrong = bytearray(blob)
        wrong[len(wrong) // 2] ^= 1
        db.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (bytes(wrong),))


def run_of(store: Store) -> StoredRun:
    run = store.run("r")
    assert run is not None
    return run


LEFT = [*range(1, 257), *range(513, 601)]


def test_readers_get_what_is_left_and_hear_what_is_missing(store: Store) -> None:
    records = records_of(store, "r")
    assert records["step"].tolist() == LEFT
    assert records.missing == ((257, 512),)
    for since, missing in ((0, [[257, 512]]), (300, [[301, 512]]), (512, [])):
        answer = records_since(store, "r", since)
        assert answer["missing"] == missing
        assert answer["count"] == sum(step > since for step in LEFT)
    assert damage(store, run_of(store)) == SAID


def test_the_board_says_so_and_calls_nothing_diverged(store: Store) -> None:
    found = look(store, "r")["verdicts"]
    assert {"kind": "damaged", "sentence": SAID} in found
    assert "diverged" not in [verdict["kind"] for verdict in found]


def test_a_damaged_profile_is_passed_over(store: Store) -> None:
    assert [profile_at(store, "r", step)["step"] for step in (199, 250, 290, 310, 351)] == [200, 200, 200, 400, 400]
    assert records_since(store, "r")["profiles"]["count"] == 5
    lines = list(csv.DictReader(io.StringIO(b"".join(profiles_csv(store, run_of(store))).decode())))
    assert [line["step"] for line in lines if not line["hidden_grad_norm"]] == ["300"]


def test_exports_have_a_row_with_nothing_but_the_step(store: Store) -> None:
    run = run_of(store)
    lines = list(csv.DictReader(io.StringIO(b"".join(export_csv(store, run)).decode())))
    assert [int(line["step"]) for line in lines] == list(range(1, 601))
    assert [int(line["step"]) for line in lines if line["train_loss"]] == LEFT
    assert {"".join(line.values()) for line in lines[256:512]} == {str(step) for step in range(257, 513)}
    whole = json.loads(b"".join(export_json(store, run)))
    assert whole["missing"] == [[257, 512]]
    assert [row["step"] for row in whole["records"] if row["train_loss"] is not None] == LEFT
    assert [profile for profile in whole["profiles"] if len(profile) == 1] == [{"step": 300}]
    table = pq.read_table(io.BytesIO(b"".join(export_parquet(store, run))))
    assert table.column("step").to_pylist() == list(range(1, 601))
    assert table.column("epoch").null_count == table.column("train_loss").null_count == 256
    archive = zipfile.ZipFile(io.BytesIO(b"".join(everything_zip(store, [run], with_data=False))))
    assert archive.read("1 a run/damaged.txt").decode() == SAID + "\n"


def test_the_command_line_says_so(store: Store, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = str(store.path.parent)
    assert main(["runs", "--data-dir", folder, "export", "r", "--out", str(tmp_path / "r.csv")]) == 0
    assert capsys.readouterr().err == f"rnncore: {SAID}\n"


def test_a_run_whose_newest_chunk_is_damaged_goes_on_in_another(store: Store) -> None:
    flip(store, "chunks", "scalars", "first_step = 513")
    add(store, [record(step) for step in range(590, 650)])
    records = records_of(store, "r")
    assert records["step"].tolist() == [*range(1, 257), *range(601, 650)]
    assert records.missing == ((257, 512), (513, 600))
    assert np.isfinite(records["grad_norm"]).all()


def test_of_a_checkpoint_that_is_damaged_nothing_is_restored(store: Store) -> None:
    with store.write() as db:
        db.execute("INSERT INTO checkpoints SELECT key, 600, x'524e4c02' FROM runs")
    assert store.load_checkpoint("r") is None


def test_a_damaged_snapshot_gives_way_to_the_one_before(store: Store) -> None:
    with store.write() as db:
        db.execute("""INSERT INTO snapshots SELECT key, 0, 100, CAST('{"a": 1}' AS BLOB) FROM runs""")
        db.execute("INSERT INTO snapshots SELECT key, 1, 200, x'524e4c020000' FROM runs")
    assert read_snapshot(store, "r") == {"run": "r", "step": 100, "next_step": 200, "a": 1}
    assert json.loads(b"".join(export_json(store, run_of(store))))["snapshots"] == [{"step": 100, "a": 1}]


def test_steps_that_are_lost_are_told_in_stretches():
    assert damage_in_words([]) == ""
    told = damage_in_words(iter([(3, 5), (9, 9), (1000, 2000)]))
    assert told == "Damaged: the store has lost the records of steps 3 to 5, 9, 1,000 to 2,000 of this run."
