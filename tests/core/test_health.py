"""The evidence of a diagnosis: simple answers' losses, facts about data, spikes, and a snapshot's part "health"."""

import numpy as np
import pytest
import torch

from rnncore.config import TaskData, TrainConfig
from rnncore.data import TASKS, load_dataset
from rnncore.data.facts import autocorrelation, facts_of, reordered, tail_share
from rnncore.data.guesses import guesses_of, training_sample
from rnncore.engine.guesses import guess_losses
from rnncore.engine.instruments.health import margin
from rnncore.engine.spikes import Spikes
from rnncore.engine.train import Trainer

CONFIG = {"data": {"kind": "task", "task": "adding"}, "model": {"hidden_size": 8}, "steps": 30, "eval_every": 10}


def test_always_saying_1_is_judged_on_the_very_validation_set() -> None:
    info = Trainer(TrainConfig.model_validate(CONFIG)).info
    targets = load_dataset(TaskData(task="adding")).validation.targets
    easy, hard = info.baselines
    assert (easy.name, hard.name, easy.knows, hard.knows) == ("predict 1", "one number known", False, True)
    assert easy.loss == pytest.approx(np.mean((1 - targets.astype(float)) ** 2), rel=1e-12)
    assert easy.loss == pytest.approx(0.1512, abs=1e-4)
    assert easy.in_theory == pytest.approx(1 / 6)


@pytest.mark.parametrize("name", list(TASKS))
def test_what_a_task_guesses_costs_what_theory_says(name: str) -> None:
    dataset = load_dataset(TaskData(task=name))
    sample = training_sample(dataset)
    (loss, theory), *_ = (dataset.baselines or {}).items()
    guesses = guesses_of(dataset, sample)
    found = guess_losses(guesses, loss, dataset.validation, sample)
    for line in theory:
        (place,) = (place for place, guess in enumerate(guesses) if guess.name == line.name)
        losses = found.validation[place]
        assert losses.mean() == pytest.approx(line.loss, abs=1e-5 + 5 * losses.std() / np.sqrt(len(losses)))


def test_a_forecast_is_held_against_the_last_value_too() -> None:
    dataset = load_dataset(TaskData(task="sines"))
    assert {guess.name for guess in guesses_of(dataset, training_sample(dataset))} == {
        "last value again", "predict the mean",
    }  # fmt: skip


def test_a_margin_has_the_standard_error_of_the_paired_differences() -> None:
    guess, own = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 1.0, 3.0, 3.5])
    differences = guess - own
    found = margin(guess, own)
    assert found["margin"] == pytest.approx(0.5)
    assert found["error"] == pytest.approx(np.std(differences, ddof=1) / 2)


def test_a_tail_counts_the_steps_that_only_repeat_the_last_one() -> None:
    values = np.array([[1, 2, 0, 0, 0], [1, 2, 3, 4, 5]], float)[:, :, None]
    assert tail_share(values, np.array([5, 5])) == pytest.approx((2 / 5 + 0) / 2)
    assert tail_share(values, np.array([4, 5])) == pytest.approx((1 / 4 + 0) / 2)


def test_order_is_the_largest_autocorrelation_within_sequences() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(400, 60, 1))
    smooth = np.cumsum(noise, axis=1)
    inside = np.ones((400, 60), bool)
    assert autocorrelation(noise, inside) < 0.03
    assert autocorrelation(smooth, inside) > 0.8
    levels = noise + 100 * rng.normal(size=(400, 1, 1))
    assert autocorrelation(levels, inside) < 0.03, "that sequences differ in level is no order in time"


def test_facts_of_delays_scales_and_moved_timesteps() -> None:
    recall = load_dataset(TaskData(task="delayed_recall", delay=20))
    assert facts_of(recall, training_sample(recall))["delay"] == 20
    clean = load_dataset(TaskData(task="temporal_order"))
    shuffled = load_dataset(TaskData(task="temporal_order"), mistake="shuffled_time")
    assert reordered(shuffled.validation, clean.validation)
    assert not reordered(clean.validation, clean.validation)
    large = load_dataset(TaskData(task="adding"), mistake="unscaled_targets")
    assert facts_of(large, training_sample(large))["target_rms"] > 1e4


def test_a_spike_is_held_against_the_median_of_the_fifty_steps_before() -> None:
    rng = np.random.default_rng(3)
    norms = rng.lognormal(size=300)
    norms[140] = 400.0
    spikes = Spikes()
    for step, norm in enumerate(norms.tolist(), 1):
        spikes.add(step, norm, 1.0)
    ratios = [norm / np.median(norms[max(0, place - 50) : place]) for place, norm in enumerate(norms) if place]
    assert spikes.step == 141
    assert spikes.ratio == pytest.approx(max(ratios))
    again = Spikes()
    again.load_state_dict(spikes.state_dict())
    assert again == spikes


def health(**changes: object) -> dict:
    trainer = Trainer(TrainConfig.model_validate(CONFIG | changes))
    snapshots = [record.snapshot for record in trainer.records() if record.snapshot is not None]
    return snapshots[-1]["health"] | {"trainer": trainer}


def test_the_numbers_of_a_run_follow_from_its_model_and_its_validation_set() -> None:
    found = health()
    trainer = found["trainer"]
    batch = trainer.dataset.validation
    with torch.no_grad():
        trainer.model.eval()
        outputs = trainer.model(torch.tensor(batch.inputs)).numpy().astype(float)
        states = trainer.model.recurrent(torch.tensor(batch.inputs[:8])).numpy()
    errors = np.square(outputs - batch.targets)
    assert found["loss"] == pytest.approx(errors.mean(), rel=1e-5)
    assert found["answers"]["r2"] == pytest.approx(1 - errors.sum() / (batch.targets.var() * len(errors)), rel=1e-4)
    assert found["answers"]["spread"] == pytest.approx(outputs.std() / batch.targets.std(), rel=1e-4)
    assert found["layers"][0]["saturated"] == pytest.approx((np.abs(states) > 0.95).mean(), abs=1e-6)
    assert found["feature"] == pytest.approx(np.square(states[:, -1]).sum(-1).mean(), rel=1e-4)
    line = found["baselines"][0]
    assert line["margin"] == pytest.approx(line["loss"] - found["loss"], rel=1e-5)


def test_sequences_touch_only_where_axes_are_swapped() -> None:
    assert Trainer(TrainConfig.model_validate(CONFIG)).info.facts["mixes"] < 1e-4
    chaotic = CONFIG | {"init": {"scheme": "spectral", "spectral_radius": 8.0}, "model": {"hidden_size": 32}}
    assert Trainer(TrainConfig.model_validate(chaotic)).info.facts["mixes"] < 1e-4, "rounding is no neighbour"
    assert (
        Trainer(TrainConfig.model_validate(CONFIG | {"mistake": "swapped_batch_and_time"})).info.facts["mixes"] > 0.01
    )


def test_dead_and_saturated_units_are_counted() -> None:
    relu = {"model": {"hidden_size": 8, "nonlinearity": "relu"}, "optimizer": {"name": "sgd", "learning_rate": 1e-9}}
    assert health(**relu)["layers"][0]["dead"] < 0.5
    assert health(mistake="unscaled")["layers"][0]["saturated"] > 0.5
