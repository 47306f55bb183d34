"""Pruning: runs go by age, then by size, those of the largest workspace first, and unfinished ones never."""

import time

import pytest

from rnncore.runs.settings import Settings
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
