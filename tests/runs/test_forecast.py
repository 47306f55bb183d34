"""When a queued run will start: its place, the usual speed, the seconds until it is its turn, to the second."""

import threading
from collections import deque
from types import SimpleNamespace

import pytest

from rnncore.runs.active import EARLY_STEPS, ActiveRun
from rnncore.runs.forecast import position, usual_rate, waiting_times
from rnncore.runs.queue import RunQueue
from rnncore.runs.worker.job import SLOW_STEPS


def run(run_id, steps=100, step=0, rate=None, executing=False):
    recorder = SimpleNamespace(steps_per_second=rate) if rate else None
    return ActiveRun(run_id, "w", "g", {}, steps, (), "o", executing=executing, recorder=recorder, step=step)


def lifecycle(*runs, rates=(), places=2):
    queue = RunQueue()
    for each in runs:
        if not each.executing:
            queue.add("o", [each.id])
    backend = SimpleNamespace(capacity=lambda: SimpleNamespace(size=places))
    known = {each.id: each for each in runs}
    return SimpleNamespace(lock=threading.RLock(), queue=queue, runs=known, rates=deque(rates), backend=backend)


def test_a_run_that_does_not_wait_has_no_place():
    assert position(lifecycle(run("a", executing=True)), "a") == (None, None)
    assert position(lifecycle(), "unknown") == (None, None)


def test_the_place_and_the_seconds_until_it_is_free():
    busy = [run("x", 100, 80, 2.0, executing=True), run("y", 100, 10, 3.0, executing=True)]  # 10 s and 30 s left
    waiting = [run("a", 45), run("b", 300), run("c", 3)]  # at the usual 3 steps per second: 15 s, 100 s, 1 s
    server = lifecycle(*busy, *waiting)
    assert [position(server, name) for name in "abc"] == [(1, 10.0), (2, 25.0), (3, 30.0)]
    assert position(lifecycle(*busy, *waiting, places=3), "b") == (2, 10.0)


def test_the_speed_of_runs_that_are_over_counts_where_nothing_runs():
    server = lifecycle(run("a", 40), run("b", 40), rates=[1.0, 4.0, 8.0], places=1)
    assert [position(server, name) for name in "ab"] == [(1, 0.0), (2, 10.0)]


def test_where_no_speed_is_known_only_the_place_is_told():
    assert position(lifecycle(run("x", executing=True), run("a"), places=1), "a") == (1, None)
    assert position(lifecycle(run("a"), run("b")), "b") == (2, None)


def test_a_run_that_has_just_begun_is_taken_to_be_as_fast_as_others():
    server = lifecycle(run("x", 100, 20, executing=True), run("a"), rates=[4.0], places=1)
    assert position(server, "a") == (1, 20.0)


def test_a_run_that_has_just_done_its_last_step_holds_no_place():
    done = run("x", 100, 100, 2.0, executing=True)
    assert position(lifecycle(done, run("a"), places=1), "a") == (1, 0.0)


def test_while_a_slow_start_holds_the_first_steps_their_pace_tells_nothing_of_the_others():
    slow = run("x", 90_020, 20, 4.0, executing=True)
    slow.slow_start = True
    assert position(lifecycle(slow, run("a"), places=1), "a") == (1, None)
    assert position(lifecycle(slow, run("a"), rates=[900.0], places=1), "a") == (1, 100.0)
    slow.step, slow.recorder.steps_per_second = 21, 1000.0
    assert position(lifecycle(slow, run("a"), places=1), "a") == (1, 89.999)


def test_a_slow_start_holds_as_many_steps_as_are_left_out_of_account():
    assert EARLY_STEPS == SLOW_STEPS


@pytest.mark.parametrize(
    ("ended", "active", "rate"),
    [([], [], None), ([], [None, None], None), ([5.0], [], 5.0), ([9.0, 1.0], [4.0], 4.0), ([9.0, 1.0], [None], 9.0),
     ([1.0, 2.0], [8.0, 6.0], 6.0)],
)  # fmt: skip
def test_the_usual_speed_is_the_median_of_what_is_known(ended, active, rate):
    assert usual_rate(ended, [run(str(speed), rate=speed) for speed in active]) == rate


def test_waiting_times_with_fewer_and_more_busy_places_than_workers():
    assert waiting_times([7.0], [5.0, 1.0, 2.0], workers=3) == [0.0, 0.0, 1.0]
    assert waiting_times([9.0, 3.0, 1.0], [5.0, 1.0], workers=2) == [3.0, 8.0]
    assert waiting_times([4.0], [], workers=1) == []
