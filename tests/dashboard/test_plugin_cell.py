"""A cell that a plugin brings, on the page: in the sidebar, in links, in what a run is called."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.experiment.share import decode, encode
from dashboard.experiment.words import in_words, model_words
from dashboard.lessons.glossary import all_terms
from dashboard.server import services
from rnncore.config import TrainConfig
from rnncore.runs.settings import Settings
from tests.support.pages import MAIN, button
from tests.support.toy_cell import KEY, PLUGIN, toy_cell, toy_config


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with toy_cell(tmp_path, monkeypatch):
        yield


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Any]:
    settings = Settings(data_dir=tmp_path / "data", workers=1, spare_workers=0, plugins=PLUGIN)
    yield services.open_scheduler(settings)
    services.close_scheduler()


def test_the_sidebar_lists_it_and_trains_it(scheduler: Any) -> None:
    app = AppTest.from_file(MAIN, default_timeout=30).run()
    app.selectbox(key="data.task").set_value("sines").run()
    cells = app.segmented_control(key="model.cell")
    assert cells.options == ["RNN", "LSTM", "GRU", "Toy minGRU"]
    cells.set_value(KEY).run()
    assert not app.exception
    # one input and 32 units: a layer of two blocks with a bias each, and the read-out
    assert "161 parameters" in [caption.value for caption in app.caption]
    shown = {widget.key for kind in ("toggle", "selectbox", "number_input") for widget in app.get(kind)}
    assert "init.chrono" in shown
    assert not shown & {"init.scheme", "init.forget_bias", "model.nonlinearity", "omega"}
    app.number_input(key="steps").set_value(3)
    button(app, "Train").click().run()
    assert not app.exception
    assert [error.value for error in app.error] == []
    group = app.query_params["run"]
    for run in scheduler.store.group(group if isinstance(group, str) else group[0]):
        assert run.config["model"]["cell"] == KEY


def test_a_link_and_a_config_carry_it() -> None:
    config = toy_config(init={"chrono": True})
    decoded = decode(encode(config, compare=True))
    assert decoded.problems == []
    assert decoded.config == config
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config


def test_it_goes_by_its_title() -> None:
    config = toy_config()
    assert "Toy minGRU, 2 × 5 units" in in_words(config)
    assert model_words(config.model_dump()) == "Toy minGRU, 2 layers of 5 units"


def test_the_glossary_has_it() -> None:
    assert all_terms()["Toy minGRU"].text == "A GRU whose gate does not look at the state."
