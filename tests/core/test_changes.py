"""A configuration with some of its fields changed."""

import pytest

from rnncore.changes import changed
from rnncore.config import TrainConfig
from rnncore.errors import ConfigError

CONFIG = TrainConfig.model_validate({"data": {"kind": "task", "task": "adding", "seq_len": 20}, "steps": 7})


def test_nested_fields_are_merged_and_all_others_stay() -> None:
    found = changed(CONFIG, {"optimizer": {"learning_rate": 0.001}, "data": {"seq_len": 10}})
    assert found.optimizer.learning_rate == 0.001
    assert found.optimizer.name == CONFIG.optimizer.name
    assert (found.data.kind, found.steps) == ("task", 7)
    assert found.model_dump()["data"] == {**CONFIG.model_dump()["data"], "seq_len": 10}
    assert changed(CONFIG, {}) == CONFIG


def test_data_of_another_kind_leave_nothing_of_the_former() -> None:
    assert changed(CONFIG, {"data": {"kind": "bundled", "name": "co2"}}).data.model_dump()["name"] == "co2"


def test_a_field_can_be_emptied() -> None:
    config = changed(CONFIG, {"truncation": 5})
    assert changed(config, {"truncation": None}).truncation is None


def test_a_change_that_is_not_allowed_is_told_in_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"^optimizer\.learning_rate: 1000 is not allowed; allowed: above 0 to 100$"):
        changed(CONFIG, {"optimizer": {"learning_rate": 1000}})
