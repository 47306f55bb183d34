"""How runs end: divergence, early stopping; how they are steered and continued."""

import json
import math
from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from rnncore import train
from rnncore.choices import CLIP_METHODS, OPTIMIZERS
from rnncore.data import load_dataset
from rnncore.engine import losses
from rnncore.engine.train import Trainer
from rnncore.engine.underway import non_finite
from rnncore.errors import ConfigError
from tests.support.training import assert_same_runs, config, run

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
    assert trainer.ended.startswith("Stopped early at step 9: the last 3 evaluations found nothing better than ")


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
        {"flossing": {"exponents": 2, "steps": 3, "every": 3}},
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


def test_a_checkpoint_from_before_the_first_evaluation_is_json_and_has_no_best_loss() -> None:
    values = Trainer(config()).state_dict()["values"]
    assert values["best_val_loss"] is None
    json.dumps(values, allow_nan=False)


@pytest.mark.parametrize(("value", "words"), [(math.nan, "NaN"), (math.inf, "infinite"), (-math.inf, "infinite")])
def test_what_is_not_finite_is_named(value: float, words: str) -> None:
    assert non_finite("update", value) == f"the update became {words}"
    assert non_finite("update", 1e308) is None
