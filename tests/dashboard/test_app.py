"""The page's controls, through AppTest: what the widgets offer, what they refuse, what a click on Train starts."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.server import services
from rnncore.runs.settings import Settings
from tests.support.pages import MAIN
from tests.support.waiting import wait


@pytest.fixture(scope="module", autouse=True)
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield services.open_scheduler(Settings(data_dir=tmp_path_factory.mktemp("data"), workers=1, spare_workers=0))
    services.close_scheduler()


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30).run()
    assert not app.exception
    return app


def errors(app: AppTest) -> list[str]:
    return [error.value.replace("\\", "") for error in app.error]  # escaped, so that markdown shows it as it is


def press_train(app: AppTest) -> AppTest:
    return next(button for button in app.button if button.label == "Train").click().run()


def stored_runs(app: AppTest, scheduler: Any) -> list[Any]:
    return scheduler.store.group(address(app))


def address(app: AppTest) -> str:
    value = app.query_params["run"]
    return value if isinstance(value, str) else value[0]


def test_opens_without_errors_and_with_a_sensible_experiment(app: AppTest) -> None:
    assert errors(app) == []
    assert app.session_state["model.cell"] == "rnn"
    assert app.session_state["compare"] == "clipping"


def test_train_starts_twins_that_differ_in_the_clip_alone(app: AppTest, scheduler: Any) -> None:
    app.number_input(key="steps").set_value(3)
    press_train(app)
    assert errors(app) == []
    first, second = (run.config for run in stored_runs(app, scheduler))
    assert (first["clip"]["method"], second["clip"]["method"]) == ("norm", "off")
    assert {**first, "clip": None} == {**second, "clip": None}


def test_a_slow_start_is_asked_of_the_runs_by_a_switch_alone(
    app: AppTest, scheduler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, asked = scheduler.submit, []
    monkeypatch.setattr(scheduler, "submit", lambda *args, **kw: asked.append(kw["slow_start"]) or submit(*args, **kw))
    app.number_input(key="steps").set_value(2)
    press_train(app)
    usual = [run.config for run in stored_runs(app, scheduler)]
    wait(lambda: all(run.ended for run in stored_runs(app, scheduler)))
    app.toggle(key="slow_start").set_value(True)
    press_train(app)
    assert asked == [False, True]
    assert [run.config for run in stored_runs(app, scheduler)] == usual


def test_a_single_run_without_comparison(app: AppTest, scheduler: Any) -> None:
    app.selectbox(key="compare").set_value("nothing").run()
    app.selectbox(key="clip.method").set_value("off")
    app.number_input(key="steps").set_value(2).run()
    press_train(app)
    assert [run.config["clip"]["method"] for run in stored_runs(app, scheduler)] == ["off"]


def test_controls_reach_the_config(app: AppTest, scheduler: Any) -> None:
    app.segmented_control(key="model.cell").set_value("lstm")
    app.number_input(key="model.hidden_size").set_value(7)
    app.number_input(key="model.num_layers").set_value(2)
    app.selectbox(key="optimizer.name").set_value("rmsprop")
    app.number_input(key="optimizer.learning_rate").set_value(0.25)
    app.number_input(key="clip.threshold").set_value(3.5)
    app.number_input(key="batch_size").set_value(4)
    app.number_input(key="seed").set_value(11)
    app.number_input(key="steps").set_value(2)
    press_train(app.run())
    config = stored_runs(app, scheduler)[0].config
    assert (config["model"]["cell"], config["model"]["hidden_size"], config["model"]["num_layers"]) == ("lstm", 7, 2)
    assert (config["optimizer"]["name"], config["optimizer"]["learning_rate"]) == ("rmsprop", 0.25)
    assert (config["clip"]["threshold"], config["batch_size"], config["seed"]) == (3.5, 4, 11)


def test_bundled_series_can_be_chosen(app: AppTest, scheduler: Any) -> None:
    app.segmented_control(key="data.kind").set_value("bundled").run()
    app.selectbox(key="data.name").set_value("sunspots")
    app.number_input(key="steps").set_value(2).run()
    press_train(app)
    assert errors(app) == []
    assert stored_runs(app, scheduler)[0].config["data"]["name"] == "sunspots"


def test_an_upload_is_read_and_its_columns_offered(app: AppTest, scheduler: Any) -> None:
    rows = "\n".join(f"{day},{day % 7},{day % 5}" for day in range(400))
    app.segmented_control(key="data.kind").set_value("upload").run()
    app.file_uploader(key="upload").upload("week.csv", f"day,a,b\n{rows}\n".encode()).run()
    assert errors(app) == []
    app.multiselect(key="upload.targets").set_value(["b"])
    app.number_input(key="steps").set_value(2).run()
    press_train(app)
    assert errors(app) == []
    config = stored_runs(app, scheduler)[0].config
    assert config["data"]["targets"] == ["b"]
    assert [file["name"] for file in config["data"]["files"]] == ["week.csv"]
    assert config["data"]["files"][0]["file"].startswith("sha256:")


def test_a_wrong_file_is_one_sentence_and_the_page_stays_usable(app: AppTest) -> None:
    app.segmented_control(key="data.kind").set_value("upload").run()
    app.file_uploader(key="upload").upload("names.csv", b"name\nAda\nAlan\n").run()
    assert len(errors(app)) == 1
    assert not app.exception
    app.segmented_control(key="data.kind").set_value("task").run()
    assert errors(app) == []


def test_train_without_a_file_asks_for_one(app: AppTest) -> None:
    app.segmented_control(key="data.kind").set_value("upload").run()
    assert errors(app) == []
    press_train(app)
    assert errors(app) == ["Choose a file first."]


def test_values_beyond_the_widgets_limits_are_refused_with_field_value_and_range(app: AppTest) -> None:
    app.session_state["model.hidden_size"] = 32
    app.number_input(key="optimizer.learning_rate").set_value(0.0)
    press_train(app.run())
    assert errors(app) == ["Learning rate: 0.0 is not allowed; allowed: above 0 to 100"]
    assert "run" not in app.query_params


def test_an_unknown_address_says_so() -> None:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.query_params["run"] = "nobody-knows-this-run-id"
    app.run()
    assert not app.exception
    assert "no run at this address" in app.warning[0].value


def test_the_address_of_a_run_brings_its_experiment_back(app: AppTest, scheduler: Any) -> None:
    app.number_input(key="model.hidden_size").set_value(9)
    app.number_input(key="steps").set_value(2).run()
    press_train(app)
    again = AppTest.from_file(MAIN, default_timeout=30)
    again.query_params["run"] = address(app)
    again.run()
    assert not again.exception
    assert again.session_state["model.hidden_size"] == 9


def test_no_torch_in_the_ui_process(tmp_path: Path) -> None:
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
import dashboard.app
from dashboard.server import services
from rnncore.runs.settings import Settings
from pathlib import Path
services.open_scheduler(Settings(data_dir=Path({str(tmp_path)!r}), workers=1, spare_workers=0))
app = AppTest.from_file({MAIN!r}, default_timeout=30).run()
next(button for button in app.button if button.label == "Train").click().run()
assert not app.exception and "run" in app.query_params
services.close_scheduler()
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=120).returncode == 0


def test_the_gradients_can_be_checked_on_this_machine(app: AppTest) -> None:
    button = next(each for each in app.button if each.label == "Check the gradients here")
    button.click().run(timeout=120)
    said = [caption.value for caption in app.caption if caption.value.startswith("Checked on this machine")]
    assert len(said) == 2
    assert "1e-10 is allowed" in said[0]


def test_the_opening_experiment_suits_the_kind_of_data(app: AppTest) -> None:
    app.segmented_control(key="data.kind").set_value("bundled").run()
    assert (app.session_state["optimizer.name"], app.session_state["init.scheme"]) == ("adam", "default")
    app.segmented_control(key="data.kind").set_value("task").run()
    assert (app.session_state["optimizer.name"], app.session_state["init.scheme"]) == ("adam", "spectral")


def test_what_the_user_chose_stays_when_the_data_change(app: AppTest) -> None:
    app.number_input(key="optimizer.learning_rate").set_value(0.3).run()
    app.segmented_control(key="data.kind").set_value("bundled").run()
    assert app.session_state["optimizer.learning_rate"] == 0.3
    assert app.session_state["init.scheme"] == "spectral"
