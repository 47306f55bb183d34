"""The scheduler: starts and their limits, every ending in words, uploads, many threads at once."""

import sys
import threading
import time

import pytest

from rnncore.config import ClipConfig, ModelConfig, UploadData, UploadedFile
from rnncore.data.dataset import DataError
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.limits import LimitError
from rnncore.runs.store.store import ENDED
from tests.support.fake_worker import (
    ABORTS,
    BAD_ALLOC,
    DIES,
    DIES_SPEAKING,
    DIVERGES,
    MEMORY_IN_THREAD,
    NO_MEMORY,
    PRIMITIVE,
    RAISES,
    RUST_ABORTS,
    SEGFAULTS,
)
from tests.support.scheduling import config, slow


def test_twins_train_side_by_side_and_finish(server):
    server.wait_ready()
    group = server.submit(slow(50), slow(50, clip=ClipConfig(method="norm")))
    for run_id in group.runs:
        run = server.wait_status(run_id, "finished")
        assert (run.group, run.step, run.reason) == (group.id, 50, "All 50 steps are done.")
        assert run.info["parameter_count"] == 7
        assert len(server.records(run_id)) == 50
    first, second = (server.run(run_id) for run_id in group.runs)
    assert max(first.started_at, second.started_at) < min(first.ended_at, second.ended_at), "at the same time"
    assert len(set(group.runs)) == 2
    assert all(len(run_id) >= 22 for run_id in (*group.runs, group.id)), "128 bits and more"


def test_submit_does_not_wait_for_workers(serve):
    never_ready = [sys.executable, "-c", "import time; time.sleep(600)"]
    server = serve(make_backend=lambda settings: LocalBackend(settings, never_ready))
    group = server.submit(config())
    assert server.run(group.runs[0]).status == "queued"
    assert server.scheduler.overview().workers_ready == 0


NEEDS_MORE = (
    "Out of memory: this run needs more than the {limit} MB a run may use; a smaller model, batch or sequence length"
    " needs less."
)


@pytest.mark.parametrize(
    ("seed", "status", "reason"),
    [
        (DIVERGES, "diverged", "The loss became NaN at step 5."),
        (RAISES, "failed", "An unexpected error ended the run (RuntimeError); the server's log says more."),
        (NO_MEMORY, "killed", NEEDS_MORE), (PRIMITIVE, "killed", NEEDS_MORE), (BAD_ALLOC, "killed", NEEDS_MORE),
        (RUST_ABORTS, "killed", NEEDS_MORE), (MEMORY_IN_THREAD, "killed", NEEDS_MORE),
        (ABORTS, "interrupted", "The training process was killed by signal SIGABRT, after step 4 of 20; this run can be"
         " continued."),
        (DIES_SPEAKING, "interrupted", "The training process was killed by signal SIGKILL, after step 4 of 20; this run"
         " can be continued."),
        (DIES, "interrupted", "The training process was killed by signal SIGKILL, after step 4 of 20; this run can be"
         " continued."),
        (SEGFAULTS, "interrupted", "The training process was killed by signal SIGSEGV, after step 4 of 20; this run can"
         " be continued."),
    ],
)  # fmt: skip
def test_every_ending_is_told_and_the_queue_goes_on(server, seed, status, reason):
    bad = server.submit(config(20, seed=seed, milliseconds=20)).runs[0]
    server.wait_status(bad, *ENDED)
    server.wait_status(server.submit(config()).runs[0], "finished")
    reason = reason.replace("{limit}", f"{server.settings.worker_memory_mb:,}")
    assert (server.run(bad).status, server.run(bad).reason) == (status, reason)
    assert server.run(bad).step == 5 if seed == DIVERGES else 4
    assert server.run(bad).ended_at is not None


def test_the_log_has_the_traceback(server, caplog):
    server.wait_status(server.submit(config(seed=RAISES)).runs[0], "failed")
    assert 'RuntimeError("a bug")' in caplog.text or "RuntimeError: a bug" in caplog.text


def test_the_time_limit_stops_a_run(serve):
    server = serve(workers=1, max_run_seconds=0.3)
    run = server.wait_status(server.submit(slow()).runs[0], "stopped", seconds=3.0)
    assert "this server's limit of 0.3 seconds for a run was reached" in run.reason


