"""The run store: what it keeps, thins, moves aside and refuses."""

import math
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from rnncore.records import Record
from rnncore.runs.settings import Settings
from rnncore.runs.store import migrations, opening, profiles
from rnncore.runs.store.lock import FolderLock, StoreError
from rnncore.runs.store.runs import DAMAGED
from rnncore.runs.store.store import NewRun, Store
from tests.support.stored import add, new_run, record, records_of


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs.sqlite")
    store.create_runs([new_run("r")])
    yield store
    store.close()


def profile_rows(store):
    with store.read() as db:
        return list(zip(profiles.profile_rows(db, 1), profiles.read_profiles(db, 1), strict=True))


def test_a_run_is_found_by_its_id_its_group_and_its_workspace(store):
    store.create_runs([new_run("twin"), NewRun("other", "v", "h", "", {}, 1)])
    assert store.run("r").config == {"steps": 100}
    assert store.run("r").status == "queued"
    assert [run.id for run in store.group("g")] == ["r", "twin"]
    assert [run.id for run in store.runs_of("v")] == ["other"]
    assert store.run("x") is None


def test_runs_are_created_all_or_none(store):
    with pytest.raises(sqlite3.IntegrityError):
        store.create_runs([new_run("new"), new_run("r")])
    assert store.run("new") is None


def test_a_reader_sees_what_is_committed_and_nothing_else(store):
    with store.write() as db:
        db.execute("UPDATE runs SET status = 'running'")
        assert store.run("r").status == "queued"
    assert store.run("r").status == "running"
    with pytest.raises(sqlite3.OperationalError, match="nonsense"), store.write() as db:  # noqa: PT012
        db.execute("UPDATE runs SET status = 'failed'")  # undone with the rest
        db.execute("nonsense")
    assert store.run("r").status == "running"


def test_the_runs_row_carries_the_newest_values(store):
    add(store, [record(1, val_loss=9.0), record(2, val_loss=7.0), record(3, norm=math.inf), record(4)])
    run = store.run("r")
    assert run.step == 4
    assert run.last["val_loss"] == 7.0
    assert run.last["train_loss"] == 0.4
    assert run.last["val_metric"] is None
    assert run.steps_per_second == pytest.approx(100)


def test_records_that_come_twice_are_stored_once(store):
    add(store, [record(step) for step in range(1, 11)])
    add(store, [record(step) for step in range(6, 16)])
    with store.read() as db:
        assert db.execute("SELECT first_step, last_step FROM chunks").fetchall() == [(1, 15)]
    assert records_of(store, "r")["step"].tolist() == list(range(1, 16))
    assert [row.step for row, _ in profile_rows(store)] == list(range(1, 16))


def test_profiles_are_bounded_and_no_spike_is_lost(store):
    norms = np.random.default_rng(0).uniform(1, 2, 5000)
    norms[[700, 3210]] = 50.0, 1e-6
    add(store, [record(step, norm) for step, norm in enumerate(norms, start=1)], Settings(max_profile_rows=100))
    rows = profile_rows(store)
    steps = [row.step for row, _ in rows]
    assert 40 <= len(rows) <= 100
    assert {1, 701, 3211, 5000} <= set(steps)
    assert np.diff(steps).max() < 500, "spread over the whole run"
    for row, profile in rows:
        assert profile.step == row.step
        assert profile.arrays["hidden_grad_norm"] == pytest.approx(np.full((1, 4), norms[row.step - 1])), "measured"
        assert row[2:] == pytest.approx((2 * norms[row.step - 1], 1, 1))


def test_large_profiles_are_bounded_in_bytes(store):
    wide = np.ones((8, 4000), np.float32)  # 128,000 bytes
    records = [Record(s, 0, 1.0, 0.1, 1.0, 1.0, 0.5, hidden_grad_norm=wide, cell_grad_norm=wide) for s in range(1, 60)]
    add(store, records, Settings(max_profile_mb=4))
    assert len(profile_rows(store)) * 2 * wide.nbytes <= 4 * 2**20


def test_the_newest_profile_is_kept_whatever_its_norm(store):
    for last in range(101, 140):
        add(store, [record(s, 1 + s % 7) for s in range(1, last + 1)], Settings(max_profile_rows=16))
        _, newest = profile_rows(store)[-1]
        assert newest.step == last
        assert newest.arrays["hidden_grad_norm"].tolist() == [[1 + last % 7] * 4]


