"""Watched models over HTTP: their runs on the board, in the list, kept and shown, and what is refused."""

import io
import json
import re
import zipfile

import pytest

from dashboard.api import watched
from dashboard.server import services
from dashboard.server.budget import Budget
from rnncore.runs.store.keys import watch_key
from rnncore.runs.watched_forms import WatchedRecord
from tests.support.api import NOBODY, finished, started, status
from tests.support.asgi import call
from tests.support.watching import MODULES, records

OWNER = {"X-Workspace": "O" * 22}
MODEL = {"name": "tagger", "modules": MODULES}


def begun(body=None, headers=OWNER):
    answer = call("POST", "/api/watched", body or MODEL, headers=headers)
    assert answer.status == 201, answer.body
    return answer.json


def send(run, sent):
    body = {"records": [json.loads(WatchedRecord.of(record).model_dump_json(exclude_none=True)) for record in sent]}
    return call("POST", f"/api/watched/{run}/records", body)


@pytest.fixture
def watching():
    answer = begun()
    for run in answer["runs"]:
        assert send(run["id"], records(1, 20)).status == 200
    yield answer
    call("POST", f"/api/watched/{answer['group']}/end", {"status": "finished"})


def test_it_is_looked_at_as_any_run(watching):
    (encoder, decoder), group = watching["runs"], watching["group_watch"]
    assert [run["label"] for run in (encoder, decoder)] == ["tagger: encoder", "tagger: decoder"]
    assert watching["address"].endswith(f"/?run={group}")
    seen = status(encoder["id"])
    assert (seen["status"], seen["step"], seen["steps"], seen["resumable"]) == ("running", 20, 0, False)
    listed = call("GET", "/api/runs", headers=OWNER).json["runs"]
    assert encoder["id"] in {run["id"] for run in listed}
    board = call("GET", f"/api/board?run={group}", headers=OWNER).json
    assert [(run["id"], run["target"], run["learning_rate"]) for run in board["runs"]] == [
        (run["watch"], None, None) for run in (encoder, decoder)
    ]
    page = call("GET", f"/board?run={group}").body.decode()
    assert "LSTM, 2 layers of 8 units" in page
    news = call("GET", f"/api/records?run={encoder['watch']}:0").json["runs"][0]
    assert (news["count"], news["profiles"]["layers"], news["val"]["count"]) == (20, 2, 0)


def test_it_stands_on_one_board_with_a_trained_run(watching):
    trained = started({"steps": 5, "batch_size": 1})
    run = finished(trained["runs"][0]["id"])
    board = call("GET", f"/api/board?run={watch_key(run)},{watching['runs'][0]['watch']}").json
    assert [each["watch"] for each in board["runs"]] == [watch_key(run), watching["runs"][0]["watch"]]
    assert board["matched"] is False


def test_what_it_has_is_kept_and_what_it_has_not_is_said(watching):
    run, group = watching["runs"][0]["id"], watching["group"]
    csv = call("GET", f"/api/runs/{run}/export.csv").body.decode().splitlines()
    assert len(csv) == 21
    for name in ("config.json", "script.py"):
        answer = call("GET", f"/api/runs/{run}/{name}")
        assert answer.status == 409
        assert "program of its own, whose settings are not known here" in answer.error
    assert "which has its weights" in call("GET", f"/api/runs/{run}/weights.safetensors").error
    report = call("GET", f"/api/groups/{watch_key(group)}/report.html").body.decode()
    assert "step 20</span>" in report
    assert "Configuration</h2>" not in report
    assert "?config=" not in report
    archive = zipfile.ZipFile(io.BytesIO(call("GET", f"/api/groups/{group}/everything.zip").body))
    names = {name.rpartition("/")[2] for name in archive.namelist()}
    assert {"records.csv", "profiles.csv", "records.parquet", "report.html"} <= names
    assert not names & {"config.json", "info.json", "weights.safetensors", "script.py"}


def test_it_can_neither_be_steered_nor_changed_nor_predicted_with(watching):
    run = watching["runs"][0]["id"]
    for name in ("stop", "pause", "resume", "step"):
        answer = call("POST", f"/api/runs/{run}/{name}")
        assert (answer.status, answer.error) == (
            409, "This run trains in a program of its own, and only there can it be steered.",
        )  # fmt: skip
    assert call("DELETE", f"/api/runs/{run}").status == 409
    tried = call("POST", f"/api/runs/{run}/try", {"changes": {"steps": 3}})
    assert (tried.status, "program of its own" in tried.error) == (400, True)
    predicted = call("POST", f"/api/runs/{run}/predict", b"a\n1\n", headers={"Content-Type": "text/csv"})
    assert (predicted.status, "program of its own" in predicted.error) == (400, True)
    found = call("GET", f"/api/runs/{run}/insights?step=20").json["findings"]
    for remedy in (each["remedy"] for each in found if each["remedy"]):
        assert remedy["problem"] == "This run trains in a program of its own: it is changed there."


