"""Readings of watched models over HTTP: asked for with a look, sent by the program, drawn, kept and passed on."""

import io
import json
import zipfile

import numpy as np
import pytest
import torch
from torch import nn

from dashboard.server import services
from rnncore import watch
from rnncore.on_demand import ON_DEMAND
from rnncore.reading import Reading
from rnncore.runs.store.keys import watch_key
from rnncore.runs.watched_forms import WatchedReading, WatchedRecord
from tests.support.asgi import call
from tests.support.watching import MODULES, records

OWNER = {"X-Workspace": "P" * 22}
READ = [key for key, entry in ON_DEMAND.items() if entry.watched]


@pytest.fixture
def run():
    answer = call("POST", "/api/watched", {"name": "m", "modules": MODULES[:1]}, headers=OWNER).json
    (run,) = (each["id"] for each in answer["runs"])
    sent(run)
    yield run
    call("POST", f"/api/watched/{run}/end", {"status": "finished"})


def sent(run, first=1, last=20):
    plain = [json.loads(WatchedRecord.of(each).model_dump_json(exclude_none=True)) for each in records(first, last)]
    return call("POST", f"/api/watched/{run}/records", {"records": plain})


@pytest.fixture(scope="module")
def made():
    """Every instrument, read of a network in training."""
    torch.manual_seed(0)
    model = nn.LSTM(3, 8, 2, batch_first=True)
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, every=1) as lab:
        for key in READ:
            lab.ask(key)
        model(torch.randn(4, 7, 3))[0].square().mean().backward()
        lab.step(optimizer=optimizer)
        optimizer.step()
    return {ask.instrument: reading for ask, reading in lab.readings}


def body(reading: Reading):
    return json.loads(WatchedReading.of(reading).model_dump_json())


@pytest.mark.parametrize("key", READ)
def test_who_may_look_asks_the_program_and_sees_what_it_sends(run, made, key):
    path = f"/api/runs/{watch_key(run)}/instruments/{key}"
    asked = call("GET", path)
    assert (asked.status, asked.json["share"]) == (202, 0.0)
    assert asked.json["waiting"] == "The program has been asked; it reads this in a step that it records soon."
    wanted = {"run": run, "instrument": key, "chosen": {}}
    assert call("POST", f"/api/watched/{run}/alive", {}).json == {"ok": True, "asks": [wanted]}
    assert sent(run, 21, 22).json == {"ok": True, "asks": [wanted]}
    assert call("POST", f"/api/watched/{run}/readings", body(made[key])).json == {"ok": True}
    assert call("POST", f"/api/watched/{run}/alive", {}).json["asks"] == []
    for theme in ("light", "dark"):
        found = call("GET", f"{path}?theme={theme}").json
        assert (found["step"], len(found["pictures"])) == (1, len(made[key].panels))
        assert found["waiting"] == "The program has been asked for a newer one."
        assert found["said"] == list(made[key].said)
    pinned = call("GET", f"{path}?step=1").json
    assert "waiting" not in pinned
    npz = Reading.from_bytes(call("GET", f"{path}?step=1&as=npz").body)
    for name, values in made[key].arrays.items():
        np.testing.assert_array_equal(npz.arrays[name], values)
    assert call("GET", f"{path}?step=1&as=parquet").body[:4] == b"PAR1"


def test_readings_are_in_the_report_and_in_the_zip_file(run, made):
    for key in ("flow", "memory"):
        call("POST", f"/api/watched/{run}/readings", body(made[key]))
    report = call("GET", f"/api/groups/{watch_key(run)}/report.html").body.decode()
    assert "What of ∂L reaches h" in report or "What of \\u2202L reaches h" in report
    archive = zipfile.ZipFile(io.BytesIO(call("GET", f"/api/groups/{run}/everything.zip").body))
    names = {name.rpartition("/")[2] for name in archive.namelist()}
    assert {"flow-step-1.npz", "memory-step-1.npz"} <= names


def test_what_a_lying_program_sends_is_refused(run, made):
    path, plain = f"/api/watched/{run}/readings", body(made["flow"])
    refused = call("POST", path, plain | {"instrument": "cliff"})
    assert (refused.status, "is not read of watched models" in refused.error) == (400, True)
    refused = call("POST", path, plain | {"said": ["<b>" * 201]})
    assert refused.status == 400
    large = call("POST", path, plain | {"said": ["x" * 2_000_000]})
    assert (large.status, "bytes that are allowed here" in large.error) == (413, True)
    assert call("POST", f"/api/watched/{watch_key(run)}/readings", plain).status == 404
    assert call("POST", path, b"PK", headers={"Content-Type": "application/octet-stream"}).status == 415
    assert not services.scheduler().store.reading_steps(run, "flow")


def test_after_the_end_there_is_what_was_kept(run, made):
    call("POST", f"/api/watched/{run}/readings", body(made["flow"]))
    call("POST", f"/api/watched/{run}/end", {"status": "finished"})
    found = call("GET", f"/api/runs/{run}/instruments/flow").json
    assert found["notes"][-1] == "The program has ended; this is the newest reading of it."
    other = call("GET", f"/api/runs/{run}/instruments/memory")
    assert (other.status, other.error) == (400, "The program has ended, and while it ran this was not read.")
    late = call("POST", f"/api/watched/{run}/readings", body(made["memory"]))
    assert late.status == 409
