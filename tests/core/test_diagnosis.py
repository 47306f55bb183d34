"""Diagnosis: quantities and verdicts on constructed profiles and histories."""

import math
from dataclasses import replace

import numpy as np
import pytest

from rnncore.diagnosis.quantities import decay, figure, first_non_finite, reach, share_clipped
from rnncore.diagnosis.verdicts import History, judge_profile, verdicts
from rnncore.records import Baseline

T = 50


def geometric(factor_per_step_back: float, last: float = 0.3, seq_len: int = T) -> np.ndarray:
    return last * factor_per_step_back ** np.arange(seq_len - 1, -1, -1)


def history(steps: int = 300, epoch: int = 0, diverged: str | None = None, **columns: float | np.ndarray) -> History:
    """A plain history; each column given is a constant or an array."""
    values = {
        "train_loss": 0.1,
        "grad_norm": 0.5,
        "clip_coef": 1.0,
        "update_norm": 0.01,
        "val_loss": math.nan,
    } | columns
    filled = {name: np.broadcast_to(np.asarray(value, float), steps) for name, value in values.items()}
    return History(step=np.arange(1.0, steps + 1), epoch=epoch, diverged=diverged, **filled)


def test_half_life_of_a_geometric_profile_is_its_own() -> None:
    trend = decay(geometric(0.5 ** (1 / 1.6)))
    assert trend is not None
    assert trend.vanishes
    assert trend.half_life == pytest.approx(1.6, rel=1e-9)
    grows = decay(geometric(2.0))
    assert grows is not None
    assert not grows.vanishes
    assert grows.half_life == pytest.approx(1.0, rel=1e-9)


def test_the_fit_leaves_out_zeros_and_non_finite_values() -> None:
    profile = geometric(0.8)
    profile[:10], profile[20] = 0.0, math.inf
    trend = decay(profile)
    assert trend is not None
    assert trend.slope == pytest.approx(math.log(0.8), rel=1e-9)
    assert decay(np.zeros(T)) is None
    assert decay([0, 0, 1.0]) is None
    flat = decay(np.ones(T))
    assert flat is not None
    assert flat.half_life == math.inf


def test_reach_is_relative_to_the_last_timestep_with_a_gradient() -> None:
    np.testing.assert_allclose(reach([[0.1, 0.2, 0.4], [3.0, 6.0, 0.0]]), [[0.25, 0.5, 1.0], [0.5, 1.0, 0.0]])
    assert np.isnan(reach(np.zeros(3))).all()


def test_the_smallest_float32_norms_have_a_reach() -> None:
    profile = np.array([[1e-37, 1e-20, 1.0]], np.float32)
    assert reach(profile)[0, 0] == pytest.approx(1e-37, rel=1e-6)


def test_share_of_steps_clipped() -> None:
    assert share_clipped([1, 0.5, 1, 0.99]) == 0.5
    assert math.isnan(share_clipped([]))


def test_first_non_finite_step() -> None:
    assert first_non_finite([1, 2, 3], [0.1, 0.2, 0.3], [1, math.inf, math.nan]) == 2
    assert first_non_finite([1, 2], [0.1, 0.2], [1, 2]) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.6, "1.6"), (3e-9, "3e-9"), (3.14e-9, "3.1e-9"), (240, "240"), (246.3, "250"), (0.16667, "0.17"), (0, "0"),
     (1e12, "1e12"), (12345, "12,000"), (0.0099, "0.0099"), (math.inf, "infinite"), (1.0, "1"), (0.0996, "0.1")],
)  # fmt: skip
def test_figures_are_written_as_people_write_them(value: float, text: str) -> None:
    assert figure(value) == text


def test_vanishing_sentence() -> None:
    verdict = judge_profile(geometric(0.5 ** (1 / 1.6))[None])
    start = 0.5 ** (49 / 1.6)
    assert verdict.kind == "vanishing"
    assert verdict.sentence == (
        f"Vanishing: the gradient halves every 1.6 steps; at t=1 it is {figure(start)} of its value at t=50."
    )
    assert verdict.figures == pytest.approx({"reach": start, "half_life": 1.6})


def test_exploding_sentence() -> None:
    verdict = judge_profile(geometric(2.0))
    assert verdict.kind == "exploding"
    assert verdict.sentence == (
        "Exploding: the gradient doubles every step; at t=1 it is 5.6e14 times its value at t=50."
    )


@pytest.mark.parametrize(
    ("start", "kind"),
    [(0.9e-3, "vanishing"), (1.1e-3, "fading"), (0.09, "fading"), (0.11, "steady"), (1, "steady"), (9.9, "steady"),
     (11, "growing"), (990, "growing"), (1010, "exploding")],
)  # fmt: skip
def test_thresholds_of_the_reach(start: float, kind: str) -> None:
    assert judge_profile(geometric(start ** (1 / (T - 1)))).kind == kind


def test_of_several_layers_the_worst_is_named() -> None:
    verdict = judge_profile(np.stack([geometric(0.5), geometric(0.99)]))
    assert "the gradient in layer 1 halves every step" in verdict.sentence
    assert judge_profile(np.stack([geometric(0.99), geometric(0.5)])).sentence.count("layer 2") == 1


def test_a_trend_that_contradicts_the_first_timestep_is_not_told() -> None:
    profile = geometric(0.9)
    profile[0] = 1000.0
    verdict = judge_profile(profile)
    assert verdict.sentence == "Exploding: at t=1 the gradient is 3,300 times its value at t=50."
    assert "half_life" not in verdict.figures


