"""The queue: who is next, at which place a run stands, how long it will wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.runs.forecast import waiting_times
from rnncore.runs.queue import RunQueue
from tests.support.scheduling import slow


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


def test_whoever_has_several_starts_waiting_alternates_with_the_others(serve):
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


def test_starts_of_one_owner_each_are_first_come_first_served():
    queue = RunQueue()
    for name in "cab":
        queue.add(name, [name])
    assert [queue.take() for _ in range(3)] == list("cab")
    with pytest.raises(IndexError):
        queue.take()


def test_an_owner_with_many_starts_alternates_with_a_newcomer_from_now_on():
    queue = RunQueue()
    for number in range(6):
        queue.add("many", [f"m{number}"])
    assert [queue.take(), queue.take()] == ["m0", "m1"]
    queue.add("new", ["n0", "n0 twin"])
    queue.add("new", ["n1"])
    assert list(queue) == ["m2", "n0", "n0 twin", "m3", "n1", "m4", "m5"]


def test_a_run_that_is_taken_out_leaves_the_others_in_their_order():
    queue = RunQueue()
    queue.add("a", ["a0", "a1"])
    queue.add("b", ["b0"])
    queue.remove("a0")
    queue.remove("never there")
    assert (list(queue), len(queue), "a0" in queue, "b0" in queue) == (["a1", "b0"], 2, False, True)


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_nobody_waits_for_more_than_one_start_of_anybody_else_before_their_own_first(owners):
    queue = RunQueue()
    for number, owner in enumerate(owners):
        queue.add(owner, [f"{owner}{number}"])
    order = [run[0] for run in queue]
    for owner in set(owners):
        ahead = order[: order.index(owner)]
        assert all(ahead.count(other) <= 1 for other in set(ahead))
    assert sorted(order) == sorted(owners)
