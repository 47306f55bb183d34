"""The readings of single steps and units: contributions, memory, updates, each against an independent computation."""

import math

import numpy as np
import pytest
import torch

from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.engine.instruments import norms_and_cosines, step_contributions
from rnncore.engine.instruments.contributions import contribution_norms
from rnncore.engine.instruments.jacobians import layers_of
from rnncore.engine.readings.contributions import said as said_of_steps
from rnncore.engine.readings.memory import half_lives, retention
from rnncore.engine.readings.memory import said as said_of_memory
from rnncore.engine.readings.updates import said as said_of_updates
from rnncore.engine.train import Trainer
from tests.support.networks import build
from tests.support.unrolled import KINDS

RECALL = {
    "data": {"kind": "task", "task": "delayed_recall", "seq_len": 10, "delay": 3},
    "model": {"hidden_size": 5, "readout": "every_step"},
    "batch_size": 4,
    "steps": 20,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("readout", ["last", "every_step"])
def test_norms_without_the_matrices_are_those_of_the_matrices(kind: tuple[str, str], readout: str) -> None:
    model, inputs = build(kind, (3, 7, 2, 4, 2), 5, readout)
    targets = torch.randn(*(inputs.shape[:2] if readout == "every_step" else inputs.shape[:1]), 1).double()
    found = contribution_norms(model, inputs, targets)
    expected = norms_and_cosines(step_contributions(model, inputs, targets))
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-8, atol=1e-9)


def test_the_sentence_about_steps_counts_from_the_end() -> None:
    norms, cosines = np.array([0.1, 0.0, 1.0, 9.0]), np.array([-1.0, np.nan, 1.0, 1.0])
    first, second = said_of_steps(norms, cosines)
    assert first.startswith("Timestep 4 adds most; the last timestep alone gives at least nine tenths of the gradient")
    assert second == "1 of 4 timesteps pulls against it."


@pytest.mark.parametrize(("cell", "gate"), [("lstm", "f"), ("gru", "z")])
def test_frozen_gates_have_the_half_life_of_their_value(cell: str, gate: str) -> None:
    """With no weights a gate is sigmoid(b) at every step: half-life ln 2 / -ln sigmoid(b)."""
    model, inputs = build((cell, "tanh"), (2, 6, 1, 3, 1), 0)
    with torch.no_grad():
        for name, weight in model.recurrent.layer_weights(0).items():
            weight.zero_()
            if name == "bias_ih":
                weight[3:6] = torch.tensor([0.0, 2.0, 6.0])
    logs = retention(layers_of(model, inputs)[-1], gate)
    expected = [math.log(2) / math.log1p(math.exp(-b)) for b in (0.0, 2.0, 6.0)]
    np.testing.assert_allclose(half_lives(logs), expected, rtol=1e-12)


def test_a_plain_unit_keeps_what_its_own_weight_and_slope_leave() -> None:
    model, inputs = build(("rnn", "tanh"), (2, 6, 1, 3, 1), 0)
    with torch.no_grad():
        for weight in model.recurrent.layer_weights(0).values():
            weight.zero_()
        model.recurrent.layer_weights(0)["weight_hh"].copy_(
            torch.tensor([[0.5, 1, 1], [0, 0.9, 1], [0, 0, 1.0]]).double()
        )
    logs = retention(layers_of(model, inputs)[-1], None)
    np.testing.assert_allclose(half_lives(logs), [1.0, math.log(0.5) / math.log(0.9), math.inf], rtol=1e-6)


def test_a_memory_that_nothing_forgets_does_not_fade() -> None:
    """The second state of an LSTM of 1997 is kept whole; that of a complex unit shrinks by |lambda|."""
    model, inputs = build(("lstm1997", "tanh"), (2, 6, 1, 3, 1), 0)
    assert np.isinf(half_lives(retention(layers_of(model, inputs)[-1], None))).all()
    model, inputs = build(("lru", "tanh"), (2, 6, 1, 3, 1), 0)
    sizes = np.exp(-np.exp(model.recurrent.layer_weights(0)["nu_log"].detach().numpy()))
    found = half_lives(retention(layers_of(model, inputs)[-1], None))
    np.testing.assert_allclose(found, math.log(0.5) / np.log(sizes), rtol=1e-9)


def test_a_memory_that_is_empty_before_the_first_timestep_has_lost_nothing_there() -> None:
    """Of an sLSTM without weights, f = i = 1 and n_t = t: f n_{t-1} / n_t = (t - 1) / t, whose product is 1 / T."""
    model, inputs = build(("slstm", "tanh"), (2, 6, 1, 3, 1), 0)
    with torch.no_grad():
        for weight in model.recurrent.layer_weights(0).values():
            weight.zero_()
    logs = retention(layers_of(model, inputs)[-1], "f")
    assert logs[0].isneginf().all()
    np.testing.assert_allclose(half_lives(logs), math.log(2) * 5 / math.log(6), rtol=1e-6)
    short = math.log(2) * 7 / (math.log(6) + math.log(3))  # of 6 and of 3 timesteps, the first of each left out
    np.testing.assert_allclose(half_lives(logs, torch.tensor([6, 3])), short, rtol=1e-6)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("indrnn", "This cell has no gate for its memory: r is what the unit keeps of its own state."),
        ("coupled", "None of the gates shown multiplies its memory: r is what the unit keeps of its own state."),
        ("minlstm", "None of the gates shown multiplies its memory: r is what the unit keeps of its own state."),
        ("slstm", ""),
    ],
)
def test_memory_says_what_it_is_read_from(cell: str, said: str) -> None:
    config = TrainConfig.model_validate(RECALL | {"model": RECALL["model"] | {"cell": cell}})
    reading = Inspection(config, load_dataset(config.data)).read("memory", 1)
    assert [note for note in reading.notes if "multiplies" in note or "no gate" in note] == [said] * bool(said)
    assert (reading.arrays["half_life"] > 0).all()


