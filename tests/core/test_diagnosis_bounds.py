"""Diagnosis at its thresholds: what is said just below, at and just above each of them, word for word."""

import math

import numpy as np
import pytest

from rnncore.diagnosis.quantities import decay, figure, first_non_finite, reach, recording_overhead
from rnncore.diagnosis.verdicts import History, judge_loss, judge_profile, judge_updates, verdicts
from rnncore.records import Baseline


def history(steps: int = 100, first: int = 1, **columns: float | np.ndarray) -> History:
    values: dict = {"train_loss": 0.1, "grad_norm": 0.5, "clip_coef": 1.0, "update_norm": 0.01, "val_loss": math.nan}
    epoch = int(columns.pop("epoch", 0))
    filled = {name: np.broadcast_to(np.asarray(value, float), steps) for name, value in (values | columns).items()}
    return History(step=np.arange(first, first + steps, dtype=float), epoch=epoch, **filled)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(math.nan, 2, "NaN"), (-math.inf, 2, "infinite"), (0.0012, 2, "0.0012"), (0.00012, 2, "1.2e-4"),
     (0.0001, 2, "1e-4"), (99_000, 2, "99,000"), (100_000, 2, "1e5"), (123_000, 2, "1.2e5"), (0.0833, 3, "0.0833"),
     (1.2345, 3, "1.23"), (2e7, 1, "2e7"), (3.0, 1, "3"), (100, 2, "100"), (-1.6, 2, "-1.6")],
)  # fmt: skip
def test_figures_at_the_ends_of_each_way_to_write_them(value: float, digits: int, text: str) -> None:
    assert figure(value, digits) == text


def test_float32_profiles_are_judged_as_exactly_as_others() -> None:
    profile = np.geomspace(1e-3, 1, 40).astype(np.float32)
    trend, same = decay(profile), decay(profile.astype(np.float64))
    assert trend == same
    assert reach(np.array([1e-30, 1e20], np.float32))[0] == pytest.approx(1e-50, rel=1e-6)


def test_two_points_are_enough_for_a_trend() -> None:
    trend = decay([1.0, 0.0, 4.0])
    assert trend is not None
    assert trend.slope == pytest.approx(-math.log(2), rel=1e-12)
    assert trend.half_life == pytest.approx(1.0, rel=1e-12)


def test_the_first_of_several_non_finite_steps_counts() -> None:
    assert first_non_finite([5, 6, 7], [1, 2, 3], [1, math.nan, math.nan]) == 6
    assert first_non_finite([5, 6, 7], [math.inf, 2, 3], [1, 2, math.nan]) == 5


def timed(plain: int = 10, recording: int = 10, slow: float = 1.5) -> tuple[list[int], list[float]]:
    """Steps and times of a run that records every other step, which then takes `slow` as long as another's 2 s."""
    steps, elapsed = [1], [2.0]
    for _ in range(min(plain, recording)):
        for seconds in (2.0 * slow, 2.0):
            steps.append(steps[-1] + 1)
            elapsed.append(elapsed[-1] + seconds)
    return steps, elapsed


def test_the_cost_of_recording_is_that_of_a_step_that_records_spread_over_all() -> None:
    steps, elapsed = timed()
    assert recording_overhead(steps, elapsed, [False] * len(steps), 2) == pytest.approx(0.25)
    assert recording_overhead(*timed(slow=0.5), [False] * len(steps), 2) == 0.0
    assert recording_overhead(*timed(slow=4.0), [False] * len(steps), 2) == pytest.approx(1.5)


def test_the_cost_of_recording_is_not_told_of_fewer_than_ten_steps_of_a_kind() -> None:
    steps, elapsed = timed(plain=9, recording=9)
    assert recording_overhead(steps, elapsed, [False] * len(steps), 2) is None
    steps, elapsed = timed()
    assert recording_overhead(steps[:-1], elapsed[:-1], [False] * 20, 2) is None, "nine steps that do not record"
    assert recording_overhead(steps, elapsed, [False] * 21, 1) is None, "all record"