def test_an_upload_is_stored_once_per_workspace(store):
    file_id = store.add_file("w", b"a,b\n1,2\n")
    assert store.add_file("w", b"a,b\n1,2\n") == file_id
    assert file_id.startswith("sha256:")
    assert store.file("w", file_id) == b"a,b\n1,2\n"
    assert store.file("somebody else", file_id) is None
    assert store.file_bytes_of("w") == 8


def test_uploads_are_listed_and_deleted_but_not_under_an_unfinished_run(store):
    first, second = store.add_file("w", b"1", "one.csv"), store.add_file("w", b"22", "two.csv")
    store.add_file("somebody else", b"333")
    store.create_runs(
        [NewRun("needs", "w", "g", "", {}, 1, (first, second)), NewRun("v", "v", "h", "", {}, 1, (first,))]
    )
    assert store.run("needs").files == tuple(sorted((first, second)))
    listed = {file.id: (file.name, file.size, file.runs, bool(file.needed)) for file in store.files_of("w")}
    assert listed == {first: ("one.csv", 1, 1, True), second: ("two.csv", 2, 1, True)}
    assert not store.delete_file("w", first)
    store.update_run("needs", status="finished")
    assert not store.files_of("w")[0].needed
    assert store.delete_file("w", first)
    assert [file.id for file in store.files_of("w")] == [second]


def test_a_store_with_one_file_per_run_is_brought_up_to_date(tmp_path, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:2])
        old = Store(tmp_path / "runs.sqlite")
        with old.write() as db:
            db.execute(
                "INSERT INTO runs (id, workspace, group_id, label, config, steps, status, created_at, file)"
                " VALUES ('r', 'w', 'g', '', '{}', 1, 'finished', 0, 'sha256:1')"
            )
        old.close()
    new = Store(tmp_path / "runs.sqlite")
    assert new.message is None
    assert new.run("r").files == ("sha256:1",)
    new.close()


def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(tmp_path, caplog):
    path = tmp_path / "runs.sqlite"
    path.write_bytes(b"this is no database" * 100)
    store = Store(path)
    assert "is not a database" in store.message
    assert store.message in caplog.text
    assert [p.read_bytes() for p in tmp_path.glob("runs.sqlite.aside-*")] == [b"this is no database" * 100]
    assert store.run("r") is None
    store.close()
    assert Store(path).message is None


def test_a_store_with_broken_pages_is_moved_aside(tmp_path):
    path = tmp_path / "runs.sqlite"
    store = Store(path)
    store.create_runs([new_run(f"run {i}") for i in range(300)])
    store.close()
    data = bytearray(path.read_bytes())
    data[3 * 4096 : -4096] = b"\xaa" * (len(data) - 4 * 4096)
    path.write_bytes(data)
    store = Store(path)
    assert "is damaged" in store.message
    assert min(tmp_path.glob("runs.sqlite.aside-*")).read_bytes() == bytes(data)  # before its -shm and -wal
    store.close()


def test_another_programs_database_is_left_as_it_was(tmp_path):
    path = tmp_path / "runs.sqlite"
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE recipes (name)")
    foreign.commit()
    foreign.close()
    before = path.read_bytes()
    store = Store(path)
    assert "the database of another program" in store.message
    assert next(tmp_path.glob("runs.sqlite.aside-*")).read_bytes() == before
    store.close()


