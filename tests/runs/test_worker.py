"""A worker process, spoken to over its pipes: it trains, obeys commands, and ends every run with a sentence."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnncore import TrainConfig
from rnncore.config import ClipConfig, ModelConfig, OptimizerConfig, TaskData, UploadData, UploadedFile
from rnncore.runs.backend.frames import read_frame, write_frame
from tests.support.fake_worker import BAD_DATA, DIVERGES, HANGS, NO_MEMORY, PRINTS, RAISES
from tests.support.wire import unpack

FAKE = [sys.executable, str(Path(__file__).parents[1] / "support" / "fake_worker.py")]


class Worker:
    """A worker process, spoken to directly."""

    def __init__(self, command=FAKE):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.read().type == "ready"

    def send(self, header, blob=b""):
        write_frame(self.process.stdin, header, blob)

    def job(self, config, run="r", blob=b"", **header):
        header = {"flush_ms": 20, "checkpoint_seconds": 60, "files": {}} | header
        self.send({"type": "job", "run": run, "config": config.model_dump(mode="json"), **header}, blob)

    def read(self):
        return read_frame(self.process.stdout)

    def until(self, kind):
        """Read frames up to the first of a kind; return all of them."""
        frames = []
        while not frames or frames[-1].type != kind:
            frame = self.read()
            assert frame is not None, "the worker has gone"
            frames.append(frame)
        return frames

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.close()


def records(frames):
    return [record for frame in frames if frame.type == "records" for record in unpack(frame.header, frame.blob)]


def numbers(frames):
    return [(r.step, r.train_loss, r.grad_norm, r.learning_rate, r.update_norm) for r in records(frames)]


def config(steps=20, seed=0, milliseconds=0, **fields):
    return TrainConfig(steps=steps, seed=seed, batch_size=milliseconds + 1, **fields)


def test_a_job_yields_its_info_its_records_and_its_end(worker):
    worker.job(config(steps=300))
    frames = worker.until("done")
    assert frames[0].type == "info"
    assert frames[0].header["info"]["parameter_count"] == 7
    assert [r.step for r in records(frames)] == list(range(1, 301))
    assert frames[1].header["count"] == 1, "the first record goes out at once"
    assert sum(frame.type == "records" for frame in frames) < 30, "the others in batches"
    done = frames[-1].header
    assert (done["status"], done["reason"], done["step"]) == ("finished", "All 300 steps are done.", 300)
    assert frames[-2].type == "checkpoint"


@pytest.mark.parametrize(
    ("seed", "status", "reason"),
    [
        (RAISES, "failed", "An unexpected error ended the run (RuntimeError); the server's log says more."),
        (BAD_DATA, "failed", "Row 3 is empty."),
        (NO_MEMORY, "killed", "Out of memory"),
        (DIVERGES, "diverged", "The loss became NaN at step 5."),
    ],
)
def test_every_ending_says_what_it_is_and_the_worker_goes_on(worker, seed, status, reason):
    worker.job(config(seed=seed))
    frames = worker.until("done")
    done = frames[-1].header
    assert done["status"] == status
    assert done["reason"].startswith(reason)
    assert ("a bug" in done["traceback"]) == (seed == RAISES)
    assert [r.step for r in records(frames)] == [1, 2, 3, 4] + [5] * (seed == DIVERGES)
    worker.job(config(steps=3), run="next")
    assert worker.until("done")[-1].header["status"] == "finished"


def test_a_bad_config_is_refused_in_one_sentence(worker):
    worker.send({"type": "job", "run": "r", "config": {"steps": 0}, "flush_ms": 20, "checkpoint_seconds": 60})
    done = worker.until("done")[-1].header
    assert (done["status"], done["reason"]) == ("failed", "Steps: 0 is not allowed; allowed: 1 to 1,000,000.")


def test_stray_output_cannot_corrupt_the_stream(worker):
    worker.job(config(seed=PRINTS))
    assert len(records(worker.until("done"))) == 20


def test_the_uploaded_file_travels_with_the_job_and_no_other_can_be_read(worker):
    data, stolen = (UploadData(files=(UploadedFile(file=file, name="y.csv"),)) for file in ("sha256:1", "/etc/passwd"))
    worker.job(config(steps=2, data=data), blob=b"y\n1\n", files={"sha256:1": 4})
    assert worker.until("done")[-1].header["status"] == "finished"
    worker.job(config(steps=2, data=stolen), files={"sha256:1": 0}, run="thief")
    done = worker.until("done")[-1].header
    assert (done["status"], done["reason"]) == (
        "failed",
        "The file '/etc/passwd' was not uploaded, or was deleted since.",
    )


def test_several_files_travel_with_the_job_each_under_its_id(worker):
    files = [{"file": f"sha256:{number}", "name": f"{number}.csv"} for number in (1, 2)]
    data = UploadData.model_validate({"files": files})
    sizes = {"sha256:1": 3, "sha256:2": 4}
    worker.job(config(steps=2, data=data), blob=b"onetwo!", files=sizes)
    frames = worker.until("done")
    assert frames[-1].header["status"] == "finished"
    assert next(frame for frame in frames if frame.type == "info").header["info"]["device_reason"] == "one|two!"


def test_stop_ends_at_a_checkpoint(worker):
    worker.job(config(steps=100_000, milliseconds=1))
    worker.until("records")
    worker.send({"type": "stop", "run": "somebody else's"})
    worker.send({"type": "stop", "run": "r"})
    frames = worker.until("done")
    assert frames[-1].header["status"] == "stopped"
    assert frames[-2].type == "checkpoint"
    assert frames[-2].header["step"] == frames[-1].header["step"] < 100_000


def test_pause_step_resume(worker):
    worker.job(config(steps=30, milliseconds=1))
    worker.send({"type": "pause", "run": "r", "at_step": 7})
    frames = worker.until("paused")
    assert frames[-1].header["step"] == records(frames)[-1].step >= 7
    at = frames[-1].header["step"]
    worker.send({"type": "step", "run": "r"})
    frames = worker.until("paused")
    assert [r.step for r in records(frames)] == [at + 1]
    worker.send({"type": "resume", "run": "r"})
    frames = worker.until("done")
    assert [r.step for r in records(frames)] == list(range(at + 2, 31))


def test_a_setting_is_in_force_from_its_step_on(worker):
    worker.job(config(steps=20), events=[(12, "clip_threshold", 3.0), (8, "learning_rate", 0.5)])
    frames = worker.until("done")
    assert [(e.header["step"], e.header["name"]) for e in frames if e.type == "event"] == [
        (8, "learning_rate"),
        (12, "clip_threshold"),
    ]
    got = records(frames)
    assert [r.learning_rate for r in got] == [0.005] * 7 + [0.5] * 13
    assert [r.update_norm for r in got] == [1.0] * 11 + [3.0] * 9


def test_a_slow_start_takes_its_time_changes_no_number_and_obeys_meanwhile(worker):
    worker.job(config(steps=60))
    usual = worker.until("done")
    began = time.monotonic()
    worker.job(config(steps=60), slow_start=True)
    first = worker.until("records")
    shown = time.monotonic() - began
    frames = first + worker.until("done")
    took = time.monotonic() - began
    assert took > 4, "a slow start"
    assert shown < took / 2, "of which the first step is shown at once"
    assert numbers(frames) == numbers(usual)
    early = [records([frame]) for frame in frames if frame.type == "records"][:19]
    assert [[record.step for record in each] for each in early] == [[step] for step in range(1, 20)]

    worker.job(config(steps=60), slow_start=True, run="stopped")
    worker.until("records")
    worker.send({"type": "pause", "run": "stopped"})
    worker.until("paused")
    worker.send({"type": "stop", "run": "stopped"})
    frames = worker.until("done")
    assert frames[-1].header["status"] == "stopped"
    assert sum(len(records([frame])) for frame in frames if frame.type == "records") < 19, (
        "long before the start is over"
    )


def test_a_continued_run_yields_what_an_uninterrupted_one_does(worker):
    whole = config(steps=40, milliseconds=1)
    events = [(10, "learning_rate", 0.5), (30, "learning_rate", 0.1)]
    worker.job(whole, events=events)
    expected = numbers(worker.until("done"))
    worker.job(whole, events=events, pause_at=20, run="first half")
    first = worker.until("paused")
    worker.send({"type": "park", "run": "first half"})
    first += worker.until("done")
    assert first[-1].header["status"] == "parked"
    saved = next(frame for frame in reversed(first) if frame.type == "checkpoint")
    worker.job(whole, events=events[1:], start_step=saved.header["step"], blob=saved.blob, run="second half")
    second = worker.until("done")
    assert numbers(first) + numbers(second) == expected


@pytest.mark.parametrize("seed", [0, HANGS])
def test_a_worker_whose_scheduler_has_gone_leaves_at_once(worker, seed):
    worker.job(config(steps=100_000, milliseconds=1, seed=seed))
    worker.until("records")
    if seed == HANGS:
        time.sleep(0.1)
    worker.process.stdin.close()
    worker.process.wait(timeout=1.0)


@pytest.fixture(scope="module")
def real_worker():
    worker = Worker([sys.executable, "-m", "rnncore.runs.worker", "--memory-mb", "200", "--nice", "1"])
    yield worker
    worker.close()


def test_the_real_engine_continues_bit_for_bit(real_worker):
    whole = TrainConfig(
        data=TaskData(seq_len=8),
        model=ModelConfig(cell="lstm", hidden_size=4, num_layers=2, dropout=0.3),
        optimizer=OptimizerConfig(learning_rate=0.05),
        clip=ClipConfig(method="autoclip"),
        steps=30,
        batch_size=3,
        eval_every=4,
    )
    real_worker.job(whole, run="whole")
    expected = numbers(real_worker.until("done"))
    real_worker.job(whole, run="half", pause_at=13)
    first = real_worker.until("paused")
    real_worker.send({"type": "stop", "run": "half"})
    first += real_worker.until("done")
    saved = next(frame for frame in reversed(first) if frame.type == "checkpoint")
    real_worker.job(whole, run="other half", start_step=13, blob=saved.blob)
    assert len(expected) == 30
    assert numbers(first) + numbers(real_worker.until("done")) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces the address-space limit")
def test_a_run_that_needs_too_much_memory_ends_and_the_worker_goes_on(real_worker):
    large = TrainConfig(data=TaskData(seq_len=5000), model=ModelConfig(hidden_size=2048), batch_size=4096, steps=1)
    real_worker.job(large)
    done = real_worker.until("done")[-1].header
    expected = "Out of memory: this run needs more than the 200 MB a run may use;"
    assert (done["status"], done["reason"][: len(expected)]) == ("killed", expected)
    real_worker.job(config(steps=3, data=TaskData(seq_len=5)), run="next")
    assert real_worker.until("done")[-1].header["status"] == "finished"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has priority classes instead")
def test_a_worker_steps_back_behind_the_page(real_worker):
    assert os.getpriority(os.PRIO_PROCESS, real_worker.process.pid) >= 1


LEAN = """
import sys
from rnncore.config import OptimizerConfig, TaskData, TrainConfig
from rnncore.engine.train import Trainer
from rnncore.runs.worker.main import TorchEngine

def losses(name):
    config = TrainConfig(data=TaskData(seq_len=5), optimizer=OptimizerConfig(name=name), steps=5, batch_size=2)
    return [record.train_loss for record in Trainer(config).records()]

names = ("sgd", "adam", "adamw", "rmsprop", "adagrad")
TorchEngine().warm_up()
lean = [losses(name) for name in names]
assert "torch._dynamo.eval_frame" not in sys.modules, "the compiler was loaded after all"
import torch._dynamo.config
assert torch._dynamo.is_compiling() is False, "who needs the real one gets it"
assert [losses(name) for name in names] == lean
"""


def test_the_compiler_stays_unloaded_and_makes_no_difference():
    subprocess.run([sys.executable, "-c", LEAN], check=True)
