"""What a study may be: cells, seeds, ranges, success; and the sentence for everything that it may not be."""

from pathlib import Path
from typing import Any

import pytest

from rnncore import TrainConfig
from rnncore.data import load_dataset
from rnncore.errors import ConfigError
from rnncore.studies.axis import LogRange, Range
from rnncore.studies.config import read_study, read_study_text
from rnncore.studies.expansion import cells_of, check_cells
from rnncore.studies.ready import READY
from rnncore.studies.results import mark_of, markdown, results


def test_every_combination_has_a_run_per_seed_the_last_axis_varies_fastest() -> None:
    study = read_study(
        {
            "base": {"steps": 7},
            "axes": [
                {"field": "model.cell", "values": ["rnn", "gru"]},
                {"field": "data.seq_len", "range": {"from": 10, "to": 50, "step": 20}},
            ],
            "seeds": [4, 2],
        }
    )
    assert (study.cell_count, study.run_count) == (6, 12)
    told = [(config.model.cell, config.data.seq_len, config.seed, config.steps) for config in study.configs()]  # type: ignore[union-attr]
    assert told == [(cell, T, seed, 7) for cell in ("rnn", "gru") for T in (10, 30, 50) for seed in (4, 2)]
    assert cells_of(study)[1].values == {"model.cell": "rnn", "data.seq_len": 30}


def test_a_study_without_axes_is_one_cell_with_its_seeds() -> None:
    (cell,) = cells_of(read_study({"seeds": 3}))
    assert cell.values == {}
    assert [config.seed for config in cell.configs] == [0, 1, 2]


def test_a_study_survives_a_round_trip_through_json() -> None:
    study = read_study(
        {
            "axes": [{"field": "optimizer.learning_rate", "log_range": {"from": 1e-4, "to": 1, "count": 5}}],
            "success": {"metric": "val_loss", "below": 0.1, "when": "any"},
        }
    )
    again = read_study_text(study.model_dump_json(by_alias=True), "study.json")
    assert again == study
    assert again.configs() == study.configs()


def test_ranges_are_what_they_say() -> None:
    assert Range.model_validate({"from": 0.1, "to": 0.5, "step": 0.1}).numbers() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert Range.model_validate({"from": 1, "to": 2, "count": 3}).numbers() == [1, 1.5, 2]
    assert Range.model_validate({"from": 1, "to": 10, "step": 4}).numbers() == [1, 5, 9]
    assert LogRange.model_validate({"from": 1e-4, "to": 1, "count": 5}).numbers() == [1e-4, 1e-3, 1e-2, 1e-1, 1]


def test_an_axis_of_labelled_objects_changes_several_fields_together() -> None:
    study = read_study(
        {
            "axes": [
                {
                    "field": "",
                    "name": "method",
                    "labels": ["plain", "clipped + Omega"],
                    "values": [{}, {"clip": {"method": "norm"}, "omega": 2}],
                },
                {"field": "optimizer.learning_rate", "values": [0.1]},
            ]
        }
    )
    plain, clipped = study.configs()
    assert (plain.clip.method, plain.omega, plain.optimizer.learning_rate) == ("off", 0, 0.1)
    assert (clipped.clip.method, clipped.omega, clipped.optimizer.learning_rate) == ("norm", 2, 0.1)
    assert [cell.values["method"] for cell in cells_of(study)] == ["plain", "clipped + Omega"]


