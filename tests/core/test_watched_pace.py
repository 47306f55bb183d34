"""How often a watched step is recorded, on a clock of the test's own."""

import pytest

from rnncore.watching import pace as module
from rnncore.watching.pace import Pace


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(module.time, "perf_counter", lambda: self.now)


def share(
    clock: Clock, plain: float, cost: float, hidden: float = 0.0, steps: int = 2_000, budget: float = 0.05
) -> float:
    """Share of the plain time that recording took; hidden: what a recorded step takes beyond what is measured."""
    pace = Pace(budget)
    recording, paid = pace.begin(), 0.0
    for _ in range(steps):
        clock.now += plain
        if recording:
            clock.now += cost + hidden
            paid += cost + hidden
            pace.spend(cost)
        recording = pace.next()
    return paid / (steps * plain)


@pytest.mark.parametrize("cost", [0.0001, 0.001, 0.01, 0.05, 0.2])
def test_recording_takes_at_most_its_share_of_the_time_and_uses_most_of_it(
    monkeypatch: pytest.MonkeyPatch, cost: float
) -> None:
    taken = share(Clock(monkeypatch), 0.01, cost)
    assert taken <= 0.05
    assert taken > 0.03 or cost < 0.0005  # then every step is recorded


def test_what_a_recorded_step_takes_longer_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert share(Clock(monkeypatch), 0.01, 0.01, hidden=0.005) <= 0.05


def test_cheap_recording_is_done_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, pace = Clock(monkeypatch), Pace(0.05)
    pace.begin()
    said = []
    for _ in range(10):
        clock.now += 0.01
        pace.spend(1e-5)
        said.append(pace.next())
    assert not any(said[:3])  # until it is known how long a plain step takes
    assert all(said[4:])


@pytest.mark.parametrize("place", [0, 1, 40])
def test_a_pause_between_two_steps_is_no_time_of_training(monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    clock, pace = Clock(monkeypatch), Pace(0.05)
    recording, recorded = pace.begin(), 0
    for step in range(200):
        clock.now += 0.01 + (600.0 if step == place else 0.0)
        if recording:
            clock.now += 0.01
            pace.spend(0.01)
            recorded += 1
        recording = pace.next()
    assert 4 <= recorded <= 12


def test_what_the_sending_thread_takes_counts_and_what_a_reader_asks_for_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def recorded(beside: float = 0.0, aside: float = 0.0) -> int:
        clock, pace, sent, done = Clock(monkeypatch), Pace(0.05), 0.0, 0
        pace.beside = lambda: sent
        recording = pace.begin()
        for _ in range(1_000):
            clock.now += 0.01
            if recording:
                clock.now += 0.005
                pace.spend(0.005)
                done, sent = done + 1, sent + beside
            with pace.aside():
                clock.now += aside
            recording = pace.next()
        return done

    alone = recorded()
    assert recorded(beside=0.005) == pytest.approx(alone / 2, abs=2)
    assert recorded(aside=0.5) == alone


def test_every_nth_step_whatever_it_costs() -> None:
    pace = Pace(every=3)
    assert [pace.begin(), *(pace.next() for _ in range(6))] == [True, False, False, True, False, False, True]
