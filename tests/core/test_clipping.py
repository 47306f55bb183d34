"""Clipping against torch's own, numpy and values worked out by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from rnncore.choices import CLIP_METHODS
from rnncore.config import ClipConfig
from rnncore.engine.clipping import Clipping, clip_gradients, percentile
from rnncore.engine.flat import FlatParameters, exact_norm


class Net(nn.Module):
    """Two tensors: 'w' (2, 2) and 'readout.weight' (1, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
        self.bias = nn.Parameter(torch.zeros(2))
        self.readout = nn.Linear(2, 1, bias=False)


def clipped(method: str, w: list[list[float]], readout: tuple[float, float] = (0.0, 0.0), **config: object):  # type: ignore[no-untyped-def]
    """Clip the given gradients; return (coefficient, gradients by name)."""
    model = Net()
    flat = FlatParameters(model)
    with torch.no_grad():
        assert model.w.grad is not None
        assert model.readout.weight.grad is not None
        model.w.grad.copy_(torch.tensor(w))
        model.readout.weight.grad.copy_(torch.tensor([readout]))
    options = ClipConfig.model_validate({"method": method, **config})
    coefficient = clip_gradients(flat, exact_norm(flat.gradients), Clipping(options, options.threshold))
    return coefficient, dict(zip(flat.names, [view.numpy() for view in flat.gradient_views], strict=True))


G = [[3.0, 4.0], [0.0, 0.0]]


def test_by_norm_keeps_the_direction() -> None:
    coefficient, gradients = clipped("norm", G, threshold=1.0)
    assert coefficient == pytest.approx(1 / (5 + 1e-6), rel=1e-12)
    np.testing.assert_allclose(gradients["w"][0], [0.6, 0.8], rtol=1e-6)


def test_by_norm_is_torchs_clip_grad_norm() -> None:
    model = Net()
    flat = FlatParameters(model)
    torch.manual_seed(0)
    flat.gradients.normal_()
    theirs = [nn.Parameter(p.detach().clone()) for p in flat.parameters]
    for parameter, view in zip(theirs, flat.gradient_views, strict=True):
        parameter.grad = view.clone()
    # the gaps between the tensors hold zeros in training
    flat.gradients.zero_()
    for parameter, view in zip(theirs, flat.gradient_views, strict=True):
        view.copy_(parameter.grad)  # type: ignore[arg-type]
    norm = exact_norm(flat.gradients)
    assert norm == pytest.approx(float(nn.utils.clip_grad_norm_(theirs, 0.7)), rel=1e-6)
    config = ClipConfig(method="norm", threshold=0.7)
    clip_gradients(flat, norm, Clipping(config, 0.7))
    for parameter, view in zip(theirs, flat.gradient_views, strict=True):
        torch.testing.assert_close(view, parameter.grad, rtol=1e-6, atol=0)


def test_by_value_changes_the_direction() -> None:
    coefficient, gradients = clipped("value", G, threshold=3.5)
    assert gradients["w"][0].tolist() == [3.0, 3.5]
    assert coefficient == pytest.approx(math.hypot(3, 3.5) / 5, rel=1e-6)


def test_by_parameter_norm_each_tensor_has_its_own_limit() -> None:
    coefficient, gradients = clipped("parameter_norm", G, readout=(0.3, 0.4), threshold=1.0)
    np.testing.assert_allclose(gradients["w"][0], [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(gradients["readout.weight"][0], [0.3, 0.4], rtol=1e-6)
    assert coefficient == pytest.approx(math.hypot(1, 0.5) / math.hypot(5, 0.5), rel=1e-6)


def test_by_parameter_norm_acts_where_only_one_tensor_is_too_long() -> None:
    _, gradients = clipped("parameter_norm", [[0.3, 0.4], [0.0, 0.0]], readout=(3.0, 4.0), threshold=1.0)
    np.testing.assert_allclose(gradients["w"][0], [0.3, 0.4], rtol=1e-6)
    np.testing.assert_allclose(gradients["readout.weight"][0], [0.6, 0.8], rtol=1e-6)


def test_agc_scales_each_row_relative_to_its_weights() -> None:
    """Row 1: ||W|| = 5, ||G|| = 5, allowed .1 * 5. Row 2: W = 0, allowed .1 * 1e-3. The read-out is left alone."""
    coefficient, gradients = clipped("agc", [[3.0, 4.0], [0.0, 2.0]], readout=(7.0, 0.0), agc_factor=0.1)
    np.testing.assert_allclose(gradients["w"], [[0.3, 0.4], [0.0, 1e-4]], rtol=1e-6)
    np.testing.assert_allclose(gradients["readout.weight"], [[7.0, 0.0]])
    assert coefficient == pytest.approx(math.sqrt(0.25 + 1e-8 + 49) / math.sqrt(29 + 49), rel=1e-6)


def test_agc_leaves_small_gradients() -> None:
    coefficient, gradients = clipped("agc", [[0.03, 0.04], [0.0, 0.0]], agc_factor=0.1)
    assert coefficient == 1.0
    np.testing.assert_array_equal(gradients["w"], np.array([[0.03, 0.04], [0.0, 0.0]], np.float32))


def test_autoclip_uses_the_percentile_of_all_norms_so_far() -> None:
    norms = np.random.default_rng(0).lognormal(size=40)
    clipping = Clipping(ClipConfig(method="autoclip", percentile=30), 1.0)
    model = Net()
    flat = FlatParameters(model)
    for seen, norm in enumerate(norms, 1):
        coefficient = clip_gradients(flat, float(norm), clipping)
        threshold = np.percentile(norms[:seen], 30)
        expected = threshold / (norm + 1e-6) if norm > threshold else 1.0
        assert coefficient == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("percent", [0.5, 10, 33.3, 50, 99, 100])
def test_percentile_is_numpys(percent: float) -> None:
    values = sorted(np.random.default_rng(1).normal(size=17).tolist())
    assert percentile(values, percent) == pytest.approx(np.percentile(values, percent), rel=1e-12)


@pytest.mark.parametrize("method", CLIP_METHODS)
def test_what_is_below_its_limit_stays_bit_for_bit(method: str) -> None:
    gradient = [[0.1, 0.2], [3e-3, -4e-3]]
    coefficient, gradients = clipped(method, gradient, threshold=1e30, agc_factor=10, percentile=100)
    assert coefficient == 1.0
    assert np.array_equal(gradients["w"], np.array(gradient, np.float32))


@pytest.mark.parametrize("method", CLIP_METHODS)
def test_zero_gradients_stay_zero(method: str) -> None:
    coefficient, gradients = clipped(method, [[0.0, 0.0], [0.0, 0.0]])
    assert 0 <= coefficient <= 1.0
    assert not gradients["w"].any()


@pytest.mark.parametrize("method", ["norm", "parameter_norm", "value", "agc"])
def test_gradients_whose_square_overflows_are_clipped_to_the_right_length(method: str) -> None:
    coefficient, gradients = clipped(method, [[3e30, 4e30], [0.0, 0.0]], threshold=1.0, agc_factor=0.2)
    expected = [1.0, 1.0] if method == "value" else [0.6, 0.8]
    np.testing.assert_allclose(gradients["w"][0], expected, rtol=1e-5)
    assert 0 < coefficient < 1e-29


def test_by_value_cuts_negative_components_too() -> None:
    coefficient, gradients = clipped("value", [[-3.0, 4.0], [0.5, -0.25]], threshold=2.0)
    assert gradients["w"].tolist() == [[-2.0, 2.0], [0.5, -0.25]]
    before, after = math.sqrt(25 + 0.3125), math.sqrt(8 + 0.3125)
    assert coefficient == pytest.approx(after / before, rel=1e-6)


def test_a_coefficient_is_never_above_one_and_one_where_there_is_no_gradient() -> None:
    model = Net()
    flat = FlatParameters(model)
    for method in ("value", "parameter_norm", "agc"):
        clipping = Clipping(ClipConfig.model_validate({"method": method, "threshold": 1e-9}), 1e-9)
        assert clip_gradients(flat, 0.0, clipping) == 1.0
    with torch.no_grad():
        flat.gradient_views[0].fill_(2.0)
    large = Clipping(ClipConfig(method="value", threshold=9.0), 9.0)
    assert clip_gradients(flat, 3.999, large) == 1.0, "a norm that was rounded down"


def test_agc_looks_at_all_that_stands_behind_the_read_out_and_at_weights_of_any_size() -> None:
    class Behind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.readout = nn.Linear(1, 1, bias=False)
            self.behind = nn.Linear(2, 1, bias=False)

    model = Behind()
    model.behind.weight.data.copy_(torch.tensor([[3e20, 4e20]]))
    flat = FlatParameters(model)
    with torch.no_grad():
        flat.gradient_views[0].fill_(1.0)
        flat.gradient_views[1].copy_(torch.tensor([[3e20, 4e20]]))
    clip_gradients(flat, 5e20, Clipping(ClipConfig(method="agc", agc_factor=0.1), 1.0))
    assert flat.gradient_views[0].item() == 1.0
    np.testing.assert_allclose(flat.gradient_views[1].numpy(), [[3e19, 4e19]], rtol=1e-6)


def test_a_norm_at_the_threshold_is_left_alone() -> None:
    for method in ("value", "parameter_norm", "norm", "autoclip", "off"):
        coefficient, gradients = clipped(method, G, threshold=5.000002)
        assert coefficient == 1.0
        np.testing.assert_array_equal(gradients["w"], np.array(G, np.float32))
