"""The history's page, through AppTest: the table, its filters, and what can be done with selected runs."""

from streamlit.testing.v1 import AppTest

from rnncore.config import TrainConfig
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.store import Store
from tests.support.pages import MAIN, button, texts
from tests.support.past_runs import MARKUP, add, run_of
from tests.support.past_runs import WORKSPACE as W
from tests.support.waiting import wait


def open_page(*selected: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.session_state["workspace"] = W
    app.session_state["history.selected"] = list(selected)
    app.run().switch_page("screens/history.py").run()
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["run"])


def test_an_empty_history_leads_to_the_lab(store: Store) -> None:
    app = open_page()
    assert len(texts(app)) == 1
    button(app, "Go to the lab").click().run()
    assert not app.exception
    assert any(each.label == "Train" for each in app.button)


def test_a_mistake_has_a_column_of_its_own_and_is_found_by_its_words(store: Store) -> None:
    add(store, "a", mistake="padded")
    add(store, "b")
    sentence = "four times as many zeros as timesteps follow each sequence"
    app = open_page()
    assert list(app.dataframe[0].value["broken"]) == ["", sentence]
    assert set(app.dataframe[0].value["data"]) == {"Adding problem, T = 50"}
    app.text_input(key="history.text").set_value("broken on purpose zeros").run()
    assert labels(app) == ["a"]


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
    together = f"{watch_key(c)},{watch_key(a)}"
    for chosen, label, address in (([a], "Open", watch_key(a)), ([a, c], "Show together", together)):
        app = open_page(*chosen)
        assert button(app, "Open").disabled == (len(chosen) != 1)
        assert button(app, "Show together").disabled == (len(chosen) < 2)
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
    assert not button(open_page(*ids[:6]), "Show together").disabled
    assert button(open_page(*ids), "Show together").disabled


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
    wait(lambda: {run.status for run in store.runs()} == {"finished"})
    assert [run.step for run in store.group(run_of(store, twins[0]).group)] == [3, 3]


def test_stop_ends_what_is_under_way(scheduler: Scheduler, store: Store) -> None:
    (done,) = add(store, "done")
    twins = scheduler.submit(W, [TrainConfig(steps=100_000)] * 2, ["a", "b"]).runs
    wait(lambda: any(run.status == "running" for run in store.runs()))
    assert button(open_page(done), "Stop").disabled
    app = open_page(done, *twins)
    button(app, "Stop").click().run()
    assert not app.exception
    wait(lambda: {run_of(store, run_id).status for run_id in twins} == {"stopped"})


def test_too_many_to_continue_is_one_sentence(store: Store) -> None:
    ids = add(store, *map(str, range(19)), status="stopped")  # 6 count as one start
    app = open_page(*ids)
    button(app, "Continue").click().run()
    assert "unfinished starts" in app.warning[0].value
    assert "RNNLAB_" not in app.warning[0].value
    assert {run.status for run in store.runs()} == {"stopped"}
