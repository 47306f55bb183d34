"""What survives: killed workers, killed and stopped servers, a store that cannot be written."""

import signal
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from rnncore.runs.scheduler import Scheduler
from rnncore.runs.store.lock import StoreError
from rnncore.runs.store.store import Store
from tests.support.fake_worker import HANGS
from tests.support.scheduling import Server, config, slow
from tests.support.waiting import wait


def test_a_killed_worker_is_replaced_and_its_run_can_be_continued(serve):
    server = serve(workers=1, checkpoint_seconds=0.05)
    reference = server.submit(slow(150)).runs[0]
    server.wait_status(reference, "finished")
    run_id = server.submit(slow(150)).runs[0]
    server.wait(lambda: server.run(run_id).checkpoint_step > 0)
    server.worker_of(run_id).kill()
    run = server.wait_status(run_id, "interrupted")
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
    first.close()
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
    from tests.support.scheduling import Server, slow
    server = Server(Path(sys.argv[1]), checkpoint_seconds=0.05)
    group = server.submit(slow(), slow(), slow())
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
    wait(lambda: not any(map(_runs, workers)), seconds=60)  # workers leave when their server has gone
    server = Server(tmp_path)
    try:
        for run_id, step in zip(runs, told, strict=True):
            run = server.run(run_id)
            assert run.status == "interrupted"
            assert run.step >= step
            assert [row[0] for row in server.records(run_id)] == list(range(1, run.step + 1))
        until = server.run(runs[0]).step + 50
        server.scheduler.resume(runs[0])
        fresh = server.submit(slow()).runs[0]
        for run_id in (runs[0], fresh):
            server.wait(lambda run_id=run_id: server.run(run_id).step >= until, seconds=60)
            server.scheduler.stop(run_id)
        assert server.records(runs[0])[:until] == server.records(fresh)[:until]
    finally:
        server.close()


def _runs(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False


def test_two_servers_cannot_share_a_folder(serve, tmp_path):
    server = serve()
    run_id = server.submit(slow()).runs[0]
    store = Store(tmp_path / "runs.sqlite")
    with pytest.raises(StoreError, match="Another server is using the folder"):
        Scheduler(store, server.settings, server.backend).start()
    store.close()
    assert server.run(run_id).status in ("queued", "running")


def test_a_spare_takes_over_when_a_worker_dies_and_never_trains_beside_it(serve):
    server = serve(workers=1, spare_workers=1)
    first, second = server.submit(slow(), slow()).runs
    server.wait_step(first)
    server.wait(lambda: [worker.ready for worker in server.workers()] == [True, True])
    time.sleep(0.3)
    assert server.run(second).status == "queued"
    spare = next(worker for worker in server.workers() if worker.run is None)
    server.worker_of(first).kill()
    server.wait_step(second)
    assert server.worker_of(second) is spare
    server.scheduler.stop(second)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are suspended by a signal")
@pytest.mark.parametrize("stuck", ["suspended", "hangs"])
def test_a_server_stops_in_time_though_a_run_does_not(tmp_path, stuck):
    server = Server(tmp_path, stop_grace_seconds=30.0)
    good = server.submit(slow()).runs[0]
    bad = server.submit(config(seed=HANGS) if stuck == "hangs" else slow(seed=1)).runs[0]
    server.wait_step(good)
    server.wait_step(bad)
    process = psutil.Process(server.worker_of(bad).pid)
    if stuck == "suspended":
        process.suspend()
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began < 15.0, "half of the grace, on the busiest machine"
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    with closing(Store(server.settings.store_path)) as store:
        assert [store.run(run).status for run in (good, bad)] == ["interrupted"] * 2
        assert store.run(good).checkpoint_step == store.run(good).step
