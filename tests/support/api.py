"""The HTTP API as a test uses it: start a run, wait for what becomes of it, read what it recorded."""

import base64
from typing import Any

import numpy as np

from tests.support.asgi import call
from tests.support.waiting import wait

SLOW = {"steps": 100_000, "batch_size": 6}  # the toy worker takes 5 ms a step
NOBODY = "A" * 22
ROWS = "\n".join(f"{day},{day % 7},{day % 5}" for day in range(300))
TABLE = f"day,a,b\n{ROWS}\n".encode()
AS_CSV = {"Content-Type": "text/csv"}


def started(config: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    answer = call("POST", "/api/runs", {"config": config or {"steps": 30, "batch_size": 1}, **more})
    assert answer.status == 201, answer.body
    return answer.json


def run_of(config: dict[str, Any] | None = None) -> str:
    return started(config)["runs"][0]["id"]


def status(run: str) -> dict[str, Any]:
    return call("GET", f"/api/runs/{run}").json


def finished(run: str) -> str:
    wait(lambda: status(run)["status"] == "finished")
    return run


def decoded(text: str) -> np.ndarray:
    """Return a column of an answer's records."""
    return np.frombuffer(base64.b64decode(text), "<f4")
