"""The training loop: its records against a plain torch loop, twins, divergence, early stopping, resuming."""

import math
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rnncore import TrainConfig, train
from rnncore.choices import CLIP_METHODS, OPTIMIZERS
from rnncore.data import load_dataset
from rnncore.data.dataset import Batch, SequenceDataset, TargetKind
from rnncore.engine import evaluation, losses
from rnncore.engine.train import Trainer
from rnncore.errors import ConfigError
from rnncore.records import Record

TORCH_CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


def config(**changes: Any) -> TrainConfig:
    """A tiny run: adding problem, T = 6, H = 4, batches of 3, 6 steps."""
    small: dict[str, Any] = {
        "data": {"kind": "task", "task": "adding", "seq_len": 6},
        "model": {"hidden_size": 4} | changes.pop("model", {}),
        "steps": 6,
        "batch_size": 3,
        "profile_every": 2,
        "eval_every": 3,
    }
    return TrainConfig.model_validate(small | changes)


def run(dataset: SequenceDataset | None = None, **changes: Any) -> list[Record]:
    return list(train(config(**changes), dataset))


def same(a: Record, b: Record) -> bool:
    """Whether two records agree bit for bit in everything but the time."""
    names = [f.name for f in fields(Record) if f.name != "elapsed_s"]
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in names)  # None equals None here


def assert_same_runs(first: list[Record], second: list[Record]) -> None:
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert same(a, b), f"step {a.step}"


def random_dataset(
    target: TargetKind = "regression", per_step: bool = False, ragged: bool = False, seq_len: int = 6
) -> SequenceDataset:
    """Fresh noise each step: 2 inputs, 3 outputs (1 where binary)."""
    width = 1 if target == "binary" else 3

    def sample(rng: np.random.Generator, count: int) -> Batch:
        inputs = rng.normal(size=(count, seq_len, 2)).astype(np.float32)
        shape = (count, seq_len) if per_step else (count,)
        targets: Any = rng.normal(size=(*shape, width)).astype(np.float32)
        if target == "binary":
            targets = (targets > 0).astype(np.float32)
        elif target == "multiclass":
            targets = rng.integers(0, width, shape)
        return Batch(inputs, targets, rng.integers(1, seq_len + 1, count) if ragged else None)

    def train_batch(step: int, batch_size: int, seed: int) -> Batch:
        return sample(np.random.default_rng([seed, step]), batch_size)

    validation = sample(np.random.default_rng(99), 10)
    return SequenceDataset("noise", 2, width, seq_len, target, per_step, train_batch, validation)


# --- what a record says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", TORCH_CELLS)
@pytest.mark.parametrize("clip", [{"method": "off"}, {"method": "norm", "threshold": 0.3}])
def test_records_are_those_of_a_plain_torch_loop(cell: str, clip: dict[str, Any]) -> None:
    chosen = config(model={"cell": cell, "num_layers": 2}, clip=clip, dtype="float64", seed=5, steps=8)
    data = load_dataset(chosen.data)
    torch.manual_seed(5)
    recurrent, readout = TORCH_CELLS[cell](2, 4, 2, batch_first=True), nn.Linear(4, 1)
    recurrent.double(), readout.double()
    parameters = [*recurrent.parameters(), *readout.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=chosen.optimizer.learning_rate)
    for record in train(chosen, data):
        batch = data.train_batch(record.step, chosen.batch_size, chosen.seed)
        states, _ = recurrent(torch.tensor(batch.inputs, dtype=torch.float64))
        loss = nn.functional.mse_loss(readout(states[:, -1]), torch.tensor(batch.targets, dtype=torch.float64))
        optimizer.zero_grad()
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_(parameters, chosen.clip.threshold if clip["method"] == "norm" else 1e30))
        before = torch.cat([p.detach().flatten() for p in parameters]).clone()
        optimizer.step()
        change = torch.cat([p.detach().flatten() for p in parameters]) - before
        expected_coefficient = min(1.0, 0.3 / (norm + 1e-6)) if clip["method"] == "norm" else 1.0
        assert record.train_loss == pytest.approx(loss.item(), rel=1e-9)
        assert record.grad_norm == pytest.approx(norm, rel=1e-9)
        assert record.clip_coef == pytest.approx(expected_coefficient, rel=1e-9)
        assert record.update_norm == pytest.approx(float(change.norm()), rel=1e-7)


