"""The sidebar's "Compare", through AppTest: chips that follow the controls, what Train starts, and what is refused."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.experiment.groups import Group
from dashboard.experiment.share import decode, encode
from dashboard.server import services
from rnncore.config import TrainConfig
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.settings import Settings
from tests.support.fake_worker import COMMAND
from tests.support.pages import MAIN
from tests.support.waiting import wait


@pytest.fixture(scope="module", autouse=True)
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), workers=2, worker_nice=0)
    yield services.open_scheduler(settings, LocalBackend(settings, COMMAND))
    services.close_scheduler()


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30).run()
    assert not app.exception
    app.number_input(key="steps").set_value(2).run()
    return app


def compare(app: AppTest, by: str, field: str | None = None) -> AppTest:
    app.selectbox(key="compare").set_value(by).run()
    if field is not None:
        app.selectbox(key="compare.field").set_value(field).run()
    assert not app.exception
    return app


def chips(app: AppTest) -> list[str]:
    return list(app.session_state["compare.values"])


def captions(app: AppTest) -> str:
    return "\n".join(each.value.replace("\\", "") for each in app.caption)


def errors(app: AppTest) -> list[str]:
    return [each.value.replace("\\", "") for each in app.error]


def train(app: AppTest) -> list[Any]:
    """Press Train and return the runs, once they are over."""
    next(button for button in app.button if button.label == "Train").click().run()
    assert (errors(app), len(app.exception)) == ([], 0)
    said = app.query_params["run"]
    address = said if isinstance(said, str) else said[0]
    store = services.scheduler().store
    wait(lambda: all(run.ended for run in store.group(address)))
    return store.group(address)


def test_cells_are_compared_with_equal_counts_on_request(app: AppTest) -> None:
    compare(app, "cell")
    assert chips(app) == ["rnn", "lstm", "gru"]
    app.toggle(key="compare.same_size").set_value(True).run()
    assert "RNN: 32 units, 1,283 parameters" in captions(app)
    assert "LSTM: 15 units, " in captions(app)
    runs = train(app)
    assert [run.config["model"]["cell"] for run in runs] == ["rnn", "lstm", "gru"]
    assert [run.config["model"]["hidden_size"] for run in runs] == [32, 15, 18]
    assert [run.config["model"]["nonlinearity"] for run in runs] == ["relu", "tanh", "tanh"]
    assert [run.label for run in runs] == ["RNN, hidden units 32", "LSTM, hidden units 15", "GRU, hidden units 18"]
    assert "The board shows" not in captions(app)

    again = AppTest.from_file(MAIN, default_timeout=30)  # a new session, as after F5
    again.query_params["run"] = runs[0].group
    again.run()
    assert (again.session_state["compare"], chips(again)) == ("cell", ["rnn", "lstm", "gru"])
    assert again.session_state["compare.same_size"] is True
    assert "The board shows" not in captions(again)


def test_thirty_years_of_cells_are_one_choice_and_the_network_is_the_usual_one(app: AppTest) -> None:
    compare(app, "thirty_years")
    cells = ["rnn", "lstm", "gru", "mingru", "lru"]
    assert (app.session_state["compare"], chips(app)) == ("cell", cells)
    runs = train(app)
    assert [run.label for run in runs] == ["RNN", "LSTM", "GRU", "minGRU", "LRU"]
    configs = [TrainConfig.model_validate(run.config) for run in runs]
    assert [(each.model.cell, each.model.nonlinearity, each.init.scheme) for each in configs] == [
        (cell, "tanh", "default") for cell in cells
    ]
    assert len({each.data.model_dump_json() for each in configs}) == 1


def test_a_further_cell_stands_among_the_first_ones_once_it_is_chosen(app: AppTest) -> None:
    assert app.segmented_control(key="model.cell").options == ["RNN", "LSTM", "GRU"]
    app.selectbox(key="controls.further_cell").set_value("lru").run()
    assert (app.session_state["model.cell"], len(app.exception)) == ("lru", 0)
    assert app.segmented_control(key="model.cell").options == ["RNN", "LSTM", "GRU", "LRU"]
    assert [run.config["model"]["cell"] for run in train(app)] == ["lru"] * 2
    app.segmented_control(key="model.cell").set_value("gru").run()
    assert app.selectbox(key="controls.further_cell").value is None
    assert app.segmented_control(key="model.cell").options == ["RNN", "LSTM", "GRU"]


def test_a_typed_value_is_a_run_and_the_own_one_follows_its_control(app: AppTest) -> None:
    compare(app, "learning_rate")
    assert chips(app) == ["0.008", "0.0008", "0.08"]
    app.number_input(key="optimizer.learning_rate").set_value(0.02).run()
    assert chips(app) == ["0.02", "0.0008", "0.08"]
    app.session_state["compare.values"] = ["0.02", "0.08", "1e-3", "0.001"]
    app.run()
    assert chips(app) == ["0.02", "0.08", "0.001"]
    runs = train(app)
    assert [run.config["optimizer"]["learning_rate"] for run in runs] == [0.02, 0.08, 0.001]
    assert [run.label for run in runs] == ["learning rate 0.02", "learning rate 0.08", "learning rate 0.001"]


def test_where_the_own_chip_is_taken_away_the_control_takes_the_next(app: AppTest) -> None:
    compare(app, "cell")
    app.multiselect(key="compare.values").set_value(["gru", "lstm"]).run()
    assert (app.session_state["model.cell"], chips(app)) == ("gru", ["gru", "lstm"])
    assert [run.config["model"]["cell"] for run in train(app)] == ["gru", "lstm"]


def test_one_value_has_nothing_to_be_compared_with(app: AppTest) -> None:
    compare(app, "field", "truncation")
    assert chips(app) == ["off"]
    assert "Add a value" in captions(app)
    assert len(train(app)) == 1


def test_a_field_that_means_nothing_now_compares_nothing(app: AppTest) -> None:
    compare(app, "field", "init.spectral_radius")
    assert chips(app) == ["2.5", "0.25"], "25 is not allowed"
    app.selectbox(key="init.scheme").set_value("orthogonal").run()
    assert "Spectral radius means nothing beside the other settings" in captions(app)
    assert len(train(app)) == 1
    app.selectbox(key="init.scheme").set_value("spectral").run()
    assert "Spectral radius means nothing" not in captions(app)


def test_a_value_that_is_not_allowed_is_said_beside_the_chips(app: AppTest) -> None:
    compare(app, "field", "model.hidden_size")
    app.session_state["compare.values"] = ["32", "many"]
    app.run()
    assert errors(app) == ["Values of hidden units: 'many' is not allowed; allowed: 1 to 2,048"]
    assert [warning.value.replace("\\", "") for warning in app.warning] == ["To be corrected: Values of hidden units."]


def test_there_are_at_most_six_runs(app: AppTest) -> None:
    compare(app, "seed")
    app.session_state["compare.values"] = [str(seed) for seed in range(10, 19)]
    app.run()
    assert chips(app) == ["5", "10", "11", "12", "13", "14"]
    assert [run.config["seed"] for run in train(app)] == [5, 10, 11, 12, 13, 14]


def test_the_link_carries_the_comparison_and_opens_it(app: AppTest) -> None:
    compare(app, "seed")
    assert chips(app) == ["5", "6", "7"]
    configs = [TrainConfig.model_validate(run.config) for run in train(app)]
    group = Group(tuple(configs))
    again = AppTest.from_file(MAIN, default_timeout=30)
    again.query_params["config"] = encode(*group.experiment, group.others)
    again.run()
    assert (again.session_state["compare"], chips(again)) == ("seed", ["5", "6", "7"])
    assert [TrainConfig.model_validate(run.config) for run in train(again)] == configs


@pytest.mark.parametrize(("text", "by"), [("1.compare-no~end", "nothing"), ("1.clip-norm~end", "clipping")])
def test_a_link_with_the_old_switch_still_opens(text: str, by: str) -> None:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.query_params["config"] = text
    app.run()
    assert app.session_state["compare"] == by
    assert decode(text).problems == []


def test_other_data_have_other_fields(app: AppTest) -> None:
    compare(app, "seq_len")
    assert chips(app) == ["35", "17", "70"]
    app.segmented_control(key="data.kind").set_value("bundled").run()
    assert chips(app) == ["50", "25", "100"], "the window takes its place"
    app.selectbox(key="data.name").set_value("vowels").run()
    assert not app.exception
    assert errors(app) == []


def test_a_window_of_files_is_compared_and_chosen(app: AppTest) -> None:
    rows = "\n".join(f"{day},{day % 7}" for day in range(2000))
    app.segmented_control(key="data.kind").set_value("upload").run()
    app.file_uploader(key="upload").upload("week.csv", f"day,a\n{rows}\n".encode()).run()
    compare(app, "seq_len")
    own, *others = chips(app)
    app.multiselect(key="compare.values").set_value(others).run()
    assert chips(app) == others
    runs = train(app)
    assert [str(run.config["data"]["window"]) for run in runs] == others
    assert own not in others
