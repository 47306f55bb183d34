"""The presets: each is whole, its picture is of its own runs, and a click on its card trains it."""

import base64
import json
import re
from collections.abc import Iterator
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.experiment.comparison import said_of
from dashboard.experiment.opening import DEFAULT
from dashboard.experiment.preset_cards import cards_html, picture_svg
from dashboard.experiment.presets import EXAMPLE, PICTURES, PRESETS, pictures
from dashboard.experiment.twins import are_twins, twins
from dashboard.panels import presets
from dashboard.server import services
from rnncore import train
from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.runs.settings import Settings
from tests.support.pages import MAIN
from tests.support.waiting import wait

OWN = [preset for preset in PRESETS.values() if preset.configs]


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield services.open_scheduler(Settings(data_dir=tmp_path_factory.mktemp("data"), workers=1, spare_workers=0))
    services.close_scheduler()


def choose(key: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Open the page and click on a card, which Streamlit's AppTest does not draw."""
    answers = iter([None, key])
    monkeypatch.setattr(presets, "_cards", lambda **kwargs: SimpleNamespace(chosen=next(answers, None)))
    app = AppTest.from_file(MAIN, default_timeout=30).run()
    assert "Train a recurrent network and watch" in " ".join(each.value for each in app.markdown)
    assert not app.exception
    app.run()
    assert not app.exception
    return app


def started(app: AppTest, scheduler: Any) -> list[Any]:
    address = app.query_params["run"]
    runs: list[Any] = scheduler.store.group(address if isinstance(address, str) else address[0])
    return runs


def end(runs: list[Any], scheduler: Any) -> None:
    """Stop runs: while they are under way the page would ask before it starts others."""
    scheduler.stop(runs[0].group)
    wait(lambda: all(scheduler.store.run(run.id).ended for run in runs))


def test_the_presets_are_those_promised_and_each_is_whole() -> None:
    assert list(PRESETS) == ["exploding", "clipped", "vanishing", "lstm", "attention", "file"]
    for preset in OWN:
        assert len(preset.names) == len(preset.configs) == len(set(preset.names))
        assert preset.help.endswith(".")
        assert are_twins(preset.configs) == preset.compare
    assert PRESETS["clipped"].configs == tuple(twins(DEFAULT))
    assert PRESETS["exploding"].configs == (twins(DEFAULT)[1],)


@pytest.mark.parametrize("preset", OWN, ids=[preset.key for preset in OWN])
def test_a_picture_was_recorded_of_the_presets_own_runs(preset: Any) -> None:
    recorded = json.loads(PICTURES.read_text())["configs"][preset.key]
    assert [TrainConfig.model_validate(config) for config in recorded] == list(preset.configs)
    lengths = [load_dataset(config.data).seq_len for config in preset.configs]
    assert [len(profile) for profile in pictures()[preset.key]] == lengths
    assert all(profile[-1] == 0 for profile in pictures()[preset.key]), "the ratio to t = T is 1 there"


def test_the_pictures_of_untrained_runs_can_be_recorded_again() -> None:
    for preset in OWN:
        for config, drawn in zip(preset.configs, pictures()[preset.key], strict=True):
            if preset.shown_step == 1:
                profile = next(iter(train(config))).hidden_grad_norm
                assert profile is not None
                np.testing.assert_allclose(np.log10(profile[-1] / profile[-1, -1]), drawn, atol=0.02)


def test_the_opening_ends_with_one_gradient_that_explodes_and_one_that_does_not() -> None:
    assert pictures()["exploding"][0][0] > 3
    clipped, free = pictures()["clipped"]
    assert free[0] > 3
    assert clipped[0] < 0


def test_the_opening_shows_within_ten_steps_which_twin_is_in_trouble() -> None:
    clipped, free = (list(islice(train(config), 10))[-1] for config in twins(DEFAULT))
    assert free.train_loss > 1e4 * clipped.train_loss
    for record, rises in ((clipped, False), (free, True)):
        assert record.hidden_grad_norm is not None
        assert (record.hidden_grad_norm[-1, 0] > 1e3 * record.hidden_grad_norm[-1, -1]) == rises


def test_the_example_of_the_board_is_of_the_opening_experiment() -> None:
    example = json.loads(EXAMPLE.read_text())
    assert TrainConfig.model_validate(example["config"]) == DEFAULT
    for config, run in zip(twins(DEFAULT), example["runs"], strict=True):
        losses = np.frombuffer(base64.b64decode(run["columns"]["train_loss"]), "<f4")
        assert (run["run"], run["status"], run["count"]) == ("", "finished", DEFAULT.steps)
        np.testing.assert_allclose(losses[:3], [record.train_loss for record in islice(train(config), 3)], rtol=1e-3)


def test_cards_are_buttons_with_a_picture_and_a_line_for_each_run() -> None:
    html = cards_html()
    assert re.findall(r'data-preset="(\w+)"', html) == list(PRESETS)
    assert html.count("<svg") == len(PRESETS)
    assert html.count("<polyline") == sum(len(preset.configs) for preset in OWN)


def test_a_level_profile_is_drawn_level_and_a_rising_one_rises_to_the_left() -> None:
    def heights(profile: list[float]) -> list[float]:
        (points,) = re.findall(r'points="([^"]*)"', picture_svg([profile]))
        return [float(point.split(",")[1]) for point in points.split()]

    assert len(set(heights([0.0, 0.0, 0.0]))) == 1
    left, middle, right = heights([4.0, 2.0, 0.0])
    assert left < middle < right, "up is towards smaller y"
    left, _, right = heights([-4.0, -2.0, 0.0])
    assert left > right


@pytest.mark.parametrize("preset", OWN, ids=[preset.key for preset in OWN])
def test_one_click_loads_and_trains(preset: Any, scheduler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    submit, slow = scheduler.submit, []
    monkeypatch.setattr(scheduler, "submit", lambda *args, **kw: slow.append(kw["slow_start"]) or submit(*args, **kw))
    app = choose(preset.key, monkeypatch)
    runs = started(app, scheduler)
    assert [run.label for run in runs] == list(preset.names)
    assert [TrainConfig.model_validate(run.config) for run in runs] == list(preset.configs)
    assert slow == [True]
    assert app.session_state["compare"] == said_of(preset.configs).comparison.by
    end(runs, scheduler)


def test_your_file_asks_for_it(scheduler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = choose("file", monkeypatch)
    assert app.session_state["data.kind"] == "upload"
    assert app.file_uploader(key="upload") is not None
    assert "run" not in app.query_params


def test_changed_controls_train_what_they_say(scheduler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = choose("exploding", monkeypatch)
    end(started(app, scheduler), scheduler)
    app.number_input(key="steps").set_value(3).run()
    next(each for each in app.button if each.label == "Train").click().run()
    (run,) = started(app, scheduler)
    assert run.config["steps"] == 3
    end([run], scheduler)
