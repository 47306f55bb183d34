"""`rnnlab view`: says where the watched models are, and starts the app where it does not run."""

import re

import pytest

from rnncore.__main__ import main
from rnncore.runs import app_command
from rnncore.runs.store.lock import FolderLock
from rnncore.runs.watched_targets import own_workspace, view_key


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNLAB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("STREAMLIT_SERVER_PORT", raising=False)
    own_workspace(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def started(monkeypatch):
    calls = []
    monkeypatch.setattr(app_command, "start_app", lambda options=(): calls.append(tuple(options)) or 0)
    return calls


def test_where_the_app_runs_it_is_said_where(folder, started, capsys):
    lock = FolderLock(folder)
    (folder / "address").write_text("http://localhost:8600")
    assert main(["view"]) == 0
    said = capsys.readouterr().out
    assert f"http://localhost:8600/view?key={view_key(own_workspace(folder))}\n" in said
    assert own_workspace(folder) not in said
    assert not started
    lock.release()


def test_where_it_does_not_run_it_is_started_at_the_port_that_is_said(folder, started, capsys, monkeypatch):
    (folder / "address").write_text("http://localhost:8600")  # of a server that was killed
    assert main(["view"]) == 0
    port = re.search(r"http://localhost:(\d+)/view\?key=", capsys.readouterr().out)[1]
    assert started == [("--server.port", port)]
    monkeypatch.setenv("STREAMLIT_SERVER_PORT", "8700")
    assert main(["view"]) == 0
    assert started[1] == ("--server.port", "8700")
    assert "http://localhost:8700/view" in capsys.readouterr().out


def test_without_the_app_it_says_what_to_install(folder, monkeypatch, capsys):
    monkeypatch.setattr(app_command, "find_spec", lambda name: None)
    assert main(["view"]) == 2
    printed = capsys.readouterr()
    assert "pip install 'rnn-gradient-lab[app]'" in printed.err
    assert "http" not in printed.out


def test_the_app_that_is_started_is_this_one():
    assert app_command.app_script().name == "app.py"
    assert app_command.app_script().parent.name == "dashboard"
