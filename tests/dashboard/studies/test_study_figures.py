"""Figures of a study: what stands where, what is left out, and what is drawn for chance."""

import math
from typing import Any

import pytest

from dashboard.experiment.study_plan import fields_of, parsed, planned
from dashboard.figures import study as figures
from dashboard.figures.study_curves import MOST_PANELS, curves_figure
from dashboard.figures.study_lines import lines_figure
from dashboard.figures.study_map import map_figure
from rnncore import TrainConfig
from rnncore.errors import ConfigError
from rnncore.studies.config import StudyConfig, read_study
from rnncore.studies.expansion import cells_of
from rnncore.studies.outcome import CellOutcome
from rnncore.studies.table import outcomes_of

RUN: dict[str, Any] = {
    "status": "finished", "success": True, "steps_to_success": 4, "final_train_loss": 0.1, "final_val_loss": 0.1,
    "final_val_metric": None, "best_val_loss": 0.1, "baseline": 0.2, "flow": "vanishing", "half_life": 2.0,
    "clipped": 0.0, "median_grad_norm": 1.0, "max_grad_norm": 1.0, "parameters": 3, "seconds": 1.0,
}  # fmt: skip
T = {"field": "data.seq_len", "values": [10, 20, 160]}
CELL = {"field": "model.cell", "values": ["rnn", "gru"]}
SIZE = {"field": "model.hidden_size", "values": [4, 8]}


def study_of(*axes: dict[str, Any], seeds: int = 2) -> tuple[StudyConfig, list[CellOutcome]]:
    study = read_study({"axes": axes, "seeds": seeds, "success": {"below": 1}})
    runs = {number: RUN | {"final_val_loss": 0.01 * (number + 1)} for number in range(study.run_count)}
    return study, outcomes_of(study, cells_of(study), runs)


@pytest.mark.parametrize("axes", [(), (T,), (T, CELL), (T, CELL, SIZE), (CELL, T)], ids=len)
@pytest.mark.parametrize("quantity", list(figures.QUANTITIES))
def test_every_quantity_of_every_study_can_be_drawn(axes: Any, quantity: str) -> None:
    study, outcomes = study_of(*axes)
    for theme in ("light", "dark"):
        assert lines_figure(study, outcomes, quantity, theme)["data"]
        if "map" in figures.shapes_of(study):
            assert map_figure(study, outcomes, quantity, theme)["data"]


def test_lines_show_medians_over_the_first_axis_with_quartiles_and_chance() -> None:
    study, outcomes = study_of(T, CELL)
    spec = lines_figure(study, outcomes, "loss", "light")
    lines = [trace for trace in spec["data"] if trace["mode"] == "lines+markers"]
    assert [line["name"] for line in lines] == ["rnn", "gru"]
    assert lines[0]["x"] == [10, 20, 160]
    assert lines[1]["y"] == pytest.approx([0.035, 0.075, 0.115])
    assert spec["layout"]["xaxis"]["type"] == "log"
    band = next(trace for trace in spec["data"] if trace.get("fill") == "toself")
    assert band["y"][0] == pytest.approx(0.0175)  # the upper quartile of 0.01 and 0.02
    assert spec["layout"]["shapes"][0]["y0"] == 0.2
    assert spec["layout"]["yaxis"]["type"] == "log"
    assert spec["layout"]["annotations"][0]["y"] == pytest.approx(math.log10(0.2))  # there plotly wants logarithms


def test_an_axis_of_numbers_goes_across_wherever_it_stands() -> None:
    study, outcomes = study_of(CELL, T)
    spec = lines_figure(study, outcomes, "loss", "light")
    lines = [trace for trace in spec["data"] if trace["mode"] == "lines+markers"]
    assert [line["name"] for line in lines] == ["rnn", "gru"]
    by_cell = {tuple(each.values.values()): each.medians["final_val_loss"] for each in outcomes}
    for line in lines:
        assert line["x"] == [10, 20, 160]
        assert line["y"] == [by_cell[line["name"], length] for length in line["x"]]