REFUSED: list[tuple[Any, str]] = [
    ({"axes": [{"field": "model.cel", "values": ["rnn"]}]}, "model.cel: there is no such field"),
    ({"axes": [{"field": "model.", "values": [1]}]}, "'model.' is no path of a field"),
    ({"base": {"steps": -1}}, "base: steps: -1 is not allowed; allowed: 1 to 1,000,000"),
    ({"base": {"data": {"kind": "task", "seq_len": 1}}}, "base: data.seq_len: 1 is not allowed; allowed: 2 to 5,000"),
    ({"axes": [{"field": "model.cell", "values": ["rnx"]}]}, "model.cell: 'rnx' is not allowed"),
    (
        {"axes": [{"field": "model.cell", "values": ["lstm"]}, {"field": "omega", "values": [0, 1]}]},
        "model.cell 'lstm', omega 1: omega 1.0 is defined for the cell 'rnn' only",
    ),
    (
        {"axes": [{"field": "clip.method", "values": ["off"]}, {"field": "clip", "values": [{"method": "norm"}],
         "labels": ["on"]}]},
        "axes: 'clip.method' and 'clip' both change 'clip.method'; leave it to one of them",
    ),
    ({"axes": [{"field": "omega", "values": [0]}, {"field": "omega", "values": [1]}]}, "two axes called 'omega'"),
    ({"axes": [{"field": "seed", "values": [1, 2]}]}, "the seeds of a study stand in 'seeds'"),
    ({"axes": [{"field": "", "name": "x", "labels": ["a"], "values": [{"seed": 1}]}]}, "stand in 'seeds'"),
    ({"axes": [{"field": "omega"}]}, "the axis 'omega' needs either values, range or log_range"),
    ({"axes": [{"field": "omega", "values": [0], "range": {"from": 0, "to": 1, "count": 2}}]}, "needs either values"),
    ({"axes": [{"field": "omega", "log_range": {"from": 0, "to": 1, "count": 5}}]}, "0 is not allowed; allowed: above"),
    ({"axes": [{"field": "omega", "range": {"from": 1, "to": 0, "count": 5}}]}, "0 is not above 1"),
    ({"axes": [{"field": "omega", "range": {"from": 0, "to": 1}}]}, "a range needs either count or step"),
    ({"axes": [{"field": "steps", "range": {"from": 1, "to": 2e6, "step": 1}}]}, "more than 1,000 values"),
    ({"axes": [{"field": "omega", "values": []}]}, "length at least 1"),
    ({"axes": [{"field": "omega", "values": [1, 1]}]}, "the axis 'omega' has 1 twice"),
    ({"axes": [{"field": "omega", "values": [1, 2], "labels": ["a"]}]}, "has 2 values and 1 label"),
    ({"axes": [{"field": "clip", "values": [{"method": "norm"}]}]}, "needs a label for each"),
    ({"axes": [{"field": "", "values": [{}], "labels": ["a"]}]}, "changes several fields at once and needs a name"),
    ({"axes": [{"field": field, "values": [1]} for field in "abcd"]}, "length at most 3"),
    ({"axes": {}}, "axes: {} is not allowed; allowed: a list"),
    ({"seeds": []}, "seeds: [] is not allowed; allowed: a list of whole numbers, or how many: 1 to 10,000"),
    ({"seeds": 0}, "seeds: 0 is not allowed; allowed: a list of whole numbers, or how many: 1 to 10,000"),
    ({"seeds": 10_001}, "seeds: 10001 is not allowed; allowed: a list of whole numbers, or how many: 1 to 10,000"),
    ({"base": "rnn"}, "base: 'rnn' is not allowed; allowed: an object with named fields"),
    ({"success": {"below": "NaN"}}, "success.below: 'NaN' is not allowed; allowed: a finite number"),
    ({"seeds": [0, 0]}, "seeds: 0 stands there twice"),
    ({"seeds": [-1]}, "seeds.0: -1 is not allowed; allowed: at least 0"),
    ({"success": {}}, "success needs one of below, above and times_baseline; none is given"),
    ({"success": {"below": 1, "above": 2}}, "below and above are given"),
    ({"success": {"metric": "loss", "below": 1}}, "success.metric: 'loss' is not allowed"),
    ({"success": {"metric": "val_metric", "times_baseline": 1}}, "times_baseline compares losses"),
    ({"success": {"below": 1, "when": "ever"}}, "success.when: 'ever' is not allowed; allowed: one of 'end' or 'any'"),
    ({"grid": 1}, "grid: there is no such field"),
    ({"axes": [{"field": "model.hidden_size", "log_range": {"from": 4, "to": 64, "count": 4}}]},
     "model.hidden_size: 10.0794 is not allowed; allowed: a whole number, 1 to 2,048"),
    (5, "5 is not allowed; allowed: an object with named fields"),
    (
        {"axes": [{"field": "steps", "range": {"from": 1, "to": 100, "step": 1}},
                  {"field": "batch_size", "range": {"from": 1, "to": 100, "step": 1}}], "seeds": 100},
        "this study has 1,000,000 runs, above the limit of 100,000",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "sentence"), REFUSED, ids=[sentence[:40] for _, sentence in REFUSED])
