"""Starting runs over HTTP: what a start answers, what is refused, and the limits that a start meets."""

import asyncio
import time
from typing import Any

import pytest

from dashboard.api import start
from dashboard.server import http, starting
from dashboard.server.budget import Budget
from tests.support.api import SLOW, finished, started, status
from tests.support.asgi import Answer, call, send
from tests.support.waiting import wait


def test_start_trains_in_a_fresh_workspace_and_tells_every_id() -> None:
    answer = started({"steps": 7, "seed": 5})
    (run,) = answer["runs"]
    assert run["label"] == "not clipped"
    assert answer["address"] == f"http://localhost:8501/?run={answer['group_watch']}"
    done = status(finished(run["id"]))
    assert (done["step"], done["group"], done["config"]["seed"]) == (7, answer["group"], 5)
    assert "workspace" not in done
    listed = call("GET", "/api/runs", headers={"X-Workspace": answer["workspace"]}).json["runs"]
    assert [each["id"] for each in listed] == [run["id"]]


def test_compare_starts_twins_that_differ_in_the_clip_alone() -> None:
    answer = started({"steps": 3, "clip": {"method": "norm"}}, compare=True)
    runs = call("GET", f"/api/groups/{answer['group']}").json["runs"]
    first, second = (run["config"] for run in runs)
    assert [run["id"] for run in runs] == [run["id"] for run in answer["runs"]]
    assert (first.pop("clip")["method"], second.pop("clip")["method"]) == ("norm", "off")
    assert first == second


def test_several_configs_are_one_group_called_by_what_differs_and_one_start() -> None:
    rates = (0.001, 0.01, 0.1, 0.002, 0.02, 0.2)
    configs = [SLOW | {"optimizer": {"learning_rate": rate}} for rate in rates]
    workspace = {"X-Workspace": "C" * 22}
    answer = call("POST", "/api/runs", {"configs": configs}, workspace).json
    assert [run["label"] for run in answer["runs"]] == [f"learning rate {rate}" for rate in rates]
    runs = call("GET", f"/api/groups/{answer['group']}").json["runs"]
    assert [run["config"]["optimizer"]["learning_rate"] for run in runs] == list(rates)
    further = [f"10.0.1.{host}" for host in range(8)]  # so that no address has too many
    others = [call("POST", "/api/runs", {"config": SLOW}, workspace, address=each).status for each in further]
    assert others == [201] * 7 + [429]  # 8 starts may wait or train at once


def test_runs_that_are_compared_may_have_other_data_each() -> None:
    data = [{"kind": "task", "task": task} for task in ("adding", "temporal_order")]
    answer = call("POST", "/api/runs", {"configs": [{"data": each, "steps": 2} for each in data]}).json
    assert len({run["label"] for run in answer["runs"]}) == 2
    assert [status(finished(run["id"]))["config"]["data"]["task"] for run in answer["runs"]] == [
        "adding", "temporal_order",
    ]  # fmt: skip


def test_a_browser_starts_in_the_workspace_of_its_cookie() -> None:
    workspace = "browser-workspace-1234567"
    cookie = {"Cookie": f"rnn_lab_workspace={workspace}"}
    answer = call("POST", "/api/runs", {"config": {"steps": 2}}, cookie).json
    assert "workspace" not in answer
    assert [run["id"] for run in call("GET", "/api/runs", headers=cookie).json["runs"]] == [answer["runs"][0]["id"]]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"config": {"steps": 0}}, "steps: 0 is not allowed; allowed: 1 to 1,000,000"),
        ({"config": {"model": {"cell": "x"}}}, "model.cell: 'x' is not allowed"),
        ({"config": {"stepz": 1}}, "stepz: there is no such field"),
        ({"config": []}, "config: [] is not allowed"),
        ({"konfig": {}}, "konfig: there is no such field"),
        ({"configs": {}}, "configs: {} is not allowed"),
        ({"configs": []}, "configs: [] is not allowed"),
        ({"configs": [{}] * 7}, "configs"),
        ({"configs": [{}, 3]}, "configs.1: 3 is not allowed"),
        ({"configs": [{}, {"steps": 0}]}, "configs.1: steps: 0 is not allowed; allowed: 1 to 1,000,000"),
        ({"configs": [{}, {"loss": "bce"}]}, "configs.1: loss: 'bce' is not allowed"),
        ({"configs": [{}], "compare": False}, "compare: is not allowed beside configs"),
        ({"configs": [{}], "config": {}}, "config: is not allowed beside configs"),
        ({"compare": 7}, "compare: 7 is not allowed"),
        ({"compare": True}, "clip.method 'off'"),
        ({"config": {"loss": "bce"}}, "loss: 'bce' is not allowed"),
        ({"config": {"model": {"readout": "every_step"}}}, "model.readout: 'every_step' is not allowed"),
        ({"config": {"data": {"kind": "csv", "file": "/etc/passwd", "target": "x"}}}, "was not uploaded"),
        ({"config": {"data": {"kind": "csv", "file": "../runs.sqlite", "target": "x"}}}, "was not uploaded"),
        ({"config": {"data": {"kind": "csv", "file": "sha256:" + 64 * "0", "target": "x"}}}, "was not uploaded"),
    ],
)
def test_the_same_checks_as_the_page(body: dict[str, Any], sentence: str, scheduler: Any) -> None:
    before = len(scheduler.store.runs())
    answer = call("POST", "/api/runs", body)
    assert answer.status == 400
    assert sentence in answer.error
    assert len(scheduler.store.runs()) == before


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"1", b'"text"', b"null", b"\xff\xfe", b'{"config": {"seed": NaN}}', b'{"config": Infinity}',
        b"[" * 100_000, b'{"config":' * 20_000, b'{"config": {"seed": 1' + b"0" * 5000 + b"}}",
        rb'{"config": {"model": {"cell": "\ud800"}}}', rb'{"config": {"\ud800": 1}}', b'{"config": {"seed": 1e400}}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_proper_json_object(body: bytes) -> None:
    answer = call("POST", "/api/runs", body, {"Content-Type": "application/json"})
    assert answer.status == 400
    assert answer.error.endswith(".") or "not allowed" in answer.error or "no such field" in answer.error


