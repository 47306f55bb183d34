"""Gradient flossing in the sidebar: its numbers are there where it is on, and nowhere where it does not fit."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.experiment.relevance import relevant
from dashboard.experiment.share import encode
from dashboard.lessons.glossary import all_terms
from dashboard.server import services
from rnncore.cells import CELLS
from rnncore.config import FlossingConfig, TrainConfig
from rnncore.runs.settings import Settings
from tests.support.pages import MAIN

PATHS = ("flossing.exponents", "flossing.steps", "flossing.every", "flossing.learning_rate")


@pytest.fixture(scope="module", autouse=True)
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield services.open_scheduler(Settings(data_dir=tmp_path_factory.mktemp("data"), workers=1, spare_workers=0))
    services.close_scheduler()


def shown(config: TrainConfig) -> dict[str, Any]:
    """Return what the fields of flossing say with an experiment in the controls."""
    app = AppTest.from_file(MAIN, default_timeout=60)
    app.query_params["config"] = encode(config, False)
    app.run()
    assert not app.exception
    return {field.key: field.value for field in app.number_input if field.key in PATHS}


def test_its_numbers_are_shown_where_it_is_on() -> None:
    flossed = TrainConfig(flossing=FlossingConfig(exponents=8, steps=40, every=25, learning_rate=0.5))
    assert tuple(shown(flossed).values()) == (8, 40, 25, 0.5)
    assert shown(TrainConfig()) == {"flossing.exponents": 0}


def test_nothing_is_offered_where_it_does_not_fit() -> None:
    assert shown(TrainConfig.model_validate({"model": {"nonlinearity": "relu"}})) == {}


def test_it_is_missing_with_relu_units_alone_as_the_glossary_says() -> None:
    assert "except with ReLU units" in all_terms()["Gradient flossing"].text
    for key, cell in CELLS.items():
        for nonlinearity in cell.nonlinearities:
            said = {"model.cell": key, "model.nonlinearity": nonlinearity}
            assert relevant("flossing.exponents", said.get) == (nonlinearity != "relu"), (key, nonlinearity)
