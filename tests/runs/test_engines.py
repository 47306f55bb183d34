"""The scheduler over any execution engine, and how an engine is chosen."""

import subprocess
import sys

import pytest

from rnncore.runs import messages
from rnncore.runs.backend.backends import BACKENDS, BackendChoice, open_backend
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.settings import Settings, SettingsError
from tests.support.memory_backend import MemoryBackend
from tests.support.scheduling import LONG, Server, config, local, slow


@pytest.fixture(params=[local, MemoryBackend], ids=["local", "memory"])
def serve_any(request, tmp_path):
    servers = []

    def start(**settings):
        servers.append(Server(tmp_path, request.param, **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def kill(server, run_id):
    if isinstance(server.backend, LocalBackend):
        server.worker_of(run_id).kill()
    else:
        server.backend.kill(run_id)


def test_runs_finish_and_the_queue_goes_on(serve_any):
    server = serve_any()
    groups = [server.submit(slow(30), slow(30, seed=seed)) for seed in range(3)]
    for run_id in (run_id for group in groups for run_id in group.runs):
        assert server.wait_status(run_id, "finished").step == 30
        assert [row[0] for row in server.records(run_id)] == list(range(1, 31))
    overview = server.scheduler.overview()
    assert (overview.workers, overview.workers_busy, overview.running, overview.queued) == (2, 0, 0, 0)


def test_twins_pause_at_the_same_step_go_on_and_are_stopped(serve_any):
    server = serve_any()
    group = server.side_by_side(slow(), slow(seed=1))
    server.scheduler.pause(group.id)
    at = {server.wait_status(run_id, "paused").step for run_id in group.runs}
    assert len(at) == 1
    server.scheduler.step(group.id)
    server.wait(lambda: {server.run(run_id).step for run_id in group.runs} == {at.copy().pop() + 1})
    server.scheduler.resume(group.id)
    for run_id in group.runs:
        server.wait_step(run_id, at.copy().pop() + 2)
    server.scheduler.stop(group.id)
    for run_id in group.runs:
        assert server.wait_status(run_id, "stopped").checkpoint_step == server.run(run_id).step


def test_a_lost_run_can_be_continued_and_loses_nothing(serve_any):
    server = serve_any(workers=1, checkpoint_seconds=0.05)
    reference = server.submit(slow(150)).runs[0]
    server.wait_status(reference, "finished")
    run_id = server.submit(slow(150)).runs[0]
    server.wait(lambda: server.run(run_id).checkpoint_step > 0)
    kill(server, run_id)
    run = server.wait_status(run_id, "interrupted")
    assert run.reason.endswith(f", after step {run.step} of 150; this run can be continued.")
    assert server.scheduler.overview().workers_lost == 1
    server.scheduler.resume(run_id)
    server.wait_status(run_id, "finished")
    assert server.records(run_id) == server.records(reference)


def test_a_paused_run_gives_its_place_up_and_goes_on_elsewhere(serve_any):
    server = serve_any(workers=1, pause_hold_seconds=0.0)
    paused = server.submit(slow(200)).runs[0]
    server.wait_step(paused, 10)
    server.scheduler.pause(paused)
    server.wait_status(paused, "paused")
    server.wait_status(server.submit(config()).runs[0], "finished")
    assert server.run(paused).status == "paused"
    server.scheduler.resume(paused)
    server.wait_status(paused, "finished")
    assert [row[0] for row in server.records(paused)] == list(range(1, 201))


def test_a_run_that_does_not_stop_in_time_is_ended(serve_any):
    server = serve_any(workers=1, stop_grace_seconds=0.2)
    run_id = server.submit(config(LONG, milliseconds=4000)).runs[0]
    server.wait_status(run_id, "running")
    server.scheduler.stop(run_id)
    server.wait_status(run_id, "stopped", seconds=3.0)
    server.wait_status(server.submit(config()).runs[0], "finished")


def test_shutdown_interrupts_at_a_checkpoint(serve_any):
    server = serve_any(workers=1)
    running, queued = server.submit(slow(), slow()).runs
    server.wait_step(running, 10)
    server.scheduler.shutdown()
    for run_id in (running, queued):
        assert server.run(run_id).status == "interrupted"
    assert server.run(running).checkpoint_step == server.run(running).step >= 10


def test_the_queue_waits_while_an_engine_cannot_start_anything_and_says_why(tmp_path):
    server = Server(tmp_path, MemoryBackend)
    server.backend.problem = "waiting for the cluster"
    run_id = server.submit(config()).runs[0]
    server.wait(lambda: server.scheduler.status(run_id).notice == "waiting for the cluster")
    assert server.run(run_id).status == "queued"
    server.backend.problem = ""
    server.wait_status(run_id, "finished")
    assert server.scheduler.status(run_id).notice is None
    server.close()


# Choosing


def register(monkeypatch, **fields):
    monkeypatch.setattr(BACKENDS, "_entries", dict(BACKENDS.items()))
    BACKENDS.register(BackendChoice(key="other", title="Elsewhere", help="A test.", **fields))


def test_worker_processes_are_the_default(tmp_path):
    assert isinstance(open_backend(Settings(data_dir=tmp_path)), LocalBackend)


def test_another_engine_costs_one_entry_and_one_setting(monkeypatch, tmp_path):
    register(monkeypatch, implementation="tests.support.memory_backend:MemoryBackend")
    server = Server(tmp_path, open_backend, backend="other")
    assert isinstance(server.backend, MemoryBackend)
    server.wait_status(server.submit(config()).runs[0], "finished")
    server.close()


def test_an_unknown_engine_is_refused_in_one_sentence():
    with pytest.raises(SettingsError) as error:
        open_backend(Settings(backend="cloud"))
    assert str(error.value) == "RNNLAB_BACKEND: 'cloud' is not allowed; allowed: 'local', 'ray'"


def test_an_engine_whose_package_is_missing_says_what_to_install(monkeypatch):
    fields = {"implementation": "a_package_that_nobody_has.engine:Engine", "install": "`pip install it` installs it"}
    register(monkeypatch, **fields)
    with pytest.raises(SettingsError) as error:
        open_backend(Settings(backend="other"))
    assert str(error.value) == (
        "RNNLAB_BACKEND: 'other' needs the package 'a_package_that_nobody_has', which is not installed here;"
        " `pip install it` installs it"
    )


def test_the_scheduler_imports_no_engine_before_one_is_chosen():
    code = "import sys, rnncore.runs.scheduler; sys.exit('rnncore.runs.backend.local' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# A place that is gone with its node


class Nodes(MemoryBackend):
    """Places whose runs may go on elsewhere when they die."""

    again = True


def test_a_run_whose_node_has_died_goes_on_elsewhere_bit_for_bit(tmp_path):
    server = Server(tmp_path, Nodes, workers=2, checkpoint_seconds=0.02)
    reference = server.submit(slow(150)).runs[0]
    server.wait_status(reference, "finished")
    run_id = server.submit(slow(150)).runs[0]
    for _ in range(3):
        before = server.run(run_id).checkpoint_step
        server.wait(lambda before=before: server.run(run_id).checkpoint_step > before)
        server.backend.kill(run_id)
        server.wait(lambda: any(place.run == run_id for place in server.backend._places))
    assert server.wait_status(run_id, "finished").reason == server.run(reference).reason
    assert server.records(run_id) == server.records(reference)
    server.close()


def test_a_paused_run_whose_node_has_died_stays_paused_until_it_is_asked_to_go_on(tmp_path):
    server = Server(tmp_path, Nodes, workers=1)
    run_id = server.submit(slow(100)).runs[0]
    server.wait_step(run_id, 5)
    server.scheduler.pause(run_id)
    at = server.wait_status(run_id, "paused").step
    server.backend.kill(run_id)
    server.wait_status(server.submit(config()).runs[0], "finished")
    assert (server.run(run_id).status, server.run(run_id).step) == ("paused", at)
    server.scheduler.step(run_id)
    server.wait(lambda: (server.run(run_id).status, server.run(run_id).step) == ("paused", at + 1))
    server.scheduler.resume(run_id)
    server.wait_status(run_id, "finished")
    assert [row[0] for row in server.records(run_id)] == list(range(1, 101))
    server.close()


def test_a_run_that_was_asked_to_stop_does_not_go_on_elsewhere(tmp_path):
    server = Server(tmp_path, Nodes, workers=1, stop_grace_seconds=5.0)
    run_id = server.submit(config(LONG, milliseconds=1000)).runs[0]
    server.wait_status(run_id, "running")
    server.scheduler.stop(run_id)
    server.backend.kill(run_id)
    server.wait_status(run_id, "stopped")
    server.close()


def test_a_run_that_takes_every_node_with_it_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(messages, "MOST_MOVES", 2)
    server = Server(tmp_path, Nodes, workers=1)
    run_id = server.submit(config(LONG, milliseconds=1000)).runs[0]
    for _ in range(3):
        server.wait(lambda: any(place.run == run_id for place in server.backend._places))
        server.backend.kill(run_id)
    assert "this run can be continued" in server.wait_status(run_id, "interrupted").reason
    server.close()


def test_without_ray_the_setting_is_one_sentence_that_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "rnncore.runs.backend.ray", raising=False)
    with pytest.raises(SettingsError) as error:
        open_backend(Settings(data_dir=tmp_path, backend="ray"))
    assert str(error.value) == (
        "RNNLAB_BACKEND: 'ray' needs the package 'ray', which is not installed here; install it with `pip install -r "
        "requirements-ray.txt`"
    )
