"""The history of a workspace's runs: its rows, its page, its notes, and the notice of interrupted runs."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.experiment import history
from dashboard.experiment.words import data_words, model_words, tell_apart
from dashboard.server import services
from rnncore.config import TrainConfig
from rnncore.records import Record, pack
from rnncore.runs.backend.frames import Frame
from rnncore.runs.scheduler import MAX_NOTE, ControlError, Scheduler, UnknownRun
from rnncore.runs.settings import Settings
from rnncore.runs.store.recording import Recorder
from rnncore.runs.store.store import NewRun, Store
from tests.support.server import AppServer

MAIN = str(Path(__file__).parents[2] / "dashboard" / "main.py")
FAKE = [sys.executable, str(Path(__file__).parents[1] / "support" / "fake_worker.py")]
W = "workspace-of-these-tests-1"
MARKUP = "**bold** <b>x</b> :red[y]"
numbers = iter(range(10**6))


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), workers=1, max_active_per_workspace=3)
    scheduler = Scheduler(Store(settings.store_path), settings, FAKE)
    scheduler.start()
    patch = pytest.MonkeyPatch()
    patch.setattr(services, "_scheduler", scheduler)
    yield scheduler
    patch.undo()
    scheduler.shutdown()


@pytest.fixture
def store(scheduler: Scheduler) -> Iterator[Store]:
    yield scheduler.store
    for run in scheduler.store.runs("1"):
        if not run.ended:
            scheduler.stop(run.id)
    wait(lambda: all(run.ended for run in scheduler.store.runs("1")))
    for run in scheduler.store.runs("1"):
        scheduler.delete(run.id)


def wait(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, services.scheduler().store.runs("1")
        time.sleep(0.01)


def add(
    store: Store,
    *labels: str,
    status: str = "finished",
    losses: Sequence[float] = (1.0,),
    val: Sequence[float | None] = (),
    workspace: str = W,
    steps: int = 1000,
    ended_at: float | None = None,
    reason: str = "",
    **config: Any,
) -> list[str]:
    """Store runs of one group as if they had been trained; return their ids."""
    group, number = f"group-{next(numbers)}", next(numbers)
    content = TrainConfig.model_validate({**config, "steps": steps, "batch_size": 3}).model_dump(mode="json")
    runs = [NewRun(f"run-{number}-{i}", workspace, group, label, content, steps) for i, label in enumerate(labels)]
    store.create_runs(runs)
    for run in runs:
        with store.write() as db:
            add_records(db, run.id, losses, val)
            db.execute(
                "UPDATE runs SET status = ?, reason = ?, ended_at = ? WHERE id = ?",
                (status, reason, time.time() if ended_at is None else ended_at, run.id),
            )
    return [run.id for run in runs]


def add_records(db: Any, run_id: str, losses: Sequence[float], val: Sequence[float | None] = ()) -> None:
    recorder = Recorder(db, run_id, Settings())
    evaluated = [*val, *[None] * len(losses)]
    records = [
        Record(step, 0, loss, 0.1, 1.0, 1.0, 0.5, val_loss=evaluated[step - 1])
        for step, loss in enumerate(losses, start=1)
        if step > recorder.step
    ]
    header, blob = pack(records)
    recorder.add(db, Frame({"type": "records", **header}, blob))


def run_of(store: Store, run_id: str) -> history.Run:
    return next(run for run in history.runs_of(store, W) if run.id == run_id)


# Rows


def test_newest_first_twins_together_and_in_order_and_nobody_elses(store: Store) -> None:
    add(store, "old")
    add(store, "a", "b")
    add(store, "not mine", workspace="another-workspace-0000001")
    add(store, "new")
    rows = [(run.label, run.twin) for run in history.runs_of(store, W)]
    assert rows == [("new", ""), ("a", "1 of 2"), ("b", "2 of 2"), ("old", "")]


def test_an_experiment_in_words() -> None:
    def words(**config: Any) -> tuple[str, str]:
        content = TrainConfig.model_validate(config).model_dump(mode="json")
        return data_words(content), model_words(content)

    assert words() == ("Adding problem, T = 50", "RNN, 32 units")
    assert words(data={"task": "adding", "kind": "task", "seq_len": 7})[0] == "Adding problem, T = 7"
    assert words(data={"kind": "bundled", "name": "sunspots"})[0] == "Monthly sunspots"
    assert words(data={"kind": "csv", "file": "sha256:0", "target": MARKUP})[0].endswith(MARKUP)
    files = [{"file": "sha256:0", "name": "a.csv"}, {"file": "sha256:1", "name": "b.csv"}]
    assert words(data={"kind": "upload", "files": files, "targets": ["y"]})[0] == "a.csv and 1 more, y"
    assert words(model={"nonlinearity": "relu", "num_layers": 2})[1] == "ReLU RNN, 2 layers of 32 units"
    assert data_words({"data": {"kind": "from a newer version"}}) == ""


def test_every_word_must_be_found_somewhere_in_the_row(store: Store) -> None:
    noted, other = add(store, "clipped at 1", model={"cell": "lstm"}) + add(store, "not clipped", status="killed")
    services.scheduler().set_note(W, noted, "Too SLOW")
    runs = history.runs_of(store, W)

    def found(text: str, statuses: Sequence[str] = ()) -> list[str]:
        return [run.id for run in history.find(runs, text, statuses)]

    assert found("") == [other, noted]
    assert found("LSTM slow adding") == [noted]
    assert found("lstm killed") == []
    assert found("killed") == found("", history.STATUSES["Failed"]) == [other]


def test_pages_hold_fifty_runs_and_never_part_twins() -> None:
    def run(number: int, group: int) -> history.Run:
        return history.Run(number, str(number), str(group), "", "", "finished", "", 0, 1, 0.0, "", "", "")

    runs = [run(0, 0), *(run(number, (number + 1) // 2) for number in range(1, 121))]
    divided = history.pages(runs)
    assert [len(page) for page in divided] == [49, 50, 22]
    assert list(chain.from_iterable(divided)) == runs
    assert all(first[-1].group != second[0].group for first, second in pairwise(divided))
    assert history.pages([]) == [[]]


def test_the_sparkline_is_the_mean_logarithm_of_equal_stretches() -> None:
    losses = np.geomspace(1, 1e-8, 4000)
    line = history.sparkline(losses)
    assert len(line) == history.SPARK_POINTS
    stretch = [-math.fsum(math.log10(1 / loss) for loss in losses[i : i + 100]) / 100 for i in range(0, 4000, 100)]
    assert line == pytest.approx(stretch, abs=6e-4)
    assert history.sparkline(np.array([math.nan, 10.0, math.inf, 0.0, 1000.0])) == (1.0, 3.0)
    assert history.sparkline(np.array([])) == ()


def test_figures_of_a_diverged_run_are_its_last_finite_ones(store: Store) -> None:
    reason = "The loss became NaN at step 4."
    (run_id,) = add(
        store, "x", status="diverged", reason=reason, losses=(3.0, 2.0, 8.0, math.nan), val=(None, 0.5, 0.75)
    )
    measured = history.measure(store, run_of(store, run_id))
    assert (measured.last_loss, measured.best_val_loss, measured.verdict) == (8.0, 0.5, reason)


def test_a_run_without_records_has_no_figures(store: Store) -> None:
    (run_id,) = add(store, "x", status="failed", losses=(), reason="Row 3 is empty.")
    assert history.measure(store, run_of(store, run_id)) == history.Measured(verdict="Row 3 is empty.")


def test_an_ended_run_is_measured_once_and_again_when_it_has_gone_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run_id,) = add(store, "x", status="stopped", losses=(4.0, 2.0))
    first = history.measure(store, run_of(store, run_id))
    with monkeypatch.context() as patch:
        patch.setattr(history, "look", None)  # looking again would fail
        assert history.measure(store, run_of(store, run_id)) is first
    with store.write() as db:
        add_records(db, run_id, (4.0, 2.0, 1.0))
    assert history.measure(store, run_of(store, run_id)).last_loss == 1.0


def test_addresses_and_targets_name_a_whole_group_by_its_id(store: Store) -> None:
    add(store, "a", "b")
    add(store, "c")
    c, a, b = runs = history.runs_of(store, W)
    assert history.address([a, b], runs) == a.group
    assert history.address([a], runs) == a.id
    assert history.address([c, b], runs) == f"{c.id},{b.id}"
    assert history.targets([c, a, b], runs) == [c.group, a.group]
    assert history.targets([b], runs) == [b.id]


def test_only_the_latest_interruption_is_news_and_only_for_a_day(store: Store) -> None:
    now = time.time()
    add(store, "earlier", status="interrupted", ended_at=now - 7000)
    latest = add(store, "a", "b", status="interrupted", ended_at=now - 3600)
    add(store, "complete", status="interrupted", ended_at=now - 3600, steps=1)
    add(store, "stopped", status="stopped", ended_at=now)
    assert [run.id for run in history.interrupted_runs(store, W, now)] == latest
    assert history.interrupted_runs(store, W, now + 86_400) == []
    assert history.interrupted_runs(store, "another-workspace-0000001", now) == []


# Notes


def test_a_note_is_kept_bounded_and_only_for_its_own_workspace(scheduler: Scheduler, store: Store) -> None:
    (run_id,) = add(store, "x")
    scheduler.set_note(W, run_id, "  a remark\n")
    assert run_of(store, run_id).note == "a remark"
    with pytest.raises(UnknownRun):
        scheduler.set_note("another-workspace-0000001", run_id, "mine now")
    with pytest.raises(UnknownRun):
        scheduler.set_note(W, "no-such-run", "x")
    with pytest.raises(ControlError, match=r"501 characters are not allowed; allowed: up to 500"):
        scheduler.set_note(W, run_id, "x" * (MAX_NOTE + 1))
    assert run_of(store, run_id).note == "a remark"


# The page


def open_page(*selected: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.session_state["workspace"] = W
    app.session_state["history.selected"] = list(selected)
    app.run().switch_page("screens/history.py").run()
    assert not app.exception
    return app


def button(app: AppTest, label: str) -> Any:
    return next(each for each in app.button if each.label == label)


def texts(app: AppTest) -> list[str]:
    return [text.value for text in app.text]


def labels(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["run"])


def test_an_empty_history_leads_to_the_lab(store: Store) -> None:
    app = open_page()
    assert len(texts(app)) == 1
    button(app, "Go to the lab").click().run()
    assert not app.exception
    assert any(each.label == "Train" for each in app.button)


def test_the_table_shows_words_figures_and_text_as_it_was_written(scheduler: Scheduler, store: Store) -> None:
    (run_id,) = add(store, MARKUP, losses=(10.0, 1.0), val=(None, 0.25), model={"cell": "gru"})
    scheduler.set_note(W, run_id, MARKUP)
    app = open_page(run_id)
    (row,) = app.dataframe[0].value.to_dict("records")
    assert (row["run"], row["note"], row["status"], row["network"]) == (MARKUP, MARKUP, "finished", "GRU, 32 units")
    assert (row["last"], row["best"], row["step"], list(row["curve"])) == (1.0, 0.25, 2, [1.0, 0.0])
    rendered = [*app.markdown, *app.caption, *app.warning, *app.error, *app.info]
    assert not any(MARKUP in element.value for element in rendered)


def test_the_filters_narrow_the_table(store: Store) -> None:
    add(store, "one", status="stopped")
    add(store, "two")
    app = open_page()
    app.text_input(key="history.text").set_value("ONE").run()
    assert labels(app) == ["one"]
    assert [text.partition(".")[0] for text in texts(app)] == ["1 of 2 runs"]
    app.text_input(key="history.text").set_value("")
    app.button_group(key="history.status").set_value(["Finished"]).run()
    assert labels(app) == ["two"]
    app.text_input(key="history.text").set_value("one").run()
    assert len(app.dataframe) == 0
    assert "No run matches this filter." in texts(app)


def test_pages_of_fifty(store: Store) -> None:
    for number in range(51):
        add(store, f"run {number}")
    app = open_page()
    assert labels(app) == [f"run {number}" for number in range(50, 0, -1)]
    app.session_state["history.page"] = 2
    assert labels(app.run()) == ["run 0"]
    app.text_input(key="history.text").set_value("finished 49").run()  # one page is left: the second is no more
    assert labels(app) == ["run 49"]


def test_open_and_lay_on_one_another_lead_to_the_lab_with_the_runs(store: Store) -> None:
    a, _ = add(store, "a", "b")
    (c,) = add(store, "c")
    for chosen, label, address in (([a], "Open", a), ([a, c], "Lay on one another", f"{c},{a}")):
        app = open_page(*chosen)
        assert button(app, "Open").disabled == (len(chosen) != 1)
        assert button(app, "Lay on one another").disabled == (len(chosen) < 2)
        button(app, label).click().run()
        assert app.query_params["run"] in (address, [address])


def test_only_selected_runs_in_view_count_and_hidden_ones_come_back(store: Store) -> None:
    app = open_page(*add(store, "first"), *add(store, "second"))
    app.text_input(key="history.text").set_value("second").run()
    assert any(text.startswith("1 of 2 runs, 1 selected") for text in texts(app))
    app.text_input(key="history.text").set_value("third").run()
    assert button(app, "Open").disabled
    app.text_input(key="history.text").set_value("").run()
    assert "2 runs, 2 selected" in texts(app)


def test_seven_runs_are_too_many_for_one_board(store: Store) -> None:
    ids = add(store, *"abcdefg")
    assert not button(open_page(*ids[:6]), "Lay on one another").disabled
    assert button(open_page(*ids), "Lay on one another").disabled


def test_delete_asks_first_and_deletes_the_selected_runs_alone(store: Store) -> None:
    kept, doomed = add(store, "kept") + add(store, "doomed")
    app = open_page(doomed)
    assert any("cannot be undone" in text for text in texts(app))
    button(app, "Delete 1 run").click().run()
    assert not app.exception
    assert labels(app) == ["kept"]
    assert store.run(doomed) is None
    assert store.run(kept) is not None


def test_an_unfinished_run_is_not_deleted_and_the_page_says_why(scheduler: Scheduler, store: Store) -> None:
    group = scheduler.submit(W, [TrainConfig(steps=100_000, batch_size=3)], ["long"])
    (done,) = add(store, "done")
    app = open_page(group.runs[0], done)
    assert "1 run is unfinished and cannot be deleted; stop it first." in texts(app)
    button(app, "Delete 1 run").click().run()
    assert labels(app) == ["long"]
    app = open_page(group.runs[0])
    assert not any(each.label.startswith("Delete") for each in app.button)


def test_a_run_that_goes_on_meanwhile_is_refused_with_a_sentence(scheduler: Scheduler, store: Store) -> None:
    (run_id,) = add(store, "x", status="stopped", steps=100_000)
    app = open_page(run_id)
    scheduler.resume(run_id)  # in another tab
    button(app, "Delete 1 run").click().run()
    assert [warning.value for warning in app.warning] == [
        "This run is unfinished and cannot be deleted; stop it first."
    ]
    assert store.run(run_id) is not None


def test_a_note_can_be_edited(store: Store) -> None:
    (run_id,) = add(store, "x")
    app = open_page(run_id)
    app.text_input(key=f"history.note.{run_id}").set_value(MARKUP).run()
    assert not app.exception
    assert run_of(store, run_id).note == MARKUP
    assert list(app.dataframe[0].value["note"]) == [MARKUP]
    assert open_page().text_input(key="history.note").disabled


def test_continue_takes_up_runs_that_were_stopped(scheduler: Scheduler, store: Store) -> None:
    done, *twins = add(store, "done") + add(store, "a", "b", status="stopped", steps=3)
    assert button(open_page(done), "Continue").disabled
    button(open_page(done, *twins), "Continue").click().run()
    wait(lambda: {run.status for run in store.runs("1")} == {"finished"})
    assert [run.step for run in store.group(run_of(store, twins[0]).group)] == [3, 3]


def test_too_many_to_continue_is_one_sentence(store: Store) -> None:
    ids = add(store, *"abcd", status="stopped")
    app = open_page(*ids)
    button(app, "Continue").click().run()
    assert "RNNLAB_MAX_ACTIVE_PER_WORKSPACE" in app.warning[0].value
    assert {run.status for run in store.runs("1")} == {"stopped"}


# The notice above the board


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
    assert app.query_params["run"] in (run_of(store, ids[0]).group, [run_of(store, ids[0]).group])
    assert len(app.button) == 0
    wait(lambda: {run.status for run in store.runs("1")} == {"finished"})


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


# In the browser


def pick(page: Any, row: int) -> None:
    """Click on a row's check box, which is painted, not an element; again if a busy machine lost the click."""
    from playwright.sync_api import TimeoutError as Timeout

    grid = page.locator("[data-testid=stDataFrame] canvas").first
    grid.wait_for()
    for _ in range(3):
        page.wait_for_timeout(500)
        box = grid.bounding_box()
        page.mouse.click(box["x"] + 17, box["y"] + 36 + 35 * row + 17)
        try:
            page.get_by_text(f"{row + 1} selected").wait_for(timeout=8000)
        except Timeout:
            continue
        return
    pytest.fail(f"row {row} cannot be selected")


