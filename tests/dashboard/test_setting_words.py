"""What the pages call a setting is what sentences call it, and what is chosen from a registry has its title."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.experiment.setting_paths import values
from dashboard.experiment.setting_words import change_words, setting_name, setting_words, value_words
from dashboard.panels import fields
from dashboard.server import services
from rnncore.config import TrainConfig
from rnncore.runs.settings import Settings
from tests.support.pages import MAIN

# The sidebar's heading says what these are of, or it says a verb or a symbol more.
OTHERWISE = {
    "data.seq_len": "Sequence length T", "data.delay": "Delay d", "clip.method": "Method",
    "eval_every": "Validate every … steps", "profile_every": "Profile every … steps",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield services.open_scheduler(Settings(data_dir=tmp_path_factory.mktemp("data"), workers=1, spare_workers=0))
    services.close_scheduler()


def test_a_setting_is_called_as_its_widget_is() -> None:
    app = AppTest.from_file(MAIN, default_timeout=30).run()
    for kind in ("bundled", "task"):
        app.session_state["data.kind"] = kind
        app.run()
    known = {path for path, _ in values(TrainConfig())} | {"data.name", "data.window", "data.horizon"}
    found = {path: widget for path, widget in fields.WIDGETS.items() if path in known}
    assert len(found) > 35
    for path, widget in found.items():
        label = OTHERWISE.get(path, setting_name(path))
        assert widget.label.casefold() == label.casefold(), path
        for key, title in widget.words.items():
            if isinstance(key, str) and path not in ("data.kind", "dtype", "device"):
                assert value_words(path, key).casefold() == title.casefold(), path


def test_words_of_single_settings() -> None:
    assert setting_words("optimizer.learning_rate", 0.01) == "learning rate 0.01"
    assert setting_words("optimizer.learning_rate", 1e-6) == "learning rate 1e-6"
    assert setting_words("clip.threshold", 2.5e30) == "threshold 2.5e30"
    assert setting_words("steps", 20_000) == "steps 20,000"
    assert setting_words("model.cell", "lstm") == "LSTM"
    assert setting_words("optimizer.nesterov", True) == "Nesterov momentum on"
    assert setting_words("model.cell", "of a plugin that is gone") == "of a plugin that is gone"
    assert setting_words("data.targets", ("a", "b")) == "targets a, b"
    assert change_words("truncation", 5, None) == "truncated backpropagation 5 → off"
    assert change_words("init.forget_bias", None, 1.0) == "forget-gate bias default → 1"
    assert change_words("mistake", "unscaled_targets", "none") == "mistake: Targets are not scaled → No mistake"
