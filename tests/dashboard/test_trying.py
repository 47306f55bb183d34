"""The board's button "Try it", as the page answers it: a run beside the others, its address, or one sentence."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.panels import trying
from dashboard.server import services
from rnncore.config import TrainConfig
from rnncore.runs.backend.local import LocalBackend
from rnncore.runs.scheduler import Scheduler
from rnncore.runs.settings import Settings
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.store import ACTIVE, StoredRun
from tests.support.fake_worker import COMMAND
from tests.support.waiting import wait

MINE, OTHER = "workspace-of-these-tests-1", "workspace-of-somebody-els"
SLOWER = {"optimizer": {"learning_rate": 0.001}}


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"), workers=2, worker_nice=0, flush_ms=5, commit_ms=5)
    yield services.open_scheduler(settings, LocalBackend(settings, COMMAND))
    services.close_scheduler()


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, scheduler: Scheduler) -> Iterator[Any]:
    """What stands for Streamlit: the session's state and the address."""
    st = SimpleNamespace(session_state={}, query_params={})
    monkeypatch.setattr(trying, "st", st)
    monkeypatch.setattr(trying, "workspace_id", lambda: MINE)
    yield st
    for run in scheduler.store.runs(ACTIVE):
        scheduler.stop(run.id)
    wait(lambda: not scheduler.store.runs(ACTIVE))


def stored(scheduler: Scheduler, *configs: dict[str, Any], workspace: str = MINE) -> list[StoredRun]:
    models = [TrainConfig.model_validate({"steps": 3, **each}) for each in configs]
    group = scheduler.submit(workspace, models, [f"run {place}" for place in range(len(models))])
    return scheduler.store.group(group.id)


def press(page: Any, shown: list[StoredRun], run: str, changes: Any, number: int = 1) -> str | None:
    page.session_state["board"] = SimpleNamespace(tried={"number": number, "run": run, "changes": changes})
    trying.on_try("board", shown)()
    answer = trying.answer()
    assert answer is not None
    assert answer["number"] == number
    return answer["problem"]


def test_the_new_run_stands_beside_the_others_at_their_address(page: Any, scheduler: Scheduler) -> None:
    shown = stored(scheduler, {}, {"seed": 1})
    assert press(page, shown, shown[0].id, SLOWER) is None
    assert page.query_params["run"] == watch_key(shown[0].group)
    runs = scheduler.store.group(shown[0].group)
    assert [run.config["optimizer"]["learning_rate"] for run in runs] == [0.005, 0.005, 0.001]
    assert [run.config["seed"] for run in runs] == [0, 1, 0]
    assert trying.by_controls(runs) == runs[:2], "the controls do not say what was tried"
    assert trying.by_controls(runs[2:]) == runs[2:]


def test_a_second_press_starts_nothing(page: Any, scheduler: Scheduler) -> None:
    shown = stored(scheduler, {})
    assert press(page, shown, shown[0].id, SLOWER) is None
    assert press(page, shown, shown[0].id, SLOWER, number=2) is None
    assert len(scheduler.store.group(shown[0].group)) == 2


def test_one_run_of_a_group_is_shown_with_what_was_tried_of_it(page: Any, scheduler: Scheduler) -> None:
    first, _ = stored(scheduler, {}, {"seed": 1})
    assert press(page, [first], first.id, SLOWER) is None
    new = scheduler.store.group(first.group)[-1]
    assert page.query_params["run"] == f"{watch_key(first.id)},{watch_key(new.id)}"


def test_what_is_tried_of_somebody_elses_run_is_the_visitors_own(page: Any, scheduler: Scheduler) -> None:
    (theirs,) = stored(scheduler, {}, workspace=OTHER)
    assert press(page, [theirs], watch_key(theirs.id), SLOWER) is None
    first, second = page.query_params["run"].split(",")
    assert first == watch_key(theirs.id)
    (own,) = scheduler.store.watched(second)
    assert (own.workspace, len(scheduler.store.group(theirs.group))) == (MINE, 1)
    page.query_params.clear()
    assert press(page, [theirs, own], theirs.id, SLOWER, number=2) is None
    assert len(scheduler.store.group(own.group)) == 1, "it is on the board already"


def test_each_refusal_is_one_sentence(page: Any, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = stored(scheduler, {})
    base = shown[0].id
    cannot = "This run cannot be changed that way: "
    assert press(page, shown, base, {"omega": 1, "model": {"cell": "lstm"}}, 1) == (
        f"{cannot}omega 1.0 is defined for the cell 'rnn' only, not 'lstm'; set it to 0."
    )
    assert press(page, shown, base, {}, 2) == f"{cannot}with this change the run would stay as it is."
    file = {"data": {"kind": "upload", "files": [{"file": "sha256:" + 64 * "0"}]}}
    assert press(page, shown, base, file, 3) == (
        f"{cannot}it reads a file that was not uploaded in this workspace; upload the file first."
    )
    assert press(page, shown, "A" * 22, SLOWER, 4) == "This run has been deleted."
    assert press(page, shown * 6, base, SLOWER, 5) == trying.FULL
    wait(lambda: scheduler.store.group(shown[0].group)[0].ended)
    monkeypatch.setattr(scheduler, "settings", Settings(max_active_per_workspace=0))
    assert press(page, shown, base, SLOWER, 6) == (
        "You have 0 unfinished starts (up to 6 runs that are compared are one), and the limit is 0; wait for one to "
        "end or stop one."
    )
    assert page.query_params == {}
    assert len(scheduler.store.group(shown[0].group)) == 1


@pytest.mark.parametrize("tried", [None, 7, {"run": "x"}, {"number": "x", "run": "x", "changes": {}}])
def test_what_no_board_sends_is_not_heard(page: Any, tried: Any) -> None:
    page.session_state["board"] = SimpleNamespace(tried=tried)
    trying.on_try("board", [])()
    assert trying.answer() is None
