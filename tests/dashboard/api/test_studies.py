"""Studies over HTTP: start with confirmation, watch, steer, open a cell, export; what is refused, in one sentence."""

import csv
import io
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.support.api import NOBODY
from tests.support.asgi import call
from tests.support.waiting import wait

AXES = [{"field": "batch_size", "values": [1, 2]}]
STUDY = {"base": {"steps": 5}, "axes": AXES, "seeds": 2, "success": {"metric": "train_loss", "below": 1e9}}
LONG = STUDY | {"base": {"steps": 100_000}, "axes": [{"field": "batch_size", "values": [3, 4]}]}


def begun(study: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = call("POST", "/api/studies", {"study": study, **more})
    assert answer.status == 201, answer.body
    return answer.json


def status(study: str) -> dict[str, Any]:
    return call("GET", f"/api/studies/{study}").json


@pytest.fixture(scope="module")
def done(scheduler: Any) -> dict[str, Any]:
    answer = begun(STUDY, name="mine")
    wait(lambda: status(answer["id"])["status"] == "finished")
    return answer


def test_a_study_is_started_and_what_came_out_is_told_per_cell(done: dict[str, Any]) -> None:
    assert (done["runs"], done["cells"]) == (4, 2)
    assert done["address"].endswith(f"/studies?study={done['watch']}")
    told = status(done["id"])
    assert (told["name"], told["over"], told["planned"], told["wait_seconds"]) == ("mine", 4, 4, None)
    assert [cell["values"] for cell in told["cells"]] == [{"batch_size": 1}, {"batch_size": 2}]
    assert all(cell["runs"] == 2 and cell["successes"] == 2 for cell in told["cells"])
    assert "workspace" not in told


def test_a_study_is_among_those_of_its_workspace_alone(done: dict[str, Any]) -> None:
    mine = call("GET", "/api/studies", headers={"X-Workspace": done["workspace"]}).json["studies"]
    assert [each["id"] for each in mine] == [done["id"]]
    assert call("GET", "/api/studies", headers={"X-Workspace": NOBODY}).json == {"studies": []}
    runs = call("GET", "/api/runs", headers={"X-Workspace": done["workspace"]}).json
    assert not runs.get("runs", runs)  # a study's runs are not among the workspace's own


def test_a_watch_key_shows_a_study_and_steers_nothing(done: dict[str, Any]) -> None:
    told = status(done["watch"])
    assert "id" not in told
    assert told["cells"] == status(done["id"])["cells"]
    for method, path in (("POST", "/stop"), ("POST", "/resume"), ("DELETE", "")):
        answer = call(method, f"/api/studies/{done['watch']}{path}", {} if method == "POST" else None)
        assert answer.status == 404


def test_a_cell_tells_its_runs_and_opens_them_on_the_board(done: dict[str, Any]) -> None:
    cell = call("GET", f"/api/studies/{done['id']}/cells/1").json
    assert cell["values"] == {"batch_size": 2}
    assert [run["seed"] for run in cell["runs"]] == [0, 1]
    assert set(cell["runs"][0]["curve"]) == {"step", "train_loss", "val_loss"}
    opened = call("POST", f"/api/studies/{done['id']}/cells/1/open", {}, headers={"X-Workspace": done["workspace"]})
    assert opened.status == 201
    group = call("GET", f"/api/groups/{opened.json['group']}").json
    assert [run["config"]["seed"] for run in group["runs"]] == [0, 1]
    assert {run["config"]["batch_size"] for run in group["runs"]} == {2}
    assert call("GET", f"/api/studies/{done['id']}/cells/2").status == 404


def test_results_are_exported_as_csv_parquet_and_the_study_itself(done: dict[str, Any]) -> None:
    cells = call("GET", f"/api/studies/{done['id']}/cells.csv")
    rows = list(csv.DictReader(io.StringIO(cells.body.decode())))
    assert [row["batch_size"] for row in rows] == ["1", "2"]
    runs = pq.read_table(io.BytesIO(call("GET", f"/api/studies/{done['id']}/runs.parquet").body))
    assert runs.num_rows == 4
    assert runs["seed"].to_pylist() == [0, 1, 0, 1]
    again = call("GET", f"/api/studies/{done['id']}/study.json").json
    assert again["axes"][0]["values"] == [1, 2]
    assert call("GET", f"/api/studies/{done['id']}/cells.xlsx").status == 404


def test_a_large_study_starts_only_when_that_is_confirmed() -> None:
    large = STUDY | {"seeds": 26}
    answer = call("POST", "/api/studies", {"study": large})
    assert answer.status == 409
    assert answer.error.startswith("This study has 52 runs in 2 cells, about ")
    assert answer.error.endswith('send "confirm": true to start it.')
    study = begun(large, confirm=True)
    call("POST", f"/api/studies/{study['id']}/stop", {})


def test_a_study_is_stopped_continued_and_deleted(scheduler: Any) -> None:
    study = begun(LONG)["id"]
    wait(lambda: status(study)["executing"] == 2)
    assert call("DELETE", f"/api/studies/{study}").status == 409
    assert call("POST", f"/api/studies/{study}/stop", {}).json == {"ok": True}
    wait(lambda: status(study)["executing"] == 0)
    assert status(study)["status"] == "stopped"
    assert call("POST", f"/api/studies/{study}/resume", {}).json == {"ok": True}
    wait(lambda: status(study)["executing"] == 2)
    call("POST", f"/api/studies/{study}/stop", {})
    wait(lambda: call("DELETE", f"/api/studies/{study}").status == 200)
    assert call("GET", f"/api/studies/{study}").status == 404


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"study": {"axes": [{"field": "model.cel", "values": [1]}]}}, "model.cel: there is no such field"),
        ({"study": {"seeds": 20_000}}, "seeds: 20000 is not allowed"),
        ({"study": {"base": {"truncation": 60}}}, "truncation: 60 is not allowed with sequences of 50 timesteps"),
        ({"study": {"base": {"steps": 300_000}}}, "steps: 300,000 is above this server's limit"),
        ({"config": {}}, "study: a value is needed"),
        ({"study": {"base": {"data": {"kind": "upload", "files": [{"file": "/etc/passwd"}]}}}}, "was not uploaded"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(body: dict[str, Any], sentence: str) -> None:
    answer = call("POST", "/api/studies", body)
    assert 400 <= answer.status < 500
    assert sentence in answer.error


@pytest.mark.parametrize("study", ["x", NOBODY, "w" + NOBODY, "a" * 500])
def test_what_is_no_study_is_not_found(study: str) -> None:
    assert call("GET", f"/api/studies/{study}").status == 404
    assert call("POST", f"/api/studies/{study}/cells/0/open", {}).status == 404
