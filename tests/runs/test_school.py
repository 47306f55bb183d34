"""The classes of a server: they survive a restart, and end by the time that servers work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rnncore.classes import school
from rnncore.classes.school import School, UnknownClass
from rnncore.classes.state import Handout, Poll, Shown
from rnncore.runs.lived import Lived
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import Store
from tests.support.clocks import DAY, MovedClock

TEACHER, ANN, BOB = "teacher-of-this-class-1", "ann-ann-ann-ann-ann-ann", "bob-bob-bob-bob-bob-bob"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs.sqlite")
    yield store
    store.close()


def test_all_of_a_class_survives_a_restart(store: Store) -> None:
    before = School(store, 30)
    room, new = before.open(TEACHER, names=True)
    assert new
    before.join(room.code, ANN, "Ann")
    before.join(room.code, BOB)
    before.show(room.code, TEACHER, Shown(runs="w" + "a" * 22, step=3))
    before.ask(room.code, TEACHER, Poll(question="Which?", choices=("a", "b"), right=1))
    before.answer(room.code, ANN, 1)
    before.hand_out(room.code, TEACHER, Handout(config={}, vary="clip.threshold"))
    after = School(store, 30).room(room.code)
    assert (after.teacher, after.state, after.members, after.answers) == (
        TEACHER, room.state, room.members, {ANN: 1},
    )  # fmt: skip
    assert after.label(ANN) == "Ann"


def test_a_class_closes_after_six_hours_in_which_a_server_worked(store: Store) -> None:
    classes = School(store, 30)
    room, _ = classes.open(TEACHER)
    store.note_life(school.OPEN_S - 1)
    classes.close_old()
    assert classes.room(room.code) is room
    store.note_life(school.OPEN_S)
    classes.close_old()
    with pytest.raises(UnknownClass):
        classes.room(room.code)
    assert store.classes() == []


def test_by_a_clock_that_is_moved_a_class_is_open_for_six_hours_over_a_restart_and_whatever_the_calendar_says(
    tmp_path: Path,
) -> None:
    clock, settings = MovedClock(), Settings(data_dir=tmp_path)

    def serve(minutes: int) -> bool:
        """Let a server work for so long, and end; tell whether it had the class to the last."""
        store = Store(tmp_path / "runs.sqlite", clock)
        lived, classes = Lived(store, settings), School(store, 30)
        if not minutes_served:
            classes.open(TEACHER)
        for _ in range(minutes):
            clock.both_by += 60.0
            lived.look()
        lived.note()
        classes.close_old()
        store.close()
        return classes.of_teacher(TEACHER) is not None

    minutes_served = 0
    assert serve(200)
    minutes_served = 200
    clock.wall_by -= 10 * DAY  # somebody sets the calendar
    assert serve(155)
    assert not serve(6)
    assert not serve(0)


def test_a_class_whose_time_is_over_is_not_opened_again_by_a_restart(store: Store) -> None:
    room, _ = School(store, 30).open(TEACHER)
    store.note_life(school.OPEN_S + 1)
    with pytest.raises(UnknownClass):
        School(store, 30).room(room.code)


def test_a_state_that_is_damaged_costs_the_class_no_more_than_what_it_showed(store: Store) -> None:
    room, _ = School(store, 30).open(TEACHER)
    store.set_class_state(room.key, {"shown": "nonsense"})
    assert School(store, 30).room(room.code).state.shown is None


def test_numbers_of_students_do_not_tell_who_came_first(store: Store) -> None:
    classes = School(store, 200)
    room, _ = classes.open(TEACHER)
    labels = [classes.join(room.code, f"student-{number:03}-of-two-hundred") for number in range(200)]
    assert len(set(labels)) == 200
    assert labels != sorted(labels, key=lambda label: int(label.removeprefix("Student ")))
