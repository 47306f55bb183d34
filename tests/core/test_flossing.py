"""Gradient flossing: exponents reach 0, its gradient by finite differences, and what records say of it."""

import copy
import math
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from rnncore import TrainConfig, train
from rnncore.cells import CELLS
from rnncore.config import FlossingConfig
from rnncore.data import load_dataset
from rnncore.engine import flossing as engine
from rnncore.engine.batched.lockstep import train_many
from rnncore.engine.cells.recurrent import Recurrent
from rnncore.engine.flossing import floss, flossing_loss
from rnncore.engine.inspection import Inspection
from rnncore.engine.instruments import lyapunov_spectrum
from rnncore.engine.model import SequenceModel
from rnncore.engine.train import Trainer
from rnncore.errors import ConfigError
from rnncore.flossing import Progress, due, flossings, progress_in_words
from tests.support.training import assert_same_runs

DOUBLE = torch.float64


pytestmark = pytest.mark.usefixtures("one_thread")


def config_of(every: int | None = None, exponents: int = 2, **fields: Any) -> TrainConfig:
    flossing = {"exponents": exponents, "steps": 5, "every": every, "learning_rate": 0.02}
    return TrainConfig.model_validate(
        {
            "data": {"kind": "task", "task": "delayed_recall", "seq_len": 12, "delay": 3},
            "model": {"hidden_size": 6, "readout": "every_step"} | fields.pop("model", {}),
            "batch_size": 6, "steps": 7, "eval_every": 3, "profile_every": 1, "flossing": flossing,
        }
        | fields
    )  # fmt: skip


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_exponents_reach_zero(cell: str, seed: int) -> None:
    torch.manual_seed(seed)
    model = SequenceModel(TrainConfig.model_validate({"model": {"cell": cell, "hidden_size": 8}}).model, 2, 1).double()
    inputs = torch.randn(2, 30, 2, dtype=DOUBLE)
    assert lyapunov_spectrum(model, inputs, 3).max() < -0.1
    readout = model.readout.weight.clone()
    done = floss(model.recurrent, inputs, FlossingConfig(exponents=3, steps=80, learning_rate=0.03))
    found = lyapunov_spectrum(model, inputs, 3)
    assert np.abs(found).max() < 0.05
    assert done.after == pytest.approx(math.sqrt(float(np.square(found).mean())), rel=1e-9)
    assert torch.equal(model.readout.weight, readout)


@pytest.mark.parametrize("cell", CELLS)
def test_the_gradient_is_that_of_finite_differences(cell: str) -> None:
    torch.manual_seed(3)
    recurrent = Recurrent(cell, 2, 3, num_layers=2).double()
    inputs, eps = torch.randn(2, 6, 2, dtype=DOUBLE), 1e-6
    loss = flossing_loss(recurrent, inputs, 3)
    parameters = list(recurrent.parameters())
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    assert any(each is not None and bool(each.abs().max() > 1e-7) for each in gradients)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        direction = torch.randn_like(parameter)
        sides = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.add_(direction, alpha=sign * eps)
                sides.append(float(flossing_loss(recurrent, inputs, 3)))
                parameter.add_(direction, alpha=-sign * eps)
        found = 0.0 if gradient is None else float((gradient * direction).sum())
        assert found == pytest.approx((sides[0] - sides[1]) / (2 * eps), rel=1e-4, abs=1e-9)


def test_the_first_exponents_are_the_largest_also_where_units_do_not_see_one_another() -> None:
    model = SequenceModel(TrainConfig.model_validate({"model": {"cell": "indrnn", "hidden_size": 8}}).model, 1, 1)
    model.double()
    with torch.no_grad():
        model.recurrent.layer_weights(0)["weight_hh"].copy_(torch.linspace(0.1, 0.9, 8))
    inputs = torch.zeros(1, 300, 1, dtype=DOUBLE)
    every = lyapunov_spectrum(model, inputs)
    np.testing.assert_allclose(lyapunov_spectrum(model, inputs, 2), every[:2], atol=0.02)


