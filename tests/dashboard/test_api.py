"""The HTTP API: starting, watching, steering and exporting runs, and everything that it refuses."""

import asyncio
import csv
import io
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboard.api import downloads, files, start, watch
from dashboard.server import http, services
from dashboard.server.logs import JSONFormatter
from rnncore import TrainConfig
from rnncore.records import PROFILES, SCALARS
from rnncore.runs.settings import Settings
from tests.support.asgi import Answer, call, send

FAKE = [sys.executable, str(Path(__file__).parents[1] / "support" / "fake_worker.py")]
SLOW = {"steps": 100_000, "batch_size": 6}  # the toy worker takes 5 ms a step
NOBODY = "A" * 22


@pytest.fixture(scope="module", autouse=True)
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"), workers=2, worker_nice=0, flush_ms=5, commit_ms=5, max_queued=40,
        max_file_mb=1, stop_grace_seconds=0.5,
    )  # fmt: skip
    yield services.open_scheduler(settings, FAKE)
    services.close_scheduler()


@pytest.fixture(autouse=True)
def nothing_is_left_running(scheduler: Any) -> Iterator[None]:
    yield
    for run in scheduler.store.runs("status IN ('queued', 'running', 'paused')"):
        scheduler.stop(run.id)
    wait(lambda: not scheduler.store.runs("status IN ('queued', 'running', 'paused')"))


