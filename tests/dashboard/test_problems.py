"""What the page says of controls that cannot be: beside the control, in its label's words; nothing unfit offered."""

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.panels.problems import in_labels
from dashboard.server import services
from rnncore.checks import fitting_losses
from rnncore.choices import AUTO, LOSSES
from rnncore.runs.settings import Settings
from tests.support.pages import MAIN, button


@pytest.fixture(scope="module", autouse=True)
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("data")
    yield services.open_scheduler(Settings(data_dir=folder, workers=1, spare_workers=0, max_steps=5000))
    services.close_scheduler()


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_file(MAIN, default_timeout=30).run()


def said(app: AppTest) -> list[str]:
    assert not app.exception
    return [error.value.replace("\\", "") for error in app.error]


def order(app: AppTest) -> list[tuple[str, str]]:
    """Return type and label or value of what stands in the sidebar, from top to bottom."""
    return [(each.type, getattr(each, "label", "") or str(getattr(each, "value", ""))) for each in app.sidebar]


def to_correct(app: AppTest) -> str:
    (pointer,) = [warning.value for warning in app.warning if "To be corrected" in warning.value]
    return pointer.replace("\\", "")


def test_a_problem_stands_below_its_control_and_train_says_which_one_it_is(app: AppTest) -> None:
    app.number_input(key="optimizer.learning_rate").set_value(0.0).run()
    assert said(app) == ["Learning rate: 0.0 is not allowed; allowed: above 0 to 100"]
    assert to_correct(app) == "To be corrected: Learning rate."
    drawn = [(kind, words.replace("\\", "")) for kind, words in order(app) if kind in ("number_input", "error")]
    assert drawn[drawn.index(("number_input", "Learning rate")) + 1] == ("error", said(app)[0])
    app.number_input(key="optimizer.learning_rate").set_value(0.1).run()
    assert (said(app), app.warning) == ([], [])


def test_an_emptied_control_needs_a_value(app: AppTest) -> None:
    assert in_labels("seed: None is not allowed; allowed: 0 to 9") == "Seed: a value is needed; allowed: 0 to 9"


def test_problems_of_several_controls_are_all_told_and_where_they_are_folded_away(app: AppTest) -> None:
    app.selectbox(key="optimizer.name").set_value("sgd").run()
    app.number_input(key="optimizer.learning_rate").set_value(0.0)
    app.number_input(key="optimizer.momentum").set_value(1.0).run()
    assert len(said(app)) == 2
    assert to_correct(app) == "To be corrected: Learning rate, Momentum (under More about training)."


def test_what_makes_no_sense_together_stands_at_the_control_that_can_mend_it(app: AppTest) -> None:
    app.number_input(key="truncation").set_value(4000).run()
    button(app, "Train").click().run()
    (sentence,) = said(app)
    assert sentence.startswith("Truncated backpropagation: 4000 is not allowed with sequences of ")
    assert to_correct(app) == "To be corrected: Truncated backpropagation (under More about training)."


def test_a_limit_of_the_server_stands_at_its_control_without_a_name_of_a_variable(app: AppTest) -> None:
    app.number_input(key="steps").set_value(6000).run()
    button(app, "Train").click().run()
    assert said(app) == ["Steps: 6,000 is above this server's limit of 5,000; choose fewer."]


def test_a_setting_that_a_task_does_not_know_stands_at_its_control(app: AppTest) -> None:
    app.selectbox(key="data.task").set_value("temporal_order").run()
    app.number_input(key="data.symbols").set_value(7).run()
    button(app, "Train").click().run()
    assert said(app) == ["Symbols: 7 is not allowed with the task 'temporal_order'; allowed: 2 or 3."]


@pytest.mark.parametrize(
    ("task", "target"), [("adding", "regression"), ("parity", "binary"), ("temporal_order", "multiclass")]
)
def test_only_losses_that_fit_the_data_are_offered(app: AppTest, task: str, target: Any) -> None:
    app.selectbox(key="data.task").set_value(task).run()
    assert app.selectbox(key="loss").options == [AUTO.title, *[LOSSES[key].title for key in fitting_losses(target)]]


def test_a_loss_that_no_longer_fits_gives_way_to_what_the_data_call_for(app: AppTest) -> None:
    app.selectbox(key="data.task").set_value("adding").run()
    app.selectbox(key="loss").set_value("huber").run()
    app.selectbox(key="data.task").set_value("parity").run()
    assert (app.session_state["loss"], said(app)) == ("auto", [])


def test_the_losses_of_uploaded_files_are_those_of_their_target(app: AppTest) -> None:
    header = "@problemname moves\n@timestamps false\n@univariate true\n@classlabel true up down\n@data\n"
    rows = "\n".join(f"{','.join(str(step * (1, -1)[n % 2] + n % 3) for step in range(20))}:{('up', 'down')[n % 2]}"
                     for n in range(12))  # fmt: skip
    app.segmented_control(key="data.kind").set_value("upload").run()
    app.file_uploader(key="upload").upload("moves.ts", (header + rows).encode()).run()
    assert app.selectbox(key="loss").options == [AUTO.title, LOSSES["bce"].title]


def test_a_mistake_that_cannot_be_made_is_refused_in_the_words_of_the_page(app: AppTest) -> None:
    app.selectbox(key="data.task").set_value("temporal_order").run()
    app.selectbox(key="mistake").set_value("unscaled_targets").run()
    button(app, "Train").click().run()
    assert said(app) == [
        "Mistake: 'Targets are not scaled' is not allowed with the data 'temporal_order', which has a target of "
        "several classes; allowed: 'No mistake', 'Inputs are not scaled', 'Timesteps are shuffled', 'A long padding is "
        "read too' or 'Batch and time are swapped'"
    ]
    assert to_correct(app) == "To be corrected: Mistake (under Break it)."


def test_what_is_broken_on_purpose_is_said_in_words(app: AppTest) -> None:
    app.selectbox(key="mistake").set_value("padded").run()
    words = "broken on purpose: four times as many zeros as timesteps follow each sequence"
    assert any(words in caption.value for caption in app.sidebar.caption)
