"""Many runs as one batched model: the same numbers as each run alone, whatever is chosen, and whoever leaves early."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rnncore.changes import changed
from rnncore.choices import CLIP_METHODS, LOSSES, OPTIMIZERS, READOUTS
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.data.dataset import Batch
from rnncore.engine.batched import MOST, Lockstep, alike, fits, gain, train_many
from rnncore.engine.train import Trainer, train
from rnncore.records import PROFILES, Record

Changes = list[dict[str, Any]]
SEEDS: Changes = [{"seed": seed} for seed in range(3)]

# RMSprop divides by a mean of squares that begins at 0: at first it makes ten times as much of rounding, and more where
# a gradient is small.
ROUNDING = {"rmsprop": 1e-8}


def exact(run: TrainConfig) -> float:
    """Return the relative difference within which float64 runs agree."""
    return ROUNDING.get(run.optimizer.name, 1e-10)


def configs(base: dict[str, Any], changes: Changes = SEEDS) -> list[TrainConfig]:
    small = {"steps": 6, "batch_size": 5, "profile_every": 2, "eval_every": 3, "device": "cpu"}
    return [TrainConfig.model_validate(small | base | change) for change in changes]


def together(runs: list[TrainConfig]) -> list[list[Record]]:
    found: list[list[Record]] = [[] for _ in runs]
    for place, record in train_many(runs):
        found[place].append(record)
    return found


def assert_close(ours: Any, alone: Any, tolerance: float, where: str) -> None:
    """Everything that is no number is equal, and numbers agree relative to the largest of their array."""
    if isinstance(alone, dict):
        assert ours.keys() == alone.keys(), where
        for key in alone:
            assert_close(ours[key], alone[key], tolerance, f"{where}.{key}")
    elif isinstance(alone, list | tuple) and not all(isinstance(each, int | float) for each in alone):
        assert len(ours) == len(alone), where
        for each, other in zip(ours, alone, strict=True):
            assert_close(each, other, tolerance, where)
    elif isinstance(alone, float | np.ndarray | list | tuple) and np.size(alone):
        wanted = np.asarray(alone, np.float64)
        size = float(np.nanmax(np.abs(wanted))) if np.isfinite(wanted).any() else 0.0
        np.testing.assert_allclose(ours, wanted, rtol=tolerance, atol=tolerance * size, err_msg=where)
    else:
        assert ours == alone, where


def assert_same_records(ours: list[Record], alone: list[Record], tolerance: float) -> None:
    assert [record.step for record in ours] == [record.step for record in alone]
    for own, other in zip(ours, alone, strict=True):
        ignored = {"elapsed_s": 0.0} | dict.fromkeys(PROFILES)
        assert_close(own.to_json() | ignored, other.to_json() | ignored, tolerance, f"step {own.step}")
        assert_profiles_agree(own, other, max(tolerance, 1e-6) if tolerance else 0.0)
        assert (own.snapshot is None) == (other.snapshot is None)


def assert_profiles_agree(ours: Record, alone: Record, tolerance: float) -> None:
    """Each norm for itself, also where gradients have vanished; a record holds float32."""
    for name in PROFILES:
        found, wanted = getattr(ours, name), getattr(alone, name)
        assert (found is None) == (wanted is None)
        if wanted is not None:
            np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=0)


def random_base(draw: random.Random) -> dict[str, Any]:
    """Return a run with choices drawn from all registries, in which the batched model has to compute everything."""
    data: dict[str, Any] = draw.choice(
        [
            {"kind": "task", "task": "adding", "seq_len": draw.randint(4, 14)},
            {"kind": "task", "task": "delayed_recall", "seq_len": 12, "delay": 3},
            {"kind": "task", "task": "copy_memory", "seq_len": 6},
            {"kind": "task", "task": "parity", "seq_len": draw.randint(3, 9)},
            {"kind": "bundled", "name": "vowels"},
        ]
    )
    dataset = load_dataset(TrainConfig.model_validate({"data": data}).data)
    readouts = [key for key, readout in READOUTS.items() if readout.per_step == dataset.per_step]
    cell = draw.choice(["rnn", "gru", "lstm"])
    several = draw.choice([1, 2])
    return {
        "data": data,
        "loss": draw.choice([key for key, loss in LOSSES.items() if dataset.target in loss.targets]),
        "model": {
            "cell": cell,
            "hidden_size": draw.randint(1, 9),
            "num_layers": several,
            "dropout": 0.3 if several == 2 and draw.random() < 0.5 else 0.0,
            "nonlinearity": draw.choice(["tanh", "relu"]) if cell == "rnn" else "tanh",
            "readout": draw.choice(readouts),
        },
        "clip": {"method": draw.choice(list(CLIP_METHODS)), "threshold": draw.choice([0.01, 0.3])},
        "optimizer": {"name": draw.choice(list(OPTIMIZERS)), "learning_rate": 0.01},
        "omega": 0.5 if cell == "rnn" and draw.random() < 0.3 else 0.0,
        "truncation": draw.choice([None, 2]),
        "batch_size": draw.randint(1, 6),
    }


@pytest.mark.parametrize("case", range(10))
def test_one_step_agrees_with_each_run_alone_in_float32(case: int) -> None:
    runs = configs(random_base(random.Random(case)) | {"steps": 1})
    trainers, alone = [Trainer(run) for run in runs], [Trainer(run) for run in runs]
    found = dict(Lockstep(trainers).records())
    for place, (own, other) in enumerate(zip(trainers, alone, strict=True)):
        record = next(other.records())
        assert_same_records([found[place]], [record], 1e-5)
        for gradient, wanted in zip(own.parameters.gradient_views, other.parameters.gradient_views, strict=True):
            torch.testing.assert_close(gradient, wanted, rtol=1e-5, atol=1e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("case", range(7))
def test_fifty_steps_agree_in_float64(case: int) -> None:
    runs = configs(random_base(random.Random(100 + case)) | {"steps": 50, "eval_every": 20, "dtype": "float64"})
    for own, run in zip(together(runs), runs, strict=True):
        alone = list(train(run))
        assert_same_records(own, alone, exact(run))
        assert_close(dict(own[-1].snapshot or {}), dict(alone[-1].snapshot or {}), 1e-5, "snapshot")


@pytest.mark.parametrize("case", range(6))
def test_runs_that_differ_in_numbers_agree_as_seeds_do(case: int) -> None:
    draw = random.Random(200 + case)
    base = configs(random_base(draw), [{}])[0]
    numbers = [
        {"optimizer": {"learning_rate": 10 ** draw.uniform(-4, -1.5)}, "clip": {"threshold": 10 ** draw.uniform(-2, 1)},
         "omega": draw.choice([0, 0.5]) if base.model.cell == "rnn" else 0, "seed": place // 2}
        for place in range(4)
    ]  # fmt: skip
    one = [changed(base, each | {"steps": 1, "dtype": "float32"}) for each in numbers]
    fifty = [changed(base, each | {"steps": 50, "eval_every": 20, "dtype": "float64"}) for each in numbers]
    for runs in (one, fifty):
        assert alike(runs)
        for own, run in zip(together(runs), runs, strict=True):
            assert_same_records(own, list(train(run)), 1e-5 if runs is one else exact(run))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_runs_may_differ_in_numbers(optimizer: str) -> None:
    changes: Changes = [
        {"optimizer": {"name": optimizer, "learning_rate": rate, "weight_decay": decay}, "seed": seed}
        for rate, decay, seed in [(0.01, 0.0, 0), (0.1, 0.0, 0), (0.01, 0.1, 1), (0.01, 0.0, 5)]
    ]
    changes += [
        {"clip": {"method": "norm", "threshold": 0.05}, "optimizer": {"name": optimizer}},
        {"clip": {"method": "value", "threshold": 0.01}, "schedule": {"name": "cosine"}},
        {"init": {"scheme": "orthogonal"}, "schedule": {"name": "exponential", "warmup_steps": 3}},
    ]
    base = {"model": {"cell": "gru", "hidden_size": 4}, "dtype": "float64", "optimizer": {"name": optimizer}}
    runs = configs(base, changes)
    assert alike(runs)
    for own, run in zip(together(runs), runs, strict=True):
        assert_same_records(own, list(train(run)), exact(run))


def test_each_run_has_its_own_threshold_inside_the_recursion() -> None:
    changes: Changes = [{"clip": {"method": "recursion", "threshold": threshold}} for threshold in (0.001, 0.02, 1e9)]
    runs = configs({"model": {"cell": "lstm", "hidden_size": 4, "num_layers": 2}, "dtype": "float64"}, changes)
    found = together(runs)
    for own, run in zip(found, runs, strict=True):
        assert_same_records(own, list(train(run)), exact(run))
    assert found[0][0].grad_norm < found[1][0].grad_norm < found[2][0].grad_norm


def test_a_run_that_diverges_leaves_the_others_alone() -> None:
    changes: Changes = [{"optimizer": {"name": "sgd", "learning_rate": rate}} for rate in (0.01, 100.0, 0.02)]
    relu = {"cell": "rnn", "nonlinearity": "relu", "hidden_size": 4}
    runs = configs({"model": relu, "steps": 120, "eval_every": 60, "dtype": "float64"}, changes)
    trainers = [Trainer(run) for run in runs]
    lockstep, found = Lockstep(trainers), together(runs)
    alone = [list(train(run)) for run in runs]
    assert found[1][-1].diverged
    assert found[1][-1].diverged == alone[1][-1].diverged
    assert [len(records) for records in found] == [len(records) for records in alone]
    for place in (0, 2):
        assert_same_records(found[place], alone[place], 1e-10)
    list(lockstep.records())
    lockstep.release()
    assert all(bool(value.isfinite().all()) for value in trainers[1].last_finite_state().values())


def test_a_run_that_stops_early_leaves_the_others_alone() -> None:
    base = {"model": {"hidden_size": 4}, "steps": 60, "eval_every": 2, "early_stopping": 2, "dtype": "float64"}
    runs = configs(base, [{"optimizer": {"name": "sgd", "learning_rate": rate}} for rate in (1e-3, 2.0, 0.05)])
    found = together(runs)
    assert len({len(records) for records in found}) > 1
    for own, run in zip(found, runs, strict=True):
        assert_same_records(own, list(train(run)), exact(run))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_runs_go_on_alone_from_where_they_are_given_back(optimizer: str) -> None:
    runs = configs({"dtype": "float64", "steps": 9, "optimizer": {"name": optimizer}, "clip": {"method": "autoclip"}})
    trainers, lockstep = [Trainer(run) for run in runs], None
    lockstep = Lockstep(trainers)
    records = lockstep.records()
    for _ in range(4 * len(runs)):
        next(records)
    lockstep.release()
    for trainer, run in zip(trainers, runs, strict=True):
        again = Trainer(run)
        again.load_state_dict(trainer.state_dict())
        alone = list(train(run))[4:]
        assert_same_records(list(again.records()), alone, exact(run))
    rest = [record for place, record in records if place == 1]  # and together again
    assert_same_records(rest, list(train(runs[1]))[4:], exact(runs[1]))


def test_a_run_can_be_steered_while_it_trains_with_others() -> None:
    runs = configs({"dtype": "float64", "steps": 8, "clip": {"method": "norm"}})
    trainers, alone = [Trainer(run) for run in runs], Trainer(runs[1])
    found, wanted = [], []
    for place, record in Lockstep(trainers).records():
        if place == 1:
            found.append(record)
        if record.step == 3 and place == 2:
            trainers[1].set_learning_rate(0.02)
            trainers[1].set_clip_threshold(0.01)
    for record in alone.records():
        wanted.append(record)
        if record.step == 3:
            alone.set_learning_rate(0.02)
            alone.set_clip_threshold(0.01)
    assert_same_records(found, wanted, 1e-10)


def test_batches_of_other_lengths_are_computed_one_by_one() -> None:
    runs = configs({"dtype": "float64", "model": {"cell": "lstm", "hidden_size": 3}})
    plain = load_dataset(runs[0].data)

    def longer(step: int, batch_size: int, seed: int) -> Batch:
        batch = plain.train_batch(step, batch_size, seed)
        return replace(batch, inputs=batch.inputs[:, : 40 + seed + step])

    dataset = replace(plain, train_batch=longer)
    found: list[list[Record]] = [[] for _ in runs]
    for place, record in train_many(runs, dataset):
        found[place].append(record)
    for own, run in zip(found, runs, strict=True):
        assert_same_records(own, list(train(run, dataset)), exact(run))


def test_runs_that_are_not_alike_are_trained_one_after_another_bit_for_bit() -> None:
    runs = configs({}, [{}, {"model": {"hidden_size": 5}}])
    assert not alike(runs)
    for own, run in zip(together(runs), runs, strict=True):
        assert_same_records(own, list(train(run)), 0.0)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"seed": 3}, True),
        ({"optimizer": {"learning_rate": 0.1, "weight_decay": 0.1}}, True),
        ({"init": {"scheme": "orthogonal"}}, True),
        ({"clip": {"method": "norm", "threshold": 2.0}}, True),
        ({"model": {"dropout": 0.5}}, True),
        ({"omega": 2.0}, True),
        ({"optimizer": {"name": "sgd"}}, False),
        ({"clip": {"method": "recursion"}}, False),
        ({"model": {"cell": "gru"}}, False),
        ({"model": {"hidden_size": 33}}, False),
        ({"model": {"readout": "mean"}}, False),
        ({"data": {"kind": "task", "task": "adding", "seq_len": 7}}, False),
        ({"batch_size": 6}, False),
        ({"steps": 7}, False),
        ({"loss": "mae"}, False),
        ({"dtype": "float64"}, False),
        ({"truncation": 3}, False),
        ({"eval_every": 2}, False),
        ({"early_stopping": 3}, False),
        ({"mistake": "unscaled_targets"}, False),
    ],
)
def test_what_runs_may_differ_in(change: dict[str, Any], expected: bool) -> None:
    assert alike(configs({}, [{}, change])) is expected


def test_it_fits_where_it_has_been_measured_to_pay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured: list[int] = []

    def measure(config: TrainConfig, count: int) -> float:
        measured.append(count)
        return 0.4 if config.model.hidden_size < 40 else 0.95

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(gain, "_measured", measure)
    many: Changes = [{"seed": seed} for seed in range(20)]
    small, large = configs({"model": {"hidden_size": 31}}, many), configs({"model": {"hidden_size": 41}}, many)
    assert fits(small)
    assert fits(small)
    assert not fits(large)
    assert not fits(configs({"model": {"hidden_size": 2000}}))
    assert not fits(small[:1])
    assert not fits(configs({"mistake": "swapped_batch_and_time"}))
    assert measured == [MOST, MOST]
    monkeypatch.setattr(gain, "_shares", gain._shares.__wrapped__)
    assert fits(small), "another process reads what this one has measured"
    assert measured == [MOST, MOST]


def test_the_measurement_trains_both_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert isinstance(gain.pays(configs({"model": {"hidden_size": 3}})[0], 2), bool)
    assert [file.name for file in tmp_path.rglob("batched-*.json")]
