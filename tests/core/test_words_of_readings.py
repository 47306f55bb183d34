"""What readings say of one, two and many things is English for each of these counts."""

import re

import numpy as np
import pytest
import torch

from rnncore.config import TrainConfig
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.engine.readings import chaos, cliff, contributions, flow, memory, sensitivity, unit, updates
from rnncore.on_demand import ON_DEMAND, course_steps
from rnncore.words import first_of, of_many

pytestmark = pytest.mark.usefixtures("one_thread")

NOUNS = "timestep|step|unit|sequence|update|exponent|evaluation|number|direction|parameter|reading|time"
COUNTS = (1, 2, 7, 40, 2000)
WRONG = [
    re.compile(rf"(?<![\d.,] of )(?<![\d,.])\b1 (?:more )?(?:{NOUNS})s\b"),  # "1 steps"
    re.compile(rf"(?<![\d,.])\b(?!1\b)[\d,.]+ (?:{NOUNS})\b"),  # "2 step"
    re.compile(rf"\b\d of (?:the )?1\b|\bof (?:the )?1 (?:{NOUNS})"),  # "1 of 1", "0 of 1"
    re.compile(r"\b(?:last|first) 1\b(?!,)"),
    re.compile(r"(?<![\d,.])\b1 of [\d,.]+ \w+s (?!has|pulls)(?:have|pull|are|give)\b"),
    re.compile(r"(?<![\d,.])\b(?!1\b)[\d,.]+ of [\d,.]+ \w+s (?:has|pulls|is|gives)\b"),
    re.compile(r"\bnan\b|\binf\b|\bNone\b(?! of)"),
]


def check(sentences: tuple[str, ...]) -> None:
    for sentence in sentences:
        assert sentence[0].isupper() or sentence[0].isdecimal(), sentence
        assert sentence.endswith("."), sentence
        for wrong in WRONG:
            assert not wrong.search(sentence), (wrong.pattern, sentence)


@pytest.mark.parametrize(
    ("sentence", "right"),
    [
        ("The last 1 of 4 timesteps make up.", False),
        ("It takes 1 steps.", False),
        ("It takes 2 step.", False),
        ("1 of 2 timesteps pull against it.", False),
        ("None of the 1 of 1 units.", False),
        ("1 of 10 timesteps pulls against it.", True),
        ("21 of 10 timesteps pull against it.", True),
        ("It takes 1 step, or 2 steps, or 11 steps.", True),
    ],
)
def test_the_rules_tell_wrong_from_right(sentence: str, right: bool) -> None:
    assert right != any(wrong.search(sentence) for wrong in WRONG)


@pytest.mark.parametrize("total", COUNTS)
@pytest.mark.parametrize("some", [0, *COUNTS])
def test_every_sentence_agrees_with_its_counts(some: int, total: int) -> None:
    if some > total:
        return
    cosines = np.where(np.arange(total) < some, -0.1, 1.0)
    if some < total:
        check(contributions.said(np.ones(total), cosines))
        late = np.where(np.arange(total) >= total - max(1, some), 1.0, 1e-9)
        check(contributions.said(late, np.ones(total)))
    missing = np.where(np.arange(total) < some, np.nan, 1.0)
    check(contributions._without_cosine(np.ones(total), missing))
    check(tuple(filter(None, [chaos._wiped_out(np.where(np.arange(total) < some, -np.inf, -9.0)[::-1])])))
    lives = np.where(np.arange(total) < some, 20.0, 1.0)
    for delay in (None, 1.0, 2.0, 30.0):
        check(memory.said(lives, delay))
    steps = np.arange(1, min(total, 40) + 1)
    back = (steps[:, None] - steps[None]).astype(float)
    check(flow.said(steps, np.where(back >= 0, -(2.001 / max(1, some)) * back, -np.inf)))
    check(flow.said(steps[-1:], -(2.001 / max(1, some)) * back[-1:]))
    check(sensitivity.said(np.arange(1.0, total + 1)))
    check(updates.said(np.ones(total), np.ones(total)))


