"""The loss along the gradient: its slope, its marks, and the wall of the one-unit example of Pascanu et al. (2013)."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.engine.instruments.landscape import along, orthonormal, plane
from rnncore.engine.readings.cliff import CAUTION, POINTS, places, said
from rnncore.engine.readings.plane import CAUTION as PLANE_CAUTION
from rnncore.engine.readings.plane import inside, window
from rnncore.engine.train import Trainer

CONFIG = {
    "data": {"kind": "task", "task": "adding", "seq_len": 10},
    "model": {"hidden_size": 5},
    "optimizer": {"name": "sgd", "learning_rate": 0.01},
    "clip": {"method": "norm", "threshold": 0.2},
    "dtype": "float64",
    "steps": 9,
    "batch_size": 4,
}


def one_unit(weights: Tensor) -> float:
    """(sigmoid(x_50) - 0.7)^2 with x_0 = 0.5 and x_t = w sigmoid(x_{t-1}) + b (Pascanu et al. 2013, section 2.3)."""
    w, b = weights.tolist()
    x = 0.5
    for _ in range(50):
        x = w / (1 + math.exp(-x)) + b
    return (1 / (1 + math.exp(-x)) - 0.7) ** 2


def test_the_one_unit_example_has_its_wall_where_its_fixed_points_say() -> None:
    """At w = 5 there are two attractors between b = -2.656 and b = -2.344, where 5 sigmoid' = 1.

    x_0 = 0.5 lies on the border of their basins at b = 0.5 - 5 sigmoid(0.5) = -2.612: there the loss jumps.
    """
    centre, b = torch.tensor([5.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    at = np.linspace(-2.8, -2.3, 2001)
    losses = along(one_unit, centre, b, at)
    wall = at[np.abs(np.diff(losses)).argmax()]
    assert wall == pytest.approx(0.5 - 5 / (1 + math.exp(-0.5)), abs=0.01)
    low, high = one_unit(torch.tensor([5.0, -2.63])), one_unit(torch.tensor([5.0, -2.59]))
    assert low > 5 * high
    steepest = np.abs(np.gradient(losses, at)).max()
    away = np.abs(np.gradient(losses, at))[at < -2.7].max()
    assert steepest > 100 * away, "the gradient explodes at the wall alone"
    grid = plane(one_unit, centre, (torch.tensor([1.0, 0.0]).double(), b), np.array([0.0, 0.1]), np.array([-2.7, -2.5]))
    assert grid[1, 0] == one_unit(torch.tensor([5.0, -2.5]).double())
    assert grid.shape == (2, 2)


def test_the_slope_at_0_is_minus_the_gradients_length_and_the_marks_are_the_steps() -> None:
    config = TrainConfig.model_validate(CONFIG)
    found = Inspection(config, load_dataset(config.data)).read("cliff", 5)
    record = list(Trainer(config).records())[4]
    arrays = found.arrays
    assert arrays["loss"][0] == pytest.approx(record.train_loss, rel=1e-12)
    assert arrays["slope"][0] == pytest.approx(-record.grad_norm, rel=1e-9)
    assert arrays["unclipped_step"][0] == pytest.approx(0.01 * record.grad_norm, rel=1e-9)
    assert arrays["clipped_step"][0] == pytest.approx(record.update_norm, rel=1e-9)
    assert len(arrays["loss"]) == POINTS
    first = np.diff(arrays["loss"][:2]) / np.diff(arrays["distance"][:2])
    assert first[0] == pytest.approx(-record.grad_norm, rel=0.05)
    assert CAUTION in found.notes


def test_an_optimiser_that_goes_elsewhere_and_a_clip_that_turns_are_said_to() -> None:
    config = TrainConfig.model_validate(
        CONFIG | {"optimizer": {"name": "adam"}, "clip": {"method": "value", "threshold": 0.01}}
    )
    notes = " ".join(Inspection(config, load_dataset(config.data)).read("cliff", 2).notes)
    assert "can step another way" in notes
    assert "turns the gradient" in notes
    plain = TrainConfig.model_validate(CONFIG)
    assert Inspection(plain, load_dataset(plain.data)).read("cliff", 2).notes == (CAUTION,)


def test_distances_reach_beyond_the_unclipped_step() -> None:
    for clipped in (1.0, 0.2, 1e-6):
        found = places(clipped, 1.0)
        assert len(found) == POINTS
        assert (found[0], found[-1]) == (0.0, pytest.approx(1.25))
        assert (np.diff(found) > 0).all()
    assert places(1e-6, 1.0)[1] == pytest.approx(1e-7)


def test_the_sentence_tells_the_loss_after_both_steps() -> None:
    assert said(1.0, 0.5, 4.0, "the clipped step") == (
        "The loss of this batch is 1; after the whole step along −g it would be 4, "
        "and after the clipped step it would be 0.5.",
    )
    near = said(0.163, 0.163 - 3.21e-5, 0.163 + 1e-9, "the clipped step")[0]
    assert near.endswith(
        "it would change by less than a millionth of that, and after the clipped step it would be lower by 3.2e-5."
    )
    assert (
        said(0.0, None, 0.0, "")[0]
        == "The loss of this batch is 0; after the whole step along −g it would be the same."
    )
    without = said(1.0, None, np.inf, "the clipped step")
    assert without[0].endswith("after the whole step along −g it would no longer be finite.")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scale", [0.01, 8.0])
def test_a_run_that_does_not_clip_is_shown_clipped_at_norm_1(seed: int, scale: float) -> None:
    """Where its gradient is longer than that: the wall would lie before the second of 41 even distances."""
    init = {"scheme": "spectral", "spectral_radius": scale}
    config = TrainConfig.model_validate(
        CONFIG | {"clip": {"method": "off"}, "seed": seed, "init": init, "model": {"nonlinearity": "relu"}}
    )
    found = Inspection(config, load_dataset(config.data)).read("cliff", 1)
    norm, arrays = -found.arrays["slope"][0], found.arrays
    assert arrays["unclipped_step"][0] == pytest.approx(0.01 * norm)
    assert arrays["clipped_step"][0] == pytest.approx(0.01 * min(norm, 1.0))
    assert (norm > 1) == ("clipped at norm 1" in found.said[0])
    assert len(found.panels[0].marks) == 1 + (norm > 1)
    if norm > 1:  # the slope is to be seen between 0 and the clipped step
        assert (arrays["distance"] <= arrays["clipped_step"][0]).sum() >= 3


def test_directions_of_a_plane_are_orthogonal_and_parallel_ones_have_none() -> None:
    one, other = torch.tensor([3.0, 0.0, 4.0]), torch.tensor([1.0, 2.0, 0.0])
    first, second = orthonormal(one, other)
    assert float(first @ second) == pytest.approx(0, abs=1e-6)
    assert [float(each.norm()) for each in (first, second)] == pytest.approx([1, 1])
    assert orthonormal(one, 2 * one) is None
    assert orthonormal(torch.zeros(3), one) is None


def test_the_plane_holds_both_twins_and_the_loss_that_is_there() -> None:
    first = next(iter(Trainer(TrainConfig.model_validate(CONFIG)).records()))
    clip = {"method": "norm", "threshold": 0.6 * first.grad_norm}
    config = TrainConfig.model_validate(CONFIG | {"clip": clip})
    found = Inspection(config, load_dataset(config.data)).read("plane", 6)
    arrays = found.arrays
    assert arrays["loss"].shape == (41, 41)
    ends = {}
    for name, own in (("own", config.clip), ("twin", config.clip.model_copy(update={"method": "off"}))):
        trainer = Trainer(config.model_copy(update={"clip": own}))
        records = trainer.records()
        for _ in range(5):
            next(records)
        ends[name] = trainer
    apart = ends["twin"].parameters.weights.detach() - ends["own"].parameters.weights.detach()
    assert (arrays["own_x"][-1], arrays["own_y"][-1]) == (0, 0), "the plane goes through the run as it stands"
    assert np.hypot(arrays["twin_x"][-1], arrays["twin_y"][-1]) == pytest.approx(float(apart.norm()), rel=1e-9)
    batch_loss = next(ends["own"].records()).train_loss
    assert 10 ** arrays["own_log10_loss"][-1] == pytest.approx(batch_loss, rel=1e-9)
    assert PLANE_CAUTION in found.notes
    assert len(found.notes) == 1


def test_a_twin_that_is_thrown_far_leaves_the_window() -> None:
    own = np.array([[-1.0, 0.0], [0.0, 0.0]])
    (x, y), left = window(own, np.array([[-1.0, 0.0], [0.5, 0.5]]))
    assert not left
    assert x[0] < -1 < 0.5 < x[-1]
    (x, y), left = window(own, np.array([[-1.0, 0.0], [0.0, 1e9]]))
    assert left
    assert y[-1] < 5
    assert inside(np.array([[0.0, 0.0], [0.0, 1e9]]), x, y).tolist() == [True, False]
