"""Small parts of runs by themselves: the steps of twins, the times of a run, ids, words of memory, the lock."""

import math
import os
import re
import stat

import pytest

from rnncore.runs.active import ActiveRun, RunStatus
from rnncore.runs.backend.memory import out_of_memory, speaks_of_memory
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.lock import FolderLock, StoreError
from rnncore.runs.store.opening import open_database
from rnncore.runs.store.store import Store
from rnncore.runs.store.studies import PREFIX
from rnncore.runs.tokens import new_id
from rnncore.runs.twins import common_step, is_near
from tests.support.stored import new_run


class Pace:
    """Stands for a run's recorder: what its steps per second are."""

    def __init__(self, steps_per_second):
        self.steps_per_second = steps_per_second


def active(step=0, pace=None, status="running", workspace="w"):
    run = ActiveRun("r", workspace, "g", {}, 100, (), "w", status=status, step=step)
    run.recorder = None if pace is None else Pace(pace)
    return run


# Twins


def test_twins_obey_at_a_step_that_none_of_those_that_train_has_reached():
    assert common_step([active(7, 50.0)]) == 0, "one alone obeys at once"
    assert common_step([active(40, 10.0), active(43, 20.0)]) == 43 + 6 + 1, "0.3 s of the faster one"
    assert common_step([active(40, 10.0), active(43, 400.0, status="paused")]) == 43 + 3 + 1
    assert common_step([active(40, 10.0, "paused"), active(43, 9.0, "queued")]) == 44


@pytest.mark.parametrize(("step", "near"), [(100 + 13 + 1, True), (100 + 13 + 2, False)])
def test_a_twin_is_near_that_is_little_more_than_a_second_behind(step, near):
    assert is_near(active(100, 10.0), step) == near
    assert is_near(active(100), 101)
    assert not is_near(active(100), 102), "its speed is not known"


# Times of a run


def test_the_time_trained_counts_no_pause_and_no_time_that_was_missed():
    run = active()
    assert run.trained_seconds(50.0) == 0.0
    run.running_since = 10.0
    assert run.trained_seconds(15.0) == 5.0
    run.clock_stops(16.0)
    assert (run.trained_seconds(99.0), run.running_since) == (6.0, None)
    run.running_since, run.paused_since, run.ending_since = 100.0, 90.0, 95.0
    run.skip(1000.0)
    assert run.trained_seconds(1101.0) == 7.0
    assert (run.paused_since, run.ending_since, run.unreadable_since) == (1090.0, 1095.0, None)


def test_the_time_left_is_told_by_the_runs_own_speed_or_that_of_others():
    assert active(60, 8.0).remaining_seconds(1.0) == 5.0
    assert active(60).remaining_seconds(4.0) == 10.0
    assert active(60).remaining_seconds(None) is None
    assert active(60, 0.0).remaining_seconds(None) is None


def test_a_run_of_a_study_is_known_by_its_workspace():
    assert active(workspace=PREFIX + "s").in_study
    assert not active().in_study


# Words and ids


@pytest.mark.parametrize(
    "text",
    ["MemoryError", "std::bad_alloc", "DefaultCPUAllocator: can't allocate memory: you tried",
     "Unable to allocate 3.2 GiB for an array", "memory allocation of 123456 bytes failed", "CUDA out of memory",
     "could not create a primitive", "RuntimeError: can't start new thread"],
)  # fmt: skip
def test_what_means_that_memory_ran_out(text):
    assert speaks_of_memory(f"terminate called\n{text}\n")


@pytest.mark.parametrize("text", ["", "KeyError: 'memory'", "could not create a file", "memory allocation of x failed"])
def test_what_does_not(text):
    assert not speaks_of_memory(text)


def test_what_is_told_of_a_run_that_needs_too_much_memory():
    rest = "; a smaller model, batch or sequence length needs less."
    assert out_of_memory(2048) == f"Out of memory: this run needs more than the 2,048 MB a run may use{rest}"
    assert out_of_memory(None) == f"Out of memory: this run needs more than there is{rest}"


def test_ids_have_128_bits_and_stand_on_a_command_line():
    ids = {new_id() for _ in range(2000)}
    assert len(ids) == 2000
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", each) for each in ids)
    assert 22 * math.log2(64) >= 128


# Folder and file


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_a_folder_that_a_lock_makes_is_its_owners_alone(tmp_path):
    mask = os.umask(0)
    try:
        lock = FolderLock(tmp_path / "deep" / "folder")
    finally:
        os.umask(mask)
    folder = tmp_path / "deep" / "folder"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "scheduler.lock")] == [0o700, 0o600]
    with pytest.raises(StoreError, match=f"^Another server is using the folder '{folder}'; stop it, or set "):
        FolderLock(folder)
    lock.release()
    FolderLock(folder).release()


def test_a_connection_waits_for_others_and_keeps_a_log(tmp_path):
    connection, message = open_database(tmp_path / "runs.sqlite")
    found = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS}
    connection.close()
    assert (found, message) == (PRAGMAS, None)


PRAGMAS = {"busy_timeout": 10_000, "journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "auto_vacuum": 2}


# What is told of a run


def test_a_run_is_told_without_its_workspace_and_with_what_it_waits_for(tmp_path):
    store = Store(tmp_path / "runs.sqlite")
    store.create_runs([new_run("run-1")])
    run = store.run("run-1")
    store.close()
    told = RunStatus(run, 3, 12.5, "waiting for a worker").to_json()
    assert "workspace" not in told
    assert (told["position"], told["wait_seconds"], told["notice"]) == (3, 12.5, "waiting for a worker")
    assert (told["id"], told["status"], told["resumable"]) == ("run-1", "queued", False)
    assert (told["watch"], told["group_watch"]) == (watch_key("run-1"), watch_key("g"))
