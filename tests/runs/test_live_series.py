"""Records on their way from a worker to the board: stored, thinned, refreshed."""

import base64
import json
import math

import numpy as np
import pytest

from rnncore.records import Record
from rnncore.runs.read.series import records_since
from rnncore.runs.store.store import NewRun, Store
from tests.support.stored import add


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs.sqlite")
    store.create_runs([NewRun("r", "w", "g", "", {}, 100_000)])
    yield store
    store.close()


def fill(store, losses, timesteps=50, profile_every=5):
    records = [
        Record(
            step, 0, loss, 0.1, loss * 2, 1.0, 0.5, elapsed_s=step / 1000,
            hidden_grad_norm=None if step % profile_every else np.full((1, timesteps), abs(loss), np.float32),
        )
        for step, loss in enumerate(losses, start=1)
    ]  # fmt: skip
    add(store, records, size=100)


def numbers(text, *shape):
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(*(shape or (-1,)))


def steps(answer):
    return numbers(answer["columns"]["step"]).tolist()


def test_every_record_arrives_once_in_whatever_portions_it_is_asked_for(store):
    losses = np.random.default_rng(0).uniform(0, 1, 777)
    fill(store, losses)
    seen, since = [], 0
    for ask in (1, 2, 256, 257, 300, 511, 512, 513, 777):
        answer = records_since(store, "r", since)
        assert steps(answer)[0] == since + 1
        got = dict(zip(steps(answer), numbers(answer["columns"]["train_loss"]), strict=True))
        seen += [got[step] for step in range(since + 1, ask + 1)]
        since = ask
    assert seen == losses.astype(np.float32).tolist()
    assert records_since(store, "r", 777)["count"] == 0
    assert records_since(store, "r", 10_000)["count"] == 0


def test_a_full_fetch_is_bounded_and_keeps_every_spike(store):
    losses = np.random.default_rng(1).uniform(1, 2, 20_000)
    losses[[4_567, 15_000]] = 1e6, 1e-6
    fill(store, losses, profile_every=20)
    answer = records_since(store, "r", 0, max_points=1000)
    assert answer["decimated"]
    assert answer["last_step"] == 20_000
    assert 300 <= answer["count"] <= 1000
    got = steps(answer)
    assert got == sorted(set(got))
    assert {1, 4_568, 15_001, 20_000} <= set(got)
    assert np.diff(got).max() < 500
    assert numbers(answer["columns"]["train_loss"]).max() == np.float32(1e6)
    assert answer["profiles"]["count"] <= 300
    assert {4_560, 20_000} & set(numbers(answer["profiles"]["step"]).tolist()) == {20_000}
    assert len(json.dumps(answer)) < 200_000


def test_a_refresh_is_a_few_kilobytes_and_has_the_newest_profile(store):
    fill(store, np.linspace(1, 2, 1000))
    answer = records_since(store, "r", 900)
    assert answer["count"] == 100
    profiles = answer["profiles"]
    assert profiles["count"] <= 8
    shown = numbers(profiles["step"])
    assert shown[-1] == 1000
    array = numbers(profiles["hidden_grad_norm"], profiles["count"], 1, 50)
    assert array[-1] == pytest.approx(np.full((1, 50), 2.0))
    assert array[:, 0, 0] == pytest.approx(np.linspace(1, 2, 1000)[shown.astype(int) - 1])
    assert len(json.dumps(answer)) < 8_000


@pytest.mark.parametrize(("timesteps", "since", "limit"), [(5000, 1, 40_000), (5000, 0, 4_000_000), (400, 1, 12_000)])
def test_long_profiles_are_fewer(store, timesteps, since, limit):
    fill(store, np.ones(200), timesteps=timesteps, profile_every=2)
    answer = records_since(store, "r", since, columns=("train_loss", "grad_norm", "clip_coef"))
    assert numbers(answer["profiles"]["step"])[-1] == 200
    assert len(json.dumps(answer)) < limit


def test_validation_points_come_along_and_only_real_ones(store):
    fill(store, [1.0] * 10)
    add(store, [Record(11, 0, 1.0, 0.1, 1.0, 1.0, 0.5, val_loss=3.0)])
    val = records_since(store, "r", 0)["val"]
    assert (val["count"], numbers(val["step"]).tolist(), numbers(val["val_loss"]).tolist()) == (1, [11.0], [3.0])
    assert math.isnan(numbers(val["val_metric"])[0])


def test_a_diverged_run_is_still_json_and_large_numbers_stay_finite(store):
    fill(store, [1.0, 1e200, math.inf, math.nan])
    answer = json.loads(json.dumps(records_since(store, "r", 0, max_points=3), allow_nan=False))
    loss = numbers(answer["columns"]["train_loss"])
    assert steps(answer)[-1] == 4
    assert math.isnan(loss[-1])
    whole = numbers(records_since(store, "r")["columns"]["train_loss"])
    assert whole[1] == np.finfo(np.float32).max
    assert math.isinf(whole[2])


def test_status_and_speed_come_along(store):
    fill(store, np.ones(500))
    store.update_run("r", status="diverged", reason="The loss became NaN at step 500.")
    answer = records_since(store, "r", 499)
    assert (answer["status"], answer["reason"]) == ("diverged", "The loss became NaN at step 500.")
    assert (answer["steps"], answer["last_step"]) == (100_000, 500)
    assert answer["steps_per_second"] == pytest.approx(1000)
    assert records_since(store, "unknown") is None
