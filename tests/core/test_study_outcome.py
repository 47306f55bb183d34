"""What a study keeps of a run, and what it tells of a cell."""

import math
from typing import Any

import numpy as np
import pytest

from rnncore import TrainConfig
from rnncore.codec import Scalars
from rnncore.engine.train import Trainer
from rnncore.studies.outcome import outcome_of, quantile, wilson
from rnncore.studies.success import Success
from rnncore.studies.summary import CURVE_POINTS, PROFILE_POINTS, summarise

NAMES = ("step", "train_loss", "val_loss", "val_metric", "grad_norm", "clip_coef", "elapsed_s")
INFO = {"baselines": [{"loss": 0.2, "knows": False}, {"loss": 0.1, "knows": True}, {"loss": 0.3, "knows": False}],
        "parameter_count": 9}  # fmt: skip


def records(val_loss: list[float], train_loss: list[float] | None = None) -> Scalars:
    count = len(val_loss)
    columns = [np.arange(1, count + 1), train_loss or [1.0] * count, val_loss, [0.5] * count, [2.0] * count,
               [1.0, 0.5] * (count // 2) + [1.0] * (count % 2), np.arange(count) / 10]  # fmt: skip
    return Scalars(NAMES, np.array(columns, np.float64).T)


def told(val_loss: list[float], success: Success | None = None, status: str = "finished") -> Any:
    return summarise(records(val_loss), [], INFO, status, "", success)


@pytest.mark.parametrize(
    ("success", "expected", "first"),
    [
        ({"below": 0.05}, True, 4),
        ({"below": 0.01}, False, None),
        ({"below": 0.3, "when": "any"}, True, 2),
        ({"above": 0.25, "when": "any"}, True, 1),
        ({"above": 0.25}, False, 1),
        ({"times_baseline": 0.5}, True, 4),  # of 0.2: the answer that knows a part does not count
        ({"times_baseline": 0.1}, False, None),
        ({"metric": "val_metric", "below": 0.6}, True, 1),
        ({"metric": "train_loss", "below": 0.6}, False, None),
    ],
)
def test_success_is_judged_at_the_end_or_at_any_step(success: Any, expected: bool, first: int | None) -> None:
    summary = told([0.5, 0.29, math.nan, 0.04], Success(**success))
    assert (summary.success, summary.steps_to_success) == (expected, first)


def test_without_a_criterion_nothing_is_a_success_or_a_failure() -> None:
    assert told([0.5, 0.1]).success is None


def test_a_diverged_run_is_no_success_and_has_no_final_losses() -> None:
    summary = told([0.01, 0.01], Success(below=1, when="any"), "diverged")
    assert summary.success is False
    assert (summary.final_val_loss, summary.final_train_loss, summary.best_val_loss) == (None, None, 0.01)


def test_numbers_of_a_run_are_read_off_its_records() -> None:
    summary = told([0.5, math.nan, 0.1, math.nan])
    assert (summary.final_val_loss, summary.best_val_loss, summary.final_train_loss) == (0.1, 0.1, 1.0)
    assert (summary.clipped, summary.median_grad_norm, summary.baseline, summary.parameters) == (0.5, 2.0, 0.2, 9)
    assert summary.curve == {"step": [1, 3], "train_loss": [1.0, 1.0], "val_loss": [0.5, 0.1]}


def test_a_run_that_never_began_is_summarised_too() -> None:
    summary = summarise(Scalars(NAMES, np.empty((0, len(NAMES)))), [], {}, "failed", "No.", Success(below=1))
    assert (summary.steps, summary.success, summary.final_val_loss, summary.over) == (0, False, None, False)


def test_half_life_and_flow_are_those_of_the_mean_of_the_last_profiles() -> None:
    profile = 0.5 ** np.arange(19, -1, -1)[None] * np.array([[1.0]])
    early = np.ones((1, 20))
    profiles = [{"hidden_grad_norm": each, "direct_grad_norm": np.zeros((1, 20))} for each in [early] + [profile] * 10]
    summary = summarise(records([0.1]), profiles, INFO, "finished", "")
    assert summary.flow == "vanishing"
    assert summary.half_life == pytest.approx(1.0, rel=1e-9)
    assert summary.profile["lag"] == list(range(19, -1, -1))


def test_a_gradient_that_does_not_shrink_has_no_half_life() -> None:
    grows = {"hidden_grad_norm": 2.0 ** np.arange(19, -1, -1)[None], "direct_grad_norm": np.zeros((1, 20))}
    summary = summarise(records([0.1]), [grows], INFO, "finished", "")
    assert (summary.flow, summary.half_life) == ("exploding", None)


def test_what_is_kept_of_a_run_is_bounded() -> None:
    profile = {"hidden_grad_norm": 0.9 ** np.arange(4999, -1, -1)[None], "direct_grad_norm": np.zeros((1, 5000))}
    summary = summarise(records([0.1] * 5000), [profile], INFO, "finished", "")
    assert len(summary.curve["step"]) <= CURVE_POINTS
    assert summary.curve["step"][-1] == 5000
    assert len(summary.profile["lag"]) <= PROFILE_POINTS
    assert (summary.profile["lag"][0], summary.profile["lag"][-1]) == (4999, 0)


def test_a_summary_agrees_with_the_records_of_a_real_run() -> None:
    config = TrainConfig.model_validate({"data": {"kind": "task", "seq_len": 8}, "steps": 12, "eval_every": 5})
    trainer = Trainer(config)
    run = list(trainer.records())
    rows = [[math.nan if (value := getattr(each, name)) is None else value for name in NAMES] for each in run]
    profiles = [{"hidden_grad_norm": each.hidden_grad_norm, "direct_grad_norm": each.direct_grad_norm}
                for each in run if each.hidden_grad_norm is not None]  # fmt: skip
    summary = summarise(Scalars(NAMES, np.array(rows)), profiles, trainer.info.to_json(), "finished", "")
    assert summary.final_val_loss == run[-1].val_loss
    assert summary.final_train_loss == run[-1].train_loss
    assert summary.curve["step"] == [1, 5, 10, 12]
    assert summary.baseline == min(each.loss for each in trainer.info.baselines if not each.knows)


def run(status: str = "finished", loss: float | None = 0.1, success: bool | None = True, **more: Any) -> dict[str, Any]:
    return told([0.1]).to_json() | {"status": status, "final_val_loss": loss, "success": success} | more


def test_a_cell_counts_diverged_runs_as_failures_and_leaves_them_out_of_medians() -> None:
    runs = [run(loss=0.1), run(loss=0.3), run("diverged", None, False), run("killed", 0.0, False)]
    cell = outcome_of(0, {"model.cell": "rnn"}, 5, runs, counts_success=True)
    assert (cell.runs, cell.successes, cell.diverged, cell.failed, cell.planned) == (3, 2, 1, 1, 5)
    assert cell.medians["final_val_loss"] == pytest.approx(0.2)
    assert cell.left_out["final_val_loss"] == 1
    told = cell.to_json()
    assert told["success_rate"] == pytest.approx(2 / 3)
    assert told["left_out"]["final_val_loss"] == 1


def test_successes_are_null_without_a_criterion_and_medians_without_a_finite_value() -> None:
    cell = outcome_of(0, {}, 1, [run("diverged", None, None)], counts_success=False).to_json()
    assert (cell["successes"], cell["success_rate"], cell["success_interval"]) == (None, None, None)
    assert cell["median_final_val_loss"] is None


def test_shares_of_flows_are_of_the_runs_that_have_one() -> None:
    cell = outcome_of(0, {}, 3, [run(flow="vanishing"), run(flow="steady"), run(flow=None)], counts_success=False)
    assert (cell.share("vanishing"), cell.share("exploding")) == (0.5, 0.0)
    assert outcome_of(0, {}, 3, [], counts_success=False).share("vanishing") is None


def test_wilsons_interval_has_the_published_values() -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3 without continuity correction
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_quantiles_are_those_of_numpy() -> None:
    values = sorted([3.0, 1.0, 4.0, 1.5, 9.0])
    for share in (0.0, 0.25, 0.5, 0.8, 1.0):
        assert quantile(values, share) == pytest.approx(np.quantile(values, share))
    assert quantile([], 0.5) is None
