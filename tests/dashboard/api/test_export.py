"""Downloads of a run over HTTP: they hold every record, and few of them are served at once."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest

from dashboard.api import downloads
from dashboard.server.budget import Budget
from rnncore import TrainConfig
from rnncore.records import PROFILES, SCALARS
from tests.support.api import SLOW, finished, run_of, status
from tests.support.asgi import call, send
from tests.support.waiting import wait


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
    monkeypatch.setattr(downloads, "_budget", Budget(each=1, total=9))
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


async def _never(address: str, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    await asyncio.sleep(3600)
    yield b""


def test_a_run_without_records_exports_empty_tables() -> None:
    runs = [run_of(SLOW) for _ in range(3)]
    assert call("GET", f"/api/runs/{runs[2]}/export.csv").body.decode() == ",".join(SCALARS) + "\n"
    assert call("GET", f"/api/runs/{runs[2]}/export.json").json["records"] == []
    assert pq.read_table(io.BytesIO(call("GET", f"/api/runs/{runs[2]}/export.parquet").body)).num_rows == 0
