"""Every option of a run does something, and each kind of target trains."""

import math
from typing import Any

import pytest

from rnncore.cells import CELLS
from rnncore.choices import CLIP_METHODS, OPTIMIZERS
from rnncore.data.dataset import TargetKind
from tests.support.training import random_dataset, run


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


@pytest.mark.parametrize("cell", CELLS)
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