def test_what_no_study_may_be_is_refused_in_one_sentence(body: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_study(body).configs()
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_json_is_refused_with_the_place() -> None:
    with pytest.raises(ConfigError, match=r"the study 's\.json' is not JSON: .* at line 1, column 2"):
        read_study_text("{", "s.json")


def test_cells_are_checked_against_their_data_and_named() -> None:
    asked = []

    def describe(config: TrainConfig) -> Any:
        asked.append(config)
        return load_dataset(config.data)

    good = read_study({"axes": [{"field": "model.cell", "values": ["rnn", "gru"]}], "seeds": 2})
    check_cells(cells_of(good), describe)
    assert len(asked) == 1  # both cells learn from the same data
    bad = read_study({"base": {"truncation": 20}, "axes": [{"field": "data.seq_len", "values": [30, 10]}]})
    with pytest.raises(ConfigError, match=r"^data\.seq_len 10: truncation: 20 is not allowed with sequences of 10"):
        check_cells(cells_of(bad), describe)


def test_what_came_out_of_ready_made_studies_is_of_their_present_form_and_stands_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "measurements.md").read_text("utf-8")
    flowing = " ".join(page.split())
    for key, each in READY.items():
        result = results()[key]
        assert result.study == mark_of(each.study), f"run `python -m benchmarks.ready {key}` again"
        assert len(result.rows) == each.study.cell_count
        assert markdown(result) in page, key
        assert each.found in flowing, key
        assert f"{each.study.run_count} runs, {len(each.study.seeds)} seeds, {result.minutes:g} minutes" in flowing


@pytest.mark.parametrize("seeds", [[0.5], [-1], [3, -1]])
def test_a_wrong_seed_is_one_problem(seeds: list[float]) -> None:
    with pytest.raises(ConfigError) as refused:
        read_study({"seeds": seeds})
    assert "more problem" not in str(refused.value)


def test_without_seeds_the_base_keeps_its_own() -> None:
    assert read_study({"base": {"seed": 5}}).seeds == (5,)
    assert read_study({"base": TrainConfig(seed=6)}).seeds == (6,)
    assert read_study({}).seeds == (0,)
    assert read_study({"base": {"seed": 5}, "seeds": 2}).seeds == (0, 1)


def test_a_metric_that_the_data_do_not_have_is_no_criterion() -> None:
    asked = read_study(
        {"base": {"data": {"kind": "task", "task": "noise"}}, "success": {"metric": "val_metric", "below": 1}}
    )
    with pytest.raises(ConfigError, match=r"success\.metric: 'val_metric' is not allowed with the data .*no metric"):
        check_cells(cells_of(asked), lambda config: load_dataset(config.data), asked.success)


@pytest.mark.parametrize(
    ("axis", "sentence"),
    [
        ({"field": "model.num_layers", "values": [1, 1.0]}, "model.num_layers 1 and model.num_layers 1.0 are the same"),
        ({"field": "model.num_layers", "values": [2, "2"]}, "model.num_layers 2 and model.num_layers '2' are the same"),
        ({"field": "clip", "values": [{}, {"method": "norm"}, {"method": "off"}], "labels": ["a", "b", "c"]},
         "axes: clip 'a' and clip 'c' are the same runs; name each value once"),
    ],
)  # fmt: skip
def test_values_that_are_written_otherwise_and_mean_the_same_are_refused(axis: dict[str, Any], sentence: str) -> None:
    asked = read_study({"base": {"clip": {"method": "off"}}, "axes": [axis]})
    with pytest.raises(ConfigError) as refused:
        check_cells(cells_of(asked), lambda config: load_dataset(config.data))
    assert sentence in str(refused.value)