def test_records_say_before_which_steps_it_was_done() -> None:
    records = list(train(config_of(every=3)))
    flossed = [record.step for record in records if record.exponents_after_flossing is not None]
    assert [record.step for record in records] == list(range(1, 8))
    assert flossed == [1, 4, 7]
    first = records[0]
    assert first.exponents_before_flossing is not None
    assert first.exponents_after_flossing is not None
    assert first.exponents_after_flossing < first.exponents_before_flossing
    assert [record.step for record in train(config_of()) if record.exponents_after_flossing is not None] == [1]


def test_a_step_is_measured_where_it_begins_and_its_update_is_the_optimisers_alone() -> None:
    config = config_of()
    trainer = Trainer(config)
    trainer.floss()
    weights = trainer.parameters.weights.detach().clone()
    assert trainer.before_flossing is not None
    assert not torch.equal(weights, trainer.before_flossing)
    record = next(iter(train(config)))
    plain = Trainer(config.model_copy(update={"flossing": FlossingConfig()}))
    plain.parameters.load(weights)
    expected = next(plain.records())
    for name in ("train_loss", "grad_norm", "update_norm", "val_loss"):
        assert getattr(record, name) == getattr(expected, name), name


def test_without_it_a_run_says_nothing_of_it() -> None:
    records = list(train(config_of(exponents=0)))
    assert {record.exponents_after_flossing for record in records} == {None}
    assert not any("flossing" in note for note in Trainer(config_of(exponents=0)).info.notes)
    assert (
        "Gradient flossing before the first step and after every 3 steps: 5 updates that are not training steps push "
        "the first 2 exponents towards 0."
    ) in Trainer(config_of(every=3)).info.notes


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_is_told_between_updates_is_how_far_it_is_and_what_the_exponents_are(cell: str, seed: int) -> None:
    """The size after k updates is that of the exponents after as many; those of an update are known at the next one."""
    torch.manual_seed(seed)
    model = SequenceModel(TrainConfig.model_validate({"model": {"cell": cell, "hidden_size": 5}}).model, 2, 1).double()
    inputs, told, seen, usual = (
        torch.randn(2, 10, 2, dtype=DOUBLE),
        list[Progress](),
        list[float](),
        engine.flossing_loss,
    )

    def looked_at(own: Recurrent, driven: torch.Tensor, count: int) -> torch.Tensor:
        with torch.no_grad():
            other = copy.deepcopy(model)
            other.recurrent = copy.deepcopy(own)
            seen.append(math.sqrt(float(np.square(lyapunov_spectrum(other, driven, count)).mean())))
        return usual(own, driven, count)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "flossing_loss", looked_at)
        done = floss(model.recurrent, inputs, FlossingConfig(exponents=2, steps=6, learning_rate=0.03), told.append)
    assert [(each.done, each.updates) for each in told] == [(place, 6) for place in range(6)]
    sizes = [each.size for each in told]
    assert sizes[0] is None
    assert sizes[1:] == pytest.approx(seen[:5], rel=1e-9)
    assert (done.before, done.after) == pytest.approx((seen[0], seen[-1]), rel=1e-9)


@pytest.mark.parametrize(("steps", "every"), [(1, None), (7, None), (7, 1), (7, 3), (6, 3), (4, 3), (3, 3), (2, 5)])
def test_how_often_a_run_is_flossed(steps: int, every: int | None) -> None:
    config = config_of(every=every, steps=steps)
    assert flossings(config) == sum(due(config, step) for step in range(1, steps + 1))
    assert flossings(config_of(exponents=0, steps=steps)) == 0