@pytest.mark.parametrize("odd", [4, 9])
def test_steps_with_an_evaluation_and_after_a_gap_do_not_count(odd: int) -> None:
    steps, elapsed = timed(11, 11)
    late = [seconds + (100.0 if place >= odd else 0.0) for place, seconds in enumerate(elapsed)]
    evaluated = [place == odd for place in range(len(steps))]
    assert recording_overhead(steps, late, evaluated, 2) == pytest.approx(0.25)
    assert recording_overhead(steps, elapsed, [place % 5 == 0 for place in range(len(steps))], 2) is None
    gap = [step + (2 if place >= odd else 0) for place, step in enumerate(steps)]
    assert recording_overhead(gap, late, [False] * len(gap), 2) == pytest.approx(0.25)
    continued = [seconds - (elapsed[odd] if place >= odd else 0.0) for place, seconds in enumerate(elapsed)]
    assert recording_overhead(steps, continued, [False] * len(steps), 2) == pytest.approx(0.25)
    many, seconds = timed(30, 30)
    stuck = [1.0] * 41 + [each - seconds[40] + 1.0 for each in seconds[41:]]
    assert recording_overhead(many, stuck, [False] * len(many), 2) == pytest.approx(0.25), "a clock that stood still"


def test_a_profile_that_stops_being_finite_says_where_going_back() -> None:
    values = np.ones((2, 6))
    values[1, 1], values[0, 3] = math.inf, math.nan
    verdict = judge_profile(values)
    assert (verdict.kind, verdict.figures) == ("exploding", {})
    assert verdict.sentence == "Exploding: going back in time, the gradient stops being finite at t=4."
    assert judge_profile(np.zeros(3)).sentence == "No gradient: it is exactly 0 at every timestep."


def test_a_steady_profile_and_a_growing_one_word_for_word() -> None:
    flat = judge_profile(np.ones(4))
    assert flat.sentence == "Steady: at t=1 the gradient is 1 times its value at t=4."
    assert flat.figures == {"reach": 1.0}
    padded = judge_profile([20.0, 2.0, 1.0, 0.0, 0.0])
    assert padded.kind == "growing"
    assert padded.sentence.endswith("at t=1 it is 20 times its value at t=3.")
    assert padded.sentence.startswith("Growing: the gradient doubles every 0.46 steps; ")
    falling = judge_profile(np.stack([np.ones(3), [0.25, 0.5, 1.0]]))
    assert falling.sentence == (
        "Steady: the gradient in layer 2 halves every step; at t=1 it is 0.25 of its value at t=3."
    )
    bent = judge_profile(np.stack([[0.5, 8.0, 0.001, 1.0], np.ones(4)]))
    assert bent.sentence == "Steady: at t=1 the gradient in layer 1 is 0.5 of its value at t=4."


@pytest.mark.parametrize(
    ("start", "kind"),
    [(0.99e-3, "vanishing"), (1e-3, "fading"), (0.1, "steady"), (9.99, "steady"), (10.0, "growing"),
     (999.0, "growing"), (1000.0, "exploding")],
)  # fmt: skip
def test_the_bounds_of_the_reach_themselves(start: float, kind: str) -> None:
    assert judge_profile([start, 1.0]).kind == kind


def test_a_cut_gradient_counts_its_zeros() -> None:
    verdict = judge_profile([0.0, 0.0, 0.5, 1.0])
    assert verdict.figures == pytest.approx({"reach": 0.0, "half_life": 1.0, "zeros": 2})
    assert verdict.sentence.startswith("Cut off: the gradient halves every step; up to t=2 it is exactly 0; ")
    worse = judge_profile([[0.5, 1.0], [0.0, 1.0], [4.0, 1.0]])
    assert worse.sentence.startswith("Cut off: up to t=1 the gradient in layer 2 is exactly 0; ")


def direct(ratio: float, steps: int = 5) -> str:
    return judge_profile(np.full(steps, ratio), direct=np.ones(steps)).sentence


def test_what_is_said_where_every_timestep_is_read_out() -> None:
    lead = "Direct: every timestep has a read-out of its own; in the first half of the sequence the gradient is "
    assert direct(3.0) == f"{lead}3 times as large as that alone makes it, the rest comes through later timesteps."
    assert direct(1.0) == f"{lead}about as large as that alone makes it."
    cancelled = "of what that alone gives: what comes through later timesteps cancels part of it."
    assert direct(0.5) == f"{lead}only 0.5 {cancelled}"
    assert direct(0.95) == f"{lead}only 0.95 {cancelled}"
    assert "about as large" in direct(0.951)
    assert "about as large" in direct(1.052)
    assert "1.1 times as large" in direct(1.054)