def test_between_values_that_are_no_numbers_there_are_no_lines() -> None:
    study, outcomes = study_of(CELL)
    (trace,) = lines_figure(study, outcomes, "loss", "light")["data"]
    assert (trace["mode"], trace["x"]) == ("markers", ["rnn", "gru"])
    for cell, above, below in zip(outcomes, trace["error_y"]["array"], trace["error_y"]["arrayminus"], strict=True):
        middle = cell.medians["final_val_loss"]
        assert (middle + above, middle - below) == pytest.approx(
            (cell.high["final_val_loss"], cell.low["final_val_loss"])
        )


def test_a_map_has_a_place_for_each_cell_and_leaves_out_what_is_not_known() -> None:
    study, _ = study_of(T, CELL)
    empty = outcomes_of(study, cells_of(study), {0: RUN})
    (trace,) = map_figure(study, empty, "success", "light")["data"]
    assert trace["z"] == [[1.0, None, None], [None, None, None]]
    assert trace["x"] == ["10", "20", "160"]


def test_small_curves_are_of_the_cells_and_bounded() -> None:
    study, outcomes = study_of(T, CELL, {"field": "omega", "values": [0]}, seeds=2)
    curve = {"curve": {"step": [1, 2], "train_loss": [1, 1], "val_loss": [0.5, None]}}
    spec = curves_figure(study, outcomes, {0: curve, 1: curve}, "dark")
    middle = [trace for trace in spec["data"] if trace.get("fill") is None]
    assert len(middle) == len(outcomes)
    assert (middle[0]["x"], middle[0]["y"]) == ([1], [0.5])
    many, cells = study_of({"field": "steps", "range": {"from": 1, "to": 50, "step": 1}}, seeds=1)
    drawn = curves_figure(many, cells, {}, "dark")["data"]
    assert len(drawn) == MOST_PANELS


def test_names_of_values_are_shown_as_text() -> None:
    axis = {"field": "clip", "labels": ["<b>x</b>", "y"], "values": [{"method": "off"}, {"method": "norm"}]}
    study, outcomes = study_of(T, axis)
    lines = [each for each in lines_figure(study, outcomes, "loss", "light")["data"] if "marker" in each]
    assert lines[0]["name"] == "&lt;b&gt;x&lt;/b&gt;"


def test_values_are_read_from_text() -> None:
    assert parsed("rnn, lstm") == ["rnn", "lstm"]
    assert parsed("10 20 40") == [10, 20, 40]
    assert parsed("0.1, 1e-3; true, null") == [0.1, 1e-3, True, None]
    assert parsed("'a b', c") == ["a b", "c"]


def test_a_study_is_put_together_from_fields() -> None:
    base = TrainConfig()
    assert next(iter(fields_of(base))) == "model.cell"
    assert "seed" not in fields_of(base)
    study = planned(base, [("model.cell", "rnn, gru")], 3, "times_baseline", 0.5)
    assert (study.run_count, study.success is not None) == (6, True)
    with pytest.raises(ConfigError, match=r"model\.cell: name at least one value"):
        planned(base, [("model.cell", " ")], 3, "none", 0)


def test_values_that_no_run_has_reached_have_their_place_from_the_start() -> None:
    for axes in ((CELL,), (T,), (T, CELL)):
        study, outcomes = study_of(*axes)
        none = outcomes_of(study, cells_of(study), {})
        whole, empty = (lines_figure(study, each, "success", "dark")["layout"] for each in (outcomes, none))
        assert whole["xaxis"]["range"] == empty["xaxis"]["range"]
        assert whole["xaxis"].get("categoryarray") == empty["xaxis"].get("categoryarray")


def test_small_curves_share_one_scale_with_numbers_that_have_room() -> None:
    study, outcomes = study_of(T, CELL)
    curves = {number: {"curve": {"step": [1, 2], "val_loss": [1.0, 10.0**-number]}} for number in range(12)}
    layout = curves_figure(study, outcomes, curves, "dark")["layout"]
    axes = {name: axis for name, axis in layout.items() if name.startswith("yaxis")}
    assert len(axes) == 6
    followed = {axis["matches"] for axis in axes.values() if "matches" in axis}
    assert len(followed) == 1
    assert sum("matches" in axis for axis in axes.values()) == 5
    assert {axis["dtick"] for axis in axes.values()} == {3}
