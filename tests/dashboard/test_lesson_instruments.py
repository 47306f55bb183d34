"""What lessons say of instruments, at the steps that they name and for every seed that they speak of."""

import numpy as np
import pytest

from dashboard.lessons import LESSONS
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.engine.readings.chaos import slope
from rnncore.reading import Reading

pytestmark = pytest.mark.usefixtures("one_thread")


def readings(lesson: str, run: int, instrument: str, step: int = 1) -> list[Reading]:
    """Return the readings at a step, one for each seed."""
    found = []
    for seed in range(LESSONS[lesson].seeds):
        config = LESSONS[lesson].runs[run].config.model_copy(update={"seed": seed})
        found.append(Inspection(config, load_dataset(config.data)).read(instrument, step))
    return found


def test_vanishing_and_exploding_have_the_exponents_that_are_said() -> None:
    for found in readings("vanishing", 0, "lyapunov"):
        first = found.arrays["exponent"][0]
        assert -0.63 < first < -0.45
        assert slope(found.arrays["gradient"]) == pytest.approx(first, abs=0.02)
    assert all(found.arrays["exponent"][0] > 0.1 for found in readings("exploding", 0, "lyapunov"))


def test_the_first_step_without_clipping_goes_over_the_cliff() -> None:
    after = []
    for found in readings("rescue", 0, "cliff"):
        arrays = found.arrays
        after.append(float(arrays["loss_after_unclipped_step"][0]))
    assert sum(loss > 1e6 for loss in after) == 4


def test_by_step_3_the_twin_that_does_not_clip_has_left_the_plane_around_the_wall() -> None:
    for found in readings("rescue", 0, "plane", 3):
        assert np.nanmax(found.arrays["loss"]) > 80_000
        assert np.isnan(found.arrays["twin_x"][-1])
        assert np.isfinite(found.arrays["own_x"]).all()


def test_adam_makes_updates_alike_and_sgd_does_not() -> None:
    for run, low, high in ((0, 15, 30), (1, 500, 3000)):
        for found in readings("adam", run, "adam"):
            gradients, updates = (found.arrays[name] for name in ("gradient_norm", "update_norm"))
            assert 500 < gradients.max() / gradients.min() < 3000
            assert low < updates.max() / updates.min() < high


def test_chrono_gives_units_a_long_memory() -> None:
    for run, low, high in ((0, 1.1, 1.4), (1, 33, 39)):
        for found in readings("forget-bias", run, "memory"):
            assert low < found.arrays["half_life"][0] < high


def test_with_a_cut_no_loss_teaches_what_lies_behind_it() -> None:
    for run, most in ((0, 39), (1, 4)):
        for found in readings("truncation", run, "flow"):
            tau, t = np.nonzero(np.isfinite(found.arrays["log10_gradient"]))
            assert (tau - t).max() == most


def test_flossing_brings_exponents_to_zero_and_lets_losses_reach_back() -> None:
    for flossed, usual in zip(readings("flossing", 0, "lyapunov"), readings("flossing", 1, "lyapunov"), strict=True):
        assert -0.64 < usual.arrays["exponent"][0] < -0.48
        np.testing.assert_array_equal(flossed.arrays["exponent_before"], usual.arrays["exponent"])
        assert np.abs(flossed.arrays["exponent"][:16]).max() < 0.1
    for found in readings("flossing", 0, "flow"):
        assert found.said[0].startswith("Most losses teach every earlier state")
    lags = [int(found.said[0].split()[6]) for found in readings("flossing", 1, "flow")]
    assert min(lags) >= 7
    assert max(lags) <= 10


def test_attention_lets_all_timesteps_teach() -> None:
    for run, low, high in ((0, 41, 50), (1, 2, 3)):
        for found in readings("attention", run, "contributions"):
            norms, cosines = found.arrays["norm"], np.nan_to_num(found.arrays["cosine"])
            share = np.cumsum((norms * cosines)[::-1]) / (norms * cosines).sum()
            assert low <= int(np.argmax(share >= 0.9)) + 1 <= high


def test_the_identity_has_a_level_gradient_and_states_that_hang_on_the_parameters() -> None:
    for run, low, high in ((0, 1, 2), (1, 800, 6000)):
        for found in readings("identity", run, "sensitivity"):
            values = found.arrays["sensitivity"]
            assert low < values[-1] / values[:5].mean() < high
