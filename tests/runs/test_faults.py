"""Trouble that passes ends no run: statements that fail, a locked store, a full disk, workers that cannot start.

RNNLAB_TEST_FAULTS says at how many of the positions a statement is made to fail, 0 for each of them.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.backend.protocol import NoPlaceError
from rnncore.runs.store.store import ENDED
from rnncore.runs.trouble import StoreTrouble
from tests.support.faults import locked, with_faults
from tests.support.memory_backend import MemoryBackend
from tests.support.scheduling import LONG, Server, config, slow
from tests.support.six_runs import SIX, Watcher, insist

POSITIONS = int(os.environ.get("RNNLAB_TEST_FAULTS", "40"))


def start_six(server):
    """Twins, three of one owner, another's one; the twins are paused for a moment on the way."""
    twins = server.submit(*SIX[:2])
    runs = [*twins.runs, *(server.submit(each).runs[0] for each in SIX[2:5])]
    runs += server.submit(SIX[5], workspace="another").runs
    return twins.id, runs


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the six record when nothing happens, and how many statements that takes."""
    monkeypatch = pytest.MonkeyPatch()
    faults = with_faults(monkeypatch)
    server = Server(tmp_path_factory.mktemp("undisturbed"), MemoryBackend, checkpoint_seconds=0.01)
    _, runs = start_six(server)
    for run_id in runs:
        server.wait_status(run_id, "finished")
    records = [server.records(run_id) for run_id in runs]
    server.close()
    monkeypatch.undo()
    return records, faults.count


def positions():
    return [(number, POSITIONS) for number in range(POSITIONS)] or [(None, 0)]


@pytest.mark.parametrize(("number", "of"), positions())
def test_any_statement_may_fail_once_and_six_runs_finish_all_the_same(undisturbed, number, of, tmp_path, monkeypatch):
    expected, count = undisturbed
    for place in range(1, count) if number is None else [1 + count * number // of]:
        faults = with_faults(monkeypatch)
        server = Server(tmp_path / str(place), MemoryBackend, checkpoint_seconds=0.01)
        faults.count, faults.at = 0, place
        twins, runs = start_six(server)
        watcher = Watcher(server, runs)
        watcher.start()
        server.wait_step(runs[0], 3)
        for command in (server.scheduler.pause, server.scheduler.resume):
            for target in (twins, runs[4]):
                insist(command, target)
        for run_id in runs:
            server.wait_status(run_id, *ENDED)
        watcher.done()
        assert [server.run(run_id).status for run_id in runs] == ["finished"] * 6, faults.failed
        assert [server.records(run_id) for run_id in runs] == expected, faults.failed
        server.close()
        monkeypatch.undo()


def test_a_locked_store_holds_runs_up_and_ends_none(undisturbed, tmp_path):
    server = Server(tmp_path, MemoryBackend)
    server.wait_ready()
    _, runs = start_six(server)
    watcher = Watcher(server, runs)
    watcher.start()
    server.wait_step(runs[0], 3)
    trouble = server.scheduler._lifecycle.trouble
    with locked(server.settings.store_path):
        server.wait(lambda: trouble.sentence)
        assert "database is locked" in server.scheduler.status(runs[0]).notice
        assert server.scheduler.position(runs[5])[0], "pages are answered"
        with pytest.raises(StoreTrouble, match="database is locked"):
            server.submit(config())
        with pytest.raises(StoreTrouble):
            server.scheduler.pause(runs[5])
        assert server.scheduler._lifecycle.runs[runs[5]].status == "queued", "nothing is half done"
    for run_id in runs:
        server.wait_status(run_id, "finished")
    watcher.done()
    assert [server.records(run_id) for run_id in runs] == undisturbed[0]
    assert len(server.store.runs()) == 6
    assert trouble.since is None
    server.close()


def test_runs_that_waited_too_long_for_the_store_are_interrupted_and_can_be_continued(undisturbed, tmp_path):
    server = Server(tmp_path, MemoryBackend, store_patience_seconds=0.3)
    server.wait_ready()
    _, runs = start_six(server)
    server.wait_step(runs[1], 3)
    with locked(server.settings.store_path):
        server.wait(lambda: server.scheduler.status(runs[0]).run.status == "interrupted")
        run = server.scheduler.status(runs[0]).run
        assert f"Interrupted at step {run.step} of 30: the run store could not be written for" in run.reason
        assert "(database is locked); this run can be continued." in run.reason
        assert server.run(runs[0]).status == "running", "the store cannot know it yet"
    server.wait(lambda: server.run(runs[0]).status == "interrupted")
    for run_id in runs:
        if server.wait_status(run_id, *ENDED).status == "interrupted":
            server.scheduler.resume(run_id)
        server.wait_status(run_id, "finished")
    assert [server.records(run_id) for run_id in runs] == undisturbed[0]
    server.close()


def test_a_server_that_stops_while_the_store_is_locked_ends_and_the_next_one_tells(tmp_path):
    server = Server(tmp_path, MemoryBackend)
    run_id = server.submit(slow(LONG)).runs[0]
    server.wait_step(run_id)
    with locked(server.settings.store_path):
        server.scheduler.shutdown()
    server.store.close()
    after = Server(tmp_path, MemoryBackend)
    assert after.run(run_id).status == "interrupted"
    after.close()


FULL_DISK = """
    import resource, sys
    from pathlib import Path
    from tests.runs.test_faults import Server, MemoryBackend, Watcher, start_six
    server = Server(Path(sys.argv[1]), MemoryBackend, checkpoint_seconds=0.01)
    server.wait_ready()
    _, runs = start_six(server)
    watcher = Watcher(server, runs)
    watcher.start()
    server.wait_step(runs[0], 3)
    log = server.settings.store_path.with_name("runs.sqlite-wal")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 10_000, hard))
    server.wait(lambda: server.scheduler._lifecycle.trouble.sentence)
    assert not [run for run in runs if server.run(run).status == "finished" and server.run(run).step < 30]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    for run in runs:
        server.wait_status(run, "finished")
    watcher.done()
    print([server.records(run) for run in runs])
    server.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the size of files is limited by setrlimit")
