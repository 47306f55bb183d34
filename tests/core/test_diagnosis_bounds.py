"""Quantities and verdicts of diagnosis at their thresholds: below, at and above each of them, word for word."""

import math

import numpy as np
import pytest

from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding
from rnncore.diagnosis.quantities import decay, first_non_finite, reach, recording_overhead
from rnncore.diagnosis.rules.through_time import describe
from rnncore.words import figure
from tests.support.evidence import history


def judge_profile(profile: object, direct: object = None) -> Finding:
    described = describe(Evidence(history(2), profile=profile, direct=direct))  # type: ignore[arg-type]
    assert described is not None
    return described


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
    assert (verdict.kind, verdict.evidence) == ("exploding", {})
    assert verdict.sentence == "Exploding: going back in time, the gradient stops being finite at t=4."
    assert judge_profile(np.zeros(3)).sentence == (
        "No gradient: it is exactly 0 at every timestep, or smaller than the smallest number of this precision."
    )


def test_a_steady_profile_and_a_growing_one_word_for_word() -> None:
    flat = judge_profile(np.ones(4))
    assert flat.sentence == "Steady: at t=1 the gradient is 1 times its value at t=4."
    assert flat.evidence == {"reach": 1.0}
    padded = judge_profile([27.0, 9.0, 3.0, 1.0, 0.0, 0.0])
    assert padded.kind == "growing"
    assert padded.sentence.endswith("at t=1 it is 27 times its value at t=4.")
    assert padded.sentence.startswith("Growing: the gradient doubles every 0.63 steps; ")
    falling = judge_profile(np.stack([np.ones(3), [0.25, 0.5, 1.0]]))
    assert falling.sentence == ("Steady: at t=1 the gradient in layer 2 is 0.25 of its value at t=3.")
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
    verdict = judge_profile([0.0, 0.0, 0.125, 0.25, 0.5, 1.0])
    assert verdict.evidence == pytest.approx({"reach": 0.0, "half_life": 1.0, "zeros": 2})
    assert verdict.sentence.startswith("Vanishing: the gradient halves every step; up to t=2 it is exactly 0, ")
    worse = judge_profile([[0.5, 1.0], [0.0, 1.0], [4.0, 1.0]])
    assert worse.sentence.startswith("Vanishing: up to t=1 the gradient in layer 2 is exactly 0, ")


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
    assert judge_profile(profile, direct=np.ones(5)).evidence == {"total_to_direct": 2.0}
    assert judge_profile([1.0, 3.0, 50.0, 50.0], direct=np.ones(4)).evidence == {"total_to_direct": 2.0}
    two = judge_profile([[1.0, 1.0], [1.0, 5.0]], direct=[[1.0, 1.0], [0.5, 5.0]])
    assert two.evidence == {"total_to_direct": 2.0}, "of the layer whose reach is furthest from 1"


@pytest.mark.parametrize(("own", "kind"), [(2, "steady"), (3, "direct")])
def test_a_read_out_at_more_than_half_of_the_timesteps_makes_it_direct(own: int, kind: str) -> None:
    outputs = np.where(np.arange(4) < own, 0.02, 0.005)
    assert judge_profile(np.ones(4), direct=outputs).kind == kind
    assert judge_profile(np.ones(4), direct=np.full(4, 0.01)).kind == "steady", "a hundredth is not above it"
