"""Every write and every flush of the store's files may fail once: nothing given out is lost, every run goes on.

RNNLAB_TEST_FAULTS says at how many places of each kind that is tried, 0 for all of them (some 800: minutes).
"""

import os
import sqlite3
import threading

import pytest

from rnncore.runs import housekeeping
from rnncore.runs.store.store import ENDED
from tests.support import sick_disk as sick
from tests.support.memory_backend import MemoryBackend
from tests.support.scheduling import Server
from tests.support.six_runs import SIX, Watcher, insist

PLACES = int(os.environ.get("RNNLAB_TEST_FAULTS", "3"))
KINDS = ("wal write", "database write", "wal sync", "database sync", "wal truncate", "database truncate")
CODES = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_FSYNC)

pytestmark = pytest.mark.skipif(sick.library() is None, reason="SQLite is no library that can be reached here")


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """The log is brought into the file every few hundredths of a second."""
    monkeypatch.setattr(housekeeping, "INTERVAL_S", 0.03)
    monkeypatch.setattr(housekeeping, "WAL_BYTES", 1)


def session(folder, disk, **failure):
    """Six runs of two owners, and a pause; return what each recorded and how it ended."""
    disk.begin()  # what has not failed the last time, since it was not reached, must not fail now
    server = Server(folder, MemoryBackend, checkpoint_seconds=0.01)
    disk.begin(**failure)
    runs = [*insist(server.submit, *SIX[:2]).runs]
    runs += [insist(server.submit, each).runs[0] for each in SIX[2:]]
    watcher = Watcher(server, runs)
    watcher.start()
    server.wait_step(runs[0], 3)
    insist(server.scheduler.pause, runs[4])
    insist(server.scheduler.resume, runs[4])
    for run in runs:
        server.wait_status(run, *ENDED)
    watcher.done()
    ends = [(server.run(run).status, server.records(run)) for run in runs]
    server.close()
    with sqlite3.connect(server.settings.store_path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    return ends


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the six record when nothing happens, and how often the store's files are written meanwhile, by kind."""
    patch = pytest.MonkeyPatch()
    patch.setattr(housekeeping, "INTERVAL_S", 0.03)
    patch.setattr(housekeeping, "WAL_BYTES", 1)
    with sick.sick_disk() as disk:
        ends = session(tmp_path_factory.mktemp("undisturbed"), disk)
    patch.undo()
    assert {status for status, _ in ends} == {"finished"}
    assert disk.counts["wal write"] > 100
    assert disk.counts["database sync"] > 1
    return ends, disk.counts


@pytest.mark.parametrize("kind", KINDS)
def test_any_of_them_may_fail_once_and_six_runs_finish_all_the_same(undisturbed, kind, tmp_path, monkeypatch):
    expected, counts = undisturbed
    count = counts[kind]
    tried = (
        range(1, count + 1) if not PLACES else sorted({1 + count * n // PLACES for n in range(PLACES)} if count else [])
    )
    monkeypatch.setattr(threading, "excepthook", lambda args: pytest.fail(f"a thread died: {args.exc_value}"))
    with sick.sick_disk() as disk:
        for number in tried:
            code = CODES[number % len(CODES)]
            folder = tmp_path / str(number)
            assert session(folder, disk, at=(kind, number), code=code, half=number % 2 == 0) == expected, (number, code)