def test_every_other_sentence_is_one() -> None:
    for exponent in (-np.inf, -1.0, -0.001, 0.0, 0.5):
        check(chaos.said(exponent, np.exp(-np.arange(4.0))))
    for losses in ((1.0, 0.5, 2.0), (1.0, None, np.inf), (np.nan, np.inf, np.inf)):
        check(cliff.said(*losses, "the clipped step"))
    none, some = np.zeros(3), np.array([0.0, -3.0, 1.0])
    for parts in ((none,) * 4, (some, none, none, none), (none, none, none, some)):
        for mine in (0, 1):
            check(unit.said(mine, 0, *parts))


@pytest.mark.parametrize("key", ON_DEMAND)
@pytest.mark.parametrize(("T", "H", "B"), [(2, 1, 1), (3, 2, 2), (2, 2, 1), (9, 1, 3)])
def test_readings_of_the_smallest_networks_are_in_words(key: str, T: int, H: int, B: int) -> None:
    config = TrainConfig.model_validate(
        {
            "data": {"kind": "task", "task": "delayed_recall", "seq_len": T, "delay": 1},
            "model": {"hidden_size": H, "readout": "every_step"}, "batch_size": B, "steps": 4,
            "flossing": {"exponents": 1, "steps": 1}, "eval_every": 1,
        }
    )  # fmt: skip
    inspection = Inspection(config, load_dataset(config.data))
    for step in (1, 3):
        found = inspection.read(key, step)
        check(tuple(filter(None, (found.undefined, *found.said, *found.notes))))
    if ON_DEMAND[key].course:
        for last in (1, 2, 4):
            found = inspection.follow(key, last)
            check((*found.said, *found.notes))
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("key", [key for key, entry in ON_DEMAND.items() if entry.course])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("seed", range(4))
def test_notes_of_a_course_hold_at_all_of_its_steps(key: str, optimizer: str, seed: int) -> None:
    """Of ReLU, whose units die one after the other: what is said of the bars of one step is said of that step only."""
    config = TrainConfig.model_validate(
        {
            "data": {"kind": "task", "task": "delayed_recall", "seq_len": 6, "delay": 1},
            "model": {"hidden_size": 5, "nonlinearity": "relu", "readout": "every_step"}, "batch_size": 2, "steps": 8,
            "optimizer": {"name": optimizer, "learning_rate": 0.7}, "seed": seed, "eval_every": 1,
        }
    )  # fmt: skip
    inspection = Inspection(config, load_dataset(config.data))
    course = inspection.follow(key, 8)
    assert len(set(course.notes)) == len(course.notes)
    steps = [inspection.read(key, step) for step in range(1, 9)]
    for note in course.notes:
        assert "bar" not in note
        if "At each step" not in note and "A line of" not in note:  # what is said of lines alone
            assert all(note in each.notes for each in steps if not each.undefined)
    if any("gap" in note for note in course.notes):
        assert any(each.undefined or "exactly 0" in " ".join(each.notes) for each in steps)
    assert any("At each step" in note for note in course.notes) == (key == "adam" and optimizer == "sgd")


def test_notes_of_thinned_courses_agree() -> None:
    config = TrainConfig.model_validate({"steps": 100_000, "eval_every": 1})
    for last in (1, 99, 100, 101, 5000):
        check(tuple(filter(None, [course_steps(config, last, 1)[1]])))


@pytest.mark.parametrize("entry", ON_DEMAND.values(), ids=list(ON_DEMAND))
def test_what_cards_say_are_sentences(entry: object) -> None:
    check((entry.help, entry.look))


def test_a_part_of_a_whole_has_its_verb() -> None:
    found = [of_many(count, total, "unit", "has", "have") for count, total in ((0, 1), (1, 1), (0, 9), (1, 9), (2, 9))]
    assert found == [
        "no unit has", "the only unit has", "none of the 9 units have", "1 of 9 units has", "2 of 9 units have",
    ]  # fmt: skip
    found = [first_of(count, total, "row") for count, total in ((1, 1), (1, 9), (2, 9), (9, 9))]
    assert found == ["the only row", "the first of 9 rows", "the first 2 of 9 rows", "all 9 rows"]
    assert of_many(2000, 3000, "timestep", "pulls", "pull") == "2,000 of 3,000 timesteps pull"
