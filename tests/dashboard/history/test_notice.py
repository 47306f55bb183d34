"""The notice of interrupted runs: which runs are news, and how they are continued or dismissed."""

import time

from streamlit.testing.v1 import AppTest

from dashboard.experiment import history
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.store import Store
from tests.support.pages import button
from tests.support.past_runs import WORKSPACE as W
from tests.support.past_runs import add, run_of
from tests.support.waiting import wait


def notice() -> AppTest:
    app = AppTest.from_string("from dashboard.panels.interrupted import interrupted_notice\ninterrupted_notice()")
    app.session_state["workspace"] = W
    app.run()
    assert not app.exception
    return app


def test_interrupted_runs_are_offered_and_continued(store: Store) -> None:
    ids = add(store, "a", "b", status="interrupted", steps=3)
    app = notice()
    assert app.markdown[0].value == "2 runs were interrupted when the server stopped."
    button(app, "Continue them").click().run()
    address = watch_key(run_of(store, ids[0]).group)
    assert app.query_params["run"] in (address, [address])
    assert len(app.button) == 0
    wait(lambda: {run.status for run in store.runs()} == {"finished"})


def test_a_dismissed_interruption_stays_dismissed_after_a_reload(store: Store) -> None:
    add(store, "a", status="interrupted")
    app = notice()
    assert app.markdown[0].value == "1 run was interrupted when the server stopped."
    button(app, "Dismiss").click().run()
    assert len(app.button) == 0
    assert len(notice().button) == 0
    add(store, "b", status="interrupted")
    assert len(notice().button) == 2


def test_no_notice_without_interrupted_runs(store: Store) -> None:
    add(store, "a", status="stopped")
    assert len(notice().main) == 0


def test_only_the_latest_interruption_is_news_and_only_for_a_day(store: Store) -> None:
    now = time.time()
    add(store, "earlier", status="interrupted", ended_at=now - 7000)
    latest = add(store, "a", "b", status="interrupted", ended_at=now - 3600)
    add(store, "complete", status="interrupted", ended_at=now - 3600, steps=1)
    add(store, "stopped", status="stopped", ended_at=now)
    assert [run.id for run in history.interrupted_runs(store, W, now)] == latest
    assert history.interrupted_runs(store, W, now + 86_400) == []
    assert history.interrupted_runs(store, "another-workspace-0000001", now) == []