@pytest.mark.browser
def test_selected_rows_are_laid_on_one_another(page: Any, app_server: AppServer) -> None:
    page.goto(app_server.url)
    page.get_by_role("button", name="Train", exact=True).wait_for()
    started = page.evaluate(
        """async () => {
          const body = JSON.stringify({ config: { steps: 3, clip: { method: "norm" } }, compare: true })
          const headers = { "Content-Type": "application/json" }
          return (await fetch("/api/runs", { method: "POST", headers, body })).json()
        }"""
    )
    page.get_by_text("History", exact=True).first.click()
    for row in range(2):
        pick(page, row)
    page.get_by_role("button", name="Lay on one another").click()
    page.wait_for_url(f"**/?run={started['group']}")


@pytest.mark.browser
def test_the_first_page_ever_opened_may_be_the_history(chromium: Any, tmp_path: Path) -> None:
    """Streamlit would take pages/ for its own old kind of pages until main.py has run once."""
    server = AppServer(tmp_path)
    try:
        server.start()
        page = chromium.new_page()
        page.goto(f"{server.url}/history")
        page.get_by_text("No runs yet").wait_for()
        assert page.get_by_text("Lab", exact=True).count() == 1
        page.close()
    finally:
        server.stop()


def test_runs_of_one_board_have_different_names() -> None:
    one, other = ({"seed": 1, "steps": steps} for steps in (100, 2000))
    assert tell_apart(["clipped at 1", "not clipped"], [one, one]) == ["clipped at 1", "not clipped"]
    assert tell_apart(["a", "a"], [one, other]) == ["a, 100 steps", "a, 2,000 steps"]
    assert tell_apart(["a", "a", "b"], [one, one, one]) == ["a", "a (2)", "b"]