def test_the_first_half_is_what_counts_and_the_middle_belongs_to_it() -> None:
    profile = [1.0, 3.0, 2.0, 50.0, 50.0]
    assert judge_profile(profile, direct=np.ones(5)).figures == {"total_to_direct": 2.0}
    assert judge_profile([1.0, 3.0, 50.0, 50.0], direct=np.ones(4)).figures == {"total_to_direct": 2.0}
    two = judge_profile([[1.0, 1.0], [1.0, 5.0]], direct=[[1.0, 1.0], [0.5, 5.0]])
    assert two.figures == {"total_to_direct": 2.0}, "of the layer whose reach is furthest from 1"


@pytest.mark.parametrize(("own", "kind"), [(2, "steady"), (3, "direct")])
def test_a_read_out_at_more_than_half_of_the_timesteps_makes_it_direct(own: int, kind: str) -> None:
    outputs = np.where(np.arange(4) < own, 0.02, 0.005)
    assert judge_profile(np.ones(4), direct=outputs).kind == kind
    assert judge_profile(np.ones(4), direct=np.full(4, 0.01)).kind == "steady", "a hundredth is not above it"


def test_clipping_word_for_word_at_nine_tenths() -> None:
    coefs = np.ones(250)
    coefs[-20:] = 0.5
    (verdict,) = verdicts(history(250, clip_coef=coefs))
    assert verdict.sentence == "Clipped: 10% of the last 200 steps, typically to 0.5 of the gradient."
    assert verdict.figures == {"share": 0.1, "median_coef": 0.5}
    coefs[50:230] = 0.25
    coefs[230:] = 1.0
    (verdict,) = verdicts(history(250, clip_coef=coefs))
    assert verdict.sentence == (
        "Clipped: 90% of the last 200 steps, typically to 0.25 of the gradient; the threshold, not the learning rate, "
        "determines the step size."
    )
    coefs[50] = 1.0
    (verdict,) = verdicts(history(250, clip_coef=coefs))
    assert verdict.sentence.endswith("of the gradient.")
    assert verdicts(history(0)) == []


def test_updates_are_stalled_at_a_millionth_of_a_gradient_that_is_not_small() -> None:
    stalled = judge_updates(history(grad_norm=1e-3, update_norm=1e-9))
    assert stalled is not None
    assert (stalled.kind, stalled.figures) == ("stalled", {"update": 1e-9, "gradient": 1e-3})
    assert judge_updates(history(grad_norm=0.99e-3, update_norm=1e-9)) is None
    assert judge_updates(history(grad_norm=1e-3, update_norm=1.01e-9)) is None
    assert judge_updates(history(99, grad_norm=1e-3, update_norm=1e-9)) is None
    late = np.r_[np.ones(50), np.full(50, 1e-9)]
    assert judge_updates(history(update_norm=late)) is not None
    assert judge_updates(history(update_norm=np.r_[late[1:], 1.0])) is not None


def two_ages(early: float, late: float, first: float | None = None) -> np.ndarray:
    values = np.r_[np.full(50, early), np.full(50, late)]
    values[0] = early if first is None else first
    return values


