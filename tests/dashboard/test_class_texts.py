"""What the pages of a class are given: questions as HTML, settings that can be varied, the QR code."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from pydantic import ValidationError

from dashboard.experiment.setting_paths import values
from dashboard.experiment.varying import settings, varied_most
from dashboard.lessons import LESSONS
from dashboard.lessons.questions import html, questions
from dashboard.panels.class_panel import poll_of
from dashboard.server.handed_out import is_handed_out
from dashboard.server.qr import qr_svg
from rnncore.classes.state import Handout, Poll, is_setting
from rnncore.config import TrainConfig


@pytest.mark.parametrize("key", LESSONS)
def test_the_question_of_a_lesson_is_a_poll_that_pages_find_again(key: str) -> None:
    poll = Poll.model_validate(poll_of(LESSONS[key]))
    assert poll.question == questions()[key]["text"]
    assert len(poll.choices) == len(questions()[key]["choices"])
    assert poll.right == LESSONS[key].right


@pytest.mark.parametrize("key", LESSONS)
def test_texts_of_lessons_are_well_formed_html_whose_formulas_are_mathml(key: str) -> None:
    lesson, said = LESSONS[key], questions()[key]
    for source, text in (
        (lesson.question, said["question"]),
        (lesson.title, said["title"]),
        (lesson.answer, said["answer"]),
    ):
        assert isinstance(text, str)
        tree = ET.fromstring(f"<p>{text}</p>")
        assert text.count("<math") == source.count("$") // 2
        assert not re.search(r"[$\\]", "".join(tree.itertext()))


def test_a_formula_is_read_and_everything_else_is_escaped() -> None:
    assert html("a < b & <i>c</i>") == "a &lt; b &amp; &lt;i&gt;c&lt;/i&gt;"
    assert "<msup>" in html("about $10^{-5}$ of it")


def test_every_setting_that_can_be_varied_is_one_of_the_config_within_its_limits() -> None:
    for path in varied_most(TrainConfig()):
        assert is_setting(TrainConfig().model_dump(mode="json"), path)
    assert settings()["clip.threshold"]["allowed"] == "a number above 0"
    assert settings()["model.num_layers"]["allowed"] == "a whole number from 1 to 8"
    assert settings()["model.dropout"]["allowed"] == "a number from 0 below 1"
    assert settings()["truncation"]["allowed"].endswith(", or nothing for the default")


@pytest.mark.parametrize("path", [path for path, setting in settings().items() if setting["kind"] == "choice"])
def test_choices_are_those_that_a_config_takes(path: str) -> None:
    group, _, name = path.rpartition(".")
    if group == "data":
        return
    for key, _ in settings()[path]["choices"]:
        assert (group, name) not in refused({group: {name: key}} if group else {name: key}), key


def refused(config: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the groups and names of the fields that are refused by themselves."""
    try:
        TrainConfig.model_validate(config)
    except ValidationError as error:
        return [("", *each["loc"])[-2:] for each in error.errors()]
    return []


def test_what_is_varied_most_comes_first_and_what_means_nothing_is_left_out() -> None:
    clipped = TrainConfig.model_validate({"clip": {"method": "norm"}})
    assert varied_most(clipped)[0] == "clip.threshold"
    assert "clip.threshold" not in varied_most(TrainConfig.model_validate({"clip": {"method": "off"}}))
    assert len(set(varied_most(clipped))) == len(varied_most(clipped))
    assert all(dict(values(clipped)).keys() >= {path} for path in varied_most(clipped))


def test_a_qr_code_is_an_svg_without_a_size_of_its_own() -> None:
    tree = ET.fromstring(qr_svg("http://192.168.1.20:8501/class/CDFHJK"))
    assert tree.tag.endswith("svg")
    assert "viewBox" in tree.attrib
    assert "width" not in tree.attrib


def test_what_was_handed_out_is_known_again_whatever_is_chosen() -> None:
    given = {"clip": {"method": "norm", "threshold": 1.0}, "steps": 50}
    handout = Handout.model_validate({"config": given, "vary": "clip.threshold"})
    other = {"clip": {"method": "norm", "threshold": 7.0}, "steps": 50}
    assert is_handed_out(TrainConfig.model_validate(other), handout)
    assert not is_handed_out(TrainConfig.model_validate(other | {"steps": 51}), handout)
    assert is_handed_out(TrainConfig.model_validate(given), handout.model_copy(update={"vary": None}))
    assert not is_handed_out(TrainConfig.model_validate(other), handout.model_copy(update={"vary": None}))
