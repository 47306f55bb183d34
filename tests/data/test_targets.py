"""Targets, the losses to beat on them and their metrics, worked out by hand."""

import math

import numpy as np
import pytest

from rnncore.data.baselines import class_baselines, frequency_loss, regression_baselines
from rnncore.data.dataset import Batch, DataError
from rnncore.data.metrics import error_rate, over_valid_steps, root_mean_square, wrong_answers
from rnncore.data.targets import Targets, class_targets, number_targets
from rnncore.records import Answers, Baseline

NAN = math.nan


def losses(baselines: dict) -> dict:
    return {
        loss: {line.name: pytest.approx(line.loss, rel=1e-12) for line in lines} for loss, lines in baselines.items()
    }


# --- baselines --------------------------------------------------------------------------------------------------------


def test_the_losses_of_a_prediction_of_numbers() -> None:
    targets, guess = np.array([[0.0], [0.0], [1.0]]), np.array([[0.5], [1.0], [4.0]], np.float32)
    found = regression_baselines({"guess": guess, "exact": targets}, targets)
    assert losses(found) == {
        "mse": {"guess": (0.25 + 1 + 9) / 3, "exact": 0.0},
        "mae": {"guess": (0.5 + 1 + 3) / 3, "exact": 0.0},
        "huber": {"guess": (0.125 + 0.5 + 2.5) / 3, "exact": 0.0},
    }
    assert [line.name for line in found["mse"]] == ["guess", "exact"]


def test_targets_have_weights_and_columns_have_not() -> None:
    targets, guess = np.zeros((2, 2)), np.array([[1.0, 2.0], [3.0, 4.0]])
    found = regression_baselines({"guess": guess}, targets, np.array([3.0, 1.0]))
    assert losses(found)["mae"] == {"guess": ((3 * 1 + 3) / 4 + (3 * 2 + 4) / 4) / 2}
    assert losses(found)["mse"] == {"guess": ((3 * 1 + 9) / 4 + (3 * 4 + 16) / 4) / 2}


def test_class_shares_are_counted_once_more_than_they_occur() -> None:
    train, held_out = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 2])
    expected = -(math.log(4 / 7) + 2 * math.log(2 / 7) + math.log(1 / 7)) / 4
    found = class_baselines(train, held_out, binary=False)
    assert found == {
        "cross_entropy": (Baseline("class frequencies", pytest.approx(expected, rel=1e-12)),),
        "error rate": (Baseline("commonest class", 0.75),),
    }
    assert frequency_loss(train.reshape(2, 2), held_out, 3) == pytest.approx(expected, rel=1e-12)
    weighted = class_baselines(train, held_out, False, np.array([1.0, 0.0, 0.0, 3.0]))
    assert weighted["cross_entropy"][0].loss == pytest.approx(-(math.log(4 / 7) + 3 * math.log(1 / 7)) / 4, rel=1e-12)
    assert weighted["error rate"][0].loss == 0.75


def test_the_number_of_classes_is_the_larger_of_both_parts() -> None:
    few, many = np.array([0, 1]), np.array([0, 0, 0, 3])
    unseen = class_baselines(few, many, False)["cross_entropy"][0].loss
    assert unseen == pytest.approx(-(3 * math.log(2 / 6) + math.log(1 / 6)) / 4, rel=1e-12)
    seen = class_baselines(many, few, False)["cross_entropy"][0].loss
    assert seen == pytest.approx(-(math.log(4 / 8) + math.log(1 / 8)) / 2, rel=1e-12)


def test_yes_or_no_has_its_own_loss_and_the_commonest_class_is_that_of_training() -> None:
    found = class_baselines(np.array([1, 1, 0]), np.array([0, 0, 1]), binary=True)
    assert found["bce"][0].loss == pytest.approx(-(2 * math.log(2 / 5) + math.log(3 / 5)) / 3, rel=1e-12)
    assert (set(found), found["error rate"][0].loss) == ({"bce", "error rate"}, pytest.approx(2 / 3))


# --- metrics ----------------------------------------------------------------------------------------------------------


def batch(targets: np.ndarray, lengths: list[int] | None = None) -> Batch:
    return Batch(np.zeros((len(targets), 1, 1), np.float32), targets, None if lengths is None else np.array(lengths))


def test_error_rate_at_the_end_and_at_every_step() -> None:
    outputs = np.eye(3)[[[0, 1, 2], [2, 2, 2]]]
    targets = np.array([[0, 1, 0], [2, 0, 0]])
    assert error_rate(outputs, batch(targets)) == 0.5
    assert error_rate(outputs, batch(targets, [3, 1])) == 0.25
    assert error_rate(outputs, batch(targets, [2, 2])) == 0.25
    assert error_rate(outputs[:, 0], batch(np.array([0, 1]), [3, 1])) == 0.5