def wait(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return value


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
    import base64

    return np.frombuffer(base64.b64decode(text), "<f4")


# Starting


def test_start_trains_in_a_fresh_workspace_and_tells_every_id() -> None:
    answer = started({"steps": 7, "seed": 5})
    (run,) = answer["runs"]
    assert run["label"] == "not clipped"
    assert answer["address"] == f"http://localhost:8501/?run={answer['group']}"
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
        ({"configs": {}}, "configs: there is no such field"),
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
    before = len(scheduler.store.runs("1"))
    answer = call("POST", "/api/runs", body)
    assert answer.status == 400
    assert sentence in answer.error
    assert len(scheduler.store.runs("1")) == before


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


# Limits


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
    monkeypatch.setattr(start, "STARTS_WAITING", 3)
    monkeypatch.setattr(start, "_checking", asyncio.Semaphore(1))
    monkeypatch.setattr(start, "load_dataset", lambda *_: time.sleep(0.1))
    monkeypatch.setattr(start, "check_run", lambda *_: None)

    async def rush() -> list[Answer]:
        return await asyncio.gather(*(send("POST", "/api/runs", {"config": {"steps": 1}}) for _ in range(6)))

    statuses = [answer.status for answer in asyncio.run(rush())]
    assert sorted(statuses) == [201] * 3 + [429] * 3


# Uploads

ROWS = "\n".join(f"{day},{day % 7},{day % 5}" for day in range(300))
TABLE = f"day,a,b\n{ROWS}\n".encode()
AS_CSV = {"Content-Type": "text/csv"}


def test_an_uploaded_file_trains_in_its_workspace_only() -> None:
    answer = call("POST", "/api/files", TABLE, AS_CSV)
    assert answer.status == 201
    file = answer.json
    assert (file["rows"], file["columns"]) == (300, ["day", "a", "b"])
    config = {"steps": 3, "data": {"kind": "csv", "file": file["file"], "target": "b"}}
    mine = call("POST", "/api/runs", {"config": config}, {"X-Workspace": file["workspace"]})
    assert mine.status == 201
    finished(mine.json["runs"][0]["id"])
    assert call("POST", "/api/runs", {"config": config}, {"X-Workspace": "C" * 22}).status == 400
    assert call("POST", "/api/runs", {"config": config}).status == 400


def saved(write: Callable[..., Any], *values: Any, **arrays: Any) -> bytes:
    sink = io.BytesIO()
    write(sink, *values, **arrays)
    return sink.getvalue()


SERIES = np.sin(np.arange(300) / 5)
UCR = "@problemName waves\n@univariate true\n@classLabel true up down\n@data\n" + "\n".join(
    ",".join(f"{value:.3f}" for value in (-1) ** i * SERIES[i : i + 20]) + f":{('up', 'down')[i % 2]}"
    for i in range(40)
)
FORMATS = {
    "sales.parquet": saved(lambda sink, table: pq.write_table(table, sink), pa.table({"day": range(300), "a": SERIES})),
    "waves.npy": saved(np.save, SERIES),
    "waves.npz": saved(np.savez, X=SERIES[:240].reshape(12, 20, 1), y=np.arange(12) % 2),
    "waves.ts": UCR.encode(),
    "tale.txt": b"It was the best of times, it was the worst of times.\n" * 40,
    "table.tsv": TABLE.replace(b",", b"\t"),
    "table.csv": TABLE.replace(b",", b";").decode().encode("utf-16"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_of_any_format_trains_as_its_upload_says(name: str, scheduler: Any) -> None:
    answer = call("POST", f"/api/files?name={name}", FORMATS[name], {"Content-Type": "application/octet-stream"})
    assert answer.status == 201, answer.body
    assert "problem" not in answer.json
    workspace = {"X-Workspace": answer.json["workspace"]}
    (stored,) = scheduler.store.files_of(answer.json["workspace"])
    assert (stored.id, stored.name) == (answer.json["file"], name)
    for data in (answer.json["data"], {"kind": "upload", "files": [{"file": stored.id}]}):
        readout = "every_step" if name == "tale.txt" else "last"
        config = {"steps": 2, "data": data, "model": {"readout": readout}}
        run = call("POST", "/api/runs", {"config": config}, workspace).json["runs"][0]
        assert status(finished(run["id"]))["config"]["data"]["files"] == [{"file": stored.id, "name": name}]


def test_several_files_are_one_data_set(scheduler: Any) -> None:
    workspace = {"X-Workspace": "F" * 22}
    parts = [call("POST", f"/api/files?name={i}.csv", TABLE + b"9,9,%d\n" % i, workspace | AS_CSV) for i in range(3)]
    data = {"kind": "upload", "files": [{"file": part.json["file"]} for part in parts], "targets": ["b"]}
    answer = call("POST", "/api/runs", {"config": {"steps": 1, "data": data}}, workspace)
    assert answer.status == 201, answer.body
    finished(answer.json["runs"][0]["id"])
    assert {file.runs for file in scheduler.store.files_of("F" * 22)} == {1}


def test_options_of_an_upload_are_those_of_the_page() -> None:
    chosen = call("POST", "/api/files?targets=a&targets=b&window=7&layout=series", TABLE, AS_CSV).json["data"]
    assert (chosen["targets"], chosen["window"], chosen["layout"]) == (["a", "b"], 7, "series")
    for query, field in [("window=1", "window"), ("colour=red", "colour"), ("layout=cube", "layout")]:
        refused = call("POST", f"/api/files?{query}", headers=AS_CSV, pieces=[3600.0])  # before the bytes arrive
        assert (refused.status, refused.error.partition(":")[0]) == (400, field)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(200), b"PAR1" + bytes(90), b"PK\x03\x04.npy"])
def test_an_unusable_file_is_one_sentence_with_its_name(content: bytes, scheduler: Any) -> None:
    answer = call("POST", "/api/files?name=cat.csv", content, AS_CSV | {"X-Workspace": "G" * 22})
    assert answer.status == 400
    assert answer.error.startswith("'cat.csv' ")
    assert answer.error.endswith(".")
    assert scheduler.store.files_of("G" * 22) == []


def test_a_file_that_needs_other_options_is_kept_and_says_what_is_wrong() -> None:
    answer = call("POST", "/api/files", b"name\nAda\nAlan\n", AS_CSV)
    assert answer.status == 201
    assert answer.json["problem"].endswith(".")
    config = {"data": answer.json["data"]}
    refused = call("POST", "/api/runs", {"config": config}, {"X-Workspace": answer.json["workspace"]})
    assert (refused.status, refused.error) == (400, answer.json["problem"])


def test_uploads_are_listed_and_deleted_by_their_own_workspace_alone() -> None:
    file = call("POST", "/api/files?name=a.csv", TABLE, AS_CSV).json
    mine, other = {"X-Workspace": file["workspace"]}, {"X-Workspace": "H" * 22}
    (listed,) = call("GET", "/api/files", headers=mine).json["files"]
    assert (listed["file"], listed["name"], listed["size"], listed["runs"]) == (file["file"], "a.csv", len(TABLE), 0)
    assert call("GET", "/api/files", headers=other).json == call("GET", "/api/files").json == {"files": []}
    address = f"/api/files/{file['file']}"
    assert [call("DELETE", address, headers=headers).status for headers in ({}, other)] == [404, 404]
    run = call("POST", "/api/runs", {"config": SLOW | {"data": file["data"]}}, mine).json["runs"][0]["id"]
    assert call("DELETE", address, headers=mine).status == 409
    call("POST", f"/api/runs/{run}/stop")
    wait(lambda: status(run)["status"] == "stopped")
    assert [call("DELETE", address, headers=mine).status for _ in range(2)] == [200, 404]


def test_the_uploads_of_a_workspace_are_limited(monkeypatch: pytest.MonkeyPatch, scheduler: Any) -> None:
    monkeypatch.setattr(scheduler, "settings", replace(scheduler.settings, max_workspace_files_mb=0))
    answer = call("POST", "/api/files", TABLE, AS_CSV)
    assert answer.status == 429
    assert "RNNLAB_MAX_WORKSPACE_FILES_MB" in answer.error
    monkeypatch.undo()
    monkeypatch.setattr(scheduler, "settings", replace(scheduler.settings, min_free_disk_mb=10**9))
    assert "RNNLAB_MIN_FREE_DISK_MB" in call("POST", "/api/files", TABLE, AS_CSV).error


def test_a_large_file_is_refused_by_its_length_and_by_counting() -> None:
    assert call("POST", "/api/files", headers=AS_CSV | {"Content-Length": "1048577"}, pieces=[3600.0]).status == 413
    assert call("POST", "/api/files", headers=AS_CSV, pieces=[b"1\n" * 300_000] * 2 + [3600.0]).status == 413


def test_a_form_uploads_nothing() -> None:
    assert call("POST", "/api/files", TABLE, {"Content-Type": "multipart/form-data; boundary=x"}).status == 415


def test_only_a_few_uploads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_uploading", asyncio.Semaphore(1))

    async def two() -> list[Answer]:
        slow = asyncio.create_task(send("POST", "/api/files", headers=AS_CSV, pieces=[TABLE, 0.1, b"1,1,1\n"]))
        await asyncio.sleep(0.02)
        return [await send("POST", "/api/files", TABLE, AS_CSV), await slow]

    second, first = asyncio.run(two())
    assert (second.status, first.status) == (429, 201)
    assert second.headers["retry-after"] == "5"


def test_files_that_train_nothing_make_room_before_anything_is_refused(
    monkeypatch: pytest.MonkeyPatch, scheduler: Any
) -> None:
    unused = call("POST", "/api/files", b"a,b\n1,2\n3,5\n", AS_CSV).json
    used = call("POST", "/api/files", TABLE, AS_CSV).json
    config = {"steps": 1, "data": {"kind": "csv", "file": used["file"], "target": "b"}}
    call("POST", "/api/runs", {"config": config}, {"X-Workspace": used["workspace"]})
    room = scheduler.settings.max_store_mb * 2**20 // 4
    taken = iter([room, 0, room, room])
    monkeypatch.setattr(scheduler.store, "file_bytes", lambda: next(taken))
    monkeypatch.setattr("rnncore.runs.scheduler.UNUSED_S", -60.0)
    assert call("POST", "/api/files", TABLE, AS_CSV).status == 201
    assert scheduler.store.file(unused["workspace"], unused["file"]) is None
    assert scheduler.store.file(used["workspace"], used["file"]) == TABLE
    answer = call("POST", "/api/files", TABLE, AS_CSV)
    assert (answer.status, answer.headers["retry-after"]) == (429, "600")


def test_a_page_cannot_hold_files_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"a": (50 * 2**20, 60 * 2**20), "b": (0, 500 * 2**20), "c": (0, 0)}
    monkeypatch.setattr("dashboard.server.upload_guard.held_bytes", held.__getitem__)
    answers = [call("PUT", f"/_stcore/upload_file/{session}/x", b"1") for session in held]
    assert [answer.status for answer in answers] == [413, 429, 404]  # there is no such address in this app: let through


