"""What the lessons say under "Change next": each sentence tried with all seeds of its lesson (make test-lessons)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dashboard.lessons import LESSONS
from dashboard.lessons.lesson import run
from rnncore.config import TrainConfig
from rnncore.sizes import parameter_count
from tests.support.outcomes import Outcome, outcome

Check = Callable[[int], None]  # of a seed
CHECKS: dict[tuple[str, int], Check] = {}


def says(lesson: str, sentence: int) -> Callable[[Check], Check]:
    """Note what checks a sentence of a lesson, counted from 1."""

    def note(check: Check) -> Check:
        CHECKS[lesson, sentence] = check
        return check

    return note


def changed(lesson: str, which: int, **changes: Any) -> TrainConfig:
    return run("", LESSONS[lesson].runs[which].config, **changes).config


def trained(lesson: str, which: int, seed: int, **changes: Any) -> Outcome:
    """Train run `which` of a lesson, from 0, with changes."""
    return outcome(changed(lesson, which, **changes), seed)


def reach(result: Outcome) -> float:
    """Return the gradient at t = 1 as a share of that at t = T, before any training."""
    profile = result.records[0].hidden_grad_norm
    assert profile is not None
    return float(profile[0, 0]) / float(profile[0, -1])


def shoots_up(result: Outcome, above: float) -> bool:
    return max(record.train_loss for record in result.records[:5]) > above


@says("rescue", 1)
def _(seed: int) -> None:
    free = trained("rescue", 1, seed, steps=10)
    assert (free.records[-1].diverged is not None and free.records[-1].step <= 5) == (seed == 2)


@says("rescue", 2)
def _(seed: int) -> None:
    final = trained("rescue", 1, seed, steps=600, optimizer={"learning_rate": 0.01}).final
    assert (0.16 < final < 0.17) if seed == 3 else (0.045 < final < 0.115)


@says("vanishing", 1)
def _(seed: int) -> None:
    short = trained("vanishing", 0, seed, data={"seq_len": 10})
    assert 0.0015 < reach(short) < 0.01
    assert short.final < 0.14


@says("vanishing", 2)
@says("no-cure", 1)
def _(seed: int) -> None:
    for method in ("norm", "recursion"):
        clipped = trained("no-cure", 0, seed, clip={"method": method})
        assert reach(clipped) < 1e-9
        assert clipped.best > 0.145


@says("exploding", 1)
def _(seed: int) -> None:
    last = trained("exploding", 0, seed, optimizer={"name": "sgd", "learning_rate": 1e-4}, steps=5).records[-1]
    assert last.diverged
    assert last.step == 2


@says("exploding", 2)
def _(seed: int) -> None:
    assert reach(trained("exploding", 0, seed, init={"spectral_radius": 0.9}, steps=1)) < 1e-8


@says("no-cure", 2)
def _(seed: int) -> None:
    gru = trained("no-cure", 0, seed, model={"cell": "gru"})
    assert gru.final < 0.006
    assert gru.clipped > 0.75


@says("value", 1)
def _(seed: int) -> None:
    less = trained("value", 1, seed, clip={"threshold": 0.1})
    assert shoots_up(less, 100)
    assert less.clipped < 0.7
    assert less.final < 0.002


@says("value", 2)
def _(seed: int) -> None:
    hardly = trained("value", 1, seed, clip={"threshold": 1.0})
    assert shoots_up(hardly, 1e6)
    assert hardly.clipped < 0.02


@says("threshold", 1)
def _(seed: int) -> None:
    high = trained("threshold", 0, seed, clip={"threshold": 100.0})
    assert shoots_up(high, 1e6)
    assert high.clipped < 0.01
    assert high.final < 0.012


@says("threshold", 2)
def _(seed: int) -> None:
    higher = trained("threshold", 0, seed, clip={"threshold": 1000.0})
    dead = higher.records[-1].diverged is not None or higher.final > 0.165
    assert dead == (seed in (0, 2, 3))


@says("threshold", 3)
def _(seed: int) -> None:
    long = trained("threshold", 0, seed, clip={"threshold": 0.01}, optimizer={"learning_rate": 10.0})
    assert long.clipped > 0.98
    assert 0.0045 < long.final < 0.009


@says("forget-bias", 1)
def _(seed: int) -> None:
    assert 8e-6 < reach(trained("forget-bias", 0, seed, init={"forget_bias": 1.0}, steps=1)) < 2e-4


@says("forget-bias", 2)
def _(seed: int) -> None:
    """More than with chrono biases (0.2 %) arrives; one of the five seeds learns sooner than with the default."""
    open_path = trained("forget-bias", 0, seed, init={"forget_bias": 2.0})
    assert 0.005 < reach(open_path) < 0.065
    assert (open_path.final < 0.01) == (seed == 4)


@says("gru-lstm", 1)
def _(seed: int) -> None:
    gru, lstm = trained("gru-lstm", 1, seed, model={"hidden_size": 32}), trained("gru-lstm", 0, seed)
    configs = changed("gru-lstm", 0), changed("gru-lstm", 1, model={"hidden_size": 32})
    more, fewer = (parameter_count(config.model, 2, 1) for config in configs)
    assert 1.3 < more / fewer < 1.36
    assert gru.val_loss[200] < 0.03
    assert lstm.val_loss[200] > 0.16


@says("gru-lstm", 2)
def _(seed: int) -> None:
    gru, lstm = (trained("gru-lstm", which, seed, data={"seq_len": 50}) for which in (1, 0))
    assert gru.final < 0.002
    assert (lstm.final > 0.145) == (seed in (1, 2, 3)), "does not start within 600 steps"


@says("orthogonal", 1)
def _(seed: int) -> None:
    assert 0.06 < trained("orthogonal", 0, seed, init={"scheme": "spectral", "spectral_radius": 1.0}).final < 0.47


@says("orthogonal", 2)
def _(seed: int) -> None:
    assert trained("orthogonal", 0, seed, data={"delay": 10}, steps=300).final < 0.01


@says("identity", 1)
def _(seed: int) -> None:
    rate = {"optimizer": {"learning_rate": 0.005}}
    assert trained("identity", 1, seed, **rate, clip={"threshold": 3.0}).best < 0.02
    assert trained("identity", 1, seed, **rate, clip={"method": "off"}).best > 0.14


@says("identity", 2)
def _(seed: int) -> None:
    assert 0.04 < reach(trained("identity", 0, seed, init={"scheme": "identity"}, steps=1)) < 0.31


@says("spectral-radius", 1)
def _(seed: int) -> None:
    assert (reach(trained("spectral-radius", 1, seed, steps=1)) > 1) == (seed > 0)


@says("spectral-radius", 2)
def _(seed: int) -> None:
    falls = reach(trained("spectral-radius", 1, seed, model={"nonlinearity": "relu"}, steps=1)) < 0.1
    assert falls == (seed in (3, 4))


@says("adam", 1)
def _(seed: int) -> None:
    assert 0.68 < trained("adam", 1, seed, optimizer={"learning_rate": 1.0}).final < 0.69


@says("adam", 2)
def _(seed: int) -> None:
    assert trained("adam", 1, seed, init={"std": 0.1}).final < 0.01


@says("decay", 1)
def _(seed: int) -> None:
    half = trained("decay", 1, seed, steps=400)
    last = half.between(351, 400)
    assert max(last) / min(last) < 1.06
    assert half.final < 0.006


@says("decay", 2)
def _(seed: int) -> None:
    stepwise = trained("decay", 1, seed, schedule={"name": "step", "decay": 0.1, "decay_steps": 200})
    last = stepwise.between(701, 800)
    assert max(last) / min(last) < 1.06
    assert 0.0035 < stepwise.final < 0.005


@says("truncation", 1)
def _(seed: int) -> None:
    assert trained("truncation", 1, seed, truncation=20).final < 0.01


@says("truncation", 2)
def _(seed: int) -> None:
    data, model = {"task": "adding", "delay": None, "seq_len": 40}, {"readout": "last"}
    cut = trained("truncation", 1, seed, data=data, model=model, truncation=10, steps=1)
    profile = cut.records[0].hidden_grad_norm
    assert profile is not None
    assert not profile[0, :30].any()
    assert profile[0, 30:].all()


@says("attention", 1)
def _(seed: int) -> None:
    mean = trained("attention", 0, seed, model={"readout": "mean"})
    assert 0.5 < reach(mean) < 2
    assert 0.09 < mean.final < 0.15


@says("attention", 2)
def _(seed: int) -> None:
    assert trained("attention", 0, seed, data={"seq_len": 100}).final < 0.012


@says("noise", 1)
@says("noise", 2)
def _(seed: int) -> None:
    """In tests/dashboard/test_lesson_runs.py: ..._is_learned_by_heart_in_300_epochs_and_not_in_100_with_..."""


@says("temporal-order", 1)
def _(seed: int) -> None:
    """In tests/dashboard/test_lesson_runs.py, where the clipped run is tried with every seed."""


@says("temporal-order", 2)
def _(seed: int) -> None:
    paper = {"data": {"seq_len": 50}, "optimizer": {"learning_rate": 0.01}, "steps": 25_000, "eval_every": 500}
    clipped, free = (trained("temporal-order", which, seed, **paper, profile_every=25_000) for which in (0, 1))
    assert (clipped.best < 0.1) == (seed in (0, 4))
    assert free.best > 0.5


@says("carousel", 1)
def _(seed: int) -> None:
    old, new = (trained("carousel", which, seed, data={"seq_len": 100}, steps=1) for which in (0, 1))
    assert 0.01 < reach(old) < 0.6
    assert reach(new) < 1e-18


@says("carousel", 2)
def _(seed: int) -> None:
    closed = trained("carousel", 0, seed, init={"chrono": True})
    assert 0.005 < reach(closed) < 0.035
    assert closed.final <= 0.005


@says("modern", 1)
def _(seed: int) -> None:
    chrono = trained("modern", 0, seed, init={"chrono": True})
    assert 0.16 < reach(chrono) < 0.23
    assert chrono.final <= 0.01


@says("modern", 2)
def _(seed: int) -> None:
    gru = trained("modern", 0, seed, model={"cell": "gru"})
    assert reach(gru) < 1e-9
    assert gru.final < 0.001


@says("diagonal", 1)
def _(seed: int) -> None:
    rnn, lru = (trained("diagonal", which, seed, optimizer={"learning_rate": 0.002}) for which in (0, 1))
    assert 0.05 < lru.final < 0.12
    assert 0.455 < rnn.final < 0.475


@says("flossing", 1)
def _(seed: int) -> None:
    one = trained("flossing", 0, seed, flossing={"exponents": 1})
    assert one.records[0].exponents_after_flossing is not None
    assert one.records[0].exponents_after_flossing < 0.01
    assert one.final > 0.41


@says("flossing", 2)
def _(seed: int) -> None:
    eight = trained("flossing", 0, seed, flossing={"exponents": 8}).final
    assert eight < 0.01 if seed == 4 else (0.28 < eight < 0.38 if seed in (1, 3) else eight > 0.41)


CASES = [(key, sentence, seed) for key, sentence in CHECKS for seed in range(LESSONS[key].seeds)]


def test_every_sentence_is_checked() -> None:
    assert set(CHECKS) == {(key, place) for key, each in LESSONS.items() for place in range(1, len(each.change) + 1)}


@pytest.mark.lessons
@pytest.mark.parametrize(
    ("key", "sentence", "seed"), CASES, ids=[f"{key}-{place}-{seed}" for key, place, seed in CASES]
)
def test_a_change_does_what_the_lesson_says(key: str, sentence: int, seed: int) -> None:
    with np.errstate(over="ignore"):
        CHECKS[key, sentence](seed)
