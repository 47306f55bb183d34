"""What the page calls the axes of a study and their values: as the controls do; what a study names itself stays."""

from typing import Any

from dashboard.experiment.study_words import in_words
from dashboard.figures.study_curves import cell_name
from dashboard.figures.study_map import map_figure
from rnncore.studies.config import read_study
from rnncore.studies.expansion import cells_of
from rnncore.studies.table import cells_table, outcomes_of


def worded(*axes: dict[str, Any]) -> tuple[Any, Any]:
    base = {"optimizer": {"name": "sgd", "momentum": 0.5}}
    study = read_study({"base": base, "axes": axes, "success": {"below": 1}})
    return in_words(study, outcomes_of(study, cells_of(study), {}))


def test_axes_and_choices_are_called_as_the_controls_are_and_numbers_stay_numbers() -> None:
    study, cells = worded(
        {"field": "model.cell", "values": ["rnn", "lstm"]}, {"field": "data.seq_len", "values": [10, 20]}
    )
    assert [cell.values for cell in cells] == [
        {"Cell": cell, "Sequence length": length} for cell in ("RNN", "LSTM") for length in (10, 20)
    ]
    assert cells_table(study, cells).column_names[:2] == ["Cell", "Sequence length"]
    layout = map_figure(study, cells, "success", "light")["layout"]
    assert (layout["xaxis"]["title"]["text"], layout["yaxis"]["title"]["text"]) == ("Cell", "Sequence length")
    assert cell_name(cells[0]) == "RNN<br>Sequence length 10"


def test_what_is_no_number_is_said_in_words() -> None:
    _, cells = worded(
        {"field": "truncation", "values": [None, 5]}, {"field": "optimizer.nesterov", "values": [False, True]}
    )
    assert cells[0].values == {"Truncated backpropagation": "off", "Nesterov momentum": "off"}
    assert cells[3].values == {"Truncated backpropagation": "5", "Nesterov momentum": "on"}


def test_names_and_labels_of_the_study_itself_stay() -> None:
    clips = [{"method": "off"}, {"method": "norm"}]
    study, cells = worded(
        {"field": "clip", "name": "pH", "values": clips, "labels": ["a", "b"]},
        {"field": "model.cell", "name": "network", "values": ["gru"]},
    )
    assert [cell.values for cell in cells] == [{"pH": "a", "network": "GRU"}, {"pH": "b", "network": "GRU"}]
    assert [axis.title for axis in study.axes] == ["pH", "network"]


def test_axes_that_would_be_called_the_same_are_told_apart() -> None:
    _, cells = worded(
        {"field": "clip.threshold", "name": "Momentum", "values": [1, 2]},
        {"field": "optimizer.momentum", "values": [0, 0.9]},
    )
    assert list(cells[0].values) == ["Momentum (clip.threshold)", "Momentum (optimizer.momentum)"]