# Watching


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


# Steering


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


# Exports


def test_exports_hold_every_record(scheduler: Any) -> None:
    run = finished(run_of({"steps": 5000, "batch_size": 1, "profile_every": 250, "eval_every": 100}))
    rows = list(csv.DictReader(io.StringIO(call("GET", f"/api/runs/{run}/export.csv").body.decode())))
    assert [int(row["step"]) for row in rows] == list(range(1, 5001))
    assert [row["val_loss"] for row in rows[98:100]] == ["", "100"]
    answer = call("GET", f"/api/runs/{run}/export.json").json
    assert [record["step"] for record in answer["records"]] == list(range(1, 5001))
    assert [float(row["train_loss"]) for row in rows] == [record["train_loss"] for record in answer["records"]]
    assert [profile["step"] for profile in answer["profiles"]] == [1, *range(250, 5001, 250)]
    table = pq.read_table(io.BytesIO(call("GET", f"/api/runs/{run}/export.parquet").body))
    assert table.column_names == [*SCALARS, *PROFILES]
    assert table["train_loss"].to_pylist() == [record["train_loss"] for record in answer["records"]]
    profiles = [value for value in table["hidden_grad_norm"].to_pylist() if value is not None]
    assert profiles == [profile["hidden_grad_norm"] for profile in answer["profiles"]]
    assert "workspace" not in json.dumps(answer["run"])


