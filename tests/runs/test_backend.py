"""What every execution engine must do: the same tests for worker processes and for one that lives in memory."""

import time
from dataclasses import replace
from queue import Queue

import pytest

from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.backend.protocol import Changed, Lost, NoPlaceError
from tests.support.memory_backend import MemoryBackend
from tests.support.scheduling import LONG, config, local, quick_settings, slow
from tests.support.waiting import wait
from tests.support.wire import unpack


class Host:
    """An open execution engine and what it has said, in its order."""

    def __init__(self, backend):
        self.backend = backend
        self.messages = Queue()
        self.hold = 0.0  # seconds that a message takes to be taken in
        backend.open(self.listen)

    def listen(self, message):
        time.sleep(self.hold)
        self.messages.put(message)

    def ready(self, places):
        def warm():
            self.backend.keep_up()
            return self.backend.capacity().ready == places

        wait(warm)

    def until(self, kind, run="r"):
        """Take messages about a run up to the first of a kind; a type of frame or `Lost`."""
        taken = []
        while True:
            message = self.messages.get(timeout=10)
            if isinstance(message, Changed) or message.run != run:
                continue
            taken.append(message)
            if isinstance(message, Lost) if kind is Lost else isinstance(message, Frame) and message.type == kind:
                return taken

    def waiting(self):
        """Take all messages that have come by now."""
        return [self.messages.get() for _ in range(self.messages.qsize())]

    def kill(self, run):
        """Let the place die where a run executes."""
        if isinstance(self.backend, LocalBackend):
            self.backend._pool.executing(run).kill()
        else:
            self.backend.kill(run)


@pytest.fixture(params=[local, MemoryBackend], ids=["local", "memory"])
def host(request, tmp_path):
    host = Host(request.param(quick_settings(tmp_path)))
    yield host
    host.backend.close(1.0)


def job(training, run="r", **fields):
    return JobSpec(run, training.model_dump(mode="json"), flush_ms=10, checkpoint_seconds=60.0, **fields)


def records(messages):
    frames = [message for message in messages if isinstance(message, Frame) and message.type == "records"]
    return [record for frame in frames for record in unpack(frame.header, frame.blob)]


def numbers(messages):
    return [(r.step, r.train_loss, r.learning_rate, r.update_norm) for r in records(messages)]


def test_places_warm_up_and_are_counted(host):
    with pytest.raises(NoPlaceError):
        host.backend.start(job(config()))
    host.ready(2)
    assert isinstance(host.messages.get(timeout=5), Changed), "the scheduler need not ask again and again"
    capacity = host.backend.capacity()
    assert (capacity.size, capacity.busy, capacity.free, capacity.lost, capacity.problem) == (2, 0, 2, 0, "")
    for run in ("a", "b"):
        assert host.backend.start(job(slow(), run))
    capacity = host.backend.capacity()
    assert (capacity.ready, capacity.busy, capacity.free) == (2, 2, 0)
    with pytest.raises(NoPlaceError):
        host.backend.start(job(config()))


def test_a_run_speaks_in_order_and_its_place_is_free_before_its_last_word_is_heard(host):
    host.ready(2)
    host.backend.start(job(config(300)))
    messages = host.until("done")
    assert host.backend.capacity().free == 2
    assert [message.type for message in messages if message.type != "records"] == ["info", "checkpoint", "done"]
    assert [record.step for record in records(messages)] == list(range(1, 301))
    assert messages[-1].header["status"] == "finished"


def test_two_runs_execute_at_once_each_in_its_order(host):
    host.ready(2)
    host.backend.start(job(slow(100, seed=1), "a"))
    host.backend.start(job(slow(100, seed=2), "b"))
    heard = []
    while sum(message.type == "done" for message in heard) < 2:
        message = host.messages.get(timeout=10)
        heard += [message] if isinstance(message, Frame) else []
    for run in "ab":
        assert [r.step for r in records(m for m in heard if m.run == run)] == list(range(1, 101))
    first_end = next(place for place, message in enumerate(heard) if message.type == "done")
    assert {message.run for message in heard[:first_end] if message.type == "records"} == {"a", "b"}