def test_which_steps_carry_profiles_and_evaluations() -> None:
    records = run(steps=11, profile_every=4, eval_every=3, model={"cell": "lstm", "num_layers": 2})
    assert [r.step for r in records] == list(range(1, 12))
    assert [r.step for r in records if r.hidden_grad_norm is not None] == [1, 4, 8, 11]
    assert [r.step for r in records if r.val_loss is not None] == [1, 3, 6, 9, 11]
    for record in records:
        for profile in (record.hidden_grad_norm, record.cell_grad_norm, record.direct_grad_norm):
            assert profile is None or (profile.shape == (2, 6) and profile.dtype == np.float32)
    assert records[0].cell_grad_norm is not None
    assert run(steps=1)[0].cell_grad_norm is None, "the plain RNN has no c"
    times = [r.elapsed_s for r in records]
    assert times == sorted(times)


@pytest.mark.parametrize("readout", ["last", "mean", "attention"])
def test_validation_loss_and_metric_are_those_of_the_updated_model(readout: str) -> None:
    trainer = Trainer(config(model={"readout": readout, "dropout": 0.5, "num_layers": 2}, steps=4, eval_every=1))
    data = trainer.dataset
    for record in trainer.records():
        with torch.no_grad():
            outputs = trainer.model.eval()(torch.tensor(data.validation.inputs)).numpy()
        trainer.model.train()
        assert record.val_loss == pytest.approx(np.mean((outputs - data.validation.targets) ** 2), rel=1e-5)
        assert data.metric_function is not None
        assert record.val_metric == data.metric_function(outputs, data.validation)


def test_evaluation_in_small_chunks_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    data = random_dataset("multiclass", per_step=True, ragged=True)
    options: dict[str, Any] = {"model": {"readout": "every_step"}, "eval_every": 1}
    whole = run(data, **options)
    monkeypatch.setattr(evaluation, "_CHUNK", 3 * 6 * 4)  # three sequences at a time
    for a, b in zip(whole, run(data, **options), strict=True):
        assert a.val_loss == pytest.approx(b.val_loss, rel=1e-6)


def test_run_info_is_there_before_the_first_step() -> None:
    info = Trainer(config(data={"kind": "task", "task": "noise"}, batch_size=10)).info
    assert (info.loss, info.input_size, info.output_size, info.seq_len) == ("mse", 1, 1, 10)
    assert info.parameter_count == sum(p.numel() for p in (*nn.RNN(1, 4).parameters(), *nn.Linear(4, 1).parameters()))
    assert info.steps_per_epoch == 10
    assert info.device == "cpu"
    assert info.device_reason.endswith(".")
    assert [baseline.loss for baseline in info.baselines][:1] == [pytest.approx(1 / 12, rel=0.5)]
    assert [r.epoch for r in run(data={"kind": "task", "task": "noise"}, batch_size=50, steps=4)] == [1, 1, 2, 2]


def test_an_option_without_effect_is_told() -> None:
    assert "there is only one" in Trainer(config(model={"dropout": 0.5})).info.notes[-1]
    assert_same_runs(run(model={"dropout": 0.5}), run())
    assert run(model={"dropout": 0.5, "num_layers": 2})[0].train_loss != run(model={"num_layers": 2})[0].train_loss


# --- the same seed, the same run -----------------------------------------------------------------------------------


def test_the_seed_decides_and_the_callers_random_state_is_left_alone() -> None:
    torch.manual_seed(1)
    options: dict[str, Any] = {"model": {"dropout": 0.4, "num_layers": 2}, "init": {"scheme": "orthogonal"}}
    first = run(**options)
    after = torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(3), after)
    assert_same_runs(first, run(**options))
    assert not same(first[0], run(**options, seed=1)[0])


def test_two_runs_can_take_turns() -> None:
    options: dict[str, Any] = {"model": {"dropout": 0.4, "num_layers": 2}}
    alone = run(**options)
    pairs = list(zip(train(config(**options)), train(config(**options)), strict=True))
    assert_same_runs(alone, [a for a, _ in pairs])
    assert_same_runs(alone, [b for _, b in pairs])


@pytest.mark.parametrize("method", ["norm", "value", "parameter_norm", "recursion"])
@pytest.mark.parametrize("cell", TORCH_CELLS)
def test_a_twin_whose_threshold_is_never_reached_is_bit_identical(method: str, cell: str) -> None:
    options: dict[str, Any] = {"model": {"cell": cell}}
    assert_same_runs(run(**options), run(**options, clip={"method": method, "threshold": 1e20}))


