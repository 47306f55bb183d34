"""Pages with watched runs, through AppTest: the lab, its panels and History show what there is, and claim no more."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.experiment import history
from dashboard.server import services
from dashboard.server.whereabouts import forget_address, note_address
from rnncore.config import TrainConfig
from rnncore.runs.app_command import ADDRESS_FILE
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.keys import watch_key
from rnncore.runs.watched import Begun
from rnncore.runs.watched_targets import own_workspace, view_key
from tests.support.asgi import call
from tests.support.fake_worker import COMMAND
from tests.support.pages import MAIN, button, texts
from tests.support.watching import MODULES, model, records

W = "W" * 22


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), workers=1, spare_workers=0)
    yield services.open_scheduler(settings, LocalBackend(settings, COMMAND))
    services.close_scheduler()


@pytest.fixture
def watched(scheduler: Scheduler) -> Iterator[Begun]:
    begun = scheduler.watched.begin(W, model(modules=MODULES))
    for run in begun.runs:
        scheduler.watched.add(run, records(1, 30))
    yield begun
    scheduler.watched.end(begun.group, "finished", "")
    for run in begun.runs:
        scheduler.delete(run)


def page(**parameters: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.session_state["workspace"] = W
    for name, value in parameters.items():
        app.query_params[name] = value
    return app.run()


def words(app: AppTest) -> str:
    assert not app.exception
    return "\n".join(each.value for kind in (app.caption, app.text, app.markdown, app.warning) for each in kind)


def test_the_lab_shows_them_and_keeps_its_own_controls(watched: Begun) -> None:
    app = page(run=watch_key(watched.group))
    assert "There is no run at this address" not in words(app)
    assert "cannot be read" not in words(app)
    assert app.number_input(key="steps").value > 0
    button(app, "Train")


def test_what_is_kept_of_them_is_offered_and_no_more(watched: Begun) -> None:
    app = page(run=watch_key(watched.runs[0]))
    app.session_state["share.open"] = True
    app.run()
    said = words(app)
    assert "tagger\\: encoder" in said  # as Markdown
    assert "the whole configuration" not in said
    assert not any(each.label == "Show me the code" for each in app.button)


def test_history_has_them_by_their_names(watched: Begun, scheduler: Scheduler) -> None:
    app = page().switch_page("screens/history.py").run()
    table = app.dataframe[0].value
    assert list(table["run"]) == ["tagger: encoder", "tagger: decoder"]
    assert set(table["network"]) == {"LSTM, 2 layers of 8 units", "GRU, 8 units"}
    assert set(table["data"]) == {""}
    assert table["best"].isna().all()
    assert not {"data", "best"} & set(app.dataframe[0].proto.column_order)
    assert list(table["last"]) == [pytest.approx(1 / 30)] * 2
    rows = history.runs_of(scheduler.store, W)
    assert all(row.watched and row.active and not row.resumable for row in rows)


def test_history_neither_stops_nor_continues_them(watched: Begun) -> None:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.session_state["workspace"] = W
    app.session_state["history.selected"] = list(watched.runs)
    app.run().switch_page("screens/history.py").run()
    assert button(app, "Stop").disabled
    assert button(app, "Continue").disabled
    app.session_state["history.confirm"] = True
    app.run()
    assert any("or end the program that trains them" in text for text in texts(app))


def test_train_does_not_ask_about_runs_that_take_no_place_here(watched: Begun, scheduler: Scheduler) -> None:
    app = page()
    assert not any(each.label == "Open it" for each in app.button)
    button(app, "Train").click().run()
    assert not app.exception
    trained = [run for run in scheduler.store.runs_of(W) if run.steps]
    assert trained
    scheduler.stop(trained[0].group)


def test_history_says_which_lines_a_script_needs(scheduler: Scheduler) -> None:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.session_state["workspace"] = W
    app.run().switch_page("screens/history.py").run()
    assert not app.code
    assert not app.exception


def test_the_link_of_rnnlab_view_brings_this_machines_runs_into_a_history(scheduler: Scheduler) -> None:
    folder, store = scheduler.settings.data_dir, scheduler.store
    own = own_workspace(folder)
    begun = scheduler.watched.begin(own, model("mine"))
    mine = {"Cookie": f"rnn_lab_workspace={'M' * 22}", "Accept": "text/html"}
    wrong = call("GET", "/view?key=" + "x" * 22, headers=mine)
    assert (wrong.status, b"no longer valid" in wrong.body) == (404, True)
    old = f"/view?key={view_key(own)}"
    moved = call("GET", old, headers=mine)
    assert (moved.status, moved.headers["location"]) == (303, f"./?run={watch_key(begun.group)}")
    assert [run.label for run in store.runs_of("M" * 22)] == ["mine"]
    assert own_workspace(folder) == "M" * 22
    assert call("GET", old, headers=mine).status == 404, "the link was for one browser"
    again = call("GET", f"/view?key={view_key('M' * 22)}", headers=mine)
    assert again.status == 303
    without = call("GET", f"/view?key={view_key('M' * 22)}", headers={"Accept": "text/html"})
    assert b'http-equiv="refresh"' in without.body
    assert b"keeps no cookies" in call("GET", f"/view?key={view_key('M' * 22)}&again=1").body
    scheduler.watched.end(begun.group, "finished", "")


def test_the_server_notes_where_it_is_reached_and_takes_that_back(tmp_path: Path) -> None:
    note_address(tmp_path)
    assert re.fullmatch(r"http://localhost:\d+", (tmp_path / ADDRESS_FILE).read_text())
    forget_address(tmp_path)
    assert not (tmp_path / ADDRESS_FILE).exists()
    note_address(tmp_path / "gone")  # which is told of elsewhere


def test_the_data_of_the_controls_are_shown_beside_runs_that_learn_from_data_known_here_alone(
    watched: Begun, scheduler: Scheduler
) -> None:
    def data(app: AppTest) -> list[str]:
        assert not app.exception
        return [each.label for each in app.expander if each.label.startswith("Data: ")]

    assert len(data(page())) == 1
    assert data(page(run=watch_key(watched.group))) == []
    config = TrainConfig()
    own = scheduler.submit(W, [config], ["own"])
    beside = data(page(run=f"{watch_key(own.id)},{watch_key(watched.runs[0])}"))
    assert len(beside) == 1
    scheduler.stop(own.id)
