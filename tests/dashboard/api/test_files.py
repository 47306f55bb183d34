"""Uploading files over HTTP: every format trains as its answer says, and belongs to its own workspace."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.api import AS_CSV, SLOW, TABLE, finished, status
from tests.support.asgi import call
from tests.support.waiting import wait


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