def test_clipping_does_not_cure_vanishing_on_the_first_batch() -> None:
    free, clipped = run(steps=3), run(steps=3, clip={"method": "norm", "threshold": 1e-3})
    assert np.array_equal(free[0].hidden_grad_norm, clipped[0].hidden_grad_norm)
    assert clipped[0].clip_coef < 1
    assert free[0].grad_norm == clipped[0].grad_norm
    assert free[2].train_loss != clipped[2].train_loss


# --- every option does something -----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", CLIP_METHODS)
def test_every_clip_method_acts(method: str) -> None:
    acting: dict[str, Any] = {"method": method, "threshold": 1e-3, "agc_factor": 1e-4, "percentile": 1}
    sgd = {"name": "sgd", "learning_rate": 0.1}
    free, clipped = run(optimizer=sgd), run(optimizer=sgd, clip=acting)
    assert (free[-1].train_loss != clipped[-1].train_loss) == (method != "off")
    if method not in ("off", "recursion"):
        assert min(r.clip_coef for r in clipped) < 1


def test_update_norm_of_sgd_is_learning_rate_times_the_clipped_gradient() -> None:
    for record in run(optimizer={"name": "sgd", "learning_rate": 0.1}, clip={"method": "value", "threshold": 0.01}):
        assert record.update_norm == pytest.approx(0.1 * record.clip_coef * record.grad_norm, rel=1e-4)


def test_learning_rate_follows_the_schedule() -> None:
    schedule = {"name": "linear", "warmup_steps": 3, "final_fraction": 0.5}
    records = run(steps=7, schedule=schedule, optimizer={"name": "sgd", "learning_rate": 0.3})
    assert [r.learning_rate for r in records] == pytest.approx([0.1, 0.2, 0.3, 0.2625, 0.225, 0.1875, 0.15])
    assert records[0].update_norm == pytest.approx(0.1 * records[0].grad_norm, rel=1e-4)


@pytest.mark.parametrize(
    "change",
    [{"optimizer": {"weight_decay": 0.5}}, {"omega": 2.0}, {"truncation": 2}, {"init": {"scheme": "identity"}},
     {"model": {"readout": "mean"}}, {"model": {"readout": "attention"}}, {"model": {"nonlinearity": "relu"}},
     {"loss": "mae"}, {"loss": "huber"}, {"optimizer": {"name": "sgd"}}, {"optimizer": {"name": "adamw"}},
     {"optimizer": {"name": "rmsprop"}}, {"optimizer": {"name": "adagrad"}}, {"dtype": "float64"}],
    ids=str,
)  # fmt: skip
def test_every_option_changes_the_run(change: dict[str, Any]) -> None:
    base = {"optimizer": {"weight_decay": 0.01}}
    assert run(**base)[-1].train_loss != run(**(base | change))[-1].train_loss


@pytest.mark.parametrize("cell", TORCH_CELLS)
def test_truncation_makes_the_profile_exactly_zero_beyond_the_cut(cell: str) -> None:
    (record,) = run(steps=1, truncation=2, model={"cell": cell})
    assert record.hidden_grad_norm is not None
    assert (record.hidden_grad_norm[0] > 0).tolist() == [False] * 4 + [True] * 2


def test_omega_keeps_the_gradients_length() -> None:
    """The further from 1 the ratio of neighbouring profile values, the more Omega costs; so it moves towards 1."""

    def last_ratio(weight: float) -> float:
        options: dict[str, Any] = {"model": {"hidden_size": 16}, "steps": 150, "batch_size": 16}
        profile = run(**options, omega=weight)[-1].hidden_grad_norm
        assert profile is not None
        return float((profile[0, 0] / profile[0, -1]) ** 0.2)

    assert abs(last_ratio(4.0) - 1) < 0.5 * abs(last_ratio(0.0) - 1)


@pytest.mark.parametrize(
    ("target", "per_step", "loss"),
    [("regression", True, "mae"), ("regression", False, "huber"), ("binary", False, "bce"), ("binary", True, "auto"),
     ("multiclass", False, "auto"), ("multiclass", True, "cross_entropy")],
)  # fmt: skip
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_every_kind_of_target_trains(target: TargetKind, per_step: bool, loss: str, ragged: bool, cell: str) -> None:
    model = {"cell": cell, "readout": "every_step" if per_step else "last"}
    records = run(random_dataset(target, per_step, ragged), loss=loss, model=model)
    assert len(records) == 6
    assert all(math.isfinite(r.train_loss) and r.grad_norm > 0 and r.update_norm > 0 for r in records)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_learns(name: str) -> None:
    options: dict[str, Any] = {"steps": 80, "optimizer": {"name": name, "learning_rate": 0.02}, "batch_size": 16}
    records = run(**options, data={"kind": "task", "task": "adding", "seq_len": 2})
    assert (records[-1].val_loss or 1) < 0.7 * (records[0].val_loss or 0)


