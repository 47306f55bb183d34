"""A class in the lab, through AppTest: one button opens it, nothing of it is there before, its bar is after that."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.lessons import LESSONS
from dashboard.panels.class_panel import poll_of
from dashboard.server import services
from rnncore.classes.state import Poll
from rnncore.runs.settings import Settings
from tests.support.pages import MAIN, button

WORKSPACE = "T" * 22


@pytest.fixture(scope="module", autouse=True)
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield services.open_scheduler(Settings(data_dir=tmp_path_factory.mktemp("data"), workers=1, spare_workers=0))
    services.close_scheduler()


@pytest.fixture
def app() -> Iterator[AppTest]:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.session_state["workspace"] = WORKSPACE
    yield app
    room = services.school().of_teacher(WORKSPACE)
    if room:
        services.school().close(room.code, WORKSPACE)


def bars(app: AppTest) -> int:
    return sum(each.proto.id.endswith("class-bar") for each in app.get("bidi_component"))


def everything(app: AppTest) -> str:
    return "\n".join(element.value for element in (*app.markdown, *app.caption, *app.text))


def test_a_class_takes_no_place_before_it_is_opened_and_one_click_opens_it(app: AppTest) -> None:
    app.run()
    assert bars(app) == 0
    assert "Open a class" not in [each.label for each in app.button]
    app.session_state["share.open"] = True
    app.run()
    button(app, "Open a class").click().run()
    assert not app.exception
    assert services.school().of_teacher(WORKSPACE)
    assert bars(app) == 1
    assert app.session_state["share.open"] is False
    app.session_state["share.open"] = True
    app.run()
    assert "Open a class" not in [each.label for each in app.button]


def test_the_lesson_speaks_of_the_class_where_it_was_asked(app: AppTest) -> None:
    lesson = LESSONS["rescue"]
    room, _ = services.school().open(WORKSPACE)
    app.query_params["lesson"] = lesson.key
    app.run()
    assert "“Ask the class” puts this question to everybody" in everything(app)
    services.school().ask(room.code, WORKSPACE, Poll.model_validate(poll_of(lesson)))
    services.school().close_poll(room.code, WORKSPACE)
    app.query_params["predicted"] = "2"
    app.run()
    assert not app.exception
    assert "Most of the class predicted: One step throws it out" in everything(app)
