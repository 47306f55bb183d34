"""The rules of diagnosis at their thresholds: what is found just below, at and just above each of them."""

import math

import numpy as np
import pytest
import torch

from rnncore.config import ModelConfig
from rnncore.diagnosis.evidence import Evidence
from rnncore.diagnosis.finding import Finding, Remedy
from rnncore.engine.model import SequenceModel
from tests.support.evidence import CONSTANT, evidence, found, health, history, line, stuck

LOW = {"optimizer": {"learning_rate": 1e-5}}
PLAIN = {"optimizer": {"name": "sgd", "learning_rate": 1e-5}}
RELU = {"model": {"nonlinearity": "relu"}}


@pytest.mark.parametrize(("margin", "learns"), [(0.0199, False), (0.02, True)])
def test_a_claim_to_beat_needs_two_standard_errors(margin: float, learns: bool) -> None:
    kinds = found(health=health(line(margin=margin, error=0.01)))
    assert ("learning" in kinds, "no_better_than_baseline" in kinds) == (learns, not learns)


def test_every_simple_answer_has_to_be_beaten_but_not_those_that_know_something() -> None:
    lines = line(), line("last value again", 0.1, 0.005, 0.01, echo=True)
    assert "learning" not in found(health=health(*lines))
    known = found(health=health(line(), line("one number known", 0.05, -0.01, 0.001, knows=True)))["learning"].sentence
    assert known == (
        "Learning: validation loss 0.06, below 'predict 1' (0.16) by 0.1 with a standard error of 0.01; not yet below "
        "'one number known' (0.05)."
    )
    little = found(health=health(line(margin=0.004, error=0.001)))["learning"].sentence
    assert little == (
        "Learning a little: validation loss 0.156, below 'predict 1' (0.16) by 0.004, 2.5 % of it, with a standard "
        "error of 0.001."
    )
    told = found(health=health(line()))["learning"].evidence
    assert told == pytest.approx({"val_loss": 0.06, "baseline": 0.16, "skill": 0.625, "standard_error": 0.01})
    both = found(health=health(line(), line("one number known", 0.1, 0.04, 0.001, knows=True)))["learning"].sentence
    assert both.endswith("with a standard error of 0.01, and below 'one number known' (0.1).")


@pytest.mark.parametrize(
    ("kind", "below", "above"),
    [
        ("padding_tail", {"facts": {"tail": 0.499}}, {"facts": {"tail": 0.5}}),
        ("target_scale", {"facts": {"target_rms": 9.99}}, {"facts": {"target_rms": 10.0}}),
        ("input_scale", {"facts": {"input_rms": 9.99}}, {"facts": {"input_rms": 10.0}}),
        ("no_temporal_order", {"facts": {"forecast": 1.0, "order": 0.1}}, {"facts": {"forecast": 1.0, "order": 0.09}}),
        ("no_temporal_order", {"facts": {"forecast": 1.0, "order": 0.3, "train_size": 100.0}},
         {"facts": {"forecast": 1.0, "order": 0.29, "train_size": 100.0}}),
        ("truncation_shorter_than_delay", {"config": {"truncation": 21}, "facts": {"delay": 20.0}},
         {"config": {"truncation": 20}, "facts": {"delay": 20.0}}),
        ("learning_rate_too_low", {"config": LOW, "history": history(update_norm=3.1e-4)},
         {"config": LOW, "history": history(update_norm=2.9e-4)}),
        ("clip_rules", {"history": history(clip_coef=0.11)}, {"history": history(clip_coef=0.1)}),
        ("clip_rules", {"history": history(clip_coef=np.r_[np.ones(121), np.full(179, 0.05)])},
         {"history": history(clip_coef=np.r_[np.ones(120), np.full(180, 0.05)])}),
        ("too_few_updates", {"history": history(100)}, {"history": history(99)}),
        ("vanishing_through_layers", {"profile": [[0.011, 0.0], [0.5, 1.0]]}, {"profile": [[0.009, 0.0], [0.5, 1.0]]}),
        ("dead_units", {"config": RELU, "layers": {"dead": 0.49}}, {"config": RELU, "layers": {"dead": 0.5}}),
        ("dead_units", {"layers": {"dead": 1.0}}, {"config": RELU, "layers": {"dead": 1.0}}),
        ("learning_rate_too_low",
         {"config": PLAIN, "history": history(update_norm=2.9e-4), "layers": {"saturated": 0.5}},
         {"config": PLAIN, "history": history(update_norm=2.9e-4), "layers": {"saturated": 0.49}}),
        ("saturated", {"layers": {"saturated": 0.49}}, {"layers": {"saturated": 0.5}}),
        ("saturated", {"layers": {"gates": {"i": [0.2, 0.2], "f": [0.3, 0.2]}}},
         {"layers": {"gates": {"i": [0.2, 0.3], "f": [0.3, 0.2]}}}),
        ("constant_output", {"answers": {"spread": 0.1, "r2": -0.01}}, {"answers": {"spread": 0.099, "r2": -0.01}}),
        ("constant_output", {"answers": {"spread": 0.01, "r2": 0.05}}, {"answers": {"spread": 0.01, "r2": 0.049}}),
        ("majority_only", {"answers": {"answered": 0.97, "common": 0.9, "accuracy": 0.9}},
         {"answers": {"answered": 0.98, "common": 0.9, "accuracy": 0.9}}),
        ("majority_only", {"answers": {"answered": 1.0, "common": 0.62, "accuracy": 0.62}},
         {"answers": {"answered": 1.0, "common": 0.63, "accuracy": 0.63}}),
    ],
)  # fmt: skip
def test_a_rule_holds_on_one_side_of_its_threshold(kind: str, below: dict, above: dict) -> None:
    for case, holds in ((below, False), (above, True)):
        layers = [{"saturated": 0.0, "dead": 0.0, "size": 0.3, **case.get("layers", {})}]
        sick = health(stuck(), layers=layers, answers=case.get("answers"))
        rest = {name: value for name, value in case.items() if name not in ("layers", "answers")}
        assert (kind in found(health=sick, **rest)) == holds
        assert kind not in found(health=health(layers=layers), **rest), "a run that learns has no such cause"


