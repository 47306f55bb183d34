"""Checks of a configuration against its data: what is refused, word for word, and what just passes."""

from dataclasses import dataclass

import pytest

from rnncore.checks import check_loss, check_run, fitting_losses, resolve_loss
from rnncore.config import TrainConfig
from rnncore.data.dataset import TargetKind
from rnncore.errors import ConfigError


@dataclass(frozen=True)
class Data:
    name: str = "toy"
    target: TargetKind = "regression"
    per_step: bool = False
    seq_len: int = 1200
    train_size: int | None = None
    mistake: str = "none"


def refusal(config: dict, data: Data) -> str:
    with pytest.raises(ConfigError) as refused:
        check_run(TrainConfig.model_validate(config), data)
    return str(refused.value)


@pytest.mark.parametrize(
    ("target", "losses"),
    [("regression", ["mse", "mae", "huber"]), ("binary", ["bce"]), ("multiclass", ["cross_entropy"])],
)
def test_the_losses_of_a_kind_of_target(target: TargetKind, losses: list[str]) -> None:
    data = Data(target=target)
    assert fitting_losses(target) == losses
    assert [resolve_loss(name, data) for name in ("auto", *losses)] == [losses[0], *losses]


@pytest.mark.parametrize(
    ("target", "loss", "sentence"),
    [
        ("binary", "mse", "loss: 'mse' is not allowed with the data 'toy', which has a yes/no target; allowed: 'auto' "
         "or 'bce'"),
        ("multiclass", "bce", "loss: 'bce' is not allowed with the data 'toy', which has a target of several classes; "
         "allowed: 'auto' or 'cross_entropy'"),
        ("regression", "bce", "loss: 'bce' is not allowed with the data 'toy', which has a continuous target; "
         "allowed: 'auto', 'mse', 'mae' or 'huber'"),
    ],
)  # fmt: skip
def test_a_loss_that_does_not_fit_is_refused(target: TargetKind, loss: str, sentence: str) -> None:
    data = Data(target=target)
    for ask in (check_loss, resolve_loss):
        with pytest.raises(ConfigError) as refused:
            ask(loss, data)
        assert str(refused.value) == sentence
    assert refusal({"loss": loss}, data) == sentence


def test_a_read_out_must_fit_where_the_targets_are() -> None:
    assert refusal({"model": {"readout": "every_step"}}, Data()) == (
        "model.readout: 'every_step' is not allowed with the data 'toy', which has one target per sequence; "
        "allowed: 'last', 'mean' or 'attention'"
    )
    assert refusal({"model": {"readout": "last"}}, Data(per_step=True)) == (
        "model.readout: 'last' is not allowed with the data 'toy', which has a target at every timestep; "
        "allowed: 'every_step'"
    )
    check_run(TrainConfig.model_validate({"model": {"readout": "every_step"}}), Data(per_step=True))


def test_truncation_may_be_as_long_as_the_sequences_and_no_longer() -> None:
    check_run(TrainConfig(truncation=1200), Data())
    assert refusal({"truncation": 1201}, Data()) == (
        "truncation: 1201 is not allowed with sequences of 1,200 timesteps; allowed: 1 to 1,200, or empty"
    )


def test_warm_up_may_be_as_long_as_the_run_and_no_longer() -> None:
    check_run(TrainConfig.model_validate({"steps": 2000, "schedule": {"warmup_steps": 2000}}), Data())
    assert refusal({"steps": 2000, "schedule": {"warmup_steps": 2001}}, Data()) == (
        "schedule.warmup_steps: 2001 is not allowed in a run of 2,000 steps; allowed: 0 to 2,000"
    )
