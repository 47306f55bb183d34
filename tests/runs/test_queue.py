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
    order = [*twins, late, *many]
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


def test_a_teachers_start_goes_before_the_students_and_before_nobody_else():
    queue = RunQueue()
    for name in ("other", "ann", "bob", "ann"):
        queue.add(name, [f"{name} {len(queue)}"])
    for number in (1, 2):
        queue.add("teacher", [f"teacher {number}"], before={"ann 1", "bob 2", "ann 3"})
    queue.add("last", ["last"])
    assert list(queue) == ["other 0", "teacher 1", "teacher 2", "ann 1", "bob 2", "last", "ann 3"]


def test_an_owner_with_many_starts_alternates_with_a_newcomer_from_the_first():
    queue = RunQueue()
    for number in range(6):
        queue.add("many", [f"m{number}"])
    assert [queue.take(), queue.take()] == ["m0", "m1"]
    queue.add("new", ["n0", "n0 twin"])
    queue.add("new", ["n1"])
    assert list(queue) == ["n0", "n0 twin", "m2", "n1", "m3", "m4", "m5"]


def test_a_start_that_executes_counts_until_it_is_over():
    queue = RunQueue()
    queue.add("a", ["a0"])
    queue.take()
    queue.add("a", ["a1"])
    queue.add("b", ["b0"])
    assert list(queue) == ["b0", "a1"]
    over = RunQueue()
    over.add("a", ["a0"])
    over.take()
    over.remove("a0")
    over.add("a", ["a1"])
    over.add("b", ["b0"])
    assert list(over) == ["a1", "b0"]


def test_a_run_that_cannot_begin_waits_where_it_was():
    queue = RunQueue()
    queue.add("a", ["a0", "a0 twin"])
    queue.add("b", ["b0"])
    queue.add("a", ["a1"])
    assert queue.take() == "a0"
    assert queue.take("b0") == "b0"
    queue.put_back("b0")
    queue.put_back("a0")
    assert sorted(list(queue)[:3]) == ["a0", "a0 twin", "b0"]
    assert list(queue)[3] == "a1"


def test_a_queue_goes_back_to_how_it_stood():
    queue = RunQueue()
    queue.add("a", ["a0"])
    queue.add("b", ["b0"])
    queue.take()
    state = queue.state()
    queue.add("c", ["c0"])
    queue.take()
    queue.remove("a0")
    queue.go_back(state)
    queue.add("a", ["a1"])
    assert list(queue) == ["b0", "a1"]


def test_a_run_that_is_taken_out_leaves_the_others_in_their_order():
    queue = RunQueue()
    queue.add("a", ["a0", "a1"])
    queue.add("b", ["b0"])
    queue.remove("a0")
    queue.remove("never there")
    assert (list(queue), len(queue), "a0" in queue, "b0" in queue) == (["a1", "b0"], 2, False, True)


def test_what_executes_counts_and_who_comes_back_is_in_turn():
    queue = RunQueue()
    for number in range(3):
        queue.add("many", [f"m{number}"])
    queue.add("new", ["n0"])
    assert [queue.take() for _ in range(3)] == ["m0", "n0", "m1"]
    queue.add("new", ["n1"])
    queue.add("third", ["t0"])
    queue.add("new", ["n2"])
    assert list(queue) == ["n1", "t0", "m2", "n2"], "it is the second turn; m2 and n2 are third starts"
    queue.remove("m2")
    queue.add("many", ["m3"])
    assert list(queue) == ["n1", "t0", "n2", "m3"]
    for over in ("m0", "m1", "m3"):
        queue.remove(over)
    queue.add("many", ["m4"])
    assert list(queue) == ["n1", "t0", "m4", "n2"], "nothing of theirs is left to count"


def test_a_run_taken_out_of_turn_does_not_turn_the_clock_back():
    queue = RunQueue()
    for number in range(3):
        queue.add("a", [f"a{number}"])
    assert queue.take("a2") == "a2"
    queue.add("b", ["b0"])
    assert (list(queue), queue.take()) == (["a0", "a1", "b0"], "a0")
    queue.add("c", ["c0"])
    assert list(queue) == ["a1", "b0", "c0"], "the third turn has come and stays"
    with pytest.raises(ValueError, match="not there"):
        queue.take("not there")


def test_what_cannot_be_executed_now_waits_where_it_was_before_its_equals():
    queue = RunQueue()
    queue.add("a", ["a0"])
    queue.add("b", ["b0"])
    queue.add("a", ["a1"])
    assert (queue.take(), "a0" in queue) == ("a0", False)
    queue.put_back("a0")
    assert list(queue) == ["a0", "b0", "a1"]
    queue.take("a1")
    queue.put_back("a1")
    assert list(queue) == ["a0", "b0", "a1"]
    with pytest.raises(KeyError):
        queue.put_back("b0")


def test_a_queue_goes_back_to_an_earlier_moment_whatever_has_happened_since():
    queue = RunQueue()
    for owner, run in (("a", "a0"), ("a", "a1"), ("b", "b0")):
        queue.add(owner, [run])
    queue.take()
    state = queue.state()
    queue.take()
    queue.take()
    queue.add("c", ["c0"])
    queue.remove("a0")
    for _ in range(2):
        queue.go_back(state)
        assert list(queue) == ["b0", "a1"]
        queue.add("c", ["c0"])
        queue.add("a", ["a2"])
        assert list(queue) == ["b0", "c0", "a1", "a2"], "the turn and what executes are those of then"
        queue.put_back("a0")
        assert next(iter(queue)) == "a0"


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


EVENTS = st.lists(st.sampled_from(["a arrives", "b arrives", "c arrives", "taken", "over"]), max_size=60)


@given(EVENTS)
def test_the_order_is_that_of_a_plain_account_of_turns(events):
    queue, turn, count = RunQueue(), 0, 0
    waiting, executing = [], []  # (turn, arrival, owner, run)
    for event in events:
        if event.endswith("arrives"):
            owner, count = event[0], count + 1
            own = [start[0] for start in waiting + executing if start[2] == owner]
            waiting.append((max([turn, *(number + 1 for number in own)]), count, owner, f"{owner}{count}"))
            queue.add(owner, [f"{owner}{count}"])
        elif event == "taken" and waiting:
            start = min(waiting)
            waiting.remove(start)
            executing.append(start)
            turn = start[0]
            assert queue.take() == start[3]
        elif event == "over" and executing:
            queue.remove(executing.pop(0)[3])
        assert list(queue) == [start[3] for start in sorted(waiting)]


@given(st.integers(1, 8), st.integers(0, 3))
def test_eight_starts_and_a_newcomers_alternate_whatever_executes_already(newcomers, taken):
    queue = RunQueue()
    for number in range(8):
        queue.add("many", [f"m{number}"])
    for _ in range(taken):
        queue.take()
    for number in range(newcomers):
        queue.add("new", [f"n{number}"])
    owners = "".join(run[0] for run in queue)
    alternating = ("nm" if taken else "mn") * min(newcomers, 8 - taken)
    assert owners.startswith(alternating)
