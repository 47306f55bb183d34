"""Steering runs: stop, pause, single steps, settings changed on the way; twins obey together."""

import pytest
from pydantic import ValidationError

from rnncore.config import ClipConfig
from rnncore.runs.scheduler import ControlError, UnknownRun
from tests.support.fake_worker import HANGS
from tests.support.scheduling import config, slow


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
    group = server.side_by_side(plain, clipped)
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
    server.wait(
        lambda: all(len(server.store.events(run_id)) == count for run_id, count in zip(group.runs, (1, 2), strict=True))
    )
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


def test_what_is_changed_while_nothing_trains_is_known_at_once_and_in_force_later(serve):
    server = serve(workers=1, pause_hold_seconds=0.0)
    paused = server.submit(slow(300)).runs[0]
    server.wait_step(paused, 5)
    server.scheduler.pause(paused)
    at = server.wait_status(paused, "paused").step
    server.scheduler.set_learning_rate(paused, 0.5)
    server.scheduler.set_learning_rate(paused, 0.25)
    server.wait(lambda: server.store.events(paused) == [(at + 1, "learning_rate", 0.25)])
    running, queued = server.submit(slow()).runs[0], server.submit(config(40)).runs[0]  # the paused one makes way
    server.wait_step(running)
    server.scheduler.set_learning_rate(paused, 0.125)
    server.scheduler.set_learning_rate(queued, 0.75)
    assert server.store.events(paused) == [(at + 1, "learning_rate", 0.125)]
    assert server.store.events(queued) == [(1, "learning_rate", 0.75)]
    server.scheduler.stop(running)
    server.wait_status(queued, "finished")
    server.scheduler.resume(paused)
    server.wait_status(paused, "finished")
    assert server.store.events(paused) == [(at + 1, "learning_rate", 0.125)]
    assert server.store.events(queued) == [(1, "learning_rate", 0.75)]
