"""Ctrl-C of the real server: its store is one file that holds everything."""

import os
import signal
import time
from pathlib import Path

import pytest

from rnncore.runs.store.store import Store
from tests.support.server import AppServer
from tests.support.stored import records_of

CONFIG = {"data": {"kind": "task", "seq_len": 20}, "model": {"hidden_size": 4}, "steps": 3000, "profile_every": 1}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_file_alone_holds_every_record_that_was_given_out(tmp_path: Path, stop: signal.Signals) -> None:
    server = AppServer(tmp_path)
    server.start()
    assert server.process is not None
    run = server.api("runs", {"config": CONFIG})["runs"][0]["id"]
    deadline = time.monotonic() + 60
    while (told := server.api(f"runs/{run}")["step"]) < 300:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if path != server.log}
    assert "runs.sqlite" in modes
    assert os.name != "posix" or set(modes.values()) == {0o600}, "whatever a server writes is for nobody else"
    server.process.send_signal(stop)
    server.process.wait(20)
    assert not [path.name for path in tmp_path.glob("runs.sqlite-*") if path.stat().st_size]
    copy = tmp_path / "copy" / "runs.sqlite"
    copy.parent.mkdir()
    copy.write_bytes((tmp_path / "runs.sqlite").read_bytes())
    store = Store(copy)
    stored = store.run(run)
    assert stored is not None
    assert stored.status in ("interrupted", "finished")
    assert stored.step >= told
    assert len(records_of(store, run)) == stored.step
    store.close()
