"""Sending a watched model's records: the training never waits, whatever the other side does."""

import logging
import re
import shlex
import subprocess
import sys
import threading

import numpy as np
import pytest

from rnncore.reading import Axis, Layer, Panel, Reading
from rnncore.runs import watched_sender, watched_targets
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store
from rnncore.runs.watched import Begun
from rnncore.runs.watched_forms import Wanted
from rnncore.runs.watched_sender import Sender
from rnncore.runs.watched_targets import Away, OwnStore, Refused, Server, own_workspace, view_key
from tests.support.waiting import wait
from tests.support.watching import model, records


class Target:
    """Takes everything, or does what it is told to do instead."""

    def __init__(self):
        self.error, self.begun, self.added, self.beats, self.ended, self.closed = None, 0, [], 0, None, False
        self.read_of, self.refused, self.wanted = [], None, []
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

    def read(self, run, reading):
        self._may_fail()
        if self.refused is not None:
            raise Refused(self.refused)
        self.read_of.append((run, reading))

    def beat(self, group):
        self._may_fail()
        self.beats += 1
        return self.wanted

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


def test_what_is_asked_for_is_passed_on_once_until_its_reading_is_sent(monkeypatch):
    monkeypatch.setattr(watched_sender, "ALIVE_S", 0.0)
    target, heard = Target(), []
    target.wanted = [Wanted("r", "flow"), Wanted("r", "flow", (("unit", 2),)), Wanted("another", "flow")]
    sender = Sender(target, model(), lambda *asked: heard.append(asked) or True)
    wait(lambda: target.beats > 20)
    assert heard == [(0, "flow", {}), (0, "flow", {"unit": 2})]
    reading = Reading(instrument="flow", step=3, chosen={"unit": 2})
    sender.show(0, reading)
    wait(lambda: len(heard) == 3)
    assert heard[-1] == (0, "flow", {"unit": 2})
    assert target.read_of == [("r", reading)]
    sender.finish("finished", "")


def test_a_reading_that_is_refused_is_told_of_and_records_go_on(caplog):
    target = Target()
    target.refused = "step: it is too old."
    sender = Sender(target, model())
    sender.show(0, Reading(instrument="flow", step=3))
    wait(lambda: caplog.records)
    sender.offer(0, records(1, 1)[0])
    sender.finish("finished", "")
    assert [each.getMessage() for each in caplog.records] == [
        "A reading of a watched model is not sent: step: it is too old."
    ]
    assert (len(target.added), target.ended) == (1, ("finished", ""))


def test_in_place_of_a_reading_that_is_refused_a_sentence_is_sent(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("RNNLAB_DATA_DIR", str(tmp_path / "data"))
    sender = Sender(OwnStore("w"), model("my model"))
    t = Axis(title="t")
    line = Panel(key="row", title="", help="", x=t, y=t, layers=(Layer(kind="line", x="t", y="y"),))
    unfit = {"t": np.arange(3.0), "y": np.ones((2, 3))}
    sender.show(0, Reading(instrument="flow", step=3, arrays=unfit, panels=(line,)))
    sender.show(0, Reading(instrument="unit", step=4, chosen={"unit": 2}, undefined="<b>\u202eno"))
    wait(lambda: not sender._readings)
    store = Store(Settings.from_env().store_path)
    (run,) = store.runs_of("w")
    found = {
        key: Reading.from_bytes(store.reading(run.id, key, step, False, 0, choice))
        for key, step, choice in (("flow", 3, ""), ("unit", 4, "unit=2"))
    }
    assert {key: each.undefined for key, each in found.items()} == {
        "flow": "The program has made this reading, but it could not be sent: panel 'row': the arrays of a layer "
        "'line' do not fit one another.",
        "unit": "The program has made this reading, but it could not be sent: the text '‹b>no' has characters or "
        "markup that are not allowed.",
    }
    assert found["unit"].chosen == {"unit": 2}
    sender.finish("finished", "")
    store.close()
    assert len(caplog.records) == 1, "one warning for all that is not sent"


def test_a_question_whose_reading_is_left_out_may_be_asked_again(monkeypatch):
    monkeypatch.setattr(watched_sender, "ALIVE_S", 0.0)
    monkeypatch.setattr(watched_sender, "MOST_READINGS", 1)
    target, heard = Target(), []
    target.wanted = [Wanted("r", "flow")]
    sender = Sender(target, model(), lambda *asked: heard.append(asked) or True)
    wait(lambda: heard)
    target.error = Away("nobody answers")
    beats = target.beats
    sender.show(0, Reading(instrument="flow", step=3))
    sender.show(0, Reading(instrument="memory", step=4))
    target.error = None
    wait(lambda: target.read_of and target.beats > beats and len(heard) == 2)
    sender.finish("finished", "")


def test_readings_wait_while_the_other_side_is_away_the_newest_of_them(monkeypatch):
    target = Target()
    target.error = Away("nobody answers")
    sender = Sender(target, model())
    for step in range(1, 61):
        sender.show(0, Reading(instrument="flow", step=step))
    target.error = None
    sender.finish("finished", "")
    assert [reading.step for _, reading in target.read_of] == list(range(21, 61))


@pytest.mark.parametrize(
    "asks",
    [
        None,
        7,
        "x",
        [7],
        [{}],
        [{"run": "r", "instrument": "flow"}],
        [{"run": "r", "instrument": "f", "chosen": {"a": "x"}}],
    ],
)
def test_an_answer_that_asks_for_nothing_that_can_be_is_taken_for_one_that_does_not_ask(asks):
    assert watched_targets._wanted({"ok": True, "asks": asks}) == []
    assert watched_targets._wanted({"ok": True}) == []


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
    said = re.search(r"'my model' is being watched: type `(.+)` in a terminal to see it\n", capsys.readouterr().err)
    command = shlex.split(said[1])
    assert command[0] == sys.executable
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, timeout=300, check=True)
    assert "show the models that are watched on this machine" in done.stdout
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