def test_it_ends_as_its_program_says(watching):
    run = watching["runs"][0]["id"]
    assert call("POST", f"/api/watched/{run}/alive", {}).status == 200
    ending = {"status": "failed", "reason": "It ended with a ValueError."}
    assert call("POST", f"/api/watched/{run}/end", ending).status == 200
    seen = status(run)
    assert (seen["status"], seen["reason"]) == ("failed", "It ended with a ValueError.")
    late = send(run, records(21, 22))
    assert (late.status, late.error) == (409, "This run is over, so it takes no further records.")
    assert call("DELETE", f"/api/runs/{run}").status == 200


def test_who_brings_no_workspace_gets_one(watching):
    answer = begun(headers={})
    assert re.fullmatch(r"[\w-]{22}", answer["workspace"])
    listed = call("GET", "/api/runs", headers={"X-Workspace": answer["workspace"]}).json["runs"]
    assert len(listed) == 2
    call("POST", f"/api/watched/{answer['group']}/end", {"status": "stopped"})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": " \u200b "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"modules": []}, "modules"),
        ({"modules": MODULES * 4}, "modules"),
        ({"modules": [MODULES[0] | {"cell": "transformer"}]}, "modules.0.cell"),
        ({"modules": [MODULES[0] | {"num_layers": 1000}]}, "modules.0.num_layers"),
        ({"more": 1}, "more"),
    ],
)
def test_a_model_that_cannot_be_is_refused_in_a_sentence_that_names_the_field(change, sentence):
    answer = call("POST", "/api/watched", MODEL | change, headers=OWNER)
    assert (answer.status, sentence in answer.error) == (400, True), answer.body


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"elapsed_s": 1.0}, "step"),
        ({"step": 0, "elapsed_s": 1.0}, "step"),
        ({"step": 1, "elapsed_s": 1.0, "loss": "low"}, "loss"),
        ({"step": 1, "elapsed_s": 1.0, "profile": {"layers": 1, "timesteps": 2, "hidden": "AAAA"}}, "hidden: 3 bytes"),
        ({"step": 1, "elapsed_s": 1.0, "profile": {"layers": 1, "timesteps": 2, "hidden": "?"}}, "not base64"),
        ({"step": 1, "elapsed_s": 1.0, "profile": {"layers": 64, "timesteps": 200_000, "hidden": ""}}, "allowed"),
    ],
)
def test_a_record_that_cannot_be_is_refused_and_nothing_is_stored(watching, record, sentence):
    run = watching["runs"][0]["id"]
    answer = call("POST", f"/api/watched/{run}/records", {"records": [record]})
    assert (answer.status, sentence in answer.error) == (400, True), answer.body
    assert status(run)["step"] == 20


def test_nobody_else_sends_records(watching, monkeypatch):
    trained = finished(started({"steps": 2, "batch_size": 1})["runs"][0]["id"])
    for run in (NOBODY, trained, watching["runs"][0]["watch"]):
        for path, body in (("records", {"records": []}), ("alive", {}), ("end", {"status": "stopped"})):
            assert call("POST", f"/api/watched/{run}/{path}", body).status == 404
    monkeypatch.setattr(watched, "_budget", Budget(each=0, total=0))
    assert send(watching["runs"][0]["id"], records(21, 22)).status == 429
    foreign = {"Origin": "http://elsewhere.example"}
    assert call("POST", "/api/watched", MODEL, headers=foreign).status == 403


def test_the_owner_of_a_workspace_watches_no_more_models_than_it_may_start(monkeypatch):
    monkeypatch.setattr(services.scheduler().watched, "settings", services.scheduler().settings.model_copy(
        update={"max_active_per_workspace": 1}
    ))  # fmt: skip
    mine = {"X-Workspace": "M" * 22}
    first = begun(headers=mine)
    again = call("POST", "/api/watched", MODEL, headers=mine)
    assert (again.status, "RNNLAB_MAX_ACTIVE_PER_WORKSPACE" in again.error) == (429, True)
    call("POST", f"/api/watched/{first['group']}/end", {"status": "stopped"})