def test_yes_or_no_is_the_sign_of_the_logit() -> None:
    targets = np.array([[1.0], [1.0], [0.0], [0.0]])
    assert wrong_answers(np.array([[0.2], [-0.2], [-3.0], [3.0]]), batch(targets)) == 0.5
    assert wrong_answers(np.array([[0.2], [1.0], [0.0], [-0.1]]), batch(targets)) == 0.0, "a logit of 0 says no"
    assert wrong_answers(np.array([[0.2]]), batch(np.array([[0.5]]))) == 1.0


def test_root_mean_square_in_units_of_a_single_target() -> None:
    outputs, targets = np.array([[1.0], [2.0]], np.float32), np.array([[0.0], [5.0]], np.float32)
    name, measure = root_mean_square(np.array([2.0]))
    assert name == "root mean square error, original units"
    assert measure(outputs, batch(targets)) == pytest.approx(2 * math.sqrt(5), rel=1e-12)
    name, measure = root_mean_square(np.array([2.0, 3.0]))
    assert name == "root mean square error, standard deviations"
    assert measure(outputs, batch(targets)) == pytest.approx(math.sqrt(5), rel=1e-12)
    large = np.full((1, 1), 1e30, np.float32)
    assert measure(large, batch(0 * large)) == pytest.approx(1e30, rel=1e-6)


def test_padding_is_left_out() -> None:
    measure = over_valid_steps(root_mean_square(np.array([1.0]))[1])
    outputs = np.array([[[3.0], [9.0]], [[4.0], [0.0]]])
    assert measure(outputs, batch(np.zeros((2, 2, 1)), [1, 2])) == pytest.approx(5 / math.sqrt(3), rel=1e-12)


def test_what_is_measured_has_the_inputs_too() -> None:
    given = batch(np.zeros((2, 2, 1)), [1, 2])
    measure = over_valid_steps(lambda outputs, some: float(some.inputs is given.inputs and len(some.targets) == 3))
    assert measure(np.zeros((2, 2, 1)), given) == 1.0


# --- targets ----------------------------------------------------------------------------------------------------------


def constant(name: str, values: np.ndarray) -> str:
    return f"{name} is constant: {values.tolist()}"


def test_numbers_are_scaled_by_their_training_part() -> None:
    training = np.array([True, True, True, False])
    columns = [("a", np.array([1.0, 3.0, NAN, 8.0])), ("b", np.array([0.0, 30.0, 60.0, NAN]))]
    targets = number_targets(iter(columns), training, constant)
    assert targets.values.dtype == np.float32
    spread = math.sqrt(600)
    np.testing.assert_allclose(targets.values[:, 0], [-1, 1, 0, 6])
    np.testing.assert_allclose(targets.values[:3, 1], [-30 / spread, 0, 30 / spread], rtol=1e-6)
    assert targets.known.tolist() == [True, True, False, False]
    np.testing.assert_allclose(targets.units, [1, spread])
    assert (targets.classes, targets.kind, targets.output_size) == ((), "regression", 2)
    assert targets.notes == (
        "'a' is scaled with the training part's mean 2 and standard deviation 1.",
        "'b' is scaled with the training part's mean 30 and standard deviation 24.4949.",
    )
    assert targets.take(np.array([1]))[0].tolist() == targets.values[1].tolist()
    assert targets.metric()[0] == "root mean square error, standard deviations"


def test_what_the_first_number_answered_means() -> None:
    columns = [("a", np.array([1.0, 3.0])), ("b", np.array([0.0, 60.0]))]
    targets = number_targets(columns, np.ones(2, bool), constant)
    assert targets.names == ("a", "b")
    assert targets.answers() == Answers("a", 2.0, 1.0, "", "", ())
    assert targets.answers("kg", "day", (1.0, 2.0)) == Answers("a", 2.0, 1.0, "kg", "day", (1.0, 2.0))
    assert classes([0, 1], 2).answers("kg") is None


def test_at_most_three_columns_are_told_of() -> None:
    columns = [(name, np.array([0.0, 1.0])) for name in "abcd"]
    assert len(number_targets(columns, np.ones(2, bool), constant).notes) == 3


def test_a_constant_column_gets_the_sentence_with_its_known_training_values() -> None:
    with pytest.raises(DataError, match=r"^a is constant: \[2\.0, 2\.0\]$"):
        number_targets([("a", np.array([2.0, NAN, 2.0, 5.0]))], np.array([True, True, True, False]), constant)


