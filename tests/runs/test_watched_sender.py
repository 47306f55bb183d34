"""Sending a watched model's records: the training never waits, whatever the other side does."""

import logging
import threading

import pytest

from rnncore.runs import watched_sender
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store
from rnncore.runs.watched import Begun
from rnncore.runs.watched_sender import Sender
from rnncore.runs.watched_targets import Away, OwnStore, Refused, Server, own_workspace, view_key
from tests.support.waiting import wait
from tests.support.watching import model, records


class Target:
    """Takes everything, or does what it is told to do instead."""

    def __init__(self):
        self.error, self.begun, self.added, self.beats, self.ended, self.closed = None, 0, [], 0, None, False
        self.hold = threading.Event()
        self.hold.set()

    def _may_fail(self):
        self.hold.wait(60)
        if self.error is not None:
            raise self.error

    def begin(self, model):
        self._may_fail()
        self.begun += 1
        return Begun("g", ("r",), (model.name,))

    def add(self, run, records):
        self._may_fail()
        self.added += records

    def beat(self, group):
        self._may_fail()
        self.beats += 1

    def end(self, group, status, reason):
        self._may_fail()
        self.ended = status, reason

    def address(self, group):
        return "there"

    def close(self):
        self.closed = True


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    for name in ("PACE_S", "FIRST_PAUSE_S"):
        monkeypatch.setattr(watched_sender, name, 0.01)


def test_records_arrive_in_their_order_and_then_the_ending():
    target = Target()
    sender = Sender(target, model())
    for record in records(1, 200):
        sender.offer(0, record)
    sender.finish("finished", "")
    assert [record.step for record in target.added] == list(range(1, 201))
    assert (target.ended, target.closed, sender.dropped, target.beats > 0) == (("finished", ""), True, 0, True)


def test_while_the_other_side_is_away_records_wait_with_one_warning(caplog):
    target = Target()
    target.error = Away("nobody answers")
    sender = Sender(target, model())
    for record in records(1, 5):
        sender.offer(0, record)
    wait(lambda: caplog.records)
    target.error = None
    wait(lambda: len(target.added) == 5)
    target.error = Away("nobody answers")
    sender.offer(0, records(6, 6)[0])
    sender.finish("finished", "")
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert warnings == ["Records of a watched model cannot be sent at this moment: nobody answers. They wait."]
    assert target.closed


def test_a_side_that_does_not_answer_keeps_nobody_waiting_and_the_oldest_records_are_left_out(monkeypatch, caplog):
    monkeypatch.setattr(watched_sender, "MOST_BYTES", 20_000)
    monkeypatch.setattr(watched_sender, "FINISH_S", 0.05)
    target = Target()
    target.hold.clear()
    sender = Sender(target, model())
    for record in records(1, 200):
        sender.offer(0, record)  # returns, though nothing is taken
    assert 100 < sender.dropped < 200
    assert [each.getMessage() for each in caplog.records if "left out" in each.getMessage()] == [
        "Records of a watched model are left out, since they cannot be sent. The training goes on."
    ]
    sender.finish("finished", "")  # gives up
    target.hold.set()
    wait(lambda: target.closed)
    assert target.added[-1].step == 200


def test_who_refuses_is_not_asked_again(caplog):
    target = Target()
    target.error = Refused("the workspace is full.")
    sender = Sender(target, model())
    wait(lambda: target.closed)
    sender.offer(0, records(1, 1)[0])
    sender.finish("finished", "")
    assert [each.getMessage() for each in caplog.records] == [
        "Records of a watched model are not sent: the workspace is full."
    ]
    assert not target.added


def test_the_store_of_this_machine_takes_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RNNLAB_DATA_DIR", str(tmp_path / "data"))
    sender = Sender(OwnStore(None), model("my model"))
    for record in records(1, 30):
        sender.offer(0, record)
    sender.finish("failed", "It ended with an error.")
    workspace = own_workspace(tmp_path / "data")
    store = Store(Settings.from_env().store_path)
    (run,) = store.runs_of(workspace)
    assert (run.label, run.status, run.step, run.reason) == ("my model", "failed", 30, "It ended with an error.")
    store.close()
    assert "'my model' is being watched: `rnnlab view` shows it" in capsys.readouterr().err
    assert own_workspace(tmp_path / "data") == workspace
    assert workspace not in view_key(workspace)


def test_a_store_that_cannot_be_used_is_told_of_and_the_program_goes_on(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RNNLAB_DATA_DIR", str(tmp_path / "file"))
    sender = Sender(OwnStore(None), model())
    wait(lambda: caplog.records)
    sender.offer(0, records(1, 1)[0])
    sender.finish("finished", "")
    assert "cannot be sent at this moment" in caplog.records[0].getMessage()


@pytest.mark.parametrize("url", ["localhost:8501", "", "ftp://x", "http://"])
def test_an_address_that_is_none_is_said_at_once(url):
    with pytest.raises(ValueError, match="server: "):
        Server(url, None)


def test_nobody_at_an_address_is_away():
    with pytest.raises(Away):
        Server("http://127.0.0.1:9", None).begin(model())