def test_only_json_is_taken_as_json() -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert call("POST", "/api/runs", b"{}", {"Content-Type": kind}).status == 415


def test_a_large_body_is_refused_before_it_is_read() -> None:
    headers = {"Content-Type": "application/json", "Content-Length": str(10**12)}
    assert call("POST", "/api/runs", headers=headers, pieces=[3600.0]).status == 413


def test_a_body_without_a_length_is_cut_off_at_the_limit() -> None:
    pieces = [b" " * 65_536] * 5 + [3600.0]
    answer = call("POST", "/api/runs", headers={"Content-Type": "application/json"}, pieces=pieces)
    assert answer.status == 413
    assert "262,144 bytes" in answer.error


def test_a_body_that_trickles_in_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.05)
    answer = call("POST", "/api/runs", headers={"Content-Type": "application/json"}, pieces=[b"{", 3600.0, b"}"])
    assert answer.status == 408


def test_limits_of_a_workspace_tell_when_to_try_again() -> None:
    workspace = {"X-Workspace": "B" * 22}
    for _ in range(8):
        assert call("POST", "/api/runs", {"config": SLOW}, workspace).status == 201
    answer = call("POST", "/api/runs", {"config": SLOW}, workspace)
    assert answer.status == 429
    assert "RNNLAB_MAX_ACTIVE_PER_WORKSPACE" in answer.error
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        ({"steps": 1_000_000}, "RNNLAB_MAX_STEPS"),
        ({"model": {"cell": "lstm", "hidden_size": 2048, "num_layers": 8}}, "RNNLAB_MAX_PARAMETERS"),
    ],
)
def test_limits_that_waiting_does_not_lift(config: dict[str, Any], limit: str) -> None:
    answer = call("POST", "/api/runs", {"config": config})
    assert answer.status == 429
    assert limit in answer.error
    assert "retry-after" not in answer.headers


def test_fresh_workspaces_do_not_evade_the_limit_of_an_address(scheduler: Any) -> None:
    allowed = scheduler.settings.max_queued // 4
    answers = [call("POST", "/api/runs", {"config": SLOW}, address="10.0.0.7") for _ in range(allowed + 1)]
    assert [answer.status for answer in answers] == [201] * allowed + [429]
    assert "retry-after" in answers[-1].headers
    assert call("POST", "/api/runs", {"config": SLOW}, address="10.0.0.8").status == 201  # others still can
    for answer in answers[:allowed]:
        scheduler.stop(answer.json["runs"][0]["id"])
    wait(lambda: call("POST", "/api/runs", {"config": {"steps": 1}}, address="10.0.0.7").status == 201)


def test_a_rush_of_starts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "_of_addresses", Budget(each=3, total=99))
    monkeypatch.setattr(start, "_checking", asyncio.Semaphore(1))
    monkeypatch.setattr(starting, "load_dataset", lambda *_: time.sleep(0.1))
    monkeypatch.setattr(start, "check_run", lambda *_: None)

    async def rush() -> list[Answer]:
        return await asyncio.gather(*(send("POST", "/api/runs", {"config": {"steps": 1}}) for _ in range(6)))

    statuses = [answer.status for answer in asyncio.run(rush())]
    assert sorted(statuses) == [201] * 3 + [429] * 3