def test_a_full_disk_holds_runs_up_and_ends_none(undisturbed, tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(undisturbed[0])


def test_a_store_that_is_full_holds_runs_up_and_ends_none(tmp_path):
    server = Server(tmp_path, MemoryBackend)
    server.store._connection.execute("PRAGMA max_page_count = 60")
    run_id = server.submit(config(10_000)).runs[0]
    server.wait(lambda: server.scheduler._lifecycle.trouble.sentence)
    assert "database or disk is full" in server.scheduler.status(run_id).notice
    assert server.run(run_id).step < 10_000
    server.store._connection.execute("PRAGMA max_page_count = 100000000")
    server.wait_status(run_id, "finished")
    assert [row[0] for row in server.records(run_id)] == list(range(1, 10_001))
    server.close()


def test_a_message_that_cannot_be_taken_in_ends_its_own_run_alone(tmp_path, monkeypatch):
    server = Server(tmp_path, MemoryBackend)
    bad, good = server.submit(slow(LONG, seed=1), slow(200, seed=2)).runs
    server.wait_step(bad, 3)
    recorder = type(server.scheduler._lifecycle.runs[bad].recorder)
    add, key = recorder.add, server.scheduler._lifecycle.runs[bad].recorder.key

    def fails(self, frame):
        if self.key == key:
            raise ValueError("a bug")
        add(self, frame)

    monkeypatch.setattr(recorder, "add", fails)
    run = server.wait_status(bad, "failed")
    assert run.reason == "An unexpected error ended the run; the server's log says more."
    server.wait_status(good, "finished")
    assert len(server.records(good)) == 200
    server.wait(lambda: not server.scheduler._lifecycle.leaving)
    server.close()


# Workers

DIES_UNTIL = """
import sys
from pathlib import Path
tries = Path(sys.argv[1])
tries.write_text(tries.read_text() + ".")
if len(tries.read_text()) <= int(sys.argv[2]):
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)  # as the system's out-of-memory killer does
del sys.argv[1:3]
from tests.support.fake_worker import FakeEngine, main
main(engine=FakeEngine())
"""


def test_runs_wait_while_workers_are_killed_as_they_warm_up(tmp_path):
    tries = tmp_path / "tries"
    tries.write_text("")
    command = [sys.executable, "-c", DIES_UNTIL, str(tries), "5"]
    server = Server(tmp_path, lambda settings: LocalBackend(settings, command), workers=1)
    run_id = server.submit(config()).runs[0]
    server.wait(lambda: server.scheduler.status(run_id).notice)
    status = server.scheduler.status(run_id)
    assert status.notice.startswith("waiting for a worker: the last ")
    assert status.notice.endswith(" died while starting")
    assert status.run.status == "queued"
    server.wait_status(run_id, "finished", seconds=60)
    assert server.scheduler.status(run_id).notice is None
    server.close()


def test_a_place_that_is_gone_when_a_run_begins_puts_it_back_into_the_queue(tmp_path, monkeypatch):
    server = Server(tmp_path, MemoryBackend, workers=1)
    server.wait_ready()
    start, refusals = server.backend.start, []

    def refuses(job):
        if len(refusals) < 3:
            refusals.append(job.run)
            raise NoPlaceError("gone")
        return start(job)

    monkeypatch.setattr(server.backend, "start", refuses)
    first, second = server.submit(config(), config(seed=1)).runs
    for run_id in (first, second):
        server.wait_status(run_id, "finished")
    assert refusals == [first] * 3, "it keeps its place"
    server.close()