def test_a_cut_gradient_is_told_from_a_vanishing_one() -> None:
    profile = geometric(0.9)
    profile[:30] = 0.0
    verdict = judge_profile(profile)
    assert verdict.kind == "cut"
    why = "dead units, truncation or underflow let nothing through"
    assert verdict.sentence == f"Cut off: the gradient halves every 6.6 steps; up to t=30 it is exactly 0; {why}."
    assert judge_profile(np.eye(T)[T - 1]).sentence == f"Cut off: up to t=49 the gradient is exactly 0; {why}."


def test_no_gradient_and_infinite_gradient() -> None:
    assert judge_profile(np.zeros((2, T))).kind == "dead"
    profile = geometric(10.0)
    profile[:7] = math.inf
    verdict = judge_profile(profile)
    assert verdict.kind == "exploding"
    assert verdict.sentence.endswith("stops being finite at t=7.")


def test_where_every_step_is_read_out_nothing_is_said_to_vanish() -> None:
    verdict = judge_profile(np.full(T, 0.3), direct=np.full(T, 0.1))
    assert verdict.kind == "direct"
    assert verdict.figures["total_to_direct"] == pytest.approx(3.0)
    assert "3 times as large" in verdict.sentence
    assert "about as large" in judge_profile(np.full(T, 0.1), direct=np.full(T, 0.102)).sentence
    assert "cancels part" in judge_profile(np.full(T, 0.1), direct=np.full(T, 0.2)).sentence
    last_only = np.eye(T)[T - 1] * 0.3
    assert judge_profile(geometric(0.5), direct=last_only).kind == "vanishing"


def test_a_diverged_run_says_so_first() -> None:
    found = verdicts(history(20, diverged="the loss became NaN at step 17"), geometric(0.5))
    assert found[0].sentence == "Diverged: the loss became NaN at step 17."
    assert found[0] == verdicts(history(20, diverged="The loss became NaN at step 17."))[0]
    assert [verdict.kind for verdict in found][1] == "vanishing"
    norms = np.ones(20)
    norms[4:] = math.inf
    assert verdicts(history(20, grad_norm=norms))[0].figures["step"] == 5


def test_clipping_is_judged_on_the_last_200_steps() -> None:
    coefs = np.ones(1000)
    coefs[:800] = 0.01
    assert [v.kind for v in verdicts(history(1000, clip_coef=coefs))] == []
    coefs[800:] = np.tile([0.25, 1.0], 100)
    (verdict,) = verdicts(history(1000, clip_coef=coefs))
    assert verdict.sentence == "Clipped: 50% of the last 200 steps, typically to 0.25 of the gradient."
    coefs[800:] = 0.5
    assert "determines the step size" in verdicts(history(1000, clip_coef=coefs))[0].sentence


def test_small_updates_although_the_gradient_is_large() -> None:
    found = verdicts(history(grad_norm=35.0, update_norm=2e-9))
    assert found[0].sentence == "Stalled: updates of only 2e-9 although the gradient is 35."
    assert verdicts(history(grad_norm=35.0, update_norm=1e-3)) == []
    assert verdicts(history(steps=60, grad_norm=35.0, update_norm=2e-9)) == [], "too early"


def test_an_optimiser_that_hides_a_shrinking_gradient() -> None:
    found = verdicts(history(grad_norm=np.geomspace(1, 1e-6, 300)))
    assert found[0].kind == "hidden"
    assert found[0].figures["gradient_fall"] == pytest.approx(1e5, rel=0.2)
    late = replace(history(grad_norm=np.geomspace(1, 1e-6, 300)), step=np.arange(501.0, 801.0))
    assert verdicts(late) == [], "the first steps are no longer there"
    assert verdicts(history(grad_norm=np.geomspace(1, 1e-6, 300), update_norm=np.geomspace(1, 1e-6, 300))) == []


def with_evaluations(**changes: float) -> History:
    val_loss = np.full(300, math.nan)
    val_loss[24::25] = np.linspace(0.5, changes.pop("val_loss"), 12)
    return history(val_loss=val_loss, epoch=int(changes.pop("epoch", 0)), **changes)


PREDICT_ONE, KNOW_ONE = Baseline("predict 1", 1 / 6), Baseline("one number known", 1 / 12)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"val_loss": 0.168}, "Not learning: validation loss 0.168 does not beat 'predict 1' (0.167)."),
        ({"val_loss": 0.1}, "Partly learning: validation loss 0.1 beats 'predict 1' (0.167) but not 'one number known' "
         "(0.0833)."),
        ({"val_loss": 1 / 120}, "Learning: validation loss 0.00833, 10 times below 'one number known' (0.0833)."),
        ({"val_loss": 0.168, "train_loss": 0.01, "epoch": 7}, "Memorising: training loss 0.01, but on new sequences "
         "0.168, which does not beat 'predict 1' (0.167)."),
        ({"val_loss": 0.168, "train_loss": 0.01, "epoch": 0}, "Not learning: validation loss 0.168 does not beat "
         "'predict 1' (0.167)."),
    ],
)  # fmt: skip
def test_the_loss_is_held_against_the_baselines(changes: dict[str, float], sentence: str) -> None:
    (verdict,) = verdicts(with_evaluations(**changes), baseline=(KNOW_ONE, PREDICT_ONE))
    assert verdict.sentence == sentence


def test_the_loss_is_not_judged_without_baseline_or_too_early() -> None:
    assert verdicts(with_evaluations(val_loss=0.1)) == []
    early = history(30, val_loss=0.5)
    assert verdicts(early, baseline=PREDICT_ONE) == []


def test_an_ending_is_told_before_the_profile() -> None:
    ended = history(diverged="the loss became NaN at step 300")
    assert [verdict.kind for verdict in verdicts(ended, geometric(0.5))][:2] == ["diverged", "vanishing"]