def test_padding_has_no_part_in_half_lives() -> None:
    logs = torch.full((4, 2, 1), math.log(0.5), dtype=torch.float64)
    logs[2:, 1] = -50.0
    np.testing.assert_allclose(half_lives(logs, torch.tensor([4, 2])), [1.0])


def test_the_sentences_about_memory_count_the_units() -> None:
    first, second = said_of_memory(np.array([3.0, 12.0, 40.0]), 10.0)
    longest = "By itself, and on average, the unit with the longest memory"
    assert first == f"{longest} has lost half of what it holds after 40 timesteps."
    assert second == "2 of 3 units have a half-life of at least the task's delay of 10."
    assert said_of_memory(np.array([0.7, 0.0, 0.0]), None)[1] == (
        "2 of 3 units keep nothing by themselves, and have no bar: all is let go at some timestep."
    )
    assert said_of_memory(np.array([0.7, 0.0, 2.0]), 1.0)[2].startswith("1 of 3 units keeps nothing by itself, and has")
    assert said_of_memory(np.zeros(3), 10.0)[0].startswith("No unit keeps anything by itself")
    assert said_of_memory(np.array([np.inf]), None) == (f"{longest} does not fade.",)


@pytest.mark.parametrize("seed", range(3))
def test_units_that_are_silent_at_some_timestep_have_no_bar(seed: int) -> None:
    """A ReLU that is 0 has the slope 0: the unit keeps nothing of what it held."""
    model = RECALL["model"] | {"cell": "rnn", "nonlinearity": "relu", "hidden_size": 9}
    config = TrainConfig.model_validate(RECALL | {"model": model, "batch_size": 1, "seed": seed})
    reading = Inspection(config, load_dataset(config.data)).read("memory", 2)
    silent = (reading.arrays["state"] == 0).any(1)
    assert silent.any()
    np.testing.assert_array_equal(np.isnan(reading.arrays["drawn"]), silent)
    words = [sentence for sentence in reading.said if "no bar" in sentence]
    gone = int(silent.sum())
    assert [sentence.split(" unit")[0] for sentence in words] == [f"{gone} of 9"] * (gone < 9)


@pytest.mark.parametrize("name", ["adam", "sgd", "rmsprop", "adagrad"])
def test_updates_are_those_of_the_run_and_rates_those_of_its_optimiser(name: str) -> None:
    config = TrainConfig.model_validate(
        RECALL | {"optimizer": {"name": name, "learning_rate": 0.01}, "clip": {"method": "norm", "threshold": 0.05}}
    )
    reading = Inspection(config, load_dataset(config.data)).read("adam", 7)
    found = reading.arrays
    trainer = Trainer(config)
    records = trainer.records()
    for _ in range(6):
        next(records)
    before = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    record = next(records)
    changes = [float((value - before[key]).norm()) for key, value in trainer.model.state_dict().items()]
    np.testing.assert_allclose(found["update_norm"], changes, rtol=1e-5)
    assert np.linalg.norm(found["update_norm"]) == pytest.approx(record.update_norm, rel=1e-5)
    assert np.linalg.norm(found["gradient_norm"]) == pytest.approx(record.grad_norm, rel=1e-5)
    if name == "sgd":
        np.testing.assert_allclose(found["effective_learning_rate"], 0.01)
        assert reading.notes[1] == "This optimiser multiplies all gradients by the same learning rate, 0.01."
    if name == "adam":
        state = trainer.optimizer.state[trainer.parameters.weights]
        rates = 0.01 / ((state["exp_avg_sq"] / (1 - 0.999**7)).sqrt() + 1e-8)
        medians = [float(rates[part].median()) for part in trainer.parameters.parts]
        np.testing.assert_allclose(found["effective_learning_rate"], medians, rtol=1e-4)


def test_the_sentence_about_updates_compares_the_spreads() -> None:
    (sentence,) = said_of_updates(np.array([1.0, 1e-4]), np.array([0.02, 0.01]))
    assert sentence == (
        "The lengths of the parameters' gradients differ by up to a factor of 10,000, those of their updates by up "
        "to 2."
    )


def test_where_there_is_no_cosine_or_ratio_it_is_said_in_words() -> None:
    """The state before the first timestep is 0, so that it adds nothing; the matrix W - W^T of one unit is 0."""
    config = TrainConfig.model_validate(RECALL)
    reading = Inspection(config, load_dataset(config.data)).read("contributions", 2)
    assert list(np.flatnonzero(np.isnan(reading.arrays["cosine"]))) == [0]
    assert "1 of 10 timesteps has no cosine, since what it adds is exactly 0." in reading.notes
    one = TrainConfig.model_validate(
        RECALL | {"model": {"cell": "antisymmetric", "hidden_size": 1, "readout": "every_step"}}
    )
    inspection = Inspection(one, load_dataset(one.data))
    reading = inspection.read("contributions", 2)
    assert "The cosine is not defined at any timestep: the whole gradient is exactly 0." in reading.notes
    assert reading.said == ("The gradient of the recurrent matrix is exactly 0.",)
    reading = inspection.read("adam", 2)
    (place,) = np.flatnonzero(np.isnan(reading.arrays["ratio"]))
    name = Trainer(one).parameters.names[place].removeprefix("recurrent.")
    assert f"The ratio of update and gradient is not defined for {name}, whose gradient is exactly 0." in reading.notes


def test_steps_that_cancel_exactly_are_not_said_to_make_up_a_gradient() -> None:
    assert said_of_steps(np.array([1.0, 2.0, 2.0]), np.full(3, np.nan)) == ("Timestep 2 adds most.",)
