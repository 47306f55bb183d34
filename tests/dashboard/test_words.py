"""A run that is broken on purpose is told as such wherever it is named."""

import pytest

from dashboard.experiment.words import data_words, in_words, label, mistake_words
from rnncore.config import TrainConfig
from rnncore.mistakes import MISTAKES


@pytest.mark.parametrize("key", [key for key in MISTAKES if key != "none"])
def test_a_mistake_is_told_in_history_on_the_board_and_in_names(key: str) -> None:
    config = TrainConfig.model_validate({"mistake": key})
    words = f"broken on purpose: {MISTAKES[key].sentence}"
    stored = config.model_dump(mode="json")
    assert mistake_words(stored) == words
    assert data_words(stored) == "Adding problem, T = 50"  # History has a column for the mistake
    assert in_words(config).startswith(f"Adding problem · {words} · RNN, 32 units")
    assert label(config) == "not clipped, broken on purpose"


def test_nothing_is_said_of_a_run_without_one_whether_it_knows_of_mistakes_or_not() -> None:
    config = TrainConfig()
    assert data_words(config.model_dump(mode="json")) == "Adding problem, T = 50"
    assert data_words({"data": {"kind": "task", "task": "adding"}}) == "Adding problem, T = 50"
    assert in_words(config) == "Adding problem · RNN, 32 units · Adam 0.005 · batch 32 · seed 0"
    assert label(config) == "not clipped"


def test_a_mistake_that_is_not_known_any_more_is_told_by_its_key() -> None:
    assert mistake_words({"mistake": "odd"}) == "broken on purpose: odd"