def test_waiting_runs_of_a_workspace_that_has_gone_are_stopped(serve):
    server = serve(workers=1, gone_seconds=0.5)
    server.wait_ready()
    running, waiting = server.submit(slow(), slow(), workspace="gone").runs
    server.wait_status(running, "running")
    kept = server.submit(config(), workspace="api", keep_when_gone=True).runs[0]
    watched = server.submit(config(), workspace="here").runs[0]
    while server.run(waiting).status == "queued":
        server.scheduler.seen(watched)
        time.sleep(0.05)
    assert server.run(running).status == "running", "what trains is left to finish"
    assert server.run(waiting).status == "stopped"
    assert "nobody has looked at it for" in server.run(waiting).reason
    assert [server.run(run_id).status for run_id in (kept, watched)] == ["queued", "queued"]
    server.scheduler.stop(running)


def test_a_start_beyond_a_limit_is_refused_with_the_limits_name(serve):
    server = serve(workers=1, max_steps=1000, max_parameters=5000, max_active_per_workspace=3, max_queued=4)
    refused = {
        "max_steps": (config(1001),),
        "max_parameters": (config(model=ModelConfig(hidden_size=100)),),
        "max_active_per_workspace": (slow(1000),) * 19,
    }
    for limit, configs in refused.items():
        with pytest.raises(LimitError) as error:
            server.submit(*configs)
        assert "RNNLAB_" not in str(error.value), "a sentence of the page"
        assert error.value.for_scripts().endswith(f" (RNNLAB_{limit.upper()})")
        assert error.value.limit == limit
    assert server.store.runs_of("w") == [], "all or none"
    server.wait_step(server.submit(slow(1000), workspace="0").runs[0])
    for name in "1234":
        server.submit(slow(1000), workspace=name)
    with pytest.raises(LimitError, match="The queue is full") as error:
        server.submit(slow(1000))
    assert error.value.retry_after is not None
    for run in server.store.runs():
        server.scheduler.stop(run.id)


def upload(file):
    return UploadData(files=(UploadedFile(file=file, name="y.csv"),), targets=("y",))


def test_files_are_only_those_uploaded_in_the_workspace(serve, tmp_path):
    server = serve(workers=1, max_file_mb=1)
    secret = tmp_path / "secret.csv"
    secret.write_text("y\n1\n")
    for file in (str(secret), "sha256:unknown"):
        with pytest.raises(DataError, match="was not uploaded in this workspace"):
            server.submit(config(data=upload(file)))
    file_id = server.scheduler.add_file("w", b"y\n1\n")
    with pytest.raises(DataError, match="was not uploaded in this workspace"):
        server.submit(config(data=upload(file_id)), workspace="thief")
    run_id = server.submit(config(data=upload(file_id))).runs[0]
    server.wait_status(run_id, "finished")
    with pytest.raises(LimitError, match="above this server's limit of 1 MB") as refused:
        server.scheduler.add_file("w", b"x" * 2**21)
    assert "RNNLAB_MAX_FILE_MB" in refused.value.for_scripts()


def test_many_threads_may_ask_at_once(server):
    runs, problems = [], []

    def student(number):
        try:
            group = server.submit(config(200, seed=number), workspace=str(number))
            runs.append((number, group.runs[0]))
            while server.run(group.runs[0]).status != "finished":
                server.scheduler.status(group.runs[0])
                server.scheduler.seen(group.runs[0])
                time.sleep(0.01)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=student, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert problems == []
    assert len({run_id for _, run_id in runs}) == 20
    for number, run_id in runs:
        assert server.run(run_id).config["seed"] == number
        assert len(server.records(run_id)) == 200


def test_the_runs_of_a_comparison_are_one_start(serve):
    server = serve(workers=1, max_active_per_workspace=2)
    first = server.submit(*[slow(1000, seed=seed) for seed in range(5)])
    server.scheduler.submit("w", [slow(1000, seed=5)], ["beside"], joins=first.id)
    second = server.submit(*[slow(1000, seed=seed) for seed in range(6)])
    with pytest.raises(LimitError, match="2 unfinished starts"):
        server.submit(slow(1000))
    for group in (first, second):
        server.scheduler.stop(group.id)