def test_a_newer_store_is_left_for_the_newer_program(tmp_path):
    path = tmp_path / "runs.sqlite"
    connection, _ = opening.open_database(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer version of this program \(format 99; .*RNNLAB_DATA_DIR"):
        Store(path)
    assert path.read_bytes() == before
    assert [other.name for other in tmp_path.glob("*aside*")] == []


@pytest.mark.skipif("os.name != 'posix'", reason="permissions of POSIX")
def test_nobody_else_can_read_the_store(tmp_path):
    path = tmp_path / "lab" / "runs.sqlite"
    store = Store(path)
    store.create_runs([new_run("r")])
    store.close()
    path.chmod(0o644)  # as an older version left it
    store = Store(path)
    store.create_runs([new_run("s")])
    assert path.parent.stat().st_mode & 0o777 == 0o700
    lock = FolderLock(path.parent)
    modes = {part.name: part.stat().st_mode & 0o777 for part in path.parent.iterdir()}
    assert {"runs.sqlite", "runs.sqlite-wal", "runs.sqlite-shm", "scheduler.lock"} <= set(modes)
    assert set(modes.values()) == {0o600}
    lock.release()
    store.close()


@pytest.mark.parametrize("column", ["config", "info", "last"])
@pytest.mark.parametrize("content", ["", "{", "[1]", "null", "\x00", "{'a': 1}", '"text"'])
def test_a_damaged_row_stands_for_itself_alone(store, column, content):
    store.create_runs([new_run("other")])
    store.update_run("r", **{column: content})
    assert [run.id for run in store.runs_of("w")] == ["r", "other"]
    damaged = store.run("r")
    assert (damaged.config == DAMAGED) == (column == "config")
    assert store.run("other").config == {"steps": 100}
    store.update_run("r", status="stopped")
    assert store.delete_run("r")


def test_a_backup_is_a_store_while_the_store_is_written(store, tmp_path):
    copies = []
    for number in range(5):
        add(store, [record(step) for step in range(number * 50 + 1, number * 50 + 51)])
        copies.append(tmp_path / f"backup {number}" / "runs.sqlite")
        copies[-1].parent.mkdir()
        store.backup(copies[-1])
    for number, path in enumerate(copies):
        assert [part.name for part in path.parent.iterdir()] == ["runs.sqlite"]
        copy = Store(path)
        assert (copy.message, copy.run("r").step) == (None, number * 50 + 50)
        copy.close()
    with pytest.raises(FileExistsError):
        store.backup(copies[0])


def test_an_older_store_is_brought_up_to_date(tmp_path, monkeypatch):
    path = tmp_path / "runs.sqlite"
    store = Store(path)
    store.create_runs([new_run("r")])
    store.close()
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, "ALTER TABLE runs ADD COLUMN colour TEXT;"))
    store = Store(path)
    assert store.message is None
    store.update_run("r", colour="blue")
    assert store.run("r").id == "r"
    store.close()


def test_a_log_without_its_database_does_not_flow_into_the_new_one(tmp_path):
    store = Store(tmp_path / "runs.sqlite")
    store.create_runs([new_run("r")])
    log = (tmp_path / "runs.sqlite-wal").read_bytes()
    store.close()
    (tmp_path / "runs.sqlite").unlink()
    (tmp_path / "runs.sqlite-wal").write_bytes(log)
    store = Store(tmp_path / "runs.sqlite")
    assert "only its log was found" in store.message
    assert next(tmp_path.glob("runs.sqlite.aside-*-wal")).read_bytes() == log
    assert store.run("r") is None
    store.close()


def test_a_store_in_use_is_not_moved_aside(tmp_path):
    path = tmp_path / "runs.sqlite"
    path.write_bytes(b"another program's, whose server is running" * 10)
    lock = FolderLock(tmp_path)
    with pytest.raises(StoreError, match="Another server is using the folder"):
        Store(path)
    assert path.exists()
    lock.release()


def test_a_large_store_is_checked_for_a_bounded_time(tmp_path, monkeypatch):
    path = tmp_path / "runs.sqlite"
    store = Store(path)
    store.create_runs([new_run(f"run {i}") for i in range(3000)])
    store.close()
    monkeypatch.setattr(opening, "CHECK_SECONDS", -1.0)
    store = Store(path)
    assert store.message is None
    assert store.run("run 7").id == "run 7"
    store.close()


def test_a_folder_that_cannot_be_locked_is_not_blamed_on_another_server(tmp_path):
    (tmp_path / "scheduler.lock").mkdir()
    with pytest.raises(StoreError, match="cannot be used: unable to open database file"):
        Store(tmp_path / "runs.sqlite")


def test_an_unusable_folder_is_said_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"The folder '.*' cannot hold the run store: .*\.$"):
        Store(tmp_path / "file" / "runs.sqlite")


WRITER = """
import sys
from pathlib import Path
from rnncore.runs.store.store import NewRun, Store
store = Store(Path(sys.argv[1]))
for number in range(10_000):
    store.create_runs([NewRun(str(number), "w", "g", "", {}, 1)])
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path):
    path = tmp_path / "runs.sqlite"
    for _ in range(3):
        path.unlink(missing_ok=True)
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        for _ in range(50):
            process.stdout.readline()
        process.kill()
        acknowledged = 50 + len(process.stdout.read().splitlines())
        process.stdout.close()
        process.wait()
        store = Store(path)
        assert store.message is None
        assert [run.id for run in store.runs_of("w")][:acknowledged] == [str(n) for n in range(acknowledged)]
        store.close()
