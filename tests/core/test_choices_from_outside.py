"""One more loss, optimiser, schedule, clip method, initialisation, read-out, registered from outside: each trains."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from dashboard.experiment.words import in_words, label
from rnncore.choices import CLIP_METHODS, INITIALIZATIONS, LOSSES, OPTIMIZERS, READOUTS, SCHEDULES
from rnncore.config import OptimizerConfig
from rnncore.engine.clipping import Clipping
from rnncore.engine.flat import FlatParameters
from rnncore.engine.model import SequenceModel
from rnncore.engine.train import Trainer
from tests.support.registered import registered
from tests.support.training import config, run


def quartic(outputs: Tensor, targets: Tensor, reduction: str = "none") -> Tensor:
    losses = (outputs - targets) ** 4
    return losses.mean() if reduction == "mean" else losses


def nadam(weights: list[torch.nn.Parameter], options: OptimizerConfig) -> torch.optim.Optimizer:
    return torch.optim.NAdam(weights, options.learning_rate, weight_decay=options.weight_decay)


def halved(since_peak: int, span: int, options: Any) -> float:
    return 0.5


def halve(flat: FlatParameters, norm: float, clipping: Clipping) -> float:
    flat.gradients.mul_(0.5)
    return 0.5


def zeros(gate: Tensor, options: Any, generator: torch.Generator) -> None:
    gate.zero_()


def read_first(model: SequenceModel, states: Tensor, lengths: Tensor | None) -> Tensor:
    return states[:, 0]


def test_a_loss() -> None:
    entry = replace(LOSSES["mse"], key="quartic", implementation=f"{__name__}:quartic")
    with registered(LOSSES, entry):
        mine, usual = run(loss="quartic", steps=2), run(steps=2)
    assert mine[0].train_loss != usual[0].train_loss


def test_an_optimiser() -> None:
    entry = replace(OPTIMIZERS["adam"], key="nadam", title="NAdam", implementation=f"{__name__}:nadam")
    with registered(OPTIMIZERS, entry):
        chosen = config(optimizer={"name": "nadam", "weight_decay": 0.01})
        trainer = Trainer(chosen)
        (first, *_) = trainer.records()
        again = Trainer(chosen)
        again.load_state_dict(trainer.state_dict())
        assert "NAdam 0.005" in in_words(chosen)
        with pytest.raises(ValueError, match="is for 'sgd' and 'rmsprop', not 'nadam'"):
            config(optimizer={"name": "nadam", "momentum": 0.5})
    assert first.update_norm > 0
    assert all(torch.equal(a, b) for a, b in zip(again.model.parameters(), trainer.model.parameters(), strict=True))


def test_a_schedule() -> None:
    with registered(SCHEDULES, replace(SCHEDULES["constant"], key="halved", implementation=f"{__name__}:halved")):
        records = run(schedule={"name": "halved"}, optimizer={"learning_rate": 0.1}, steps=3)
    assert [record.learning_rate for record in records] == [0.05, 0.05, 0.05]


def test_a_clip_method() -> None:
    entry = replace(
        CLIP_METHODS["value"], key="halve", run_name="halved above {threshold:g}", implementation=f"{__name__}:halve"
    )
    with registered(CLIP_METHODS, entry):
        chosen = config(clip={"method": "halve", "threshold": 2})
        assert label(chosen) == "halved above 2"
        assert [record.clip_coef for record in run(clip={"method": "halve"}, steps=2)] == [0.5, 0.5]


def test_an_initialisation() -> None:
    entry = replace(INITIALIZATIONS["normal"], key="zero", implementation=f"{__name__}:zeros")
    with registered(INITIALIZATIONS, entry):
        model = Trainer(config(init={"scheme": "zero"})).model
    assert not model.recurrent.layer_weights(0)["weight_hh"].any()


def test_a_readout() -> None:
    with registered(READOUTS, replace(READOUTS["last"], key="first", implementation=f"{__name__}:read_first")):
        (record, *_) = run(model={"readout": "first"}, steps=2)
    assert record.hidden_grad_norm is not None
    assert (record.hidden_grad_norm[0] > 0).tolist() == [True] + [False] * 5