def test_inputs_that_drive_all_gates_to_their_ends_are_told_even_of_a_run_that_learns() -> None:
    gates = {"i": [0.5, 0.4], "f": [0.4, 0.5]}
    layers = [{"saturated": 0.1, "dead": 0.0, "gates": gates}]
    assert "input_scale" in found(health=health(layers=layers), facts={"input_rms": 5000.0})
    assert "input_scale" not in found(health=health(layers=layers))
    assert "input_scale" not in found(facts={"input_rms": 5000.0})


@pytest.mark.parametrize(
    ("model", "ends"),
    [({}, True), ({"nonlinearity": "relu"}, False), ({"cell": "mingru"}, True), ({"cell": "lru"}, False),
     ({"cell": "antisymmetric"}, False), ({"cell": "slstm"}, True)],
)  # fmt: skip
def test_only_what_has_ends_is_said_to_be_at_them(model: dict[str, str], ends: bool) -> None:
    told = found({"model": model}, health=health(stuck()), facts={"input_rms": 5000.0})["input_scale"]
    assert ("at the ends of their range" in told.sentence) == ends
    assert ("saturated" in told.evidence) == ends


@pytest.mark.parametrize(
    ("readout", "changes"),
    [("last", {"model": {"readout": "attention"}}), ("mean", {"model": {"readout": "attention"}}),
     ("every_step", {"model": {"cell": "gru"}})],
)  # fmt: skip
def test_a_linear_network_is_told_to_be_so(readout: str, changes: dict[str, dict[str, str]]) -> None:
    lru = {"cell": "lru", "readout": readout}
    told = found({"model": lru}, health=health(stuck()))["no_better_than_baseline"]
    assert told.sentence.endswith("; an LRU with this read-out is linear: it cannot multiply two inputs.")
    assert told.remedy is not None
    assert told.remedy.changes == changes
    others = [{"cell": "lru", "readout": "attention"}, {"cell": "indrnn"}]
    for model in others:
        assert "linear" not in found({"model": model}, health=health(stuck()))["no_better_than_baseline"].sentence


