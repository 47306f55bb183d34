"""The lessons: their form, and what their first steps must show, for every seed that a lesson speaks of."""

import re
from itertools import islice

import numpy as np
import pytest
import torch

from dashboard.figures import FIGURES
from dashboard.lessons import LESSONS, Lesson, LessonRun
from dashboard.lessons.glossary import TERMS, all_terms
from rnncore import train
from rnncore.config import InitConfig, TrainConfig
from rnncore.engine.train import Trainer
from rnncore.on_demand import ON_DEMAND
from rnncore.records import Record
from rnncore.sizes import parameter_count

MATHS_OUTSIDE_DOLLARS = re.compile(r"[\\^]")

OUTCOMES = re.compile(
    r"rescu|vanish|explod|cure|turns|need not|cannot|hides|buys|shortcut|by heart|solve|fail|learns|made clipping"
)

every_lesson = pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS.keys())


pytestmark = pytest.mark.usefixtures("one_thread")


def first_steps(key: str, run: int, seed: int, steps: int = 1, **changes: object) -> list[Record]:
    config = LESSONS[key].runs[run].config.model_copy(update={"seed": seed, **changes})
    return list(islice(train(config), steps))


def reach(record: Record, cell: bool = False) -> float:
    """The gradient at the first timestep as a share of that at the last one."""
    profile = record.cell_grad_norm if cell else record.hidden_grad_norm
    assert profile is not None
    return float(profile[0, 0]) / float(profile[0, -1])


def reaches(key: str, run: int, *, cell: bool = False) -> list[float]:
    return [reach(first_steps(key, run, seed)[0], cell) for seed in range(LESSONS[key].seeds)]


# ---- form ----


def test_there_are_lessons_on_everything_promised() -> None:
    assert set(LESSONS) == {
        "rescue", "vanishing", "exploding", "no-cure", "value", "threshold", "forget-bias", "gru-lstm", "orthogonal",
        "identity", "spectral-radius", "adam", "decay", "truncation", "attention", "noise", "temporal-order",
        "carousel", "modern", "diagonal", "flossing",
    }  # fmt: skip


def test_the_first_lesson_compares_twins() -> None:
    assert next(iter(LESSONS.values())).compare


@every_lesson
def test_neither_title_nor_teaser_states_what_happens(lesson: Lesson) -> None:
    assert not OUTCOMES.search(lesson.title.lower())
    assert lesson.teaser.endswith("?")


@every_lesson
def test_a_lesson_is_complete(lesson: Lesson) -> None:
    assert lesson.key == next(key for key, value in LESSONS.items() if value is lesson)
    assert re.fullmatch(r"[a-z-]+", lesson.key)
    assert lesson.question.endswith("?")
    assert 2 <= len(lesson.sentences) <= 4
    assert lesson.look
    assert lesson.change
    assert lesson.source
    assert lesson.seeds >= 3
    assert len(lesson.choices) >= 2
    assert 0 <= lesson.right < len(lesson.choices)
    assert set(lesson.show.first) <= set(FIGURES)
    for name, option in (path.split(".") for path in lesson.show.options):
        assert option in {each.key for each in FIGURES[name].options}
    assert len({run.label for run in lesson.runs}) == len(lesson.runs) in (1, 2)
    assert {run.config.seed for run in lesson.runs} == {0}
    assert all(term in TERMS for term in lesson.terms)


@every_lesson
def test_formulas_stand_between_dollars(lesson: Lesson) -> None:
    texts = (lesson.question, lesson.answer, *lesson.choices, *lesson.sentences, *lesson.look, *lesson.change)
    for text in texts:
        assert text.count("$") % 2 == 0
        assert not MATHS_OUTSIDE_DOLLARS.search(" ".join(text.split("$")[::2])), text


def test_twins_are_told_from_other_pairs() -> None:
    twins = [key for key, lesson in LESSONS.items() if lesson.compare]
    assert twins == ["rescue", "no-cure", "temporal-order"]


