"""Answers of the API as a whole: errors as JSON, the methods of every address, health and logs."""

import json
import logging

import pytest

from dashboard.api import news
from dashboard.server.logs import JSONFormatter
from tests.support.api import NOBODY, SLOW, run_of, status
from tests.support.asgi import call
from tests.support.waiting import wait


def test_unknown_addresses_and_methods_are_json() -> None:
    assert call("GET", "/api/nothing").status == 404
    assert "nothing at this address" in call("GET", "/api/runs/").error
    assert "nothing at this address" in call("POST", "/api").error


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/runs", "GET, HEAD, POST"), (f"/api/runs/{NOBODY}", "DELETE, GET, HEAD"),
        ("/api/files", "GET, HEAD, POST"), ("/api/files/x", "DELETE"),
        (f"/api/runs/{NOBODY}/stop", "POST"), (f"/api/runs/{NOBODY}/export.csv", "GET, HEAD"),
        (f"/api/groups/{NOBODY}/report.html", "GET, HEAD"), ("/api/records", "GET, HEAD"), ("/api/health", "GET, HEAD"),
    ],
)  # fmt: skip
def test_a_wrong_method_is_told_every_right_one(path: str, allowed: str) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - set(allowed.split(", ")):
        answer = call(method, path)
        assert (answer.status, answer.headers["allow"]) == (405, allowed)
        assert answer.error == f"The method {method} is not allowed at this address; allowed: {allowed}."


def test_an_unexpected_error_is_told_in_the_log_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(news, "records_since", lambda *_: 1 / 0)
    answer = call("GET", f"/api/records?run={NOBODY}:0")
    assert answer.status == 500
    assert answer.error == "An unexpected error happened; the server's log says more."
    assert "ZeroDivisionError" in caplog.text


def test_health_tells_counts() -> None:
    run = run_of(SLOW)
    wait(lambda: status(run)["step"] > 1)
    wait(lambda: call("GET", "/api/health").json["workers_ready"] == 2)
    answer = call("GET", "/api/health").json
    names = ("status", "workers", "workers_ready", "workers_busy", "running", "queued")
    assert [answer[name] for name in names] == ["ok", 2, 2, 1, 1, 0]
    assert answer["store_bytes"] > 0
    assert run not in json.dumps(answer)


def test_logs_are_json_and_open_no_run() -> None:
    run = "Ab3" + "x" * 19
    record = logging.makeLogRecord(
        {"name": "dashboard.x", "levelno": 20, "levelname": "INFO", "msg": "run %s ended", "args": (run,),
         "event": "run_ended", "runs": [run], "pid": 7}
    )  # fmt: skip
    line = json.loads(JSONFormatter().format(record))
    assert line["message"] == "run Ab3xxx... ended"
    assert (line["event"], line["runs"], line["pid"], line["level"]) == ("run_ended", ["Ab3xxx..."], 7, "info")