def test_an_lru_with_the_read_outs_last_and_mean_is_linear_indeed() -> None:
    torch.manual_seed(0)
    one, two = torch.randn(2, 3, 7, 2, dtype=torch.float64)
    for readout, linear in (("last", True), ("mean", True), ("every_step", True), ("attention", False)):
        model = SequenceModel(ModelConfig(cell="lru", hidden_size=4, num_layers=2, readout=readout), 2, 1).double()
        both, zero = model(2 * one - 3 * two), model(torch.zeros_like(one))
        expected = 2 * model(one) - 3 * model(two) + 2 * zero
        assert torch.allclose(both, expected) == linear


def test_truncation_is_told_of_a_run_that_hardly_learns_too() -> None:
    """Five per cent less than the best simple answer may be learned without what lies before the truncation."""
    for margin, told in ((0.024, True), (0.025, False)):
        hardly = health(line(loss=0.5, margin=margin, error=0.001))
        kinds = found({"truncation": 5}, health=hardly, facts={"delay": 20.0})
        assert ("truncation_shorter_than_delay" in kinds) == told
        assert "learning" in kinds


def test_a_schedule_and_weight_decay_are_blamed_from_a_tenth_and_from_a_half_on() -> None:
    small = {"update_norm": 1e-4}
    for rate, fallen in ((5.1e-4, False), (4.9e-4, True)):
        falls = found(
            {"schedule": {"name": "step"}}, history=history(learning_rate=rate, **small), health=health(stuck())
        )
        remedy = falls["learning_rate_too_low"].remedy
        assert (remedy is not None and "schedule" in remedy.changes) == fallen
    half = np.r_[np.full(151, 1e-4), np.full(149, 5e-3)]  # most of the steps
    for rates, fallen in ((half, True), (half[::-1], True), (np.r_[half[150:], half[150:]], False)):
        told = evidence({"schedule": {"name": "step"}}, history=history(learning_rate=rates))
        assert told.rate_has_fallen == fallen
    for share, blamed in ((0.024, False), (0.026, True)):  # weights of norm 10, gradients of norm .5
        finding = found({"optimizer": {"weight_decay": share}}, health=health(stuck()))["no_better_than_baseline"]
        assert ("weight decay" in finding.sentence) == blamed


def test_first_steps_from_small_initial_weights_are_measured_by_usual_ones() -> None:
    first = np.r_[np.full(60, 4.0), np.full(240, 0.05)]  # beside weights of norm 8 at first, and 10 of late
    plain = found(history=history(update_norm=first), health=health(stuck()))["learning_rate_too_high"]
    assert plain.sentence.endswith("changed the weights by 50 % of their norm, where 0.3 % to 1.5 % is usual.")
    for share, blamed in ((0.79, False), (0.81, True)):  # 0.4 is told
        small = {"init": {"scheme": "normal", "std": share / math.sqrt(3 * 32)}}
        told = found(small, history=history(update_norm=first), health=health(stuck()))
        assert ("learning_rate_too_high" in told) == blamed
    sentence = told["learning_rate_too_high"].sentence
    assert sentence.endswith("by 41 % of the norm of usual initial weights, where 0.3 % to 1.5 % is usual.")


def test_swapped_axes_are_certain_and_told_of_any_run() -> None:
    assert "swapped_axes" not in found(facts={"mixes": 0.9e-3})
    assert next(iter(found(facts={"mixes": 1.1e-3}))) == "swapped_axes"
    assert found({"mistake": "swapped_batch_and_time"}, facts={"mixes": 0.2})["swapped_axes"].remedy is not None


def test_a_read_out_that_sgd_cannot_hold_and_updates_that_are_large_beside_the_weights() -> None:
    sgd = {"optimizer": {"name": "sgd", "learning_rate": 0.5}}
    assert "learning_rate_too_high" not in found(sgd, health=health(stuck(), feature=2.9))
    high = found(sgd, health=health(stuck(), feature=4.0))["learning_rate_too_high"]
    assert high.evidence == pytest.approx({"learning_rate": 0.5, "feature": 4.0, "bound": 0.2})
    assert high.remedy is not None
    assert high.remedy.changes == {"optimizer": {"learning_rate": 0.05}}
    relu = sgd | {"model": {"nonlinearity": "relu"}}
    assert "learning_rate_too_high" not in found(relu, health=health(stuck(), feature=400.0)), "no bound of |h|"
    updates = np.r_[4.0, np.full(299, 0.6)]
    adam = found(health=health(stuck()), history=history(update_norm=updates))["learning_rate_too_high"]
    assert adam.evidence["update_ratio"] == pytest.approx(0.075)
    updates[0] = 3.0
    assert "learning_rate_too_high" not in found(health=health(stuck()), history=history(update_norm=updates))


