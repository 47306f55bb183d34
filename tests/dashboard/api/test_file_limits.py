"""Limits of uploads over HTTP: how large, how many, how many at once, and what makes room."""

import asyncio
from typing import Any

import pytest

from dashboard.api import files
from dashboard.server.budget import Budget
from tests.support.api import AS_CSV, TABLE
from tests.support.asgi import Answer, call, send


def test_the_uploads_of_a_workspace_are_limited(monkeypatch: pytest.MonkeyPatch, scheduler: Any) -> None:
    monkeypatch.setattr(scheduler, "settings", scheduler.settings.model_copy(update={"max_workspace_files_mb": 0}))
    answer = call("POST", "/api/files", TABLE, AS_CSV)
    assert answer.status == 429
    assert "RNNLAB_MAX_WORKSPACE_FILES_MB" in answer.error
    monkeypatch.undo()
    monkeypatch.setattr(scheduler, "settings", scheduler.settings.model_copy(update={"min_free_disk_mb": 10**9}))
    assert "RNNLAB_MIN_FREE_DISK_MB" in call("POST", "/api/files", TABLE, AS_CSV).error


def test_a_large_file_is_refused_by_its_length_and_by_counting() -> None:
    assert call("POST", "/api/files", headers=AS_CSV | {"Content-Length": "1048577"}, pieces=[3600.0]).status == 413
    assert call("POST", "/api/files", headers=AS_CSV, pieces=[b"1\n" * 300_000] * 2 + [3600.0]).status == 413


def test_a_form_uploads_nothing() -> None:
    assert call("POST", "/api/files", TABLE, {"Content-Type": "multipart/form-data; boundary=x"}).status == 415


def test_only_a_few_uploads_at_once_for_each_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_budget", Budget(each=1, total=9))

    async def three() -> list[Answer]:
        slow = asyncio.create_task(send("POST", "/api/files", headers=AS_CSV, pieces=[TABLE, 0.1, b"1,1,1\n"]))
        await asyncio.sleep(0.02)
        second = await send("POST", "/api/files", TABLE, AS_CSV)
        return [second, await send("POST", "/api/files", TABLE, AS_CSV, address="10.0.0.9"), await slow]

    second, others, first = asyncio.run(three())
    assert (second.status, others.status, first.status) == (429, 201, 201)
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
    monkeypatch.setattr("rnncore.runs.uploads.UNUSED_S", -60.0)
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


def test_slow_uploads_of_one_page_take_no_room_from_others() -> None:
    async def rush() -> list[int]:
        slow = [
            asyncio.create_task(send("PUT", f"/_stcore/upload_file/{page}/x{n}", pieces=[b"1", 0.5, b"2"]))
            for page in ("hostile", "other")
            for n in range(20)
        ]
        await asyncio.sleep(0.05)
        fine = await send("PUT", "/_stcore/upload_file/mine/x", b"1", address="10.0.0.9")
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        return [fine.status]

    assert asyncio.run(rush()) == [404]  # let through: there is no such address in this app
