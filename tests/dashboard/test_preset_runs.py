"""What the page says of the presets, over real runs of five seeds and of the opening's own (make test-lessons)."""

import pytest

from benchmarks.opening import Outcome, outcome
from dashboard.experiment.presets import PRESETS

pytestmark = [pytest.mark.lessons, pytest.mark.parametrize("seed", range(6))]


def runs_of(key: str, seed: int) -> list[Outcome]:
    return [outcome(config.model_copy(update={"seed": seed})) for config in PRESETS[key].configs]


def test_exploding_and_clipped(seed: int) -> None:
    """Both start with a gradient that explodes; clipping brings one network out of it, and only that one learns."""
    clipped, free = runs_of("clipped", seed)
    assert clipped.diverged is None
    assert free.diverged is None
    assert free.rises[0] == clipped.rises[0] >= 1e3
    assert free.share() > 0.5
    assert min(free.thirds()) > 0.1, "it stays so over the whole run"
    assert free.final > 10, "it never learns: far worse than predicting the mean"
    assert clipped.share() < 0.25
    assert clipped.thirds()[2] < 0.02, "by then it has come out of it"
    assert clipped.final < 0.02
    assert max(clipped.norms.max(), free.norms.max()) < 4e20, "Adam's squares of them are finite in float32"
    assert clipped.seconds + free.seconds < 10


def test_vanishing(seed: int) -> None:
    (rnn,) = runs_of("vanishing", seed)
    assert rnn.rises[0] < 1e-9
    assert rnn.final > 0.85


def test_the_lstm_remembers(seed: int) -> None:
    lstm, rnn = runs_of("lstm", seed)
    assert lstm.final < 0.1
    assert rnn.final > 0.85
    assert rnn.rises[0] < 1e-9
    assert lstm.rises[0] > 1e-3


def test_attention(seed: int) -> None:
    attention, last = runs_of("attention", seed)
    assert 0.3 < attention.rises[0] < 3
    assert last.rises[0] < 1e-9
    assert attention.final < 0.1
    assert last.final > 0.85
