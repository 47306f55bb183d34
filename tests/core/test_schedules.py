"""Learning-rate schedules in closed form."""

import math

import pytest

from rnncore.choices import SCHEDULES
from rnncore.config import ScheduleConfig
from rnncore.engine.schedules import learning_rate_factor

STEPS = 101


def factors(steps: int = STEPS, **changes: object) -> list[float]:
    config = ScheduleConfig.model_validate(changes)
    return [learning_rate_factor(step, steps, config) for step in range(1, steps + 1)]


def test_constant() -> None:
    assert factors(name="constant") == [1.0] * STEPS


def test_exponential_has_its_decay_every_decay_steps() -> None:
    values = factors(name="exponential", decay=0.5, decay_steps=10)
    assert values == pytest.approx([0.5 ** (n / 10) for n in range(STEPS)], rel=1e-12)
    assert values[50] == pytest.approx(1 / 32, rel=1e-12)


def test_step_falls_in_stairs() -> None:
    values = factors(name="step", decay=0.1, decay_steps=40)
    assert values == pytest.approx([1.0] * 40 + [0.1] * 40 + [0.01] * 21, rel=1e-12)


def test_linear_ends_at_the_final_fraction() -> None:
    assert factors(name="linear", final_fraction=0.2) == pytest.approx([1 - 0.008 * n for n in range(STEPS)], rel=1e-12)


def test_cosine_ends_at_the_final_fraction_and_is_halfway_in_the_middle() -> None:
    values = factors(name="cosine", final_fraction=0.1)
    assert (values[0], values[50], values[-1]) == pytest.approx((1.0, 0.55, 0.1), rel=1e-12)
    assert values[25] == pytest.approx(0.1 + 0.9 * (1 + math.sqrt(0.5)) / 2, rel=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_warm_up_rises_linearly_to_the_peak(name: str) -> None:
    values = factors(name=name, warmup_steps=20)
    assert values[:20] == pytest.approx([n / 20 for n in range(1, 21)], rel=1e-12)
    assert max(values) == values[19] == 1.0
    shape = factors(steps=STEPS - 19, name=name)  # after the warm-up the shape of a shorter run
    assert values[19:] == pytest.approx(shape, rel=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_run_of_one_step_and_a_run_that_only_warms_up(name: str) -> None:
    assert factors(steps=1, name=name) == [1.0]
    assert factors(steps=4, name=name, warmup_steps=4) == [0.25, 0.5, 0.75, 1.0]


def test_a_run_of_two_steps_ends_at_the_final_fraction() -> None:
    for name in ("linear", "cosine"):
        assert factors(steps=2, name=name, final_fraction=0.25) == pytest.approx([1.0, 0.25], rel=1e-12)
        assert factors(steps=4, name=name, warmup_steps=3) == pytest.approx([1 / 3, 2 / 3, 1.0, 0.0], abs=1e-12)
