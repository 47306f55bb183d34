"""The lessons in the app, through AppTest: predict first, then the answer; pairs of runs; addresses; plain text."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.lessons import LESSONS
from dashboard.lessons.glossary import all_terms
from dashboard.server import services
from rnncore.runs.settings import Settings
from tests.support.pages import MAIN


@pytest.fixture(scope="module", autouse=True)
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield services.open_scheduler(Settings(data_dir=tmp_path_factory.mktemp("data"), workers=1))
    services.close_scheduler()


def opened(key: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.query_params["lesson"] = key
    app.run()
    assert not app.exception
    return app


def everything(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption, *app.text))


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def commit(app: AppTest, key: str, choice: int = 0) -> AppTest:
    app.radio(key=f"lesson.{key}.prediction").set_value(choice)
    return press(app, "Commit and train")


def train_again(app: AppTest) -> AppTest:
    press(app, "Train")  # the lesson's own runs may still be under way
    question = "Stop that run and train this"
    return press(app, question) if any(button.label == question for button in app.button) else app


def stored(app: AppTest, scheduler: Any) -> list[Any]:
    address = app.query_params["run"]
    return scheduler.store.group(address if isinstance(address, str) else address[0])


def test_without_a_lesson_there_is_no_card() -> None:
    app = AppTest.from_file(MAIN, default_timeout=30).run()
    assert "Lesson" not in everything(app)
    assert "Commit and train" not in [button.label for button in app.button]


def test_nothing_is_told_and_nothing_starts_without_a_prediction() -> None:
    app = press(opened("vanishing"), "Commit and train")
    assert LESSONS["vanishing"].answer not in everything(app)
    assert "run" not in app.query_params


def test_train_waits_for_the_prediction() -> None:
    app = opened("vanishing")
    assert next(button for button in app.button if button.label == "Train").disabled
    commit(app, "vanishing")
    assert not next(button for button in app.button if button.label == "Train").disabled
    assert not next(button for button in press(app, "Close").button if button.label == "Train").disabled


@pytest.mark.parametrize("key", LESSONS)
def test_a_prediction_brings_the_answer_and_the_runs_as_written(key: str, scheduler: Any) -> None:
    lesson = LESSONS[key]
    app = opened(key)
    shown = everything(app)
    assert lesson.question in shown
    assert not any(hidden in shown for hidden in (lesson.answer, lesson.look[0], lesson.change[0], lesson.source))

    commit(app, key, 1)
    shown = everything(app)
    outcome = "That is what happens" if lesson.right == 1 else "turns out differently"
    assert f"You predicted: {lesson.choices[1]}. " in shown
    assert outcome in shown
    assert all(told in shown for told in (lesson.answer, lesson.look[0], lesson.change[0], lesson.source))
    runs = stored(app, scheduler)
    assert [run.config for run in runs] == [run.config.model_dump(mode="json") for run in lesson.runs]
    assert [run.label for run in runs] == [run.label for run in lesson.runs]


def test_what_is_changed_next_holds_for_both_runs(scheduler: Any) -> None:
    app = commit(opened("spectral-radius"), "spectral-radius")
    app.number_input(key="seed").set_value(1).run()
    runs = stored(train_again(app), scheduler)
    assert [run.config["seed"] for run in runs] == [1, 1]
    assert [run.config["init"]["spectral_radius"] for run in runs] == [0.5, 1.5]
    assert [run.label for run in runs] == ["radius 0.5", "radius 1.5"]


def test_a_change_of_what_tells_the_runs_apart_stays_with_the_first(scheduler: Any) -> None:
    app = commit(opened("spectral-radius"), "spectral-radius")
    app.number_input(key="init.spectral_radius").set_value(0.7).run()
    runs = stored(train_again(app), scheduler)
    assert [run.config["init"]["spectral_radius"] for run in runs] == [0.7, 1.5]
    assert [run.label for run in runs] == ["your settings", "radius 1.5"]


def test_a_change_that_makes_no_sense_for_the_second_run_leaves_the_first_alone(scheduler: Any) -> None:
    app = commit(opened("forget-bias"), "forget-bias")
    app.segmented_control(key="model.cell").set_value("rnn").run()
    runs = stored(train_again(app), scheduler)
    assert [run.config["model"]["cell"] for run in runs] == ["rnn"]


def test_comparing_with_and_without_clipping_takes_the_place_of_the_pair(scheduler: Any) -> None:
    app = commit(opened("identity"), "identity")
    app.selectbox(key="compare").set_value("clipping").run()
    runs = stored(train_again(app), scheduler)
    assert [run.config["clip"]["method"] for run in runs] == ["norm", "off"]


def test_a_committed_prediction_is_in_the_address_and_there_again_after_a_reload() -> None:
    app = commit(opened("vanishing"), "vanishing", 2)
    again = AppTest.from_file(MAIN, default_timeout=30)  # a new session, as after F5
    for name in ("lesson", "predicted", "run"):
        again.query_params[name] = app.query_params[name]
    shown = everything(again.run())
    assert f"You predicted: {LESSONS['vanishing'].choices[2]}. That is what happens." in shown
    assert LESSONS["vanishing"].answer in shown
    press(again, "Close")
    assert set(again.query_params) == {"run"}


@pytest.mark.parametrize("said", ["0", "4", "-1", "1 ", "²", "<b>x</b>", "1e0", ""])
def test_a_prediction_that_the_lesson_does_not_offer_is_asked_for_again(said: str) -> None:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.query_params["lesson"], app.query_params["predicted"] = "vanishing", said
    shown = everything(app.run())
    assert not app.exception
    assert LESSONS["vanishing"].answer not in shown
    assert "Commit and train" in [button.label for button in app.button]
    assert "run" not in app.query_params


def test_an_unknown_lesson_is_said_in_one_sentence_that_does_not_repeat_the_address() -> None:
    app = opened("<b>no-such-lesson</b>")
    assert ["does not exist" in info.value for info in app.info] == [True]
    assert "no-such-lesson" not in app.info[0].value


def test_closing_a_lesson_leaves_the_experiment() -> None:
    app = press(opened("vanishing"), "Close")
    assert "lesson" not in app.query_params
    assert "Commit and train" not in [button.label for button in app.button]
    assert app.session_state["data.task"] == "adding"


def page(name: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30).run().switch_page(f"screens/{name}.py").run()
    assert not app.exception
    return app


def test_the_list_has_every_lesson_with_its_question_in_a_line() -> None:
    shown = everything(page("lessons"))
    assert all(f"**{n}. {lesson.title}**" in shown for n, lesson in enumerate(LESSONS.values(), 1))
    assert all(lesson.teaser in shown for lesson in LESSONS.values())


def test_opening_a_lesson_from_the_list_fills_the_controls_of_the_lab() -> None:
    app = page("lessons")
    app.button(key="open-truncation").click().run()
    assert LESSONS["truncation"].question in everything(app)
    assert app.session_state["data.task"] == "delayed_recall"
    assert (app.session_state["compare"], app.session_state["compare.field"]) == ("field", "truncation")


def test_the_glossary_finds_a_term_by_its_name_then_by_its_text_and_says_when_there_is_none() -> None:
    app = page("glossary")
    assert [heading.value for heading in app.subheader] == sorted(all_terms(), key=str.lower)
    search = app.text_input[0]
    assert [heading.value for heading in search.set_value("CLIP").run().subheader] == [
        "Clip coefficient",
        "Clipping",
        "The clip threshold decides the step",
    ]
    by_text = [heading.value for heading in search.set_value("rotation").run().subheader]
    assert by_text == ["Orthogonal initialisation", "Orthogonal RNN"]
    assert not search.set_value("<b>zebra</b>").run().subheader
    assert "zebra" not in everything(app)
