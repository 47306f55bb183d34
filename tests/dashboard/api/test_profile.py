"""The profile of a step over HTTP: the stored one nearest to it, of which the sentences speak too."""

import base64
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dashboard.server import services
from rnncore.config import TrainConfig
from rnncore.records import Record
from rnncore.runs.store.store import NewRun, Store
from tests.support.asgi import call
from tests.support.stored import add

RUN = "r" * 22


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A run of 100 steps with a profile at every 10th; that of the last step is not finite."""
    store = Store(tmp_path / "runs.sqlite")
    store.create_runs([NewRun(RUN, "w", "g", "", TrainConfig().model_dump(mode="json"), 1000)])
    profiles = {step: np.array([[step, 1.0, 2.0]], np.float32) for step in range(10, 100, 10)}
    profiles[100] = np.full((1, 3), np.nan, np.float32)
    records = [Record(s, 0, 0.5, 0.1, 1.0, 1.0, 0.1, hidden_grad_norm=profiles.get(s)) for s in range(1, 101)]
    add(store, records, run_id=RUN)
    monkeypatch.setattr(services, "_scheduler", SimpleNamespace(store=store))
    yield store
    store.close()


def norms(answer: Any) -> list[float]:
    return np.frombuffer(base64.b64decode(answer["profiles"]["hidden_grad_norm"]), "<f4").tolist()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("asked", "stored"), [(1, 10), (50, 50), (54, 50), (55, 50), (56, 60), (94, 90), (10**8, 100)])
def test_the_nearest_one_is_answered_under_its_own_number_and_judged(asked: int, stored: int) -> None:
    answer = call("GET", f"/api/runs/{RUN}/profile?step={asked}")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    assert (answer.json["run"], answer.json["step"]) == (RUN, stored)
    assert answer.json["profiles"].keys() == {"count", "layers", "timesteps", "step", "hidden_grad_norm"}
    assert stored == 100 or norms(answer.json) == [stored, 1, 2]
    said = call("GET", f"/api/runs/{RUN}/insights?step={asked}").json
    assert (said["step"], said["last_step"]) == (stored, 100)


@pytest.mark.usefixtures("store")
def test_without_a_step_it_is_the_newest_that_has_a_finite_number() -> None:
    answer = call("GET", f"/api/runs/{RUN}/profile").json
    assert (answer["step"], norms(answer)) == (90, [90, 1, 2])


def test_a_run_without_a_profile_has_none(store: Store) -> None:
    store.create_runs([NewRun("n" * 22, "w", "h", "", {}, 10)])
    answer = call("GET", f"/api/runs/{'n' * 22}/profile?step=3")
    assert answer.json == {"run": "n" * 22, "step": None, "profiles": None}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("wrong", ["-1", "x", "1e3", "", "9" * 30])
def test_a_step_is_a_number(wrong: str) -> None:
    refused = call("GET", f"/api/runs/{RUN}/profile?step={wrong}")
    assert (refused.status, refused.error.split(" ")[0]) == (400, "step:")


@pytest.mark.usefixtures("store")
def test_who_has_not_got_the_id_gets_nothing() -> None:
    assert call("GET", f"/api/runs/{'A' * 22}/profile?step=1").status == 404