def test_how_far_it_is_in_words() -> None:
    found = [progress_in_words(1, Progress(done, updates, size), count) for done, updates, size, count in
             ((0, 100, None, 2), (24, 100, 1.2345, 16), (1, 3, 0.5, 1), (0, 1, None, 1))]  # fmt: skip
    assert found == [
        "gradient flossing before step 1: 0 % done",
        "gradient flossing before step 1: 24 % done, root mean square of the first 16 exponents 1.23",
        "gradient flossing before step 1: 33 % done, root mean square of the largest exponent 0.5",
        "gradient flossing before step 1: 0 % done",
    ]
    assert progress_in_words(2001, Progress(0, 1, None), 1).startswith("gradient flossing before step 2,001: ")


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_continued_run_is_the_same_to_the_last_bit(stop: int) -> None:
    config = config_of(every=3, model={"cell": "lstm"})
    whole = Trainer(config)
    records = list(whole.records())
    first = Trainer(config)
    begun = list(islice(first.records(), stop))
    second = Trainer(config)
    second.load_state_dict(first.state_dict())
    assert_same_runs([*begun, *second.records()], records)
    assert torch.equal(whole.parameters.weights, second.parameters.weights)


def test_runs_in_one_batched_model_are_flossed_each_by_itself() -> None:
    configs = [config_of(every=3, seed=seed) for seed in (0, 1)]
    together: list[list[Any]] = [[], []]
    for place, record in train_many(configs):
        together[place].append(record)
    for config, found in zip(configs, together, strict=True):
        for one, other in zip(train(config), found, strict=True):
            assert (one.exponents_after_flossing is None) == (other.exponents_after_flossing is None)
            if one.exponents_after_flossing is not None:
                assert one.exponents_after_flossing == pytest.approx(other.exponents_after_flossing, rel=1e-3)
            assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)


def test_an_inspected_step_is_read_after_its_flossing_and_says_what_it_did() -> None:
    config = config_of(every=3)
    inspection = Inspection(config, load_dataset(config.data))
    records = list(train(config))
    for step in (4, 5, 1):
        reading = inspection.read("lyapunov", step)
        profile = records[step - 1].hidden_grad_norm
        assert profile is not None
        np.testing.assert_allclose(reading.arrays["gradient"], profile[-1], rtol=1e-5)
        assert ("exponent_before" in reading.arrays) == (step in (1, 4))
        before, after = records[step - 1].exponents_before_flossing, records[step - 1].exponents_after_flossing
        words = (
            "The flossing before this step (5 updates) brought the root mean square of the first 2 exponents from "
            f"{before or 0:.3g} to {after or 0:.3g}."
        )
        assert (reading.said[-1] == words) == (step in (1, 4))
    np.testing.assert_array_equal(
        inspection.read("lyapunov", 1).arrays["exponent_before"],
        Inspection(config.model_copy(update={"flossing": FlossingConfig()}), load_dataset(config.data))
        .read("lyapunov", 1)
        .arrays["exponent"],
    )