def test_the_lines_to_beat_on_numbers() -> None:
    targets = number_targets([("a", np.array([1.0, 3.0, 5.0]))], np.array([True, True, False]), constant)
    found = targets.baselines(np.array([0, 1]), np.array([2]), {"last": np.array([[2.0]], np.float32)})
    assert losses(found)["mae"] == {"last": 1.0, "training mean": 3.0}
    assert losses(targets.baselines(np.array([0]), np.array([1, 2]), weights=np.array([3.0, 1.0])))["mae"] == {
        "training mean": 1.5
    }
    assert targets.metric()[0] == "root mean square error, original units"


def few(found: str) -> str:
    return f"only {found}"


def classes(codes: list[float], training: int, binary: bool = True, names: str = "abcdefg") -> Targets:
    given = np.array(codes)
    return class_targets("kind", names, given, np.arange(len(given)) < training, binary, few)


def test_classes_are_numbered_as_the_training_part_has_them() -> None:
    targets = classes([3, 1, NAN, 3, 3, 1, 0], training=5)
    assert targets.values.tolist() == [1, 0, 0, 1, 1, 0, 0]
    assert targets.known.tolist() == [True, True, False, True, True, True, False]
    assert (targets.classes, targets.kind, targets.output_size, targets.units.size) == (("b", "d"), "binary", 1, 0)
    taken = targets.take(np.array([0, 1]))
    assert (taken.dtype, taken.tolist()) == (np.float32, [[1.0], [0.0]])
    assert targets.notes == (
        "'kind' has 2 classes: 'd' 75.0%, 'b' 25.0%. The classes are unequal: always saying 'd' is right in 75.0%.",
    )
    assert targets.metric() == ("error rate", wrong_answers)
    assert set(targets.baselines(np.array([0, 1]), np.array([5]))) == {"bce", "error rate"}


def test_two_classes_need_not_be_yes_or_no() -> None:
    targets = classes([0, 1], 2, binary=False)
    assert (targets.binary, targets.kind, targets.output_size) == (False, "multiclass", 2)
    assert targets.take(np.array([1, 0])).tolist() == [1, 0]
    assert targets.metric() == ("error rate", error_rate)
    weighted = targets.baselines(np.array([0, 0, 1]), np.array([0, 1]), weights=np.array([1.0, 0.0]))
    assert weighted["cross_entropy"][0].loss == pytest.approx(-math.log(3 / 5), rel=1e-12)
    assert Targets(np.zeros(1), np.ones(1, bool), ("a", "b"), np.empty(0), ()).kind == "binary", "unless told otherwise"


def test_fewer_than_two_classes_in_the_training_part() -> None:
    with pytest.raises(DataError, match=r"^only 'c'$"):
        classes([2, 2, 0], training=2)
    with pytest.raises(DataError, match=r"^only none$"):
        classes([NAN, NAN, 0], training=2)


@pytest.mark.parametrize(
    ("counts", "note"),
    [
        ([1, 1], "'kind' has 2 classes: 'a' 50.0%, 'b' 50.0%."),
        ([7, 3], "'kind' has 2 classes: 'a' 70.0%, 'b' 30.0%."),
        ([2, 5], "'kind' has 2 classes: 'b' 71.4%, 'a' 28.6%. The classes are unequal: always saying 'b' is right in "
         "71.4%."),
        ([1, 2, 1, 1], "'kind' has 4 classes: 'b' 40.0%, 'a' 20.0%, 'c' 20.0%, 'd' 20.0%."),
        ([1, 2, 1, 1, 1], "'kind' has 5 classes: 'b' 33.3%, 'a' 16.7%, 'c' 16.7%, 'd' 16.7% and 1 more."),
        ([1, 9, 15], "'kind' has 3 classes: 'c' 60.0%, 'b' 36.0%, 'a' 4.0%. The classes are unequal: always saying 'c' "
         "is right in 60.0%."),
        ([2, 13, 15], "'kind' has 3 classes: 'c' 50.0%, 'b' 43.3%, 'a' 6.7%."),
    ],
)  # fmt: skip
def test_what_is_said_of_the_classes(counts: list[int], note: str) -> None:
    codes = np.repeat(np.arange(float(len(counts))), counts).tolist()
    assert classes(codes, len(codes)).notes == (note,)


def test_of_equally_common_classes_the_first_are_named() -> None:
    codes = [float(code) for code in range(300) for _ in range(1 + (code % 3 == 0))]
    targets = class_targets("kind", [str(n) for n in range(300)], np.array(codes), np.ones(len(codes), bool), True, few)
    assert targets.notes[0].startswith("'kind' has 300 classes: '0' 0.5%, '3' 0.5%, '6' 0.5%, '9' 0.5% and 296 more.")


def test_a_class_that_is_missing_counts_neither_for_nor_against_the_shares() -> None:
    assert classes([0, 0, 1, NAN], 4).notes[0].startswith("'kind' has 2 classes: 'a' 66.7%, 'b' 33.3%.")