def test_a_hidden_fall_word_for_word_and_at_its_bound() -> None:
    hidden = judge_updates(history(grad_norm=two_ages(1.0, 0.005, 77.0), update_norm=two_ages(1.0, 0.5, 99.0)))
    assert hidden is not None
    assert hidden.sentence == "Hidden: since the start the gradient shrank 200-fold, but the updates shrank 2-fold."
    assert hidden.figures == pytest.approx({"gradient_fall": 200.0, "update_fall": 2.0})
    grew = judge_updates(history(grad_norm=two_ages(1.0, 0.005), update_norm=two_ages(1.0, 4.0)))
    assert grew is not None
    assert grew.sentence.endswith("but the updates grew 4-fold.")
    kept = judge_updates(history(grad_norm=two_ages(1.0, 0.0078125), update_norm=two_ages(1.0, 1.0)))
    assert kept is not None
    assert kept.sentence.endswith("but the updates shrank 1-fold.")
    assert judge_updates(history(grad_norm=two_ages(100.0, 1.0), update_norm=two_ages(1.0, 1.0))) is not None
    assert judge_updates(history(grad_norm=two_ages(99.0, 1.0), update_norm=two_ages(1.0, 1.0))) is None
    for beginning, told in ((50, True), (51, False)):
        found = judge_updates(history(first=beginning, grad_norm=two_ages(1.0, 0.005), update_norm=two_ages(1.0, 1.0)))
        assert (found is not None) == told
    assert judge_updates(history(grad_norm=two_ages(1.0, 0.0), update_norm=two_ages(1.0, 1.0))) is None
    assert judge_updates(history(grad_norm=two_ages(1e-5, 1e-8), update_norm=two_ages(0.0, 1.0))) is None
    assert judge_updates(history(grad_norm=two_ages(0.9, 0.001), update_norm=two_ages(0.9, 0.9))) is not None


ONE = Baseline("mean", 1.0)


def test_the_loss_beats_a_baseline_below_98_hundredths_of_it() -> None:
    for loss, kind in ((0.979, "learning"), (0.98, "not_learning")):
        verdict = judge_loss(history(val_loss=loss), [ONE])
        assert verdict is not None
        assert (verdict.kind, verdict.figures) == (kind, {"val_loss": loss})
    perfect = judge_loss(history(val_loss=0.0), [ONE])
    assert perfect is not None
    assert perfect.sentence == "Learning: validation loss 0, infinitely many times below 'mean' (1)."


def test_the_loss_is_judged_from_step_50_on_its_latest_evaluation() -> None:
    assert judge_loss(history(49, val_loss=0.5), [ONE]) is None
    assert judge_loss(history(50, val_loss=0.5), [ONE]) is not None
    assert judge_loss(history(60), [ONE]) is None
    values = np.full(60, math.nan)
    values[[10, 40]] = 2.0, 0.25
    verdict = judge_loss(history(60, val_loss=values), [ONE, Baseline("better", 0.5), Baseline("best", 0.125)])
    assert verdict is not None
    assert verdict.sentence == "Partly learning: validation loss 0.25 beats 'better' (0.5) but not 'best' (0.125)."
    assert (verdict.kind, verdict.figures) == ("partly_learning", {"val_loss": 0.25})


def test_learning_by_heart_begins_at_one_and_a_half_times_the_training_loss() -> None:
    late = np.r_[np.full(50, 9.0), np.full(50, 1.0)]
    for loss, epoch, kind in ((1.5, 1, "memorising"), (1.49, 1, "not_learning"), (1.5, 0, "not_learning")):
        verdict = judge_loss(history(train_loss=late, val_loss=loss, epoch=epoch), [ONE])
        assert verdict is not None
        assert verdict.kind == kind
    memorised = judge_loss(history(train_loss=late, val_loss=3.0, epoch=2), [ONE])
    assert memorised is not None
    assert memorised.figures == {"val_loss": 3.0, "train_loss": 1.0}


def test_what_is_said_comes_in_its_order_with_its_kinds() -> None:
    norms = np.full(120, 2.0)
    norms[[60, 100]] = math.nan, math.inf
    found = verdicts(history(120, train_loss=0.5, grad_norm=norms, clip_coef=0.5, val_loss=3.0), [0.5, 1.0], None, ONE)
    assert [each.kind for each in found] == ["diverged", "steady", "not_learning", "clipped"]
    assert found[0].sentence == "Diverged: the numbers stopped being finite at step 61."
    assert found[0].figures == {"step": 61}
    late = verdicts(history(20, first=4990, train_loss=np.r_[np.ones(15), np.full(5, math.nan)]))
    assert late[0].sentence == "Diverged: the numbers stopped being finite at step 5,005."
    told = verdicts(History(*(np.ones(1) for _ in range(6)), diverged="Too large..."))
    assert (told[0].sentence, told[0].figures) == ("Diverged: too large.", {})
    assert verdicts(history(train_loss=0.1), [1.0, 1.0], [1.0, 1.0])[0].kind == "direct"
    both = verdicts(history(val_loss=0.5), baseline=(ONE, Baseline("other", 0.25)))
    assert both[0].kind == "partly_learning"
