"""The training loop: its records against a plain torch loop, twins, and what cannot run."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rnncore import train
from rnncore.data import load_dataset
from rnncore.engine import evaluation
from rnncore.engine.train import Trainer
from rnncore.errors import ConfigError
from tests.support.training import assert_same_runs, config, random_dataset, run, same

TORCH_CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}


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