def test_a_pair_that_differs_in_more_than_the_clip_is_no_pair_of_twins() -> None:
    lesson = LESSONS["rescue"]
    other = TrainConfig.model_validate(lesson.runs[1].config.model_dump() | {"seed": 1})
    fields = {name: getattr(lesson, name) for name in Lesson.__slots__} | {
        "runs": (lesson.runs[0], LessonRun("other", other))
    }
    assert not Lesson(**fields).compare


def test_terms_with_a_formula_and_without_both_have_a_text() -> None:
    assert len(TERMS) >= 30
    assert all(term.text.endswith((".", ")")) for term in TERMS.values())
    assert sum(bool(term.formula) for term in TERMS.values()) > 15


# ---- what the first steps show ----


def test_without_clipping_the_loss_is_beyond_ten_thousand_within_three_steps() -> None:
    for seed in range(5):
        clipped, free = (first_steps("rescue", run, seed, steps=4) for run in (0, 1))
        assert free[0].train_loss == clipped[0].train_loss
        assert max(record.train_loss for record in clipped) < 20
        assert any(not record.train_loss < 1e4 for record in free[:3])


def test_without_clipping_the_units_die() -> None:
    for seed in range(5):
        free = first_steps("rescue", 1, seed, steps=12)
        if free[-1].diverged is None:
            profile = free[-1].hidden_grad_norm
            assert profile is not None
            assert not profile[0, :-1].any()


def test_the_plain_rnn_vanishes() -> None:
    found = reaches("vanishing", 0)
    assert max(found) < 1e-9
    assert min(found) > 1e-14


def test_large_relu_weights_explode_backwards_and_forwards() -> None:
    records = [first_steps("exploding", 0, seed)[0] for seed in range(5)]
    growth = np.array([reach(record) for record in records])
    factor = growth ** (1 / 49)
    assert ((growth > 1e3) & (growth < 1e10)).all()
    assert ((factor > 1.15) & (factor < 1.6)).all()
    assert min(record.train_loss for record in records) > 1e4


def test_clipping_leaves_the_first_profile_alone() -> None:
    for seed in range(5):
        (clipped,), (free,) = (first_steps("no-cure", run, seed) for run in (0, 1))
        assert clipped.clip_coef < 0.1
        assert free.clip_coef == 1
        np.testing.assert_array_equal(clipped.hidden_grad_norm, free.hidden_grad_norm)
        assert reach(clipped) < 1e-9


def first_update(config: TrainConfig) -> torch.Tensor:
    trainer = Trainer(config)
    before = trainer.last_finite_state()
    next(trainer.records())
    after = trainer.last_finite_state()
    return torch.cat([(after[name] - before[name]).double().flatten() for name in before])


def test_clipping_by_value_turns_the_gradient_and_by_norm_does_not() -> None:
    by_norm, by_value = (run.config for run in LESSONS["value"].runs)
    off = by_norm.model_copy(update={"clip": by_norm.clip.model_copy(update={"method": "off"})})
    for seed in range(5):
        free, norm, value = (first_update(each.model_copy(update={"seed": seed})) for each in (off, by_norm, by_value))
        cosines = [float(torch.cosine_similarity(free, clipped, dim=0)) for clipped in (norm, value)]
        assert cosines[0] == pytest.approx(1, abs=1e-4)
        assert 0.64 < cosines[1] < 0.82  # 35 to 50 degrees
        assert max(norm.norm(), value.norm()) < 0.103  # learning rate times 1, or times .03 sqrt(1153)
    assert parameter_count(by_norm.model, 1, 1) == 1153


def test_the_default_lstm_vanishes_and_its_biases_open_it() -> None:
    assert max(reaches("forget-bias", 0)) < 1e-9
    assert all(0.0015 < value < 0.0025 for value in reaches("forget-bias", 1))
    assert all(0.2 < value < 0.27 for value in reaches("forget-bias", 1, cell=True))


@pytest.mark.parametrize(("bias", "low", "high"), [(1.0, 8e-6, 2e-4), (2.0, 0.005, 0.065)])
def test_a_forget_bias_alone_opens_it_too(bias: float, low: float, high: float) -> None:
    init = InitConfig(forget_bias=bias)
    for seed in range(5):
        assert low < reach(first_steps("forget-bias", 0, seed, init=init)[0]) < high


