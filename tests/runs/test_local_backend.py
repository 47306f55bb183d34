"""What is special about worker processes: idle ones that die, signals, what they are started with."""

import json
import os
import subprocess
import sys
from queue import Queue

import pytest

from rnncore.runs.backend.frames import Frame
from rnncore.runs.backend.job_spec import JobSpec
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.backend.process import WORKER_COMMAND
from rnncore.runs.backend.protocol import Changed
from tests.support.fake_worker import COMMAND
from tests.support.scheduling import config, quick_settings
from tests.support.waiting import wait


@pytest.fixture
def opened(tmp_path):
    """A function that opens a backend and waits until it is warm, and the messages that it delivers."""
    messages, backends = Queue(), []

    def start(command=COMMAND, ready=1, **settings):
        backend = LocalBackend(quick_settings(tmp_path, workers=1, **settings), command)
        backends.append(backend)
        backend.open(messages.put)
        wait(lambda: backend.keep_up() or backend.capacity().ready == ready)
        return backend, messages

    yield start
    for backend in backends:
        backend.close(1.0)


def test_the_death_of_an_idle_worker_is_counted_told_and_mended(opened):
    backend, messages = opened()
    assert messages.get(timeout=5) == Changed()
    backend._pool.workers[0].kill()
    assert messages.get(timeout=5) == Changed()
    assert (backend.capacity().ready, backend.capacity().lost) == (0, 1)
    wait(lambda: backend.keep_up() or backend.capacity().free == 1)


def test_a_worker_that_got_a_signal_is_given_no_other_run(opened):
    backend, _ = opened()
    (worker,) = backend._pool.workers
    worker.aborted = True  # the signal is on its way, and the run comes to its end meanwhile
    worker.run = "r"
    backend._hear(worker, Frame({"type": "done", "run": "r", "status": "finished"}))
    assert backend.capacity().free == 0
    wait(lambda: backend.keep_up() or backend.capacity().free == 1)
    assert backend._pool.workers != [worker]


def test_starting_that_keeps_failing_is_a_problem_told_in_words(opened):
    backend, _ = opened([sys.executable, "-c", "raise SystemExit(3)"], ready=0)
    assert backend.capacity().problem == ""
    wait(lambda: backend.keep_up() or backend.capacity().problem)
    assert backend.capacity().problem == "waiting for a worker: the last three died while starting"


SAYS_ITS_ENVIRONMENT = """
import os, sys
from rnncore.runs.backend.frames import write_frame
write_frame(sys.stdout.buffer, {"type": "ready", "pid": 0})
sys.stdin.buffer.read(1)
write_frame(sys.stdout.buffer, {"type": "info", "run": "r", "info": {"threads": os.environ["OMP_NUM_THREADS"]}})
"""


def test_a_worker_uses_one_thread(opened):
    backend, messages = opened([sys.executable, "-c", SAYS_ITS_ENVIRONMENT])
    backend.start(JobSpec("r", config().model_dump(mode="json"), 10, 60.0))
    while not isinstance(message := messages.get(timeout=5), Frame):
        pass
    assert message.header["info"] == {"threads": "1"}


def test_workers_import_the_plugins_of_the_settings(opened, monkeypatch, tmp_path):
    (tmp_path / "plugin_of_this_test.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('imported').touch()\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    opened(plugins="plugin_of_this_test")
    assert (tmp_path / "imported").exists()


def test_a_job_comes_back_from_its_frame():
    job = JobSpec("r", {"steps": 3}, 10, 60.0, 7, [(9, "learning_rate", 0.5)], 8, {"a": b"1", "b": b""}, b"state")
    frame = job.to_frame()
    assert JobSpec.from_frame(Frame(json.loads(json.dumps(frame.header)), frame.blob)) == job


def test_the_real_worker_is_the_default_and_no_torch_is_loaded_here():
    code = "import sys; import rnncore.runs.scheduler, rnncore.runs.read.series, rnncore.runs.backend.local;"
    code += "sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0
    assert WORKER_COMMAND[1:] == ("-m", "rnncore.runs.worker")
