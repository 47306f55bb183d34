"""Train while a run is under way, the bare address, and controls that no longer say what the board shows; AppTest."""

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.server import services
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from tests.support.pages import MAIN, button
from tests.support.waiting import wait

LONG = 100_000  # steps: such a run is under way for as long as a test needs


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    yield services.open_scheduler(Settings(data_dir=tmp_path_factory.mktemp("data"), workers=2, spare_workers=0))
    services.close_scheduler()


@pytest.fixture(autouse=True)
def all_stopped(server: Scheduler) -> Iterator[None]:
    yield
    for run in server.store.runs():
        if not run.ended:
            server.stop(run.id)


@pytest.fixture
def app(server: Scheduler) -> AppTest:
    return AppTest.from_file(MAIN, default_timeout=30).run()


def training(app: AppTest) -> str:
    """Start twins that train for long; return their address."""
    app.number_input(key="steps").set_value(LONG).run()
    button(app, "Train").click().run()
    return address(app)


def address(app: AppTest) -> str:
    value = app.query_params["run"]
    return value if isinstance(value, str) else value[0]


def has(app: AppTest, label: str) -> bool:
    assert not app.exception
    return any(each.label == label for each in app.button)


def statuses(server: Scheduler, group: str) -> set[str]:
    return {run.status for run in server.store.group(group)}


STOP_IT, QUEUE_IT = "Stop that run and train this", "Queue it"


def test_train_asks_before_it_starts_beside_a_run_that_is_under_way(app: AppTest, server: Scheduler) -> None:
    first = training(app)
    button(app, "Train").click().run()
    assert address(app) == first, "nothing has started yet"
    assert has(app, STOP_IT)
    assert has(app, QUEUE_IT)
    assert any("Lorenz system" in each.value and "clipped at 1 and not clipped" in each.value for each in app.markdown)


def test_the_run_under_way_can_be_stopped_for_the_new_one(app: AppTest, server: Scheduler) -> None:
    first = training(app)
    button(app, "Train").click().run()
    button(app, STOP_IT).click().run()
    assert address(app) != first
    assert not has(app, STOP_IT)
    wait(lambda: statuses(server, first) == {"stopped"})


def test_the_new_one_can_wait_behind_it(app: AppTest, server: Scheduler) -> None:
    first = training(app)
    button(app, "Train").click().run()
    button(app, QUEUE_IT).click().run()
    assert address(app) != first
    assert "stopped" not in statuses(server, first)
    assert not statuses(server, address(app)) & {"stopped", "failed"}


def test_what_cannot_start_stops_nothing(app: AppTest, server: Scheduler) -> None:
    first = training(app)
    app.number_input(key="truncation").set_value(4000).run()
    button(app, "Train").click().run()
    button(app, STOP_IT).click().run()
    assert len(app.error) == 1
    assert address(app) == first
    assert "stopped" not in statuses(server, first)


def test_more_starts_than_are_allowed_can_still_be_exchanged_for_a_new_one(app: AppTest, server: Scheduler) -> None:
    training(app)
    for _ in range(server.settings.max_active_per_workspace - 1):
        button(app, "Train").click().run()
        button(app, QUEUE_IT).click().run()
    full = address(app)
    button(app, "Train").click().run()
    button(app, QUEUE_IT).click().run()
    (refused,) = app.error
    assert "unfinished starts" in refused.value
    assert "RNNLAB" not in refused.value
    assert address(app) == full
    button(app, "Train").click().run()
    button(app, "Stop them all and train this").click().run()
    assert not app.error
    assert address(app) != full


def test_the_bare_address_offers_what_is_still_training(app: AppTest) -> None:
    group = training(app)
    app.segmented_control(key="model.cell").set_value("gru").run()
    del app.query_params["run"]
    app.run()
    assert any(each.value.startswith("A run is still training: Lorenz system") for each in app.markdown)
    button(app, "Open it").click().run()
    assert address(app) == group
    assert app.session_state["model.cell"] == "rnn", "the controls say what the board shows"
    assert not any("A run is still training" in each.value for each in app.markdown)


def test_nothing_is_offered_where_nothing_trains(app: AppTest) -> None:
    assert not has(app, "Open it")


def mismatch(app: AppTest) -> str:
    said = [each.value.replace("\\", "") for each in app.caption if "The board shows" in each.value]
    return said[0] if said else ""


def test_the_board_says_when_the_controls_say_something_else(app: AppTest) -> None:
    training(app)
    assert mismatch(app) == ""
    app.segmented_control(key="model.cell").set_value("lstm").run()
    assert mismatch(app) == "The board shows: RNN; the controls say: LSTM."
    app.number_input(key="optimizer.learning_rate").set_value(0.2).run()
    assert mismatch(app) == "The board shows: RNN, Learning rate 0.008; the controls say: LSTM, Learning rate 0.2."
    button(app, "Back to the board's").click().run()
    assert mismatch(app) == ""
    assert (app.session_state["model.cell"], app.session_state["optimizer.learning_rate"]) == ("rnn", 0.008)


def test_what_the_controls_say_can_be_trained_at_once(app: AppTest, server: Scheduler) -> None:
    group = training(app)
    server.stop(server.store.group(group)[0].group)
    wait(lambda: statuses(server, group) == {"stopped"})
    app.selectbox(key="compare").set_value("nothing").run()
    assert mismatch(app) == "The board shows: twins; the controls say: one run."
    button(app, "Train what they say").click().run()
    assert len(server.store.group(address(app))) == 1
    assert mismatch(app) == ""


def test_other_data_are_said_in_words(app: AppTest, server: Scheduler) -> None:
    training(app)
    app.selectbox(key="data.task").set_value("adding").run()
    assert mismatch(app) == "The board shows: Lorenz system; the controls say: Adding problem."
    app.segmented_control(key="data.kind").set_value("bundled").run()
    assert mismatch(app).startswith("The board shows: Lorenz system, T = 35; the controls say: ")


def test_a_run_that_is_opened_again_matches_its_controls(app: AppTest) -> None:
    group = training(app)
    again = AppTest.from_file(MAIN, default_timeout=30)
    again.query_params["run"] = group
    assert mismatch(again.run()) == ""
