"""Watching runs over HTTP: records after a step, several runs in one poll, and addresses of runs that are not there."""

from typing import Any

import numpy as np
import pytest

from dashboard.api import watch
from tests.support.api import NOBODY, SLOW, decoded, finished, run_of, status
from tests.support.asgi import call
from tests.support.waiting import wait


def test_records_after_a_step() -> None:
    run = finished(run_of({"steps": 40, "batch_size": 1, "optimizer": {"learning_rate": 0.25}}))
    news = call("GET", f"/api/runs/{run}/records?since=25").json
    assert (news["since"], news["last_step"], news["count"], news["status"]) == (25, 40, 15, "finished")
    assert decoded(news["columns"]["step"]).tolist() == list(range(26, 41))
    assert set(decoded(news["columns"]["learning_rate"])) == {np.float32(0.25)}
    assert call("GET", f"/api/runs/{run}/records").json["count"] == 40


def test_one_poll_for_several_runs_keeps_them_apart() -> None:
    runs = [
        finished(run_of({"steps": 20 + i, "batch_size": 1, "optimizer": {"learning_rate": i + 1.0}})) for i in range(2)
    ]
    answer = call("GET", f"/api/records?run={runs[0]}:10&run={runs[1]}:0&run={NOBODY}:0").json["runs"]
    assert [each["run"] for each in answer] == [*runs, NOBODY]
    assert [decoded(each["columns"]["step"])[0] for each in answer[:2]] == [11, 1]
    assert [set(decoded(each["columns"]["learning_rate"])) for each in answer[:2]] == [{1.0}, {2.0}]
    assert answer[1]["info"]["loss"] == "mse"
    assert answer[2] == {"run": NOBODY, "error": watch.NOT_FOUND}


def test_what_was_said_is_not_sent_twice() -> None:
    run = finished(run_of({"steps": 60, "batch_size": 1}))

    def news(key: str = "") -> dict[str, Any]:
        return call("GET", f"/api/records?run={run}:50{key}").json["runs"][0]

    first = news()
    assert first["insights"]["verdicts"]
    assert news(f":{first['insights_key']}") == first | {"insights": None}
    assert news(":00000000") == first
    assert call("GET", f"/api/records?run={run}:50:xyz").status == 400


def test_a_queued_run_tells_its_position() -> None:
    runs = [run_of(SLOW) for _ in range(4)]
    wait(lambda: [status(run)["status"] for run in runs] == ["running", "running", "queued", "queued"])
    assert [status(run)["position"] for run in runs] == [None, None, 1, 2]
    assert call("GET", f"/api/records?run={runs[3]}:0").json["runs"][0]["position"] == 2


@pytest.mark.parametrize(
    "query",
    [
        "", "?run=", "?run=x:0", f"?run={NOBODY}", f"?run={NOBODY}:-1", f"?run={NOBODY}:1e3", f"?run={NOBODY}:٣",
        f"?run={NOBODY}:{'9' * 30}", "?" + "&".join([f"run={NOBODY}:0"] * 7), "?run=" + "A" * 60_000,
        f"?run={NOBODY}%00:0", "?run=%27;DROP TABLE runs;--:0",
    ],
)  # fmt: skip
def test_a_malformed_poll(query: str) -> None:
    assert call("GET", f"/api/records{query}").status == 400


@pytest.mark.parametrize("run", [NOBODY, "x", "..", "A" * 21 + "%", "A" * 5000, "A" * 21 + "é", "' OR 1=1"])
@pytest.mark.parametrize("path", ["", "/records", "/export.csv", "/config.json", "/stop", "/settings"])
def test_unknown_and_impossible_ids_are_404(run: str, path: str) -> None:
    method = "POST" if path in ("/stop", "/settings") else "GET"
    answer = call(method, f"/api/runs/{run}{path}", {"learning_rate": 1} if path == "/settings" else None)
    assert answer.status == 404
    assert answer.error


def test_a_group_that_is_not_there() -> None:
    assert call("GET", f"/api/groups/{NOBODY}").status == 404
