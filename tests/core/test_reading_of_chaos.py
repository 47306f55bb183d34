"""The reading "lyapunov": eigenvalues, the profile beside the largest exponent, and what is said of both."""

import math

import numpy as np
import pytest
import torch

from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.engine.readings.chaos import eigenvalues, expected, said, slope, state_size
from rnncore.engine.train import Trainer
from rnncore.words import figure
from tests.support.networks import build

CONFIG = TrainConfig.model_validate(
    {
        "data": {"kind": "task", "task": "adding", "seq_len": 12},
        "model": {"hidden_size": 6},
        "steps": 5,
        "profile_every": 1,
    }
)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_eigenvalues_are_those_of_each_block(cell: str) -> None:
    model, _ = build((cell, "tanh"), (1, 3, 2, 4, 2), 1)
    matrix = model.recurrent.layer_weights(1)["weight_hh"].detach().numpy()
    each = np.concatenate([np.linalg.eigvals(block) for block in matrix.reshape(-1, 4, 4)])
    np.testing.assert_allclose(np.sort_complex(eigenvalues(model)), np.sort_complex(each), rtol=1e-9, atol=1e-12)
    assert state_size(model) == 2 * 4 * (2 if cell == "lstm" else 1)


def test_the_profile_is_the_recorded_one_and_the_line_goes_through_its_end() -> None:
    found = Inspection(CONFIG, load_dataset(CONFIG.data)).read("lyapunov", 3)
    record = list(Trainer(CONFIG).records())[2]
    np.testing.assert_allclose(found.arrays["gradient"], record.hidden_grad_norm[0], rtol=1e-5)
    line, first = found.arrays["expected"], found.arrays["exponent"][0]
    assert line[-1] == found.arrays["gradient"][-1]
    np.testing.assert_allclose(np.diff(np.log(line)), -first, rtol=1e-9)
    assert found.notes == ("Averaged over the first 4 of 32 sequences.",)


def test_the_slope_is_the_factor_per_step_back() -> None:
    norms = 3.0 * 0.7 ** np.arange(20, -1, -1)
    assert slope(norms) == pytest.approx(math.log(0.7))
    assert slope(np.array([0.0, 1.0, 2.0])) is None
    np.testing.assert_allclose(expected(norms, math.log(0.7)), norms)


def test_the_sentences_tell_growth_from_decay() -> None:
    assert "grows by a factor of 2 per timestep." in said(math.log(2), None)[0]
    assert "shrinks by a factor of 2 per timestep." in said(math.log(0.5), None)[0]
    assert "changes by less than 2 % per timestep" in said(0.001, None)[0]
    assert "minus infinity" in said(-math.inf, None)[0]
    norms = 0.5 ** np.arange(9, -1, -1.0)
    assert said(0.0, norms)[1].startswith("The measured gradient changes by a factor of 0.5 per step back in time: ")


def test_a_state_of_more_than_512_numbers_is_said_to_have_its_first_64() -> None:
    config = TrainConfig.model_validate(
        {"data": {"kind": "task", "task": "adding", "seq_len": 3}, "model": {"hidden_size": 520}, "batch_size": 1}
    )
    found = Inspection(config, load_dataset(config.data)).read("lyapunov", 1)
    assert found.arrays["exponent"].shape == (64,)
    assert "The state has 520 numbers; these are the first 64 exponents." in found.notes


def test_the_course_tells_where_the_largest_exponent_began_and_ended() -> None:
    inspection = Inspection(CONFIG, load_dataset(CONFIG.data))
    found = inspection.follow("lyapunov", 5)
    first, last = (inspection.read("lyapunov", step).arrays["exponent"][0] for step in (1, 5))
    assert found.said == (f"The largest exponent goes from {first:.3f} at step 1 to {last:.3f} at step 5.",)
    assert found.arrays["map"].shape == (6, 5)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("seed", range(4))
def test_an_exponent_above_0_is_seen_beside_those_far_below(seed: int) -> None:
    """Dead ReLU units give exponents of -50 and minus infinity, which would flatten the one that explodes."""
    init = {"scheme": "spectral", "spectral_radius": 2.0}
    config = TrainConfig.model_validate(
        CONFIG.model_dump() | {"model": {"hidden_size": 24, "nonlinearity": "relu"}, "init": init, "seed": seed}
    )
    found = Inspection(config, load_dataset(config.data)).read("lyapunov", 1)
    exponents, axis = found.arrays["exponent"], found.panels[0].y
    finite, gone = exponents[np.isfinite(exponents)], int(np.isneginf(exponents).sum())
    assert (axis.low is not None) == (finite.min() < -7)
    if axis.low is not None:
        assert exponents[0] > 0.02 * axis.low
        cut = f"Bars that reach the lower edge go on below it, the last one to {figure(finite.min(), 3)}."
        assert cut in found.notes
    assert sum("minus infinity" in note for note in found.notes) == (gone > 0)
    course = Inspection(config, load_dataset(config.data)).follow("lyapunov", 2)
    assert not [note for note in course.notes if "bar" in note.lower()], "those of a course are others"
    if gone > 0:
        (note,) = (note for note in found.notes if "minus infinity" in note)
        assert note.startswith(f"{gone} of 24 exponents ")
