"""A run whose row is damaged in the store: every address answers for it, and for those beside it as before."""

import sqlite3
from typing import Any

import pytest

from dashboard.api.control import COMMANDS
from dashboard.api.keep import DAMAGED_SETTINGS, OF_GROUP, OF_RUN
from tests.support.api import finished, run_of
from tests.support.asgi import call

DAMAGED = ("", "{", '{"steps": "no', "[]", "null", "1", '"text"', "\x00", b"\xff\xfe")
OTHERS = ("info", "last", "label", "note", "reason")
PLACES = [*(("config", text) for text in DAMAGED), *((column, text) for column in OTHERS for text in ("{", b"\xff"))]
LOOKS = ("", "/records", "/insights", "/profile?step=1", "/snapshot?step=1", *(f"/{name}" for name in OF_RUN))


def damaged(scheduler: Any, column: str, text: str | bytes) -> str:
    """Return a run with one column damaged; bytes need not be UTF-8."""
    run = finished(run_of({"steps": 30}))
    with sqlite3.connect(scheduler.settings.store_path) as db:
        db.execute(f"UPDATE runs SET {column} = CAST(? AS TEXT) WHERE id = ?", (text, run))
        toy_weights = "DELETE FROM checkpoints WHERE run = (SELECT key FROM runs WHERE id = ?)"
        db.execute(toy_weights, (run,))
    db.close()
    return run


def answers(method: str, address: str, body: Any = None) -> int:
    """Ask; a refusal has to be a sentence."""
    answer = call(method, address, body)
    assert answer.status < 500, (address, answer.body)
    if answer.status >= 400:
        assert answer.json["error"].endswith("."), address
    return answer.status


@pytest.mark.parametrize(("column", "text"), PLACES)
def test_every_address_answers_for_it(scheduler: Any, column: str, text: str | bytes) -> None:
    run = damaged(scheduler, column, text)
    found = {address: answers("GET", f"/api/runs/{run}{address}") for address in LOOKS}
    assert found[""] == found["/export.csv"] == 200, "its records are there"
    if column == "config":
        assert call("GET", f"/api/runs/{run}/config.json").json == {"error": DAMAGED_SETTINGS}
    group = call("GET", f"/api/runs/{run}").json["group"]
    for name in OF_GROUP:
        answers("GET", f"/api/groups/{group}/{name}")
    for command in COMMANDS:
        answers("POST", f"/api/runs/{run}/{command}", {})
    answers("POST", f"/api/runs/{run}/try", {"changes": {"seed": 5}})
    assert answers("GET", "/api/runs") == 200
    assert answers("GET", f"/api/records?run={run}:0") == 200
    assert answers("DELETE", f"/api/runs/{run}") == 200
