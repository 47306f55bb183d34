"""What the dashboard says of a run from the store: verdicts over the whole run, and what recording costs."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from cachetools import LRUCache

from rnncore.diagnosis.kinds import FINDINGS
from rnncore.diagnosis.quantities import recording_overhead
from rnncore.records import Record
from rnncore.runs.read import insights
from rnncore.runs.read.insights import look
from rnncore.runs.store.store import NewRun, Store
from rnncore.snapshot import Snapshot
from tests.support.evidence import health, stuck
from tests.support.stored import add


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs.sqlite")
    yield store
    store.close()


def fill(store: Store, records: list[Record], profile_every: int = 5, info: str | None = None) -> None:
    store.create_runs([NewRun("r", "w", "g", "", {"profile_every": profile_every}, 100_000)])
    store.update_run("r", info=info)
    add(store, records, size=100)


def timed(durations: np.ndarray, **fields: float) -> list[Record]:
    clock = np.cumsum(durations)
    return [Record(i + 1, 0, 0.5, 0.1, 1.0, 1.0, 0.1, elapsed_s=float(t), **fields) for i, t in enumerate(clock)]  # type: ignore[arg-type]


# --- the overhead of recording --------------------------------------------------------------------------------------


def durations(count: int, profile_every: int, recorded: float, plain: float) -> np.ndarray:
    return np.where(np.arange(1, count + 1) % profile_every == 0, recorded, plain)


@pytest.mark.parametrize(("profile_every", "recorded", "expected"), [(5, 1.5, 0.1), (2, 1.2, 0.1), (5, 0.9, 0.0)])
def test_overhead_is_the_extra_time_of_recorded_steps_by_how_often_they_come(
    profile_every: int, recorded: float, expected: float
) -> None:
    clock = np.cumsum(durations(400, profile_every, recorded, 1.0))
    found = recording_overhead(np.arange(1, 401), clock, np.zeros(400, bool), profile_every)
    assert found == pytest.approx(expected, abs=1e-12)


def test_evaluations_pauses_and_gaps_do_not_count() -> None:
    step = np.arange(1, 401)
    seconds = durations(400, 5, 1.5, 1.0)
    evaluated = step % 25 == 0
    seconds[evaluated] += 50
    seconds[[100, 200]] += 1000  # pauses
    clock = np.cumsum(seconds)
    clock[300:] -= 600  # continued from a checkpoint
    keep = ~((step > 150) & (step < 170))  # not in the store any more
    assert recording_overhead(step[keep], clock[keep], evaluated[keep], 5) == pytest.approx(0.1)
    half = np.arange(1, 401) % 2 == 1
    assert recording_overhead(step[half], clock[half], evaluated[half], 5) is None, "no two steps in a row"


def test_interruptions_by_other_work_on_the_machine_are_no_cost_of_recording() -> None:
    rng = np.random.default_rng(0)
    seconds = durations(400, 2, 1.1, 1.0)
    longer = seconds > 1.0  # a longer step is interrupted more often
    interrupted = rng.random(400) < np.where(longer, 0.7, 0.3)
    clock = np.cumsum(seconds + interrupted * rng.exponential(5.0, 400))
    found = recording_overhead(np.arange(1, 401), clock, np.zeros(400, bool), 2)
    assert found == pytest.approx(0.05, abs=0.01)


def test_overhead_is_not_told_where_it_cannot_be() -> None:
    step, none = np.arange(1, 401), np.zeros(400, bool)
    clock = np.cumsum(np.ones(400))
    assert recording_overhead(step, clock, none, 1) is None
    assert recording_overhead(step, clock, none, 100) is None, "4 recorded steps"
    assert recording_overhead(step, clock, step % 5 == 0, 5) is None, "all recorded steps are evaluations too"
    assert recording_overhead([], [], [], 5) is None
    assert recording_overhead(step, np.zeros(400), none, 5) is None, "a clock that stands still"


def test_insights_tell_the_overhead_of_the_latest_steps(store: Store) -> None:
    fill(store, timed(np.r_[np.ones(1000), durations(1000, 5, 2.0, 1.0)]))
    assert look(store, "r")["recording_overhead"] == pytest.approx(0.2)
    assert look(store, "r", 900)["recording_overhead"] == 0
    assert look(store, "r", 20)["recording_overhead"] is None


# --- verdicts -------------------------------------------------------------------------------------------------------


def kinds(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [verdict["kind"] for verdict in answer["verdicts"]]


def test_updates_of_late_are_compared_with_the_first_of_the_run(store: Store) -> None:
    falling = np.geomspace(1, 1e-5, 3000)  # Adam: the updates stay as the gradient vanishes
    fill(store, [Record(i + 1, 0, 0.5, 0.1, float(g), 1.0, 0.1) for i, g in enumerate(falling)])
    assert "optimizer_hides_vanishing" in kinds(look(store, "r"))
    assert "optimizer_hides_vanishing" in kinds(look(store, "r", 2000))
    assert "optimizer_hides_vanishing" not in kinds(look(store, "r", 300))


def test_clipping_is_told_of_the_latest_steps_only(store: Store) -> None:
    fill(store, [Record(step, 0, 0.5, 0.1, 2.0, 0.5 if step <= 1000 else 1.0, 0.1) for step in range(1, 2001)])
    assert look(store, "r")["clipped"] == 0
    assert look(store, "r", 1000)["clipped"] == 1
    assert look(store, "r", 1300)["clipped"] == 0.5
    assert "clipped" not in kinds(look(store, "r"))


def test_findings_come_with_their_title_and_group_and_the_most_important_first(store: Store) -> None:
    sick = Snapshot({"health": health(stuck(), answers={"spread": 0.01, "r2": 0.0})})
    fill(store, [Record(step, 0, 0.5, 0.1, 2.0, 0.5, 0.05, snapshot=sick if step % 25 == 0 else None)
                 for step in range(1, 301)], info='{"facts": {"target_rms": 1e5}}')  # fmt: skip
    found = look(store, "r")["findings"]
    assert [each["kind"] for each in found] == ["target_scale", "constant_output", "no_better_than_baseline"]
    assert kinds(look(store, "r")) == [each["kind"] for each in found]
    assert look(store, "r", 20)["findings"] == [], "there was no evaluation yet"
    assert all(set(each) == {"kind", "title", "group", "sentence", "evidence", "remedy"} for each in found)
    order = list(FINDINGS)
    places = [order.index(each["kind"]) for each in found]
    assert places == sorted(places)


def test_a_run_that_was_deleted_meanwhile_has_nothing_to_say(store: Store) -> None:
    assert look(store, "nobody") == {
        "step": 0,
        "last_step": 0,
        "verdicts": [],
        "findings": [],
        "clipped": None,
        "recording_overhead": None,
    }


# --- the cache ------------------------------------------------------------------------------------------------------


def test_many_threads_ask_for_more_runs_than_are_kept_and_each_hears_of_its_own(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insights, "_cache", LRUCache(3))
    monkeypatch.setattr(insights, "look", lambda _, run_id: {"run": run_id})
    asked = [f"run {number * 7 % 11}" for number in range(20_000)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(lambda run_id: insights.insights(store, run_id, "finished", 9), asked))
    finally:
        sys.setswitchinterval(before)

    assert answers == [{"run": run_id} for run_id in asked]
    assert len(insights._cache) == 3
