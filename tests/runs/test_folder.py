"""The data folder goes away while the server works: it says so, refuses starts, and goes on when it is back."""

import shutil
import sys

import pytest

from rnncore.runs import folder
from rnncore.runs.store.store import ENDED
from rnncore.runs.trouble import StoreTrouble
from tests.support.memory_backend import MemoryBackend
from tests.support.scheduling import LONG, Server, config, slow

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files that are open cannot be deleted there")


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "SETTLED_S", 0.05)
    server = Server(tmp_path / "data", MemoryBackend)
    server.wait_ready()
    yield server
    server.close()


def look(server):
    server.scheduler._folder.look()
    return not server.store.is_gone()


def refuses(server):
    with pytest.raises(StoreTrouble):
        server.submit(config())
    assert server.scheduler.problem() == folder.GONE
    assert server.scheduler.overview().workers == 2


def test_a_folder_that_is_moved_away_and_back_loses_nothing(server, tmp_path):
    run_id = server.submit(slow(400)).runs[0]
    server.wait_step(run_id, 5)
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    refuses(server)
    assert not look(server)
    (tmp_path / "elsewhere").rename(tmp_path / "data")
    server.wait_status(run_id, "finished")
    assert [row[0] for row in server.records(run_id)] == list(range(1, 401))
    assert server.scheduler.problem() is None


def test_an_empty_folder_in_its_place_is_begun_anew(server, tmp_path):
    server.submit(slow(LONG))
    shutil.rmtree(tmp_path / "data")
    refuses(server)
    (tmp_path / "data").mkdir()
    server.wait(lambda: look(server))
    run_id = server.submit(config(), workspace="another").runs[0]
    server.wait_status(run_id, *ENDED, seconds=20)
    assert server.run(run_id).status == "finished"
    assert [run.id for run in server.store.runs()] == [run_id]


def test_a_copy_in_its_place_is_gone_on_with(server, tmp_path):
    run_id = server.submit(slow(LONG)).runs[0]
    server.wait_step(run_id, 5)
    server.store.backup(tmp_path / "copy.sqlite")
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "data").mkdir()
    shutil.copy(tmp_path / "copy.sqlite", tmp_path / "data" / "runs.sqlite")
    server.wait(lambda: look(server))
    server.wait_status(run_id, "interrupted")
    server.scheduler.resume(run_id)
    server.wait_status(run_id, "running")
    server.scheduler.stop(run_id)
    run = server.wait_status(run_id, "stopped")
    assert [row[0] for row in server.records(run_id)] == list(range(1, run.step + 1))


def test_without_its_folder_a_server_ends_and_the_next_one_begins(server, tmp_path):
    server.submit(slow(LONG))
    shutil.rmtree(tmp_path / "data")
    server.scheduler.shutdown()
    after = Server(tmp_path / "data", MemoryBackend)
    after.wait_status(after.submit(config()).runs[0], "finished")
    after.close()
