"""Diagnosis: quantities and verdicts on constructed profiles and histories."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnncore.changes import changed
from rnncore.config import TrainConfig
from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import FINDINGS, Finding
from rnncore.diagnosis.kinds import FINDINGS as ALL
from rnncore.diagnosis.quantities import decay, first_non_finite, measured, reach, share_clipped, unequal
from rnncore.diagnosis.remedies import more_steps
from rnncore.diagnosis.rules.through_time import describe, reached
from rnncore.words import figure
from tests.support.evidence import found, health, history, line, stuck

T = 50


def geometric(factor_per_step_back: float, last: float = 0.3, seq_len: int = T) -> np.ndarray:
    return last * factor_per_step_back ** np.arange(seq_len - 1, -1, -1)


def judge_profile(profile: object, direct: object = None, **more: object) -> Finding:
    described = describe(Evidence(history(2), profile=profile, direct=direct, **more))  # type: ignore[arg-type]
    assert described is not None
    return described


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
    assert verdict.evidence == pytest.approx({"reach": start, "half_life": 1.6})


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
    assert "half_life" not in verdict.evidence


def test_a_trend_that_comes_to_another_size_than_the_first_timestep_is_not_told() -> None:
    """Doubling every 110 steps, as the slope has it, would be 1.5 times over 66 steps and not 16 times."""
    bent = np.concatenate([[16.0] * 3, np.full(64, 1.0)])
    told = judge_profile(bent)
    assert told.sentence == "Growing: at t=1 the gradient is 16 times its value at t=67."
    assert "half_life" not in told.evidence


@given(st.lists(st.floats(-12, 12), min_size=4, max_size=40))
def test_a_rate_and_a_reach_that_are_told_together_agree(powers: list[float]) -> None:
    verdict = judge_profile(10.0 ** np.array(powers))
    if verdict is not None and "half_life" in verdict.evidence:
        doublings = (len(powers) - 1) / verdict.evidence["half_life"]
        assert doublings == pytest.approx(abs(math.log2(verdict.evidence["reach"])), rel=0.26)


def test_where_it_is_not_known_how_a_gradient_came_about_nothing_is_said_of_it() -> None:
    profile = np.atleast_2d(geometric(2.0))
    evidence = Evidence(history(2), profile=profile, direct=np.full_like(profile, np.nan))
    assert describe(evidence) is None
    assert reached(evidence) is None


def test_a_gradient_of_exactly_0_says_why_where_that_is_known() -> None:
    profile = geometric(0.9)
    profile[:30] = 0.0
    verdict = judge_profile(profile)
    assert verdict.kind == "vanishing"
    unknown = "or smaller than the smallest number of this precision"
    assert verdict.sentence == f"Vanishing: the gradient halves every 6.6 steps; up to t=30 it is exactly 0, {unknown}."
    assert judge_profile(np.eye(T)[T - 1]).sentence == f"Vanishing: up to t=49 the gradient is exactly 0, {unknown}."
    saturated = health(layers=[{"saturated": 0.9, "dead": 0.0}])
    assert judge_profile(profile, health=saturated).sentence.endswith("because 90% of the units' values are saturated.")
    dead = health(layers=[{"saturated": 0.0, "dead": 0.75}])
    assert judge_profile(profile, health=dead).sentence.endswith("because 75% of the units are dead.")
    truncated = TrainConfig(truncation=20)
    assert judge_profile(profile, config=truncated).sentence.endswith("because it is truncated.")


def test_no_gradient_and_infinite_gradient() -> None:
    assert judge_profile(np.zeros((2, T))).kind == "vanishing"
    profile = geometric(10.0)
    profile[:7] = math.inf
    verdict = judge_profile(profile)
    assert verdict.kind == "exploding"
    assert verdict.sentence.endswith("stops being finite at t=7.")
    profile[:] = math.nan  # the loss itself is not finite
    assert describe(Evidence(history(2), profile=profile)) is None


def test_where_every_step_is_read_out_nothing_is_said_to_vanish() -> None:
    verdict = judge_profile(np.full(T, 0.3), direct=np.full(T, 0.1))
    assert verdict.kind == "direct"
    assert verdict.evidence["total_to_direct"] == pytest.approx(3.0)
    assert "3 times as large" in verdict.sentence
    assert "about as large" in judge_profile(np.full(T, 0.1), direct=np.full(T, 0.102)).sentence
    assert "cancels part" in judge_profile(np.full(T, 0.1), direct=np.full(T, 0.2)).sentence
    last_only = np.eye(T)[T - 1] * 0.3
    assert judge_profile(geometric(0.5), direct=last_only).kind == "vanishing"


def test_steady_never_halves() -> None:
    assert "halves" not in judge_profile(geometric(0.98)).sentence
    assert "doubles" not in judge_profile(geometric(1.02)).sentence


def test_the_kinds_are_those_that_others_rely_on() -> None:
    assert ALL is FINDINGS
    groups: dict[str, set[str]] = {"description": set(), "cause": set()}
    for key, rule in FINDINGS.items():
        groups[rule.group].add(key)
    assert groups["description"] == {
        "vanishing", "exploding", "fading", "growing", "steady", "direct", "learning", "memorising",
        "optimizer_hides_vanishing",
    }  # fmt: skip
    assert groups["cause"] == {
        "vanishing_through_layers", "diverged", "thrown_out", "dead_units", "saturated", "constant_output",
        "no_better_than_baseline", "echo", "majority_only", "target_scale", "input_scale", "learning_rate_too_high",
        "learning_rate_too_low", "clip_rules", "too_few_updates", "padding_tail", "no_temporal_order",
        "truncation_shorter_than_delay", "swapped_axes",
    }  # fmt: skip
    assert all(rule.title and rule.help.endswith(".") for rule in FINDINGS.values())


def test_findings_come_in_the_order_of_the_registry() -> None:
    sick = health(stuck(), answers={"spread": 0.01, "r2": 0.0})
    kinds = list(found(facts={"target_rms": 1e5, "tail": 0.9}, health=sick, profile=geometric(0.5)))
    assert kinds == sorted(kinds, key=list(FINDINGS).index)
    assert kinds == ["padding_tail", "target_scale", "constant_output", "no_better_than_baseline", "vanishing"]


def test_an_echo_has_no_skill_although_it_follows_the_series() -> None:
    lines = stuck(name="last value again", loss=0.08, echo=True), {**stuck(), "loss": 1.0, "margin": 0.9}
    follows = found(health=health(*lines, answers={"r2": 0.84}))
    assert next(iter(follows)) == "echo"
    assert follows["echo"].evidence["skill"] == pytest.approx(0.001 / 0.08)
    assert "echo" not in found(health=health(*lines, answers={"r2": 0.2}))


@pytest.mark.parametrize(
    ("config", "kind", "evidence", "changes"),
    [
        ({"truncation": 5}, "truncation_shorter_than_delay", {"facts": {"delay": 20.0}}, {"truncation": None}),
        ({"optimizer": {"learning_rate": 1e-6}}, "learning_rate_too_low", {"history": history(update_norm=1e-5)},
         {"optimizer": {"learning_rate": 0.005}}),
        ({"steps": 10}, "too_few_updates", {"history": history(10)}, {"steps": 1000}),
        ({"clip": {"method": "norm", "threshold": 0.001}}, "clip_rules",
         {"history": history(clip_coef=0.001, grad_norm=0.912)}, {"clip": {"method": "norm", "threshold": 0.91}}),
        ({"mistake": "padded"}, "padding_tail", {"facts": {"tail": 0.8}}, {"mistake": "none"}),
        ({}, "padding_tail", {"facts": {"tail": 0.8}}, {"model": {"readout": "attention"}}),
        ({"mistake": "unscaled_targets"}, "target_scale", {"facts": {"target_rms": 1e4}}, {"mistake": "none"}),
        ({"data": {"kind": "bundled", "scaling": "none"}}, "target_scale", {"facts": {"target_rms": 1e4}},
         {"data": {"scaling": "auto"}}),
        ({"data": {"kind": "bundled", "scaling": "none"}}, "input_scale", {"facts": {"input_rms": 1e4}},
         {"data": {"scaling": "auto"}}),
        ({"mistake": "unscaled"}, "input_scale", {"facts": {"input_rms": 1e4}}, {"mistake": "none"}),
        ({"mistake": "shuffled_time"}, "no_temporal_order", {"facts": {"reordered": 1.0}}, {"mistake": "none"}),
    ],
)  # fmt: skip
def test_a_remedy_is_one_change_that_makes_a_valid_configuration(
    config: dict, kind: str, evidence: dict, changes: dict
) -> None:
    sick = found(config, health=health(stuck()), **evidence)[kind]
    assert sick.remedy is not None
    assert sick.remedy.changes == changes
    assert sick.remedy.sentence.endswith(".")
    assert changed(TrainConfig.model_validate(config), changes)


def test_sequences_of_unequal_length_are_spoken_of_by_the_steps_before_their_ends() -> None:
    said = judge_profile(geometric(0.5, 0.3, 25), ragged=True)
    assert said.sentence == (
        "Vanishing: the gradient halves every step; 24 steps before the end of each sequence it is 6e-8 of its value "
        "at the end."
    )
    cut = geometric(0.5, 0.3, 25)
    cut[:4] = 0
    said = judge_profile(cut, ragged=True)
    assert "; 21 and more steps before the end of each sequence it is exactly 0" in said.sentence
    infinite = np.r_[np.full(3, math.inf), geometric(0.5, 0.3, 5)]
    assert judge_profile(infinite, ragged=True).sentence == (
        "Exploding: going back in time, the gradient stops being finite 5 steps before the end of each sequence."
    )


def test_lags_that_no_sequence_has_are_no_part_of_a_profile() -> None:
    values, counts = [[math.nan, 0.5, 1.0]], [[0, 2, 3]]
    np.testing.assert_array_equal(measured(values, counts), [[0.5, 1.0]])
    np.testing.assert_array_equal(measured(values), values)
    assert measured(None, counts) is None
    assert unequal(counts)
    assert not unequal([[0, 3, 3]])
    assert not unequal(None)


def test_what_units_do_to_a_gradient_is_a_share_of_its_shrinking() -> None:
    def share(units: float | None, weights: float | None) -> float | None:
        return Evidence(history(2), split={"units_total": [units], "weights_total": [weights]}).due_to_units(0)

    assert share(-3.0, -1.0) == 0.75
    assert share(-3.0, 1.0) == 1.5
    assert share(0.0, -2.0) == 0
    assert share(-1.0, 1.0) is None
    assert share(None, None) is None
    assert Evidence(history(2)).due_to_units(0) is None


def test_a_loss_that_an_exploding_gradient_has_thrown_far_up_wants_clipping_not_more_steps() -> None:
    losses = np.full(300, math.nan)
    losses[24::25] = np.geomspace(1e7, 1e6, 12)  # still falling, far above what a simple answer has
    far = health(line(loss=1.0, margin=-1e6, error=1.0))
    profile = np.atleast_2d(geometric(1.5))
    thrown = found(history=history(val_loss=losses), health=far, profile=profile)
    assert "too_few_updates" not in thrown
    finding = thrown["no_better_than_baseline"]
    assert "times the one at the end" in finding.sentence
    assert finding.remedy is not None
    assert finding.remedy.changes == {"clip": {"method": "norm", "threshold": 1.0}}
    clipped = found({"clip": {"method": "norm"}}, history=history(val_loss=losses), health=far, profile=profile)
    assert "clip" not in (clipped["no_better_than_baseline"].remedy or finding.remedy).changes


@pytest.mark.parametrize("points", range(1, 8))
def test_no_rate_is_told_of_a_few_points(points: int) -> None:
    """Two or three timesteps with a gradient make no trend, however steep the line through them is."""
    profile = np.zeros((1, 40))
    profile[0, -points:] = 1e-5 ** np.arange(points)[::-1]
    finding = judge_profile(profile)
    assert finding.kind == "vanishing"
    assert ("halves every" in finding.sentence) == ("half_life" in finding.evidence) == (points >= 4)


def test_a_run_that_has_steps_left_is_not_told_to_train_longer() -> None:
    config = TrainConfig.model_validate({"steps": 200_000})
    assert more_steps(Evidence(history(500), config=config, over=False), 5, 1000) is None
    longer = more_steps(Evidence(history(500), config=config, over=True), 5, 1000)
    assert longer is not None
    assert longer.changes == {"steps": 1_000_000}


def test_what_a_finding_explains_is_a_kind_that_there_is() -> None:
    for kind, rule in ALL.items():
        assert set(rule.explains) <= set(ALL) - {kind}


@pytest.mark.parametrize("clip", ["off", "norm"])
@pytest.mark.parametrize(("scheme", "changes"), [("spectral", {"init": {"scheme": "default"}}), ("default", None)])
def test_what_is_not_finite_before_any_update_is_a_matter_of_the_initial_weights(
    clip: str, scheme: str, changes: object
) -> None:
    config = TrainConfig.model_validate({"init": {"scheme": scheme}, "clip": {"method": clip}})
    for reason in ("the loss became NaN at step 1", "the gradient became infinite at step 1"):
        ended = found(history=history(1, diverged=reason), config=config)["diverged"]
        assert (ended.remedy.changes if ended.remedy else None) == changes
