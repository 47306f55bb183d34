"""One odd profile among hundreds, in norm or in reach alone: it survives the store and everything that reads it."""

import base64
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from dashboard.experiment.twins import twins
from dashboard.exports.payload import PROFILE_BYTES, run_payload
from dashboard.lessons.problem import RESCUE
from rnncore import train
from rnncore.records import Record
from rnncore.runs.read.export import export_json
from rnncore.runs.read.insights import look
from rnncore.runs.read.series import profile_at, records_since
from rnncore.runs.settings import Settings
from rnncore.runs.store.store import NewRun, Store
from tests.support.stored import add, new_run

HISTORIES = 200
KINDS = ("larger", "smaller", "exploding", "vanishing")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs.sqlite")
    yield store
    store.close()


def history(seed: int) -> tuple[list[Record], int]:
    """Records of a run, with a profile every few steps, and the step of the odd one."""
    rng = np.random.default_rng(seed)
    length, every = int(rng.integers(100, 700)), int(rng.integers(1, 4))
    layers, timesteps = int(rng.integers(1, 4)), int(rng.integers(2, 12))
    profiles = rng.uniform(1, 2, (length, layers, timesteps)).astype(np.float32)
    odd, layer = int(rng.integers(length)), int(rng.integers(layers))
    match KINDS[seed % len(KINDS)]:
        case "larger":
            profiles[odd] *= 50
        case "smaller":
            profiles[odd] /= 50
        case "exploding":
            profiles[odd, layer, -1] /= 50
        case "vanishing":
            profiles[odd, layer, 0] /= 50
    recorded = {1 + place * every: profile for place, profile in enumerate(profiles)}
    steps = range(1, max(recorded) + 1)
    records = [Record(step, 0, 0.5, 0.1, 1.0, 1.0, 0.1, hidden_grad_norm=recorded.get(step)) for step in steps]
    return records, 1 + odd * every


def steps_of(profiles: dict) -> list[int]:
    return np.frombuffer(base64.b64decode(profiles["step"]), "<f4").astype(int).tolist()


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_it_survives(store: Store, seed: int) -> None:
    records, odd = history(seed)
    store.create_runs([new_run("r")])
    add(store, records, Settings(max_profile_rows=60), size=37)
    run = store.run("r")
    assert run is not None
    exported = [profile["step"] for profile in json.loads(b"".join(export_json(store, run)))["profiles"]]
    assert odd in exported
    assert len(exported) <= 60
    assert [step for step in exported if step <= 20] == [r.step for r in records[:20] if r.hidden_grad_norm is not None]
    assert odd in steps_of(records_since(store, "r")["profiles"])
    if odd > 1:
        refresh = steps_of(records_since(store, "r", odd - 1)["profiles"])
        assert odd in refresh
        assert len(refresh) <= 8
    assert odd in steps_of(run_payload(store, run, PROFILE_BYTES // 4_000)["profiles"])
    assert profile_at(store, "r", odd)["step"] == look(store, "r", odd)["step"] == odd


def test_figure_and_sentence_speak_of_the_same_stored_step(store: Store) -> None:
    records, _ = history(11)
    store.create_runs([new_run("r")])
    add(store, records, Settings(max_profile_rows=20), size=37)
    run = store.run("r")
    assert run is not None
    stored = [profile["step"] for profile in json.loads(b"".join(export_json(store, run)))["profiles"]]
    for step in range(1, len(records) + 1):
        shown = profile_at(store, "r", step)
        assert shown["step"] == look(store, "r", step)["step"]
        assert shown["step"] in stored, "what a sentence speaks of is there"
        assert abs(shown["step"] - step) == min(abs(known - step) for known in stored)
        assert steps_of(shown["profiles"]) == [shown["step"]]


def test_the_only_exploding_profile_of_a_run_survives(store: Store) -> None:
    """Without clipping its second step explodes; the norm is largest at the third, where nothing arrives at t = 1."""
    _, unclipped = twins(RESCUE)
    records = list(islice(train(unclipped), 60))
    reach = [float(record.hidden_grad_norm[0, 0] / record.hidden_grad_norm[0, -1]) for record in records]  # type: ignore[index]
    assert [step for step, value in enumerate(reach, start=1) if value > 10] == [2]
    store.create_runs([NewRun("r", "w", "g", "", unclipped.model_dump(mode="json"), unclipped.steps)])
    add(store, records[:1])
    for begin in range(1, 60, 10):
        add(store, records[begin : begin + 10], Settings(max_profile_rows=8))
        assert 2 in steps_of(records_since(store, "r")["profiles"])
        assert 2 in steps_of(records_since(store, "r", 1)["profiles"])
        assert 2 in steps_of(records_since(store, "r", profile_bytes=1500)["profiles"])
    assert profile_at(store, "r", 2)["step"] == 2
    found = look(store, "r", 2)
    assert (found["step"], found["verdicts"][0]["kind"]) == (2, "exploding")
