"""Pruning: runs go by age, then by size, those of the largest workspace first, and unfinished ones never."""

import time

import numpy as np
import pytest

from rnncore.codec import encode_profile
from rnncore.runs.settings import Settings
from rnncore.runs.store import pruning
from rnncore.runs.store.pruning import prune, used_bytes
from rnncore.runs.store.store import Store
from tests.support.stored import add, new_run, record

DAY = 86_400


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs.sqlite")
    yield store
    store.close()


def ended(store, run_id, days_ago=0.0, workspace="w", steps=0, status="finished"):
    store.create_runs([new_run(run_id, workspace)])
    add(store, [record(step, profile=False) for step in range(1, steps + 1)], run_id=run_id, size=1000)
    store.update_run(run_id, status=status, ended_at=None if days_ago is None else time.time() - days_ago * DAY)


def left(store):
    return {run.id for run in store.runs()}


def test_runs_go_when_they_are_too_old(store):
    ended(store, "old", days_ago=31)
    ended(store, "new", days_ago=29)
    ended(store, "training since long ago", days_ago=None, status="running")
    assert prune(store, Settings(keep_days=30)).runs == 1
    assert left(store) == {"new", "training since long ago"}


def test_a_store_that_is_too_large_loses_the_oldest_runs_of_whoever_takes_most(store):
    for number in range(8):
        ended(store, f"greedy {number}", days_ago=8 - number, workspace="greedy", steps=5000)  # 400,000 bytes each
    ended(store, "live", days_ago=None, workspace="greedy", steps=20_000, status="running")
    ended(store, "modest", days_ago=20, workspace="modest", steps=100)
    with store.read() as db:
        before = used_bytes(db)
    assert before > 4_500_000
    store.checkpoint()
    size = store.path.stat().st_size
    prune(store, Settings(max_store_mb=4))
    with store.read() as db:
        assert used_bytes(db) <= 4 * 2**20
    assert {"live", "modest", "greedy 7"} <= left(store)
    assert "greedy 0" not in left(store)
    store.checkpoint()
    assert store.path.stat().st_size < size, "the disk gets its room back"
    assert prune(store, Settings(max_store_mb=4)).runs == 0


def test_nothing_live_goes_however_small_the_limit(store):
    for status in ("queued", "running", "paused"):
        ended(store, status, days_ago=None, steps=1000, status=status)
    ended(store, "over", steps=1000)
    prune(store, Settings(max_store_mb=0))
    assert left(store) == {"queued", "running", "paused"}


def test_a_run_that_is_continued_meanwhile_stays(store):
    ended(store, "continued", days_ago=40)

    def delete(run_id):
        store.update_run(run_id, status="queued")
        return store.delete_run(run_id)

    assert prune(store, Settings(), delete).runs == 0
    assert left(store) == {"continued"}


def test_uploads_go_with_their_last_run_after_a_day(store):
    used, unused, fresh = (store.add_file("w", content) for content in (b"used", b"unused", b"fresh"))
    with store.write() as db:
        db.execute("UPDATE files SET created_at = ? WHERE id != ?", (time.time() - 2 * DAY, fresh))
    ended(store, "r")
    with store.write() as db:
        db.execute("INSERT INTO run_files (run, file) SELECT key, ? FROM runs", (used,))
    assert prune(store, Settings()).files == 1
    assert [store.has_file("w", file) for file in (used, unused, fresh)] == [True, False, True]
    store.delete_run("r")
    prune(store, Settings())
    assert not store.has_file("w", used)


def count_bytes(monkeypatch, used, sizes):
    """Let the store seem to hold `used` bytes, and each of its runs the size that is given by its key, from 1."""
    monkeypatch.setattr(pruning, "used_bytes", lambda db: used)
    monkeypatch.setattr(pruning, "_run_sizes", lambda db: dict(enumerate(sizes, start=1)))


MB = 2**20


def test_size_prunes_down_to_nine_tenths_of_the_limit_and_no_further(store, monkeypatch):
    for number in range(5):
        ended(store, f"r{number}", days_ago=5 - number)
    for used, gone in ((10 * MB, 0), (10 * MB + 1, 2), (10.5 * MB, 2), (11 * MB, 2), (11 * MB + 1, 3)):
        count_bytes(monkeypatch, used, [MB] * 5)
        assert pruning._too_many(store, Settings(max_store_mb=10)) == [f"r{number}" for number in range(gone)]
    count_bytes(monkeypatch, 99 * MB, [MB] * 5)
    assert len(pruning._too_many(store, Settings(max_store_mb=10))) == 5, "all that may go, and no endless search"


def test_whoever_takes_most_changes_while_runs_go(store, monkeypatch):
    for run_id, workspace, days in (("a0", "a", 9), ("a1", "a", 8), ("b0", "b", 99), ("b1", "b", 7), ("live", "b", 1)):
        ended(store, run_id, days, workspace, status="running" if run_id == "live" else "finished")
    count_bytes(monkeypatch, 20 * MB, [5 * MB, 4 * MB, 2 * MB, 3 * MB, 2 * MB])
    assert pruning._too_many(store, Settings(max_store_mb=10)) == ["a0", "b0", "b1", "a1"]


def test_freed_pages_are_no_bytes_in_use(store):
    ended(store, "r", steps=5000)
    with store.read() as db:
        before, free = used_bytes(db), db.execute("PRAGMA freelist_count").fetchone()[0]
    store.delete_run("r")
    with store.read() as db:
        names = ("page_count", "freelist_count", "page_size")
        pages, freed, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
        assert freed > free + 50
        assert used_bytes(db) == (pages - freed) * size < before - 50 * size


def test_a_workspace_takes_the_sum_of_its_runs(store, monkeypatch):
    for run_id, workspace, days in (("a0", "a", 9), ("a1", "a", 8), ("b0", "b", 99)):
        ended(store, run_id, days, workspace)
    count_bytes(monkeypatch, 11 * MB, [3 * MB, 3 * MB, 4 * MB])
    assert pruning._too_many(store, Settings(max_store_mb=10)) == ["a0"]


def test_the_size_of_a_run_is_all_that_is_stored_of_it(store):
    ended(store, "nothing")
    ended(store, "records", steps=40)
    ended(store, "also profiles")
    add(store, [record(step) for step in range(1, 41)], run_id="also profiles", size=1000)
    with store.read() as db:
        empty, records, both = (pruning._run_sizes(db)[key] for key in (1, 2, 3))
        scalars = db.execute("SELECT SUM(length(scalars)) FROM chunks WHERE run = 2").fetchone()[0]
    assert empty == 500
    assert records == 500 + scalars
    profile = encode_profile({"hidden_grad_norm": np.ones((1, 4), np.float32)})
    assert both == records + 40 * (60 + len(profile))


def test_a_run_goes_once_and_only_then_pages_are_given_back(store, monkeypatch):
    given, deleted = [], []
    monkeypatch.setattr(Store, "give_back_pages", lambda self, pages: given.append(pages))
    ended(store, "young", days_ago=29.9)
    assert prune(store, Settings(keep_days=30), deleted.append) == pruning.Pruned(0, 0)
    assert (given, deleted) == ([], [])
    ended(store, "old", days_ago=30.1)
    count_bytes(monkeypatch, 20 * MB, [MB, MB])
    assert prune(store, Settings(keep_days=30, max_store_mb=10), lambda run: deleted.append(run) or run == "old") == (
        pruning.Pruned(1, 0)
    )
    assert (given, deleted) == ([2048], ["old", "young"])
