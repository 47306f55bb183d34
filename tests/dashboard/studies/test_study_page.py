"""The page of studies: begin one, be asked about a large one, see what came out, stop, continue, open a cell."""

import json
from typing import Any

from streamlit.testing.v1 import AppTest

from dashboard.experiment import study_links
from rnncore.runs.scheduler import Scheduler
from rnncore.studies.config import read_study
from rnncore.studies.forecast import told_duration
from rnncore.studies.ready import READY
from rnncore.studies.results import results
from tests.support.pages import button, studies_page
from tests.support.waiting import wait

W = "w" * 22
AXES = [{"field": "batch_size", "values": [1, 2]}, {"field": "steps", "values": [4, 6]}]
STUDY = {"base": {}, "axes": AXES, "seeds": 2, "success": {"metric": "train_loss", "below": 1e9}}


def page(workspace: str = W, **address: str) -> AppTest:
    return studies_page(workspace, **address)


def texts(app: AppTest) -> str:
    return "\n".join(str(each.value) for each in (*app.markdown, *app.caption, *app.error, *app.warning))


def begun(scheduler: Scheduler, body: dict[str, Any]) -> str:
    return scheduler.studies.submit(W, read_study(body))


def test_every_ready_made_study_says_its_source_what_it_should_show_and_what_came_out(
    scheduler: Scheduler,
) -> None:
    said = texts(page()).replace("\\", "")
    for each in READY.values():
        assert each.title in said
        assert each.source in said
        assert each.found.replace("\\", "") in said
        took = told_duration(60 * results()[each.key].minutes)
        machine = results()[each.key].machine
        assert f"{each.study.run_count} runs, {took} where nothing else runs, by processor time on {machine}" in said


def test_a_study_from_text_is_started_and_shown(scheduler: Scheduler) -> None:
    app = page()
    app.text_area[0].set_value(json.dumps(STUDY))
    app.button(key="study.start.file").click().run()
    assert not app.exception
    (study,) = [each.id for each in scheduler.store.studies_of(W)]
    wait(lambda: scheduler.studies.status(study).study.status == "finished")  # type: ignore[union-attr]
    app = page(study=study)
    assert "Batch size and steps over 2 seeds" in texts(app).replace("\\", "")
    assert "Wilson" in texts(app)
    assert len(app.dataframe[0].value) == 4
    assert list(app.dataframe[0].value.columns)[:2] == ["Batch size", "Steps"]
    assert button(app, "Open its runs on the board").disabled


def test_what_is_wrong_with_a_study_is_one_sentence(scheduler: Scheduler) -> None:
    app = page()
    app.text_area[0].set_value(json.dumps({"axes": [{"field": "model.cel", "values": [1]}]}))
    app.button(key="study.start.file").click().run()
    assert "there is no such field" in texts(app)
    assert "study" not in app.query_params


def test_a_large_study_is_asked_about_with_its_size_and_its_time(scheduler: Scheduler) -> None:
    app = page()
    app.text_area[0].set_value(json.dumps(STUDY | {"seeds": 30}))
    app.button(key="study.start.file").click().run()
    assert "120 runs in 4 cells, about" in texts(app)
    assert "study" not in app.query_params
    button(app, "Not now").click().run()
    assert "120 runs in 4 cells" not in texts(app)


def test_a_link_to_a_study_asks_before_it_starts(scheduler: Scheduler) -> None:
    link = study_links.link_of(read_study(STUDY))
    assert link is not None
    assert study_links.study_of(link) == read_study(STUDY)
    assert "This study varies batch" in texts(page(plan=link))
    assert "not whole" in texts(page(plan="x"))


def test_links_carry_every_ready_made_study() -> None:
    for each in READY.values():
        link = study_links.link_of(each.study)
        assert link is not None
        assert study_links.study_of(link) == each.study


def test_a_study_is_stopped_and_continued_by_its_owner_and_only_looked_at_by_others(
    scheduler: Scheduler,
) -> None:
    study = begun(scheduler, STUDY | {"base": {"steps": 100_000}, "axes": [{"field": "batch_size", "values": [3]}]})
    app = page(study=study)
    button(app, "Stop").click().run()
    assert scheduler.studies.status(study).study.status == "stopped"  # type: ignore[union-attr]
    labels = {each.label for each in page(study=study).button}
    assert "Continue" in labels
    watch = scheduler.store.study(study).watch  # type: ignore[union-attr]
    assert "Continue" in {each.label for each in page(study=watch).button}
    assert not {each.label for each in page("v" * 22, study=watch).button} & {"Continue", "Delete", "Stop"}
    wait(lambda: scheduler.overview().running == 0)
    scheduler.studies.delete(study)
    assert "no such study" in texts(page(study=study))
