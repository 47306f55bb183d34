"""Uploads in the app: what is found and can be overridden, the files that are kept, and the pictures of data."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.experiment.text import escape, size
from dashboard.figures.data import decimate, sequences_figure, series_figure
from dashboard.server import services
from rnncore.data.templates import TEMPLATES
from rnncore.runs.reader.pool import ReaderPool
from rnncore.runs.settings import Settings
from rnncore.words import shorten
from tests.support.formats import rows, xlsx
from tests.support.pages import MAIN

WEEK = ("day,a,b\n" + "\n".join(f"{day},{day % 7},{day % 5}" for day in range(300))).encode()


@pytest.fixture(scope="module", autouse=True)
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield services.open_scheduler(Settings(data_dir=tmp_path_factory.mktemp("data"), workers=1))
    services.close_scheduler()


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30).run()
    return app.segmented_control(key="data.kind").set_value("upload").run()


def bring(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    uploader = app.file_uploader(key="upload")
    for name, content in files:
        uploader = uploader.upload(name, content)
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> list[str]:
    return [error.value for error in app.error]


def train(app: AppTest, scheduler: Any, steps: int = 2) -> Any:
    app.number_input(key="steps").set_value(steps)
    next(button for button in app.button if button.label == "Train").click()
    app.run()
    assert said(app) == []
    address = app.query_params["run"]
    return scheduler.store.group(address if isinstance(address, str) else address[0])[0]


@pytest.mark.parametrize("layout", TEMPLATES)
def test_every_template_trains_as_it_is(app: AppTest, scheduler: Any, layout: str) -> None:
    template = TEMPLATES[layout]
    bring(app, (template.file, template.text.encode()))
    assert said(app) == []
    assert app.selectbox(key="upload.layout").value == layout
    data = train(app, scheduler).config["data"]
    assert (data["kind"], data["layout"], data["files"][0]["name"]) == ("upload", layout, template.file)


def test_what_is_found_can_be_overridden(app: AppTest, scheduler: Any) -> None:
    bring(app, ("week.csv", WEEK))
    assert app.multiselect(key="upload.targets").value == ["b"]
    app.multiselect(key="upload.targets").set_value(["a"]).run()
    app.multiselect(key="upload.features").set_value(["b"]).run()
    app.number_input(key="upload.window").set_value(9).run()
    app.selectbox(key="upload.target_kind").set_value("regression").run()
    assert said(app) == []
    data = train(app, scheduler).config["data"]
    assert (data["targets"], data["features"], data["window"], data["target_kind"]) == (["a"], ["b"], 9, "regression")


def test_another_layout_makes_the_roles_found_anew(app: AppTest) -> None:
    template = TEMPLATES["long"]
    bring(app, (template.file, template.text.encode()))
    assert app.multiselect(key="upload.targets").value == ["label"]
    app.selectbox(key="upload.layout").set_value("series").run()
    assert not app.exception
    assert app.selectbox(key="upload.layout").value == "series"
    assert "upload.id" not in [box.key for box in app.multiselect]
    app.selectbox(key="upload.layout").set_value("auto").run()
    assert app.selectbox(key="upload.layout").value == "long"
    assert app.multiselect(key="upload.id").value == ["id"]


def test_an_impossible_choice_is_one_sentence_and_can_be_taken_back(app: AppTest) -> None:
    bring(app, ("week.csv", WEEK))
    app.number_input(key="upload.window").set_value(2000).run()
    assert not app.exception
    assert len(said(app)) == 1
    assert "too short" in said(app)[0]
    app.number_input(key="upload.window").set_value(10).run()
    assert said(app) == []


def test_a_text_that_reads_as_no_table_can_be_declared_one(app: AppTest) -> None:
    bring(app, ("LICENSE.csv", b"A licence\n\nyou may, or may not, do this\nor that\n" * 40))
    assert len(said(app)) == 1
    app.selectbox(key="upload.layout").set_value("text").run()
    assert said(app) == []
    assert any("predicts one of several classes at every timestep" in each.label for each in app.expander)


def test_the_data_panel_opens_for_a_new_file_and_folds_for_a_new_run(app: AppTest, scheduler: Any) -> None:
    assert len(app.dataframe) == 0
    bring(app, ("week.csv", WEEK))
    assert list(app.dataframe[0].value.columns) == ["day", "a", "b"]
    app.multiselect(key="upload.targets").set_value(["a"]).run()
    app.number_input(key="upload.window").set_value(9).run()
    assert len(app.dataframe) == 2, "still open under its new heading"
    train(app, scheduler)
    assert len(app.dataframe) == 0


def test_several_files_are_one_data_set_and_all_are_stored(app: AppTest, scheduler: Any) -> None:
    rng = np.random.default_rng(0)
    files = []
    for number in range(6):
        stream = io.BytesIO()
        np.save(stream, rng.normal(size=(40, 2)), allow_pickle=False)
        files.append((f"walk{number}.npy", stream.getvalue()))
    bring(app, *files)
    assert said(app) == []
    run = train(app, scheduler)
    assert [file["name"] for file in run.config["data"]["files"]] == [name for name, _ in files]
    assert len(run.files) == 6
    assert all(scheduler.store.has_file(run.workspace, file) for file in run.files)


def test_the_address_of_a_run_takes_its_files_up_again(app: AppTest, scheduler: Any) -> None:
    bring(app, ("week.csv", WEEK))
    app.multiselect(key="upload.targets").set_value(["a"]).run()
    run = train(app, scheduler)
    again = AppTest.from_file(MAIN, default_timeout=30)
    again.session_state["workspace"] = run.workspace
    again.query_params["run"] = run.group
    again.run()
    assert not again.exception
    assert said(again) == []
    assert again.multiselect(key="upload.targets").value == ["a"]
    assert train(again, scheduler, 3).files == run.files


def test_another_workspace_is_asked_for_the_files(app: AppTest, scheduler: Any) -> None:
    run = train(bring(app, ("week.csv", WEEK)), scheduler)
    stranger = AppTest.from_file(MAIN, default_timeout=30)
    stranger.query_params["run"] = run.group
    stranger.run()
    assert not stranger.exception
    assert "not stored here" in stranger.warning[0].value
    next(button for button in stranger.button if button.label == "Train").click()
    assert [message.replace("\\", "") for message in said(stranger.run())] == ["Choose a file first."]


def test_a_reader_is_asked_once_for_each_choice(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    given = ReaderPool.inspect
    monkeypatch.setattr(ReaderPool, "inspect", lambda *args: asked.append(args) or given(*args))
    bring(app, ("week.csv", WEEK))
    app.number_input(key="steps").set_value(2).run()
    next(button for button in app.button if button.label == "Train").click()
    app.run()
    assert len(asked) == 1
    app.number_input(key="upload.window").set_value(9).run()
    app.selectbox(key="upload.layout").set_value("long").run()
    assert len(asked) == 3


def test_names_and_messages_are_shown_as_text(app: AppTest) -> None:
    bring(app, ("[x](http:evil) :red[a] $b$.csv", b"name\n**Ada**\n:red[Alan]\n"))
    assert len(said(app)) == 1
    assert "[" not in said(app)[0].replace("\\[", "")
    assert escape("https://a.b www.c.d e@f.g") == "https\\:\u2060//a\\.b www\u2060\\.c\\.d e@\u2060f\\.g"
    assert escape("[a](b) *c* $d$ <e>") == r"\[a\]\(b\) \*c\* \$d\$ \<e\>"
    assert shorten("a" * 100 + ".csv").endswith("aaa.csv")
    assert len(shorten("a" * 100 + ".csv")) == 40
    assert escape("a\u202egnp\x00.exe\ud800\nb") == shorten("agnp.exe b").replace(".", r"\.")
    assert [size(number) for number in (0, 1720, 2_600_000)] == ["0.0 kB", "1.7 kB", "2.6 MB"]


def test_stored_files_are_listed_and_deleted(app: AppTest, scheduler: Any) -> None:
    run = train(bring(app, ("week.csv", WEEK)), scheduler)
    (stored,) = scheduler.store.files_of(run.workspace)
    assert (stored.name, stored.size, stored.runs) == ("week.csv", len(WEEK), 2)
    for each in scheduler.store.group(run.group):
        scheduler.store.update_run(each.id, status="finished")
    scheduler.delete_file(run.workspace, stored.id)
    assert scheduler.store.files_of(run.workspace) == []


# Pictures


def test_thinning_keeps_the_extremes() -> None:
    values = np.sin(np.arange(50_000) / 50)
    values[12_345], values[33_333] = 9.0, -9.0
    places = decimate(values, 500)
    assert len(places) <= 500
    assert {12_345, 33_333} <= set(places)
    assert (np.diff(places) > 0).all()


def test_a_picture_marks_the_relevant_steps_and_the_answer() -> None:
    inputs = np.arange(10, dtype=np.float32).reshape(1, 5, 2)
    marks = np.array([[False, True, False, True, False]])
    figure = sequences_figure(inputs, np.array([[7.0]], np.float32), np.array([4]), marks, "light")
    rings = next(trace for trace in figure.data if trace.legendgroup == "marks")
    assert (list(rings.x), list(rings.y)) == ([2, 4], [2.0, 6.0])
    answer = next(trace for trace in figure.data if trace.legendgroup == "targets")
    assert (list(answer.x), list(answer.y)) == ([5], [7.0])
    assert len(figure.data[0].x) == 4, "padding is not drawn"


def test_names_in_pictures_are_no_markup() -> None:
    figure = series_figure(np.zeros((3, 1)), ["<a href='x'>b</a>"], "dark")
    assert figure.layout.annotations[0].text.startswith("&lt;a")
    classes = sequences_figure(
        np.zeros((1, 3, 1), np.float32), np.array([1]), None, np.zeros((1, 3), bool), "dark", ("no", "<b>yes")
    )
    assert "&lt;b&gt;yes" in classes.layout.annotations[0].text


def test_pictures_call_inputs_by_their_names() -> None:
    inputs = np.zeros((1, 3, 2), np.float32)
    figure = sequences_figure(
        inputs, np.zeros((1, 1), np.float32), None, np.zeros((1, 3), bool), "dark", (), ("flow", "<b>")
    )
    assert [trace.name for trace in figure.data[:2]] == ["flow", "&lt;b&gt;"]


# Readings

DAYS = ("d,h,load\n" + "\n".join(f"{1 + p // 24},{p % 24},{(7 * p) % 11}" for p in range(480))).encode()


def test_two_likely_readings_are_asked_about_once_and_the_choice_stands_in_the_run(
    app: AppTest, scheduler: Any
) -> None:
    bring(app, ("days.csv", DAYS))
    buttons = [button for button in app.button if button.label == "This one"]
    assert len(buttons) >= 2
    buttons[1].click()
    app.run()
    assert not app.exception
    assert not [button for button in app.button if button.label == "This one"]
    data = train(app, scheduler).config["data"]
    assert (data["layout"], data["id"]) == (app.selectbox(key="upload.layout").value, data["id"])


def test_without_a_target_rows_are_forecast(app: AppTest) -> None:
    template = TEMPLATES["rows"]
    bring(app, (template.file, template.text.encode()))
    assert app.multiselect(key="upload.targets").value == ["label"]
    app.multiselect(key="upload.targets").set_value([]).run()
    assert not app.exception
    assert app.multiselect(key="upload.targets").value == []
    assert any("predicts a number" in each.label for each in app.expander)


def test_sequences_can_be_told_apart_by_two_columns(app: AppTest) -> None:
    rows = [
        (f"2020-01-{day:02d}", store, item, day % 5 + store)
        for day in range(1, 31)
        for store in (1, 2)
        for item in "xy"
    ]
    bring(app, ("sales.csv", ("date,store,item,sales\n" + "\n".join(",".join(map(str, row)) for row in rows)).encode()))
    assert app.multiselect(key="upload.id").value == ["store", "item"]
    app.multiselect(key="upload.id").set_value(["item", "store"]).run()
    assert not app.exception
    assert said(app) == []


def test_numbers_that_stand_for_missing_have_a_switch(app: AppTest) -> None:
    cells = [-999 if p % 9 == 4 else p % 13 + 0.5 for p in range(200)]
    bring(app, ("sensor.csv", ("v\n" + "\n".join(map(str, cells))).encode()))
    assert app.selectbox(key="upload.placeholders").value == "missing"
    app.selectbox(key="upload.placeholders").set_value("numbers").run()
    assert not app.exception
    assert app.selectbox(key="upload.placeholders").value == "numbers"


def test_a_sheet_is_chosen_where_there_are_several(app: AppTest, scheduler: Any) -> None:
    first = rows(1)
    bring(app, ("book.xlsx", xlsx(North=first, South=rows(2), Words=[["a"], ["b"], ["c"]])))
    chooser = app.selectbox(key="upload.part")
    assert (chooser.value, chooser.options) == ("North", ["Find out", "North", "South", "Words"])
    app.selectbox(key="upload.part").set_value("Words").run()
    assert not app.exception
    assert said(app) != []
    app.selectbox(key="upload.part").set_value("South").run()
    assert said(app) == []
    assert app.selectbox(key="upload.part").value == "South"
    assert train(app, scheduler).config["data"]["part"] == "South"
    bring(app, ("one.xlsx", xlsx(North=first)))
    assert not [each for each in app.selectbox if each.key == "upload.part"]
