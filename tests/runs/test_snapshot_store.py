"""Snapshots on their way from a worker's frames through the store to HTTP, folders and exports."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.server import services
from rnncore import train
from rnncore.__main__ import main
from rnncore.codec import open_content
from rnncore.config import TrainConfig
from rnncore.records import Record
from rnncore.runs.backend.frames import read_frame, write_frame
from rnncore.runs.read.export import export_json
from rnncore.runs.read.series import records_since
from rnncore.runs.settings import Settings
from rnncore.runs.store import migrations
from rnncore.runs.store.recording import Recorder
from rnncore.runs.store.snapshots import read_snapshot, thinning_stride
from rnncore.runs.store.store import NewRun, Store
from rnncore.snapshot import Snapshot
from rnncore.snapshot_parts import Classification, ParameterStatistics
from tests.support import stored
from tests.support.asgi import call

RUN = "r" * 22


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs.sqlite")
    store.create_runs([NewRun(RUN, "w", "g", "", {"profile_every": 5}, 100_000)])
    yield store
    store.close()


def snapshot(step: int, size: int = 2) -> Snapshot:
    """One that can be told from others by its weight norm, and about 70 bytes for each of `size` tensors."""
    counts = np.zeros(size, np.int64)
    statistics = ParameterStatistics(
        tuple(f"w{i}" for i in range(size)), ((1,),) * size, np.full(size, float(step)), np.ones(size),
        np.zeros((size, 24), np.int64), counts, counts, counts,
    )  # fmt: skip
    answers = Classification(("a", "b"), np.array([[step, 0], [1, 2]]), step + 3, step + 2, False)
    return Snapshot({"predictions": answers.to_json(), "parameters": statistics.to_json()})


def record(step: int, every: int = 1, size: int = 2) -> Record:
    taken = snapshot(step, size) if step % every == 0 else None
    return Record(step, 0, 0.5, 0.1, 1.0, 1.0, 0.1, snapshot=taken, elapsed_s=step / 1000)


def add(store: Store, records: list[Record], settings: Settings | None = None, portion: int = 7) -> None:
    """As from a server that has just started."""
    stored.add(store, records, settings, RUN, portion)


def kept(store: Store) -> list[int]:
    """Steps of the stored snapshots, each checked for its content."""
    with store.read() as db:
        rows = db.execute("SELECT step, content FROM snapshots ORDER BY number").fetchall()
    for step, sealed in rows:
        content = open_content(sealed)
        assert Snapshot.from_bytes(content) == snapshot(step, len(json.loads(content)["parameters"]["names"]))
    return [step for step, _ in rows]


def test_what_is_stored_is_what_was_taken(store: Store) -> None:
    add(store, [record(step, every=5) for step in range(1, 31)])
    assert kept(store) == [5, 10, 15, 20, 25, 30]


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 20, 21, 500])
def test_they_are_thinned_evenly_and_the_first_and_the_newest_stay(store: Store, count: int) -> None:
    settings = Settings(max_snapshots=10)
    for step in range(1, count + 1):
        add(store, [record(step)], settings)
        assert len(kept(store)) <= 10
    steps = kept(store)
    assert (steps[0], steps[-1]) == (1, count)
    gaps = set(np.diff(steps[:-1]).tolist())
    assert len(gaps) <= 1, "equal distances"
    assert len(steps) == count if count <= 10 else len(steps) >= 6


@given(newest=st.integers(0, 10**6), capacity=st.integers(0, 300))
def test_the_stride_is_the_least_that_fits(newest: int, capacity: int) -> None:
    def count(stride: int) -> int:
        return len({*range(0, newest + 1, stride), newest})

    stride = thinning_stride(newest, capacity)
    assert stride & (stride - 1) == 0
    assert count(stride) <= max(2, capacity)
    assert stride == 1 or count(stride // 2) > max(2, capacity)


def test_large_ones_are_fewer(store: Store) -> None:
    add(store, [record(step, size=400) for step in range(1, 101)], Settings(max_snapshot_mb=1))
    with store.read() as db:
        assert 2**18 < db.execute("SELECT SUM(length(content)) FROM snapshots").fetchone()[0] <= 2**20
    assert kept(store)[0] == 1
    assert kept(store)[-1] == 100


def test_steps_that_come_again_after_a_restart_are_stored_once(store: Store) -> None:
    settings = Settings(max_snapshots=10)
    add(store, [record(step) for step in range(1, 26)], settings)
    before = kept(store)
    add(store, [record(step) for step in range(14, 26)], settings)
    assert kept(store) == before
    add(store, [record(step) for step in range(14, 41)], settings)
    steps = kept(store)
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (1, 40)
    assert len(steps) <= 10


def test_a_store_of_the_first_format_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.sqlite"
    with monkeypatch.context() as earlier:
        earlier.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        store = Store(path)
        with store.write() as db:
            db.execute(
                "INSERT INTO runs (id, workspace, group_id, label, config, steps, status, created_at)"
                " VALUES (?, 'w', 'g', '', '{}', 10, 'queued', 0)",
                (RUN,),
            )
        with pytest.raises(Exception, match="no such table: snapshots"), store.read() as db:
            db.execute("SELECT * FROM snapshots")
        store.close()
    store = Store(path)
    assert store.message is None
    assert read_snapshot(store, RUN) == {"run": RUN, "step": None, "next_step": None}
    add(store, [record(1)])
    assert kept(store) == [1]
    store.close()


def test_they_go_with_their_run(store: Store) -> None:
    add(store, [record(1)])
    store.update_run(RUN, status="finished")
    assert store.delete_run(RUN)
    assert kept(store) == []


# --- reading --------------------------------------------------------------------------------------------------------


def test_the_nearest_at_or_before_a_step_is_found(store: Store) -> None:
    add(store, [record(step, every=10) for step in range(1, 36)])
    for asked, step, after in [
        (9, None, 10),
        (10, 10, 20),
        (19, 10, 20),
        (20, 20, 30),
        (35, 30, None),
        (None, 30, None),
    ]:
        found = read_snapshot(store, RUN, asked)
        assert found is not None
        assert (found["step"], found["next_step"]) == (step, after)
        assert step is None or found["parameters"]["weight_norm"] == [step, step]
    assert read_snapshot(store, "nobody") is None


def test_every_answer_of_the_board_tells_the_newest(store: Store) -> None:
    for since in (0, 1):
        assert records_since(store, RUN, since)["snapshot_step"] is None  # type: ignore[index]
    add(store, [record(step, every=10) for step in range(1, 36)])
    for since in (0, 5, 35, 1000):
        assert records_since(store, RUN, since)["snapshot_step"] == 30  # type: ignore[index]


def test_the_json_export_has_them_all(store: Store) -> None:
    add(store, [record(step, every=3) for step in range(1, 20)])
    run = store.run(RUN)
    assert run is not None
    exported = json.loads(b"".join(export_json(store, run)))["snapshots"]
    assert exported == [{"step": step, **snapshot(step).to_json()} for step in (3, 6, 9, 12, 15, 18)]


def test_a_folder_has_them_all_as_the_api_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = {"data": {"kind": "task", "seq_len": 5}, "model": {"hidden_size": 3}, "steps": 7, "eval_every": 3}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert main(["train", str(tmp_path / "config.json"), "--out", str(tmp_path / "run")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "snapshots.jsonl").read_text().splitlines()]
    taken = {record.step: record.snapshot for record in train(TrainConfig.model_validate(config)) if record.snapshot}
    assert lines == [{"step": step, **taken[step].to_json()} for step in (1, 3, 6, 7)]
    assert "snapshot" not in capsys.readouterr().out


def test_http(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Scheduler:
        pass

    scheduler: Any = Scheduler()
    scheduler.store = store
    monkeypatch.setattr(services, "_scheduler", scheduler)
    path = f"/api/runs/{RUN}/snapshot"
    assert call("GET", path).json == {"run": RUN, "step": None, "next_step": None}
    add(store, [record(step, every=10) for step in range(1, 36)])
    answer = call("GET", f"{path}?step=25")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json == {"run": RUN, "step": 20, "next_step": 30, **snapshot(20).to_json()}
    assert call("GET", path).json["step"] == 30
    for wrong in ("-1", "x", "1e3", "", "9" * 30):
        refused = call("GET", f"{path}?step={wrong}")
        assert refused.status == 400
        assert refused.error.startswith("step: ")
    assert call("GET", f"/api/runs/{'A' * 22}/snapshot").status == 404


def test_a_real_worker_sends_them(store: Store) -> None:
    config = TrainConfig.model_validate(
        {
            "data": {"kind": "task", "seq_len": 8},
            "model": {"cell": "lstm", "hidden_size": 4},
            "steps": 50,
            "eval_every": 10,
        }
    )
    header = {"type": "job", "run": RUN, "config": config.model_dump(mode="json"), "flush_ms": 5, "files": {}}
    command, pipe = [sys.executable, "-m", "rnncore.runs.worker"], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as worker, store.write():
        assert worker.stdin
        assert worker.stdout
        write_frame(worker.stdin, header | {"checkpoint_seconds": 60})
        recorder = Recorder(store, RUN, Settings())
        while (frame := read_frame(worker.stdout)) is not None and frame.type != "done":
            if frame.type == "records":
                recorder.add(frame)
        worker.kill()
    found = read_snapshot(store, RUN)
    assert found is not None
    assert found["step"] == 50
    assert found["gates"]["names"] == ["i", "f", "o"]
    assert found["gates"]["mean"]["shape"] == [1, 3, 8]
    assert read_snapshot(store, RUN, 9)["step"] == 1  # type: ignore[index]