def spike(ratio: float = 100.0, **more: float) -> dict:
    return {"ratio": ratio, "step": 40, "norm": ratio, "before": 1.0, "loss_before": 0.2, **more}


def test_a_run_is_thrown_out_by_a_spike_from_which_it_has_not_come_back() -> None:
    since = history(train_loss=0.185)
    assert "thrown_out" not in found(health=health(stuck(), spike=spike(99.0)), history=since)
    thrown = found(health=health(stuck(), spike=spike()), history=since)["thrown_out"]
    assert thrown.sentence == (
        "Thrown out: at step 40 the gradient was 100, 100 times the median of the steps before; the training loss was "
        "0.2 before and is 0.185 now."
    )
    assert thrown.remedy is not None
    assert thrown.remedy.changes == {"clip": {"method": "norm", "threshold": 1.0}}
    better = history(train_loss=0.17)
    assert "thrown_out" not in found(health=health(stuck(), spike=spike()), history=better), "it has come back"
    dead = [{"saturated": 0.0, "dead": 0.6, "size": 0.1}]
    assert "thrown_out" in found(health=health(stuck(), spike=spike(), layers=dead), history=better)
    stands = history(train_loss=0.17, update_norm=1e-4)
    assert "thrown_out" in found(health=health(stuck(), spike=spike()), history=stands)


def test_a_run_that_diverged_has_one_verdict_and_what_explains_it() -> None:
    norms = np.r_[np.ones(19), math.inf]
    ended = history(20, grad_norm=norms, diverged="the gradient became infinite at step 20", epoch=3, train_loss=1.5e33)
    kinds = found({"clip": {"method": "off"}}, health=health(stuck()), history=ended, profile=[[1e-9, 1.0]])
    assert list(kinds) == ["thrown_out", "diverged"]
    assert kinds["diverged"].sentence == "Diverged: the gradient became infinite at step 20."
    slow = history(20, grad_norm=np.geomspace(1, 1e30, 20), diverged="The loss became NaN at step 20.")
    assert list(found(health=health(stuck()), history=slow)) == ["diverged"]
    scaled = found(facts={"target_rms": 1e5, "target_std": 1e5}, health=health(stuck()), history=ended)
    assert list(scaled) == ["target_scale", "diverged"]


def falling(last: float, over: bool = True) -> dict:
    values = np.full(300, math.nan)
    values[24::25] = np.r_[np.linspace(0.5, 0.2, 8), np.linspace(0.2, last, 4)]
    return found(health=health(stuck()), history=history(val_loss=values), over=over)


def test_a_loss_that_is_still_falling_at_the_end() -> None:
    assert falling(0.1)["too_few_updates"].sentence.startswith(
        "Too few updates: the validation loss is still falling, "
    )
    assert "too_few_updates" not in falling(0.19)
    assert "too_few_updates" not in falling(0.1, over=False)


@pytest.mark.parametrize(("times", "told"), [(1.0, True), (1e6, True), (1e9, False)])
def test_a_loss_that_falls_from_far_above_simple_answers_must_be_able_to_get_there(times: float, told: bool) -> None:
    """In ten times as many steps it falls by some 27 more of the factors with which it fell in the last third."""
    values = np.full(300, math.nan)
    values[24::25] = 0.3 * times * 0.5 ** (np.arange(12) / 4)
    kinds = found(health=health(stuck()), history=history(val_loss=values))
    assert ("too_few_updates" in kinds) == told


def test_before_fifty_steps_a_run_that_goes_on_is_not_said_to_be_stuck() -> None:
    early = health(stuck(), answers=CONSTANT)
    assert not found(health=early, history=history(49), over=False)
    assert "constant_output" in found(health=early, history=history(50), over=False)