def test_where_numbers_are_not_finite_the_run_ends_at_the_weights_before() -> None:
    config = config_of(every=3)
    trainer = Trainer(config)
    records = trainer.records()
    for _ in range(3):
        next(records)
    before = trainer.parameters.weights.detach().clone()
    with torch.no_grad():  # the readings of all units are the same: a direction is wiped out
        trainer.model.recurrent.layer_weights(0)["weight_hh"].zero_()
    zeroed = trainer.parameters.weights.detach().clone()
    last = next(records)
    assert last.diverged == "the flossed exponents became NaN at step 4"
    assert torch.equal(trainer.parameters.weights, zeroed)
    assert trainer.step == 3
    assert not torch.equal(before, zeroed)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"model": {"nonlinearity": "relu"}}, "flossing.exponents 2 needs slopes that change smoothly"),
        ({"mistake": "swapped_batch_and_time"}, "flossing.exponents 2 is not defined where the batch axis"),
        ({"exponents": 7}, "flossing.exponents: 7 is not allowed with a state of 6 numbers; allowed: 0 to 6"),
        ({"model": {"hidden_size": 129, "cell": "lstm"}}, "flossing.exponents: 2 is not allowed with a state of 258"),
        (
            {
                "model": {"hidden_size": 64, "readout": "last"},
                "data": {"kind": "task", "task": "adding", "seq_len": 100},
                "flossing": {"exponents": 64, "steps": 200},
            },
            "flossing.steps: 200 is not allowed where an update takes about 0.16 s; all of them may take 20 s; "
            "allowed: 1 to 123, or more with fewer exponents or timesteps",
        ),
        ({"exponents": 65}, "less than or equal to 64"),
    ],
)
def test_what_it_does_not_fit_is_refused_before_anything_starts(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - pydantic's, or ConfigError
        Trainer(config_of(**fields))
    message = str(error.value)
    assert problem in message or (isinstance(error.value, ConfigError) and message.startswith(problem))


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by an entry each time that exponents are worked out to be pushed."""
    calls, usual = [], engine.flossing_loss

    def looked_at(*args: Any) -> torch.Tensor:
        calls.append(1)
        return usual(*args)

    monkeypatch.setattr(engine, "flossing_loss", looked_at)
    return calls


@pytest.mark.parametrize("every", [None, 4])
def test_a_late_step_is_read_from_its_checkpoint_without_flossing_again(
    every: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(every=every)
    trainer, states = Trainer(config), {}
    for record in trainer.records():
        states[record.step] = trainer.state_dict()
    expected = Inspection(config, load_dataset(config.data)).read("flow", 7)
    calls, shares = counted(monkeypatch), [0.0]
    inspection = Inspection(config, load_dataset(config.data))
    inspection.keep(states[6])
    found = inspection.read("flow", 7, tell=shares.append)
    assert not calls, "the checkpoint has the flossed weights"
    np.testing.assert_array_equal(found.arrays["log10_gradient"], expected.arrays["log10_gradient"])
    inspection.read("flow", 4, tell=shares.append)
    assert len(calls) == 6, "5 updates and a look at what they did, once: no state between it and step 4 was known"
    for step in (1, 2, 1, 5, 4):
        inspection.read("flow", step)
    assert len(calls) == (6 if every is None else 12), "what was flossed once is known"


@pytest.mark.parametrize("every", [None, 2])
def test_the_share_of_a_reading_never_falls_and_says_when_it_flosses(every: int | None) -> None:
    config = config_of(every=every)
    for ask in ("read", "follow"):
        told: list[tuple[float, str]] = []
        inspection = Inspection(config, load_dataset(config.data))

        def tell(share: float, told: list[Any] = told, inspection: Inspection = inspection) -> None:
            told.append((share, inspection.doing))

        getattr(inspection, ask)("lyapunov", 6, tell=tell)
        shares = [share for share, _ in told]
        assert shares == sorted(shares)
        assert 0 <= shares[0] <= shares[-1] <= 1
        said = list(dict.fromkeys(doing for _, doing in told if doing))
        steps = (1,) if every is None else (1, 3, 5)
        assert said == [f"flossing before step {step} is done again first" for step in steps]
        assert len({share for share, doing in told if doing}) > 3, "its updates count"
        assert inspection.doing == ""


def test_flossing_that_a_live_course_has_no_time_for_goes_on_where_it_was_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = config_of(every=3)
    trainer, states = Trainer(config), {}
    for record in trainer.records():
        states[record.step] = trainer.state_dict()
    whole = Inspection(config, load_dataset(config.data)).follow("lyapunov", 6)
    now = [0.0]
    monkeypatch.setattr("rnncore.engine.inspection.time.perf_counter", lambda: now.__setitem__(0, now[0] + 1) or now[0])
    calls, sizes = counted(monkeypatch), []
    inspection = Inspection(config, load_dataset(config.data))
    inspection.keep(states[5])
    while not sizes or sizes[-1] < 6:
        course = inspection.follow("lyapunov", 6, seconds=6.0)
        sizes.append(len(course.arrays["step"]))
        assert course.arrays["step"][-1] == 6, "the newest is there at once"
        assert len(sizes) < 50
    assert len(sizes) > 3
    assert len(calls) == 2 * 6, "each flossing was done once, in parts"
    for name, values in whole.arrays.items():
        np.testing.assert_array_equal(course.arrays[name], values)
