import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from pydantic import ValidationError

from rnncore import TrainConfig
from rnncore.config import ClipConfig, ModelConfig, UploadData, UploadedFile
from rnncore.data.dataset import DataError
from rnncore.records import SCALARS
from rnncore.runs.active import waiting_times
from rnncore.runs.backend.process import WORKER_COMMAND
from rnncore.runs.limits import LimitError
from rnncore.runs.scheduler import ControlError, Scheduler, UnknownRun
from rnncore.runs.settings import Settings
from rnncore.runs.store.lock import StoreError
from rnncore.runs.store.store import ENDED, Store
from tests.support.fake_worker import DIES, DIVERGES, HANGS, RAISES, SEGFAULTS

FAKE = [sys.executable, str(Path(__file__).parents[1] / "support" / "fake_worker.py")]
LONG = 100_000


class Server:
    """A store and its scheduler, as the app's process holds them."""

    def __init__(self, folder, command=FAKE, **settings):
        defaults = {"workers": 2, "stop_grace_seconds": 0.4, "worker_nice": 0, "flush_ms": 10, "commit_ms": 5}
        defaults["spare_workers"] = 0
        self.settings = Settings(data_dir=folder, **(defaults | settings))
        self.store = Store(self.settings.store_path)
        self.scheduler = Scheduler(self.store, self.settings, command)
        self.scheduler.start()

    def submit(self, *configs, workspace="w", **extra):
        return self.scheduler.submit(workspace, configs, [f"run {i}" for i, _ in enumerate(configs)], **extra)

    def run(self, run_id):
        return self.store.run(run_id)

    def wait(self, condition, seconds=10.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited for {seconds} s: {self.store.runs()}"
            time.sleep(0.01)

    def wait_status(self, run_id, *statuses, seconds=10.0):
        self.wait(lambda: self.run(run_id).status in statuses, seconds)
        return self.run(run_id)

    def wait_ready(self):
        self.wait(lambda: self.scheduler.overview().workers_ready == self.settings.workers)

    def wait_step(self, run_id, step=1):
        self.wait(lambda: self.run(run_id).step >= step)

    def records(self, run_id):
        """All stored values but the time, which is never the same."""
        with self.store.read() as db:
            rows = db.execute(
                "SELECT scalars FROM chunks c JOIN runs r ON c.run = r.key WHERE r.id = ? ORDER BY first_step",
                (run_id,),
            ).fetchall()
        values = np.frombuffer(b"".join(row[0] for row in rows), np.float64).reshape(-1, len(SCALARS))
        return np.nan_to_num(values[:, : SCALARS.index("elapsed_s")], nan=-1.0).tolist()

    def worker_of(self, run_id):
        return self.scheduler._active[run_id].worker

    def close(self):
        self.scheduler.shutdown()
        self.store.close()


@pytest.fixture
def serve(tmp_path):
    servers = []

    def start(**settings):
        servers.append(Server(tmp_path, **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with two workers that several tests share."""
    server = Server(tmp_path_factory.mktemp("shared"))
    server.wait_ready()
    yield server
    server.close()


def config(steps=20, seed=0, milliseconds=0, **fields):
    return TrainConfig(steps=steps, seed=seed, batch_size=milliseconds + 1, **fields)


def slow(steps=LONG, **fields):
    return config(steps, milliseconds=2, **fields)


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
    server = serve()
    began = time.monotonic()
    group = server.submit(config())
    assert time.monotonic() - began < 0.1
    assert server.run(group.runs[0]).status == "queued"
    server.wait_status(group.runs[0], "finished")


@pytest.mark.parametrize(
    ("seed", "status", "reason"),
    [
        (DIVERGES, "diverged", "The loss became NaN at step 5."),
        (RAISES, "failed", "An unexpected error ended the run (RuntimeError); the server's log says more."),
        (DIES, "killed", "The training process was killed by signal SIGKILL, after step 4 of 20."),
        (SEGFAULTS, "killed", "The training process was killed by signal SIGSEGV, after step 4 of 20."),
    ],
)
def test_every_ending_is_told_and_the_queue_goes_on(server, seed, status, reason):
    bad = server.submit(config(20, seed=seed, milliseconds=20)).runs[0]
    server.wait_status(bad, *ENDED)
    server.wait_status(server.submit(config()).runs[0], "finished")
    assert (server.run(bad).status, server.run(bad).reason) == (status, reason)
    assert server.run(bad).step == 5 if seed == DIVERGES else 4
    assert server.run(bad).ended_at is not None


def test_the_log_has_the_traceback(server, caplog):
    server.wait_status(server.submit(config(seed=RAISES)).runs[0], "failed")
    assert 'RuntimeError("a bug")' in caplog.text or "RuntimeError: a bug" in caplog.text


def test_the_queue_is_first_come_first_served_and_tells_positions(serve):
    server = serve(workers=1)
    first = server.submit(slow(3000)).runs[0]
    server.wait_step(first)
    waiting = [server.submit(slow(3), workspace=name).runs[0] for name in "abc"]
    assert [server.scheduler.status(run_id).position for run_id in [first, *waiting]] == [None, 1, 2, 3]
    server.wait(lambda: server.scheduler.status(waiting[2]).wait_seconds is not None)
    waits = [server.scheduler.status(run_id).wait_seconds for run_id in waiting]
    assert 0 < waits[0] <= waits[1] <= waits[2] < 100
    server.scheduler.stop(first)
    for run_id in waiting:
        server.wait_status(run_id, "finished")
    started = [server.run(run_id).started_at for run_id in waiting]
    assert started == sorted(started)


def test_whoever_has_several_starts_waiting_takes_turns_with_the_others(serve):
    server = serve(workers=1)
    running = server.submit(slow()).runs[0]
    server.wait_status(running, "running")
    many = [server.submit(slow()).runs[0] for _ in range(3)]
    twins = server.scheduler.submit("somebody else", [slow(), slow()], ["a", "b"]).runs
    late = server.scheduler.submit("a third", [slow()], ["c"]).runs[0]
    order = [many[0], *twins, late, *many[1:]]
    assert [server.scheduler.status(run_id).position for run_id in order] == [1, 2, 3, 4, 5, 6]


def test_waiting_times_follow_the_order_of_the_queue():
    assert waiting_times([10.0, 4.0], [5.0, 1.0, 7.0], workers=2) == [4.0, 9.0, 10.0]
    assert waiting_times([], [5.0, 1.0, 7.0], workers=2) == [0.0, 0.0, 1.0]


def test_stop_ends_running_and_queued_runs(serve):
    server = serve(workers=1)
    running, queued = server.submit(slow()).runs[0], server.submit(slow()).runs[0]
    server.wait_step(running, 3)
    server.scheduler.stop(queued)
    assert (server.run(queued).status, server.run(queued).reason) == ("stopped", "Stopped at step 0 of 100,000.")
    server.scheduler.stop(running)
    run = server.wait_status(running, "stopped", seconds=1.0)
    assert run.reason == f"Stopped at step {run.step:,} of 100,000."
    assert len(server.records(running)) == run.step == run.checkpoint_step
    server.scheduler.stop(running)
    with pytest.raises(UnknownRun):
        server.scheduler.stop("somebody else's run")


def test_a_worker_that_does_not_stop_is_killed(server):
    hanging = server.submit(config(20, seed=HANGS, milliseconds=20)).runs[0]
    server.wait_step(hanging, 4)
    server.scheduler.stop(hanging)
    run = server.wait_status(hanging, "stopped", seconds=3.0)
    assert run.step == 4
    server.wait_status(server.submit(config()).runs[0], "finished")


def test_one_control_drives_both_twins(server):
    server.wait_ready()
    plain, clipped = slow(2000), slow(2000, clip=ClipConfig(method="norm"))
    group = server.submit(plain, clipped)
    for run_id in group.runs:
        server.wait_step(run_id, 5)
    scheduler = server.scheduler
    scheduler.set_learning_rate(group.id, 0.5)
    scheduler.set_clip_threshold(group.id, 3.0)
    scheduler.pause(group.id)
    at = [server.wait_status(run_id, "paused").step for run_id in group.runs]
    assert at[0] == at[1], "twins pause at the same step"
    scheduler.step(group.id)
    server.wait(lambda: [server.run(run_id).step for run_id in group.runs] == [at[0] + 1] * 2)
    scheduler.resume(group.id)
    for run_id in group.runs:
        server.wait_status(run_id, "running", "finished")
    events = [server.store.events(run_id) for run_id in group.runs]
    rates = [[event for event in run if event[1] == "learning_rate"] for run in events]
    assert rates[0] == rates[1], "at the same step in both"
    assert [event[2] for event in rates[0]] == [0.5]
    assert [event[1:] for event in events[1] if event[1] == "clip_threshold"] == [("clip_threshold", 3.0)]
    assert len(events[0]) == 1, "the twin without clipping has no threshold to change"
    scheduler.stop(group.id)


def test_controls_out_of_range_are_refused(server):
    run_id = server.submit(slow()).runs[0]
    for call in (
        lambda: server.scheduler.set_learning_rate(run_id, -1.0),
        lambda: server.scheduler.set_clip_threshold(run_id, float("nan")),
    ):
        with pytest.raises(ValidationError):
            call()
    with pytest.raises(ControlError, match="none of these runs clips"):
        server.scheduler.set_clip_threshold(run_id, 1.0)
    with pytest.raises(ControlError, match="Only a paused run"):
        server.scheduler.step(run_id)
    server.scheduler.stop(run_id)


def test_a_paused_run_gives_its_worker_to_those_who_wait(serve):
    server = serve(workers=1, pause_hold_seconds=0.0)
    steered = slow(150)
    reference = server.submit(steered).runs[0]
    server.wait_status(reference, "finished")
    paused = server.submit(steered).runs[0]
    server.wait_step(paused, 10)
    server.scheduler.pause(paused)
    at = server.wait_status(paused, "paused").step
    other = server.submit(config()).runs[0]
    server.wait_status(other, "finished")
    assert server.run(paused).status == "paused"
    server.scheduler.step(paused)
    server.wait(lambda: server.run(paused).step == at + 1 and server.run(paused).status == "paused")
    server.scheduler.resume(paused)
    server.wait_status(paused, "finished")
    assert server.records(paused) == server.records(reference)


def test_a_queued_run_can_be_paused(serve):
    server = serve(workers=1)
    running, queued = server.submit(slow()).runs[0], server.submit(config()).runs[0]
    server.wait_step(running)
    server.scheduler.pause(queued)
    server.scheduler.stop(running)
    server.wait_status(running, "stopped")
    assert server.run(queued).status == "paused"
    server.scheduler.resume(queued)
    server.wait_status(queued, "finished")


def test_the_time_limit_stops_a_run(serve):
    server = serve(workers=1, max_run_seconds=0.3)
    run = server.wait_status(server.submit(slow()).runs[0], "stopped", seconds=3.0)
    assert "the limit of 0.3 seconds (RNNLAB_MAX_RUN_SECONDS) was reached" in run.reason


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
        "max_active_per_workspace": (slow(1000),) * 4,
    }
    for limit, configs in refused.items():
        with pytest.raises(LimitError, match=f"RNNLAB_{limit.upper()}") as error:
            server.submit(*configs)
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
    with pytest.raises(LimitError, match="RNNLAB_MAX_FILE_MB"):
        server.scheduler.add_file("w", b"x" * 2**21)


def test_a_killed_worker_is_replaced_and_its_run_can_be_continued(serve):
    server = serve(workers=1, checkpoint_seconds=0.05)
    reference = server.submit(slow(150)).runs[0]
    server.wait_status(reference, "finished")
    run_id = server.submit(slow(150)).runs[0]
    server.wait(lambda: server.run(run_id).checkpoint_step > 0)
    server.worker_of(run_id).kill()
    run = server.wait_status(run_id, "killed")
    assert 0 < run.step < 150
    assert server.records(run_id) == server.records(reference)[: run.step], "no record lost, none invented"
    assert server.scheduler.status(run_id).resumable
    server.scheduler.resume(run_id)
    server.wait_status(run_id, "finished")
    assert server.records(run_id) == server.records(reference)


def test_a_run_that_was_killed_after_its_last_step_can_be_brought_to_its_end(serve):
    server = serve(workers=1)
    run_id = server.submit(config()).runs[0]
    server.wait_status(run_id, "finished")
    before = server.records(run_id)
    server.store.update_run(run_id, status="killed", reason="The worker died before it could say that it was done.")
    server.scheduler.resume(run_id)
    server.wait_status(run_id, "finished")
    assert server.records(run_id) == before


def test_a_server_that_is_stopped_interrupts_its_runs_and_the_next_one_continues_them(tmp_path):
    first = Server(tmp_path, workers=1)
    running, queued = first.submit(slow(150), slow(150)).runs
    first.wait_step(running, 50)
    first.scheduler.set_learning_rate(running, 0.3)
    first.wait(lambda: first.store.events(running))
    began = time.monotonic()
    first.close()
    assert time.monotonic() - began < 2.0
    second = Server(tmp_path)
    try:
        for run_id in (running, queued):
            assert second.run(run_id).status == "interrupted"
            assert "The server was stopped" in second.run(run_id).reason
        at = second.run(running).step
        assert second.run(running).checkpoint_step == at >= 50
        second.scheduler.resume(second.run(running).group)
        for run_id in (running, queued):
            second.wait_status(run_id, "finished")
        (change,) = second.store.events(running)
        fresh = second.submit(slow(150), slow(150)).runs
        assert second.records(queued)[:10] == second.records(running)[:10]
        second.wait_status(fresh[0], "finished")
        expected = second.records(fresh[0])
        assert second.records(queued) == expected
        assert second.records(running)[: change[0] - 1] == expected[: change[0] - 1]
        assert second.records(running)[change[0] - 1][:4] != expected[change[0] - 1][:4]
    finally:
        second.close()


SERVER = """
    import sys, time
    from pathlib import Path
    from tests.runs.test_scheduler import Server, slow
    server = Server(Path(sys.argv[1]), checkpoint_seconds=0.05)
    group = server.submit(slow(500), slow(500), slow(500))
    sys.stdout.write(" ".join(group.runs) + "\\n")
    while True:
        steps = [server.run(run_id).step for run_id in group.runs]
        sys.stdout.write(" ".join(map(str, steps)) + "\\n")
        sys.stdout.flush()
        time.sleep(0.01)
"""


def test_a_server_killed_by_kill_9_loses_nothing_that_it_has_told(tmp_path):
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SERVER), str(tmp_path)], stdout=subprocess.PIPE, cwd=root, text=True
    )
    runs = process.stdout.readline().split()
    told = [0]
    while min(told[:2], default=0) < 100:
        told = [int(step) for step in process.stdout.readline().split()]
    workers = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGKILL)
    for line in process.stdout.read().splitlines():
        told = [int(step) for step in line.split()] if line.count(" ") == 2 else told
    process.stdout.close()
    process.wait()
    assert len(workers) == 2
    deadline = time.monotonic() + 1.0
    while any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers):
        assert time.monotonic() < deadline, "workers leave when their server has gone"
        time.sleep(0.01)
    server = Server(tmp_path)
    try:
        for run_id, step in zip(runs, told, strict=True):
            run = server.run(run_id)
            assert run.status == "interrupted"
            assert run.step >= step
            assert [row[0] for row in server.records(run_id)] == list(range(1, run.step + 1))
        server.scheduler.resume(runs[0])
        server.wait_status(runs[0], "finished", seconds=20)
        fresh = server.submit(slow(500)).runs[0]
        server.wait_status(fresh, "finished", seconds=20)
        assert server.records(runs[0]) == server.records(fresh)
    finally:
        server.close()


def test_two_servers_cannot_share_a_folder(serve, tmp_path):
    server = serve()
    run_id = server.submit(slow()).runs[0]
    store = Store(tmp_path / "runs.sqlite")
    with pytest.raises(StoreError, match="Another server is using the folder"):
        Scheduler(store, server.settings, FAKE).start()
    store.close()
    assert server.run(run_id).status in ("queued", "running")


def test_workers_that_cannot_start_fail_the_queue_in_words(serve):
    server = serve(command=[sys.executable, "-c", "raise SystemExit(3)"])
    run = server.wait_status(server.submit(config()).runs[0], "failed")
    assert run.reason == "The training processes cannot be started; the server's log says why."


def test_a_store_that_cannot_be_written_fails_the_run_and_nothing_else(serve, caplog):
    server = serve(workers=1)
    server.store._connection.execute("PRAGMA max_page_count = 60")
    run_id = server.submit(config(LONG)).runs[0]
    server.wait(lambda: "database or disk is full" in caplog.text)
    server.store._connection.execute("PRAGMA max_page_count = 100000000")
    run = server.wait_status(run_id, "failed")
    assert run.reason == "The run store could not be written (database or disk is full)."
    assert [row[0] for row in server.records(run_id)] == list(range(1, run.step + 1))
    server.wait_status(server.submit(config()).runs[0], "finished")


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


def test_the_real_worker_is_the_default_and_no_torch_is_loaded_here():
    code = "import sys; import rnncore.runs.scheduler, rnncore.runs.read.series; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0
    assert WORKER_COMMAND[1:] == ("-m", "rnncore.runs.worker")


def test_pausing_a_group_does_not_move_a_twin_that_is_paused_already(server):
    group = server.submit(slow(2000), slow(2000))
    for run_id in group.runs:
        server.wait_step(run_id, 5)
    server.scheduler.pause(group.runs[0])
    at = server.wait_status(group.runs[0], "paused").step
    server.wait_step(group.runs[1], at + 20)
    server.scheduler.pause(group.id)
    server.wait_status(group.runs[1], "paused")
    assert server.run(group.runs[0]).step == at
    server.scheduler.stop(group.id)


def test_a_flood_of_changes_is_refused(server):
    run_id = server.submit(slow()).runs[0]
    server.wait_step(run_id)
    for _ in range(1000):
        server.scheduler.set_learning_rate(run_id, 0.1)
    with pytest.raises(ControlError, match="changed 1,000 times"):
        server.scheduler.set_learning_rate(run_id, 0.1)
    server.scheduler.stop(run_id)
    server.wait_status(run_id, "stopped")
    assert len(server.store.events(run_id)) <= 1000


def test_a_twin_far_behind_pauses_where_it_is(serve):
    server = serve(workers=1)
    server.wait_ready()
    ahead, behind = server.submit(slow(), slow()).runs
    server.wait_step(ahead, 50)
    server.scheduler.pause(server.run(ahead).group)
    assert server.run(behind).status == "paused"
    server.wait_status(ahead, "paused")
    assert server.run(ahead).step >= 50
    server.scheduler.stop(server.run(ahead).group)


def test_a_spare_takes_over_when_a_worker_dies_and_never_trains_beside_it(serve):
    server = serve(workers=1, spare_workers=1)
    first, second = server.submit(slow(), slow()).runs
    server.wait_step(first)
    server.wait(lambda: [worker.ready for worker in server.scheduler._pool.workers] == [True, True])
    time.sleep(0.3)
    assert server.run(second).status == "queued"
    spare = next(worker for worker in server.scheduler._pool.workers if worker.run is None)
    server.worker_of(first).kill()
    server.wait_step(second)
    assert server.worker_of(second) is spare
    server.scheduler.stop(second)