def test_commands_reach_the_run(host):
    host.ready(2)
    host.backend.start(job(slow()))
    host.backend.send("r", "pause", at_step=20)
    at = host.until("paused")[-1].header["step"]
    assert at >= 20
    host.backend.send("r", "set", name="learning_rate", value=0.5, at_step=0)
    host.backend.send("r", "step")
    messages = host.until("paused")
    assert [(r.step, r.learning_rate) for r in records(messages)] == [(at + 1, 0.5)]
    assert next(m for m in messages if m.type == "event").header["step"] == at + 1
    host.backend.send("r", "resume")
    host.until("records")
    host.backend.send("r", "stop")
    messages = host.until("done")
    assert messages[-1].header["status"] == "stopped"
    assert messages[-2].type == "checkpoint"


def test_a_command_for_a_run_that_does_not_execute_is_dropped(host):
    host.ready(2)
    host.backend.send("nobody", "stop")
    host.backend.abort("nobody")
    host.backend.start(job(config()))
    host.until("done")
    host.backend.send("r", "pause", at_step=1)
    host.backend.start(job(config()))
    assert [m.type for m in host.until("done")].count("paused") == 0


def test_a_parked_run_goes_on_from_its_checkpoint_bit_for_bit(host):
    host.ready(2)
    changes = [(5, "learning_rate", 0.5), (30, "clip_threshold", 3.0)]
    host.backend.start(job(slow(40), "whole", changes=changes))
    expected = numbers(host.until("done", "whole"))
    host.backend.start(job(slow(40), changes=changes, pause_at=20))
    first = host.until("paused")
    host.backend.send("r", "park")
    first += host.until("done")
    assert first[-1].header["status"] == "parked"
    saved = next(m for m in reversed(first) if m.type == "checkpoint")
    rest = job(slow(40), start_step=saved.header["step"], changes=changes[1:], checkpoint=saved.blob)
    host.backend.start(rest)
    assert numbers(first) + numbers(host.until("done")) == expected


def test_files_travel_with_the_run(host):
    host.ready(2)
    files = {"sha256:1": b"one", "sha256:2": b"two!"}
    data = {"kind": "upload", "files": [{"file": file_id, "name": "a.csv"} for file_id in files]}
    host.backend.start(replace(job(config(2)), config=config(2).model_dump() | {"data": data}, files=files))
    info = next(message for message in host.until("done") if message.type == "info")
    assert info.header["info"]["device_reason"] == "one|two!"


def test_a_death_is_told_once_and_last_and_its_place_is_replaced(host):
    host.ready(2)
    host.backend.start(job(slow()))
    host.until("records")
    host.kill("r")
    lost = host.until(Lost)[-1]
    assert lost.cause.endswith("killed by signal SIGKILL" if isinstance(host.backend, LocalBackend) else "killed")
    assert host.backend.capacity().lost == 1
    host.ready(2)
    assert host.backend.capacity().free == 2
    time.sleep(0.1)
    assert all(isinstance(message, Changed) for message in host.waiting()), "nothing is heard of it afterwards"


def test_a_run_that_does_not_stop_is_aborted(host):
    host.ready(2)
    host.backend.start(job(config(LONG, milliseconds=4000)))
    host.until("info")
    host.backend.send("r", "stop")
    host.backend.abort("r")
    host.backend.abort("r")
    messages = host.until(Lost)
    assert not [message for message in messages if isinstance(message, Frame) and message.type == "done"]
    host.ready(2)


def test_no_method_waits_for_a_slow_listener(host):
    host.ready(2)
    host.hold = 3.0
    host.backend.start(job(slow()))
    time.sleep(0.2)
    began = time.monotonic()
    host.backend.capacity()
    host.backend.keep_up()
    host.backend.send("r", "stop")
    host.backend.start(job(slow(), "other"))
    host.hold = 0.0
    assert time.monotonic() - began < 2.5, "less than the listener takes for one message"
    host.until("done")


def test_close_ends_everything_in_time_and_silently(host):
    host.ready(2)
    host.backend.start(job(slow()))
    host.backend.start(job(config(LONG, milliseconds=4000), "slow to stop"))
    host.until("records")
    began = time.monotonic()
    host.backend.close(0.3)
    assert time.monotonic() - began < 20.0
    said = host.messages.qsize()
    time.sleep(0.2)
    assert host.messages.qsize() - said <= 1, "at most what was on its way"
    if isinstance(host.backend, LocalBackend):
        assert host.backend.capacity().ready == 0