# --- ends ----------------------------------------------------------------------------------------------------------


def break_loss_at(step: int, breaking: Callable[[torch.Tensor], torch.Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    """Pass the outputs of one training step through `breaking` before the loss."""
    calls = iter(range(1, 1000))
    mse = losses.mse

    def loss(outputs: torch.Tensor, targets: torch.Tensor, reduction: str = "none") -> torch.Tensor:
        training = reduction == "mean"
        return mse(breaking(outputs) if training and next(calls) == step else outputs, targets, reduction)

    monkeypatch.setattr(losses, "mse", loss)


def steeper(outputs: torch.Tensor) -> torch.Tensor:
    """The same outputs with a gradient 1e37 times larger."""
    return outputs + (outputs - outputs.detach()) * 1e37


@pytest.mark.parametrize(
    ("breaking", "reason"),
    [(lambda outputs: outputs * math.nan, "the loss became NaN at step 4"),
     (lambda outputs: outputs * 1e30, "the loss became infinite at step 4"),
     (lambda outputs: outputs + (outputs * 0).sum().sqrt(), "the gradient became NaN at step 4"),
     (steeper, "the update of the parameters became infinite at step 4")],
)  # fmt: skip
def test_divergence_is_seen_before_it_does_harm(
    breaking: Callable[[torch.Tensor], torch.Tensor], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(config(optimizer={"name": "sgd", "learning_rate": 1e-9}))
    break_loss_at(4, breaking, monkeypatch)
    records, states = [], []
    for record in trainer.records():
        records.append(record)
        states.append(trainer.last_finite_state())
        trainer.set_learning_rate(1e-9 if record.step < 3 else 100.0)
    assert [r.step for r in records] == [1, 2, 3, 4]
    assert [r.diverged for r in records] == [None, None, None, reason]
    assert trainer.ended == reason
    for name, value in states[3].items():
        assert torch.equal(value, states[2][name]), "the state after the last good step is kept"
        assert value.isfinite().all()
    assert list(trainer.records()) == []


def test_an_exploding_run_ends_as_diverged() -> None:
    records = run(
        steps=300, model={"nonlinearity": "relu", "hidden_size": 8}, optimizer={"name": "sgd", "learning_rate": 100}
    )
    assert records[-1].diverged is not None
    assert len(records) < 300


def test_a_gradient_beyond_float32_is_measured_and_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def steep(outputs: torch.Tensor, targets: torch.Tensor, reduction: str = "none") -> torch.Tensor:
        losses = (outputs - outputs.detach()) * 6.6e35  # 0; their sum gives the read-out's bias 500 * 6.6e35 = 3.3e38
        return losses.sum() if reduction == "mean" else losses

    monkeypatch.setattr(losses, "mse", steep)
    (record,) = run(steps=1, batch_size=500, clip={"method": "norm", "threshold": 1.0}, optimizer={"name": "sgd"})
    assert record.diverged is None
    assert record.grad_norm > float(np.finfo(np.float32).max)
    assert record.update_norm == pytest.approx(0.005, rel=1e-4)


def test_closing_the_generator_stops_the_run() -> None:
    records = train(config())
    next(records)
    records.close()  # type: ignore[attr-defined]
    assert list(records) == []


def test_early_stopping_after_evaluations_without_progress() -> None:
    trainer = Trainer(config(steps=100, early_stopping=3, optimizer={"name": "sgd", "learning_rate": 1e-30}))
    records = list(trainer.records())  # evaluated at 1, 3, 6, 9: the last three are no better than the first
    assert records[-1].step == 9
    assert records[-1].hidden_grad_norm is not None, "the last step has a profile"
    assert records[-1].diverged is None
    assert trainer.ended is not None
    assert trainer.ended.startswith("Stopped early at step 9: the last 3 evaluations were no better than ")


def test_a_run_that_makes_progress_is_not_stopped() -> None:
    options: dict[str, Any] = {"steps": 30, "optimizer": {"name": "sgd", "learning_rate": 0.01}, "batch_size": 64}
    assert len(run(**options, early_stopping=1)) == 30


# --- steering and resuming -----------------------------------------------------------------------------------------


def test_steering_acts_from_the_next_step_on() -> None:
    trainer = Trainer(config(steps=8, optimizer={"name": "sgd", "learning_rate": 0.1}, clip={"method": "norm"}))
    records = trainer.records()
    list(islice(records, 2))
    trainer.set_learning_rate(0.02)
    trainer.set_clip_threshold(1e-3)
    for record in records:
        assert record.learning_rate == 0.02
        assert record.clip_coef == pytest.approx(1e-3 / (record.grad_norm + 1e-6))
        assert record.update_norm == pytest.approx(0.02 * 1e-3, rel=1e-2)


def test_the_threshold_inside_the_recursion_can_be_changed() -> None:
    data = load_dataset(config().data)
    free = Trainer(config(steps=2), data)
    clipped = Trainer(config(steps=2, clip={"method": "recursion", "threshold": 1e10}), data)
    clipped.set_clip_threshold(1e-6)
    assert next(clipped.records()).grad_norm < next(free.records()).grad_norm


@pytest.mark.parametrize("setting", [math.nan, 0.0, -1.0, math.inf])
def test_steering_refuses_nonsense(setting: float) -> None:
    trainer = Trainer(config())
    with pytest.raises(ConfigError, match=r"^learning_rate: .* is not allowed"):
        trainer.set_learning_rate(setting)
    with pytest.raises(ConfigError, match=r"^clip_threshold: .* is not allowed"):
        trainer.set_clip_threshold(setting)


@pytest.mark.parametrize(
    "options",
    [
        *({"optimizer": {"name": name}} for name in OPTIMIZERS),
        {"optimizer": {"name": "sgd", "momentum": 0.9, "nesterov": True}},
        {"optimizer": {"name": "rmsprop", "momentum": 0.9}},
        *({"clip": {"method": method, "threshold": 0.01}} for method in CLIP_METHODS),
        {"model": {"cell": "lstm", "num_layers": 2, "dropout": 0.5}},
        {"schedule": {"name": "cosine", "warmup_steps": 4}, "omega": 1.0},
        {"early_stopping": 2, "optimizer": {"name": "sgd", "learning_rate": 1e-30}, "steps": 40},
        {"dtype": "float64"},
    ],
    ids=str,
)
def test_a_continued_run_is_bit_for_bit_the_uninterrupted_one(options: dict[str, Any]) -> None:
    chosen = config(**({"steps": 9} | options))
    whole = list(train(chosen))
    first = Trainer(chosen)
    begun = list(islice(first.records(), 4))
    state = first.state_dict()
    next(first.records())  # what the first trainer does afterwards does not reach the saved state
    second = Trainer(chosen)
    second.load_state_dict(state)
    assert_same_runs(whole, begun + list(second.records()))


def test_a_continued_run_keeps_what_was_steered() -> None:
    first, second = Trainer(config()), Trainer(config())
    next(first.records())
    first.set_learning_rate(0.25)
    first.set_clip_threshold(7.0)
    second.load_state_dict(first.state_dict())
    assert (second.learning_rate, second.clipping.threshold, second.step) == (0.25, 7.0, 1)


def test_a_state_before_the_first_step_can_be_loaded() -> None:
    second = Trainer(config())
    second.load_state_dict(Trainer(config()).state_dict())
    assert_same_runs(run(), list(second.records()))


# --- configurations that cannot run --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": "cross_entropy"}, "loss: 'cross_entropy' is not allowed with the data 'noise', which has a "
         "continuous target; allowed: 'auto', 'mse', 'mae' or 'huber'"),
        ({"truncation": 7}, "truncation: 7 is not allowed with sequences of 6 timesteps; allowed: 1 to 6, or empty"),
        ({"schedule": {"warmup_steps": 9}},
         "schedule.warmup_steps: 9 is not allowed in a run of 6 steps; allowed: 0 to 6"),
        ({"model": {"readout": "every_step"}}, "model.readout: 'every_step' is not allowed with the data 'noise', "
         "which has one target per sequence; allowed: 'last', 'mean' or 'attention'"),
    ],
)  # fmt: skip
def test_combinations_that_cannot_run_are_one_sentence(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        Trainer(config(**change), random_dataset())
    assert str(error.value) == message


def test_a_target_at_every_step_needs_the_read_out_of_every_step() -> None:
    with pytest.raises(ConfigError, match=r"'last' is not allowed .* allowed: 'every_step'"):
        Trainer(config(), random_dataset(per_step=True))


def test_a_dataset_may_be_read_only() -> None:
    data = random_dataset()
    for array in (data.validation.inputs, data.validation.targets):
        array.flags.writeable = False
    assert len(run(replace(data, train_batch=lambda step, batch_size, seed: data.validation))) == 6
