"""Every request that names a run, a group or a workspace is a sign of life; and what is said without the folder."""

from typing import Any

import pytest

from tests.support.api import NOBODY, SLOW, run_of, started, status
from tests.support.asgi import call
from tests.support.waiting import wait


@pytest.fixture(scope="module")
def held(scheduler: Any) -> dict[str, str]:
    """A run that trains, its group and its workspace."""
    answer = started(SLOW)
    wait(lambda: status(answer["runs"][0]["id"])["status"] == "running")  # one that waits is stopped when nobody looks
    return {"run": answer["runs"][0]["id"], "group": answer["group"], "workspace": answer["workspace"]}


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> None:
    """The run of `held` is for all tests here."""


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/runs", 200), ("GET", "/api/files", 200), ("GET", "/api/runs/RUN", 200),
        ("GET", "/api/groups/GROUP", 200), ("GET", "/api/records?run=RUN:0", 200),
        ("GET", "/api/runs/RUN/records?since=5", 200), ("GET", "/api/runs/RUN/insights?step=1", 200),
        ("GET", "/api/runs/RUN/snapshot", 200), ("GET", "/api/runs/RUN/config.json", 200),
        ("POST", "/api/runs/RUN/step", 409), ("POST", "/api/runs/GROUP/resume", 200), ("DELETE", "/api/runs/RUN", 409),
    ],
)  # fmt: skip
def test_it_counts(scheduler: Any, held: dict[str, str], method: str, path: str, expected: int) -> None:
    seen = scheduler._lifecycle.seen
    headers = {} if "RUN" in path or "GROUP" in path else {"X-Workspace": held["workspace"]}
    seen[held["workspace"]] = 0.0
    path = path.replace("RUN", held["run"]).replace("GROUP", held["group"])
    assert call(method, path, headers=headers).status == expected
    assert seen[held["workspace"]] > 0.0


def test_what_names_nothing_of_it_does_not_count(scheduler: Any, held: dict[str, str]) -> None:
    seen = scheduler._lifecycle.seen
    seen[held["workspace"]] = 0.0
    for path in (f"/api/runs/{NOBODY}", "/api/health", f"/api/records?run={NOBODY}:0"):
        call("GET", path)
    assert seen[held["workspace"]] == 0.0


def test_without_its_folder_the_server_says_so_and_starts_nothing(scheduler: Any, monkeypatch: Any) -> None:
    assert call("GET", "/api/health").json["problem"] is None
    monkeypatch.setattr(scheduler.store, "is_gone", lambda: True)
    health = call("GET", "/api/health").json
    assert health["status"] == "trouble"
    assert health["problem"].startswith("The server's data folder is gone")
    refused = call("POST", "/api/runs", {"config": {"steps": 3}})
    assert (refused.status, refused.headers["retry-after"]) == (503, "10")
    assert "cannot be written at this moment (its file is gone)" in refused.error
    monkeypatch.undo()
    assert run_of({"steps": 3})
