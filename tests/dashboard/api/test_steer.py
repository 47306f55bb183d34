"""Steering runs over HTTP: pause, step, resume, stop, settings, and deleting a run that is over."""

import re
import time
from typing import Any

import numpy as np
import pytest

from tests.support.api import SLOW, decoded, finished, run_of, started, status
from tests.support.asgi import call
from tests.support.waiting import wait


def test_pause_step_resume_and_stop() -> None:
    run = run_of(SLOW)
    wait(lambda: status(run)["step"] > 3)
    assert call("POST", f"/api/runs/{run}/step").status == 409
    assert call("POST", f"/api/runs/{run}/pause").json == {"ok": True}
    wait(lambda: status(run)["status"] == "paused")
    time.sleep(0.05)
    before = status(run)["step"]
    call("POST", f"/api/runs/{run}/step")
    wait(lambda: status(run)["step"] == before + 1)
    time.sleep(0.05)
    assert status(run)["step"] == before + 1
    call("POST", f"/api/runs/{run}/resume")
    wait(lambda: status(run)["step"] > before + 5)
    call("POST", f"/api/runs/{run}/stop")
    assert wait(lambda: status(run)["status"] == "stopped" and status(run)["reason"]).startswith("Stopped at step")


def test_how_far_gradient_flossing_is_is_news() -> None:
    run = run_of({"steps": 100, "batch_size": 41, "flossing": {"exponents": 2, "steps": 500}})  # 40 ms an update

    def news(told: str = "") -> Any:
        return call("GET", f"/api/records?run={run}:0{told and f'&hold=1&told={told}'}").json

    begun = wait(lambda: (found := news())["runs"][0]["notice"] and found)
    assert begun["runs"][0]["notice"].startswith("gradient flossing before step 1: ")
    assert begun["runs"][0]["last_step"] == 0
    later = news(begun["told"])
    words = r"gradient flossing before step 1: \d+ % done, root mean square of the first 2 exponents .+"
    assert re.fullmatch(words, later["runs"][0]["notice"])
    assert later["runs"][0]["notice"] != begun["runs"][0]["notice"]


def test_one_control_drives_both_twins() -> None:
    answer = started(SLOW | {"clip": {"method": "norm"}}, compare=True)
    runs = [run["id"] for run in answer["runs"]]
    wait(lambda: all(status(run)["step"] > 3 for run in runs))
    call("POST", f"/api/runs/{answer['group']}/pause")
    wait(lambda: all(status(run)["status"] == "paused" for run in runs))
    assert status(runs[0])["step"] == status(runs[1])["step"]


def test_settings_change_from_the_next_step_on() -> None:
    run = run_of(SLOW | {"clip": {"method": "norm"}})
    wait(lambda: status(run)["step"] > 3)
    assert call("POST", f"/api/runs/{run}/settings", {"learning_rate": 0.5, "clip_threshold": 2.5}).status == 200
    news = wait(lambda: (n := call("GET", f"/api/runs/{run}/records").json)["events"][1:] and n)
    assert sorted((name, value) for _, name, value in news["events"]) == [
        ("clip_threshold", 2.5),
        ("learning_rate", 0.5),
    ]
    changed = next(step for step, name, _ in news["events"] if name == "learning_rate")
    news = wait(lambda: (n := call("GET", f"/api/runs/{run}/records").json)["last_step"] > changed and n)
    steps, rates = decoded(news["columns"]["step"]), decoded(news["columns"]["learning_rate"])
    assert np.array_equal(rates == np.float32(0.5), steps >= changed)


@pytest.mark.parametrize(
    ("body", "status_code"),
    [
        ({}, 400), ({"learning_rate": 0}, 400), ({"learning_rate": -1}, 400), ({"learning_rate": "fast"}, 400),
        ({"learning_rate": 1e300}, 400), ({"clip_threshold": 0}, 400), ({"momentum": 1}, 400),
        ({"clip_threshold": 1.0}, 409),
    ],
)  # fmt: skip
def test_settings_that_are_refused(body: dict[str, Any], status_code: int) -> None:
    run = run_of(SLOW)
    answer = call("POST", f"/api/runs/{run}/settings", body)
    assert answer.status == status_code
    assert next(iter(body), "learning_rate").removeprefix("clip_") in answer.error


def test_a_run_that_is_over_can_be_deleted_by_its_id() -> None:
    answer = started({"steps": 3, "clip": {"method": "norm"}}, compare=True)
    first, second = (finished(run["id"]) for run in answer["runs"])
    assert call("DELETE", f"/api/runs/{first}").json == {"ok": True}
    assert call("GET", f"/api/runs/{first}").status == 404
    assert call("GET", f"/api/runs/{first}/export.csv").status == 404
    assert status(second)["step"] == 3
    assert call("DELETE", f"/api/runs/{first}").status == 404
    running = run_of(SLOW)
    assert call("DELETE", f"/api/runs/{running}").status == 409
