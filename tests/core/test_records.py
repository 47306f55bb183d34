"""The fields of a record are the only list of what is measured; one more needs no other change."""

import csv
import io
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from rnncore.records import PROFILES, SCALARS, Record, scalar, scalars_of
from rnncore.runs.read.export import export_csv, export_json, export_parquet
from rnncore.runs.read.series import records_since
from rnncore.runs.store.store import Store
from tests.support.stored import add, new_run, records_of

OLD = Path(__file__).parents[1] / "support" / "store_0_1_0.sqlite"


def test_the_fields_say_what_they_are() -> None:
    assert [name for name, each in SCALARS.items() if each.whole] == ["step", "epoch"]
    assert [name for name, each in SCALARS.items() if each.optional] == [
        "val_loss",
        "val_metric",
        "exponents_before_flossing",
        "exponents_after_flossing",
    ]
    assert [name for name, each in SCALARS.items() if each.spiky] == ["train_loss", "grad_norm", "update_norm"]
    assert list(PROFILES) == ["hidden_grad_norm", "cell_grad_norm", "direct_grad_norm"]
    assert all(each.meaning for each in SCALARS.values())


@dataclass(frozen=True, slots=True)
class Wider(Record):
    """A record with one more number, as a later version may have."""

    weight_norm: float = field(default=0.0, metadata=scalar("L2 norm of all parameters", spiky=True))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An old store, opened by a program that records one more number."""
    monkeypatch.setitem(SCALARS, "weight_norm", scalars_of(Wider)["weight_norm"])
    shutil.copy(OLD, tmp_path / "runs.sqlite")
    return Store(tmp_path / "runs.sqlite")


def wider(step: int) -> Wider:
    return Wider(step, 0, 0.1, 0.1, 1.0, 1.0, 0.5, weight_norm=step / 2, elapsed_s=step / 100)


def test_a_new_number_is_stored_shown_and_exported(store: Store) -> None:
    store.create_runs([new_run("new")])
    add(store, [wider(step) for step in range(1, 301)], run_id="new")
    run, values = store.run("new"), [step / 2 for step in range(1, 301)]
    assert run.last["weight_norm"] == 150
    assert records_of(store, "new")["weight_norm"].tolist() == values
    assert records_since(store, "new")["columns"].keys() >= {"weight_norm", "train_loss"}
    assert [float(row["weight_norm"]) for row in rows_of_csv(store, "new")] == values
    assert [row["weight_norm"] for row in json.loads(b"".join(export_json(store, run)))["records"]] == values
    table = pq.read_table(io.BytesIO(b"".join(export_parquet(store, run))))
    assert table.column("weight_norm").to_pylist() == values
    assert table.schema.field("weight_norm").metadata == {b"meaning": b"L2 norm of all parameters"}


def rows_of_csv(store: Store, run_id: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(export_csv(store, store.run(run_id))).decode())))


def test_old_runs_have_nothing_in_its_place(store: Store) -> None:
    for run in store.runs():
        records = records_of(store, run.id)
        assert np.isnan(records["weight_norm"]).all()
        assert np.isfinite(records["train_loss"][:-1]).all()
        assert {row["weight_norm"] for row in rows_of_csv(store, run.id)} == {""}
        assert {row["weight_norm"] for row in json.loads(b"".join(export_json(store, run)))["records"]} == {None}
        assert records_since(store, run.id)["count"] == run.step


def test_an_old_run_goes_on_with_it(store: Store) -> None:
    (run,) = [run for run in store.runs() if run.label == "interrupted"]
    before = records_of(store, run.id)
    add(store, [wider(step) for step in range(10, 25)], run_id=run.id)
    records = records_of(store, run.id)
    assert records["step"].tolist() == list(range(1, 25))
    np.testing.assert_array_equal(records["train_loss"][:11], before["train_loss"])
    np.testing.assert_array_equal(records["weight_norm"], [np.nan] * 11 + [step / 2 for step in range(12, 25)])
