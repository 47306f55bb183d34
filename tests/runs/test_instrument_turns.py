"""Questions to the instruments: askers take turns, nobody holds two places, and nobody waits for a server that ends."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from rnncore.data import DataError
from rnncore.reading import Reading
from rnncore.runs.inspector import turns
from rnncore.runs.inspector.turns import BUSY, FAILED, Question, Task, Turns
from tests.support.waiting import wait


class Kitchen:
    """Places that work out nothing before they are told to."""

    def __init__(self, places: int = 2) -> None:
        self.began: list[str] = []  # "asker: step" in the order in which they began
        self.seats: list[str] = []
        self.closed: list[str] = []
        self.go = {step: threading.Event() for step in range(1, 100)}
        self.turns = Turns(self._seat, places)

    def ask(self, asker: str, step: int, newest: bool = False) -> Task:
        return self.turns.task(question(step), asker, newest)

    def _seat(self) -> "Seat":
        return Seat(self, f"seat {len(self.seats)}")


class Seat:
    """One place of a kitchen."""

    def __init__(self, kitchen: Kitchen, name: str) -> None:
        self.kitchen, self.name = kitchen, name
        kitchen.seats.append(name)

    def read(self, task: Task) -> Reading:
        step = task.question.step
        self.kitchen.began.append(f"{task.asker}: {step} at {self.name}")
        assert self.kitchen.go[step].wait(60)
        if step == 98:
            raise DataError("There is no such run (any more).")
        if step == 99:
            raise RuntimeError("a fault of the product")
        return Reading(instrument="flow", step=step)

    def close(self) -> None:
        self.kitchen.closed.append(self.name)
        for each in self.kitchen.go.values():
            each.set()


def test_whoever_asks_for_the_newest_step_joins_what_is_there_of_an_earlier_one(
    kitchen: Callable[..., Kitchen],
) -> None:
    """Else the newest step of a run that trains would be another question at each look, and none would be answered."""
    made = kitchen()
    first = made.ask("a", 3, newest=True)
    later = replace(question(7), changes=2)
    assert made.turns.underway(later) == first.question
    assert made.turns.underway(replace(later, instrument="adam")) is None
    assert made.turns.underway(replace(later, chosen=(("unit", 3),))) is None
    assert made.turns.underway(replace(later, course=True)) is None
    made.go[3].set()
    assert first.done.wait(60)
    assert made.turns.underway(later) == first.question, "it is to be fetched"
    made.turns.answered(first)
    assert made.turns.underway(later) is None


def test_a_step_that_somebody_has_pinned_is_nobodys_newest_one(kitchen: Callable[..., Kitchen]) -> None:
    """Nor is one that was read long since, and that its asker has from where it is kept."""
    made = kitchen()
    pinned = made.ask("a", 3)
    assert made.turns.underway(question(7)) is None
    newest = made.ask("b", 4, newest=True)
    made.turns.found(newest.question)
    assert made.turns.underway(question(7)) == newest.question, "it is not read yet"
    for task in (pinned, newest):
        made.go[task.question.step].set()
        assert task.done.wait(60)
        made.turns.found(task.question)
    assert made.turns.underway(question(7)) is None


@pytest.fixture
def kitchen() -> Iterator[Callable[..., Kitchen]]:
    made: list[Kitchen] = []

    def make(places: int = 2) -> Kitchen:
        made.append(Kitchen(places))
        return made[-1]

    yield make
    for each in made:
        each.turns.close()


def question(step: int) -> Question:
    return Question("run", "flow", step, False, 0)


def test_a_long_question_of_one_asker_does_not_keep_others_waiting(kitchen: Callable[..., Kitchen]) -> None:
    cook = kitchen()
    slow, next_one = cook.ask("greedy", 1), cook.ask("greedy", 2)
    wait(lambda: cook.began == ["greedy: 1 at seat 0"])
    quick = cook.ask("other", 3)
    wait(lambda: cook.began[1:] == ["other: 3 at seat 1"])
    cook.go[3].set()
    assert quick.done.wait(60)
    assert quick.found == Reading(instrument="flow", step=3)
    assert not slow.done.is_set()
    assert not next_one.taken  # a place is free, and not for who has one
    cook.go[1].set()
    wait(lambda: cook.began[2:] == ["greedy: 2 at seat 0"])


def test_askers_alternate(kitchen: Callable[..., Kitchen]) -> None:
    cook = kitchen(places=1)
    for step in range(1, 5):
        cook.ask("greedy", step)
    wait(lambda: len(cook.began) == 1)
    cook.ask("other", 5), cook.ask("other", 6), cook.ask("third", 7)
    for event in cook.go.values():
        event.set()
    wait(lambda: len(cook.began) == 7)
    assert [each.split(":")[0] for each in cook.began] == [
        "greedy", "other", "third", "greedy", "other", "greedy", "greedy"
    ]  # fmt: skip


def test_the_same_question_of_two_askers_is_worked_out_once(kitchen: Callable[..., Kitchen]) -> None:
    cook = kitchen()
    assert cook.ask("one", 1) is cook.ask("two", 1)


def test_the_first_place_takes_what_comes_when_both_are_free(kitchen: Callable[..., Kitchen]) -> None:
    cook = kitchen()
    for event in cook.go.values():
        event.set()
    for step in range(1, 20):
        task = cook.ask(f"asker {step % 3}", step)
        assert task.done.wait(60)
        cook.turns.answered(task)
        wait(lambda: not cook.turns._at_work)
    assert {each.split(" at ")[1] for each in cook.began} == {"seat 0"}


def test_who_asks_too_much_is_told_so_and_others_are_not(
    kitchen: Callable[..., Kitchen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "EACH_WAITING", 3)
    monkeypatch.setattr(turns, "MOST_WAITING", 4)
    cook = kitchen()
    for step in range(1, 4):
        cook.ask("greedy", step)
    with pytest.raises(DataError, match="try again"):
        cook.ask("greedy", 4)
    cook.ask("greedy", 3)  # again, as everybody does who waits
    cook.ask("other", 5)
    with pytest.raises(DataError, match="try again"):
        cook.ask("third", 6)


def test_what_nobody_waits_for_is_forgotten(
    kitchen: Callable[..., Kitchen], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    cook = kitchen(places=1)
    cook.ask("one", 1)
    wait(lambda: len(cook.began) == 1)
    cook.ask("two", 2)
    monkeypatch.setattr(turns, "WANTED_S", -1.0)
    cook.go[1].set()
    last = cook.ask("three", 3)
    assert not last.done.wait(0.05)
    assert [each.split(":")[0] for each in cook.began] == ["one"]


def test_failures_are_one_sentence_and_the_place_goes_on(kitchen: Callable[..., Kitchen]) -> None:
    cook = kitchen(places=1)
    for event in cook.go.values():
        event.set()
    tasks = [cook.ask("one", step) for step in (98, 99, 1)]
    assert all(task.done.wait(60) for task in tasks)
    assert [task.problem for task in tasks] == ["There is no such run (any more).", FAILED, None]


def test_the_end_tells_those_who_wait_and_gives_all_places_back(kitchen: Callable[..., Kitchen]) -> None:
    cook = kitchen()
    tasks = [cook.ask("one", 1), cook.ask("two", 2), cook.ask("three", 3)]
    wait(lambda: len(cook.began) == 2)
    cook.turns.close()
    assert all(task.done.is_set() for task in tasks)
    assert tasks[2].problem == BUSY
    assert {"seat 0", "seat 1"} <= set(cook.closed)
    with pytest.raises(DataError, match="try again"):
        cook.ask("one", 4)


def test_a_place_that_nobody_needs_is_given_up_and_the_next_question_opens_one(
    kitchen: Callable[..., Kitchen], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "IDLE_S", 0.05)
    cook = kitchen()
    cook.go[1].set(), cook.go[2].set()
    assert cook.ask("one", 1).done.wait(60)
    wait(lambda: cook.closed == ["seat 0"])
    assert cook.ask("one", 2).done.wait(60)
    assert cook.seats == ["seat 0", "seat 1"]