@pytest.mark.parametrize(("train_loss", "found_out"), [(0.127, True), (0.13, False)])
def test_learning_by_heart_begins_at_four_fifths_of_the_simple_answers_loss(train_loss: float, found_out: bool) -> None:
    lines = health(line(loss=0.16, margin=-0.02), answers={"r2": -0.3})
    kinds = found(health=lines, history=history(epoch=2, train_loss=train_loss))
    assert ("memorising" in kinds) == found_out
    assert "memorising" not in found(health=lines, history=history(epoch=0, train_loss=train_loss))


def test_memorising_after_the_best_step() -> None:
    values = np.full(300, math.nan)
    values[24::25] = np.r_[0.05, np.linspace(0.04, 0.06, 11)]
    kinds = found(health=health(), history=history(epoch=9, train_loss=0.01, val_loss=values))
    assert list(kinds) == ["learning", "memorising"]
    assert kinds["memorising"].sentence == (
        "Memorising: training loss 0.01, but 0.06 on new sequences, which was 0.04 at step 50 and has risen since."
    )


def test_a_hidden_fall_word_for_word_and_at_its_bound() -> None:
    def hidden(fall: float) -> Finding | None:
        norms = np.r_[np.full(60, 1.0), np.full(240, 1 / fall)]
        return found(history=history(grad_norm=norms)).get("optimizer_hides_vanishing")

    at = hidden(100.0)
    assert at is not None
    assert at.sentence == "Hidden: since the start the gradient shrank 100-fold, but the updates shrank 1-fold."
    assert hidden(99.0) is None


def test_a_hidden_fall_counts_the_updates_too_and_compares_the_beginning_with_the_end() -> None:
    norms, updates = np.r_[np.full(250, 4.0), np.full(50, 0.08)], np.r_[np.full(250, 0.05), np.full(50, 0.1)]
    grown = found(history=history(grad_norm=norms, update_norm=updates))["optimizer_hides_vanishing"]
    assert grown.sentence == "Hidden: since the start the gradient shrank 50-fold, but the updates grew 2-fold."
    assert grown.evidence == pytest.approx({"gradient_fall": 50.0, "update_fall": 0.5})
    assert "optimizer_hides_vanishing" not in found(history=history(grad_norm=norms, update_norm=updates[::-1]))


def test_one_class_as_the_answer_is_judged_by_how_many_classes_there_are() -> None:
    for classes, told in ((2.0, False), (3.0, True)):
        answers = {"answered": 1.0, "common": 0.5, "accuracy": 0.5}
        kinds = found(health=health(stuck(), answers=answers), facts={"classes": classes})
        assert ("majority_only" in kinds) == told
    worse = {"answered": 1.0, "common": 0.9, "accuracy": 0.85}  # it is not even the commonest class
    assert "majority_only" not in found(health=health(stuck(), answers=worse))


def test_a_loss_that_rises_in_between_is_not_said_to_be_falling() -> None:
    values = np.full(300, math.nan)
    values[24::25] = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.2, 0.3, 0.3, 0.1, 0.1]
    assert "too_few_updates" not in found(health=health(stuck()), history=history(val_loss=values))


def test_layers_are_compared_where_there_are_several_and_all_is_finite() -> None:
    for profile in ([[0.001, 0.0]], [[0.001, 0.0], [math.inf, 1.0]], [[0.0, 0.0], [0.0, 0.0]]):
        assert "vanishing_through_layers" not in found(health=health(stuck()), profile=profile)


def test_findings_travel_as_json_with_their_remedies() -> None:
    remedy = Remedy("Layers: 4 -> 1.", {"model": {"num_layers": 1}})
    told = {"kind": "k", "sentence": "So it is.", "evidence": {"ratio": 0.5}}
    assert Finding("k", "So it is.", {"ratio": 0.5}).to_json() == {**told, "remedy": None}
    assert Finding("k", "So it is.", {"ratio": 0.5}, remedy).to_json() == {
        **told,
        "remedy": {"sentence": "Layers: 4 -> 1.", "changes": {"model": {"num_layers": 1}}},
    }


def test_what_is_absent_is_not_claimed() -> None:
    bare = Evidence(history())
    assert bare.learning is bare.sick is bare.stuck is False
    assert "learning" not in found(health={"loss": None, "baselines": []})
    assert evidence(health=None).lines == []
    assert not found(health=None, facts={"target_rms": 1e6, "tail": 0.9})