def test_an_exported_config_trains_the_same_run() -> None:
    config = TrainConfig.model_validate({"steps": 3, "seed": 9, "model": {"cell": "gru"}})
    answer = call("GET", f"/api/runs/{run_of(config.model_dump())}/config.json")
    assert TrainConfig.model_validate(answer.json) == config
    assert answer.headers["content-disposition"].startswith('attachment; filename="run-')


def test_an_export_of_a_running_run_ends() -> None:
    run = run_of(SLOW)
    wait(lambda: status(run)["step"] > 3)
    assert len(call("GET", f"/api/runs/{run}/export.csv").body.splitlines()) >= 4


def test_downloads_that_nobody_reads_are_few_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "AT_ONCE_PER_ADDRESS", 1)
    monkeypatch.setattr(downloads, "SECONDS", 0.2)
    address = f"/api/runs/{run_of(SLOW)}/export.csv"

    async def both() -> list[int]:
        monkeypatch.setattr(downloads, "_one_by_one", _never)
        held = asyncio.create_task(send("GET", address))
        await asyncio.sleep(0.05)
        statuses = [(await send("GET", address)).status, (await send("GET", address, address="10.0.0.9")).status]
        await held
        monkeypatch.undo()
        return [*statuses, (await send("GET", address)).status]

    assert asyncio.run(both()) == [429, 200, 200]


async def _never(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    await asyncio.sleep(3600)
    yield b""


def test_a_run_without_records_exports_empty_tables() -> None:
    runs = [run_of(SLOW) for _ in range(3)]
    assert call("GET", f"/api/runs/{runs[2]}/export.csv").body.decode() == ",".join(SCALARS) + "\n"
    assert call("GET", f"/api/runs/{runs[2]}/export.json").json["records"] == []
    assert pq.read_table(io.BytesIO(call("GET", f"/api/runs/{runs[2]}/export.parquet").body)).num_rows == 0


# The door


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8501"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": "http://localhost:8501"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:8501"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://localhost:9999"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_other_sites_can_neither_start_nor_steer(headers: dict[str, str], allowed: bool) -> None:
    run = run_of(SLOW)
    assert call("POST", "/api/runs", {"config": {"steps": 1}}, headers).status == (201 if allowed else 403)
    assert call("POST", "/api/files", TABLE, AS_CSV | headers).status == (201 if allowed else 403)
    assert call("POST", f"/api/runs/{run}/pause", headers=headers).status == (200 if allowed else 403)
    assert call("DELETE", f"/api/runs/{run}", headers=headers).status == (409 if allowed else 403)


def test_a_form_can_steer_nothing() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert call("POST", f"/api/runs/{run_of(SLOW)}/stop", headers=form).status == 415


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("localhost:8501", 200), ("127.0.0.1:8501", 200), ("[::1]:8501", 200), ("lab.localhost", 200),
        ("evil.example", 403), ("evil.example:8501", 403), ("127.0.0.1.evil.example", 403), ("", 403), ("[", 403),
        ("localhost@evil.example", 403), ("localhost.evil.example", 403), ("192.168.1.7", 403),
    ],
)  # fmt: skip
def test_a_server_on_loopback_answers_to_its_own_names(host: str, answered: int) -> None:
    assert call("GET", "/api/health", headers={"Host": host}).status == answered


def test_allowed_hosts_are_streamlits(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"server.allowedHosts": ["lab.example", "*.school.example"], "server.address": "0.0.0.0"}
    monkeypatch.setattr("dashboard.server.guard.config.get_option", options.get)
    hosts = ("lab.example:80", "a.school.example", "evil.example", "school.example", "localhost")
    assert [call("GET", "/api/health", headers={"Host": host}).status for host in hosts] == [200, 200, 403, 403, 403]
    options["server.allowedHosts"] = []
    assert call("GET", "/api/health", headers={"Host": "anything.example"}).status == 200


def test_answers_carry_security_headers() -> None:
    headers = call("GET", "/api/health").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["content-security-policy"] == "frame-ancestors 'self'"
    assert headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in headers


# Errors, health, logs


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
    monkeypatch.setattr(watch, "records_since", lambda *_: 1 / 0)
    answer = call("GET", f"/api/records?run={NOBODY}:0")
    assert answer.status == 500
    assert answer.error == "An unexpected error happened; the server's log says more."
    assert "ZeroDivisionError" in caplog.text


def test_health_tells_counts() -> None:
    run = run_of(SLOW)
    wait(lambda: status(run)["step"] > 1)
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
