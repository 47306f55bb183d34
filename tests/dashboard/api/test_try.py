"""Trying a change over HTTP: a run with changed settings beside another one, once, or a sentence that says why not."""

import asyncio
from typing import Any

import pytest

from dashboard.api import watch
from dashboard.experiment.told import CANNOT, fingerprint
from dashboard.server import services
from rnncore.config import TrainConfig
from rnncore.runs.settings import Settings
from rnncore.runs.store.keys import watch_key
from tests.support.api import AS_CSV, NOBODY, SLOW, TABLE, finished, started, status
from tests.support.asgi import Answer, call, send
from tests.support.waiting import wait

SLOWER = {"optimizer": {"learning_rate": 0.001}}


def tried(run: str, changes: Any, workspace: str | None = None) -> Answer:
    headers = {"X-Workspace": workspace} if workspace else {}
    return call("POST", f"/api/runs/{run}/try", {"changes": changes}, headers)


def one(config: dict[str, Any] | None = None, **more: Any) -> tuple[str, str, str]:
    """Start a run; return its id, its group and its workspace."""
    answer = started(config, **more)
    return answer["runs"][0]["id"], answer["group"], answer["workspace"]


def test_a_change_trains_beside_the_run_with_the_same_seed() -> None:
    run, group, workspace = one({"steps": 5, "seed": 7})
    answer = tried(finished(run), SLOWER, workspace)
    assert answer.status == 201
    new = answer.json
    assert new["changes"] == ["learning rate 0.005 → 0.001"]
    assert (new["group"], new["new"]) == (group, True)
    assert new["address"] == f"http://localhost:8501/?run={watch_key(group)}"
    assert "workspace" not in new
    config, changed = (status(finished(each))["config"] for each in (run, new["id"]))
    assert changed.pop("optimizer") == config.pop("optimizer") | SLOWER["optimizer"]
    assert changed == config
    runs = call("GET", f"/api/groups/{group}").json["runs"]
    assert [(each["id"], each["label"]) for each in runs] == [(run, "not clipped"), (new["id"], "learning rate 0.001")]


def test_a_second_call_starts_nothing_also_at_the_same_moment() -> None:
    run, group, workspace = one(SLOW)
    own = {"X-Workspace": workspace}

    async def at_once() -> list[Answer]:
        path = f"/api/runs/{run}/try"
        return await asyncio.gather(*(send("POST", path, {"changes": SLOWER}, own) for _ in range(4)))

    answers = asyncio.run(at_once())
    assert sorted(each.status for each in answers) == [200, 200, 200, 201]
    assert len({each.json["id"] for each in answers}) == 1
    assert len(call("GET", f"/api/groups/{group}").json["runs"]) == 2
    call("POST", f"/api/runs/{group}/stop")


def test_a_run_that_was_stopped_may_be_tried_once_more() -> None:
    run, group, workspace = one(SLOW)
    first = tried(run, SLOWER, workspace).json
    call("POST", f"/api/runs/{group}/stop")
    wait(lambda: {status(each)["status"] for each in (run, first["id"])} == {"stopped"})
    again = tried(run, SLOWER, workspace)
    assert (again.status, again.json["id"] == first["id"]) == (201, False)
    call("POST", f"/api/runs/{group}/stop")


def test_one_control_steers_a_run_and_what_was_tried_beside_it() -> None:
    run, group, workspace = one(SLOW)
    new = tried(run, SLOWER, workspace).json["id"]
    wait(lambda: {status(run)["status"], status(new)["status"]} == {"running"})
    assert call("POST", f"/api/runs/{group}/pause").status == 200
    wait(lambda: {status(run)["status"], status(new)["status"]} == {"paused"})
    assert call("POST", f"/api/runs/{group}/stop").status == 200


def test_elsewhere_and_in_a_full_group_it_is_a_group_of_its_own() -> None:
    run, group, workspace = one({"steps": 2})
    abroad = tried(run, SLOWER).json
    assert abroad["group"] != group
    assert abroad["workspace"] not in (workspace, None)
    for seed in range(1, 6):
        assert tried(run, {"seed": seed}, workspace).json["group"] == group
    assert len(call("GET", f"/api/groups/{group}").json["runs"]) == 6
    assert tried(run, {"seed": 6}, workspace).json["group"] != group