def test_gru_and_lstm_have_as_many_parameters() -> None:
    lstm, gru = (parameter_count(run.config.model, 2, 1) for run in LESSONS["gru-lstm"].runs)
    assert (lstm, gru) == (4641, 4589)


def test_the_identity_passes_most_of_the_gradient() -> None:
    assert max(reaches("identity", 0)) < 1e-9
    assert all(0.55 < value < 0.8 for value in reaches("identity", 1))


def test_a_radius_above_one_need_not_explode() -> None:
    small, large = (reaches("spectral-radius", run) for run in (0, 1))
    assert max(small) < 1e-15
    assert large[0] < 1e-11
    assert all(2 < value < 40 for value in large[1:])


def test_adam_moves_far_on_the_same_small_gradients() -> None:
    for seed in range(3):
        (adam,), (sgd,) = (first_steps("adam", run, seed) for run in (0, 1))
        np.testing.assert_array_equal(adam.hidden_grad_norm, sgd.hidden_grad_norm)
        assert sgd.update_norm == pytest.approx(0.1 * sgd.grad_norm, rel=1e-4)
        assert adam.update_norm > 10 * sgd.update_norm


def test_the_carousel_lets_the_gradient_through_and_todays_lstm_does_not() -> None:
    assert all(0.02 < value < 0.4 for value in reaches("carousel", 0))
    assert all(1.5 < value < 12 for value in reaches("carousel", 0, cell=True))
    assert max(reaches("carousel", 1)) < 1e-9
    longer = LESSONS["carousel"].config.data.model_copy(update={"seq_len": 100})
    for seed in range(5):
        old, new = (reach(first_steps("carousel", run, seed, data=longer)[0]) for run in (0, 1))
        assert 0.01 < old < 0.6
        assert new < 1e-18


def test_of_the_modern_cells_the_linear_one_passes_the_gradient_on() -> None:
    assert max(reaches("modern", 0)) < 1e-7
    assert all(0.16 < value < 0.37 for value in reaches("modern", 1))
    for seed in range(5):
        assert 0.16 < reach(first_steps("modern", 0, seed, init=InitConfig(chrono=True))[0]) < 0.23
        gru = LESSONS["modern"].config.model.model_copy(update={"cell": "gru"})
        assert reach(first_steps("modern", 0, seed, model=gru)[0]) < 1e-9


def test_attention_reaches_the_first_timestep_directly() -> None:
    assert all(0.5 < value < 2 for value in reaches("attention", 0))
    assert max(reaches("attention", 1)) < 1e-9
    for seed in range(3):
        (record,) = first_steps("attention", 0, seed)
        assert record.direct_grad_norm is not None
        assert record.hidden_grad_norm is not None
        assert (record.direct_grad_norm > (0.75 if seed else 0.9) * record.hidden_grad_norm).all()


def test_truncation_makes_the_profile_a_saw() -> None:
    for seed in range(3):
        profile = first_steps("truncation", 1, seed, steps=40)[-1].hidden_grad_norm
        assert profile is not None
        teeth = profile[0].reshape(8, 5)
        assert np.mean(teeth[:, -1] / teeth[:, 0]) < 0.95
        assert (teeth[1:, 0] > teeth[:-1, -1]).all()


def test_truncation_cuts_the_adding_problem_off() -> None:
    adding = LESSONS["vanishing"].config.model_copy(update={"truncation": 10})
    profile = next(train(adding)).hidden_grad_norm
    assert profile is not None
    assert not profile[0, :40].any()
    assert profile[0, 40:].all()


def test_every_instrument_names_terms_that_the_glossary_has() -> None:
    known = all_terms()
    assert [(key, term) for key, each in ON_DEMAND.items() for term in each.terms if term not in known] == []
    assert all(each.terms for each in ON_DEMAND.values())
    assert "Gradient flossing" in known