@pytest.mark.parametrize(
    ("changes", "status_code", "sentence"),
    [
        ({"optimizer": {"learning_rate": -1}}, 400, "optimizer.learning_rate: -1 is not allowed"),
        ({"no such": 1}, 400, "no such: there is no such field"),
        ({"model": {"cell": "lstm"}, "omega": 1}, 400, "omega 1.0 is defined for"),
        ({}, 400, "with this change the run would stay as it is"),
        ({"steps": 2}, 400, "with this change the run would stay as it is"),
        ({"clip": {"threshold": 5}}, 400, "with this change the run would stay as it is"),
        ({"loss": "bce"}, 400, "loss: 'bce' is not allowed"),
        ({"data": {"kind": "upload", "files": [{"file": "/etc/passwd"}]}}, 400, "was not uploaded in this workspace"),
        (7, 400, "changes: 7 is not allowed"),
        ({"steps": 900_000}, 429, "above this server's limit"),
    ],
)
def test_what_cannot_be_tried_is_said(changes: Any, status_code: int, sentence: str) -> None:
    run, group, workspace = one({"steps": 2})
    answer = tried(run, changes, workspace)
    assert (answer.status, sentence in answer.json["error"]) == (status_code, True), answer.json
    assert len(call("GET", f"/api/groups/{group}").json["runs"]) == 1


def test_a_change_needs_a_run_a_body_and_no_other_site() -> None:
    assert tried(NOBODY, SLOWER).status == 404
    run, _, _ = one({"steps": 2})
    assert call("POST", f"/api/runs/{run}/try", {"change": {}}).status == 400
    assert call("POST", f"/api/runs/{run}/try", {"changes": SLOWER}, {"Origin": "http://evil.example"}).status == 403


def test_an_uploaded_file_is_read_in_its_own_workspace_alone() -> None:
    upload = call("POST", "/api/files?name=a.csv", TABLE, AS_CSV).json
    own = {"X-Workspace": upload["workspace"]}
    body = {"config": {"data": upload["data"] | {"targets": ["a"]}, "steps": 2}}
    run = call("POST", "/api/runs", body, own).json["runs"][0]["id"]
    assert tried(run, SLOWER, upload["workspace"]).status == 201
    refused = tried(run, SLOWER)
    assert (refused.status, "upload the file first" in refused.json["error"]) == (400, True)


def test_a_quota_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    run, _, workspace = one({"steps": 2})
    finished(run)
    scheduler = services.scheduler()
    monkeypatch.setattr(scheduler, "settings", Settings(max_active_per_workspace=0))
    answer = tried(run, SLOWER, workspace)
    assert answer.status == 429
    assert answer.json["error"].startswith("You have 0 unfinished starts ("), answer.json


def test_a_finding_says_what_its_remedy_would_change(monkeypatch: pytest.MonkeyPatch) -> None:
    run, _, workspace = one({"steps": 2})
    finished(run)
    changes = [SLOWER, {"omega": 1, "model": {"cell": "lstm"}}, {"steps": 2}]
    findings = [
        {"kind": "x", "evidence": {"val_loss": 0.25, "r2": 0}, "remedy": {"sentence": "s", "changes": each}}
        for each in changes
    ]
    monkeypatch.setattr(
        watch, "look", lambda *_: {"findings": [*findings, {"kind": "y", "evidence": {}, "remedy": None}]}
    )
    first, second, third, none = call("GET", f"/api/runs/{run}/insights?step=2").json["findings"]
    assert (first["remedy"]["words"], first["remedy"]["problem"]) == ("learning rate 0.005 → 0.001", None)
    assert second["remedy"]["problem"].startswith(f"{CANNOT}: omega 1.0 is defined for")
    assert (first["measured"], none["measured"]) == ("validation loss 0.25 · R² 0", "")
    assert (third["remedy"]["words"], third["remedy"]["problem"], none["remedy"]) == ("", None, None)
    new = tried(run, SLOWER, workspace).json["id"]
    config = services.scheduler().store.configs([new])[new]
    assert first["remedy"]["settings"] == fingerprint(TrainConfig.model_validate(config))
