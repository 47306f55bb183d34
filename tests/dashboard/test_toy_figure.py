"""A part of a snapshot and its figure from outside: measured, stored and drawn with no file of this program touched."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from dashboard.exports.payload import run_snapshots
from dashboard.figures import FIGURES, Run, drawing
from rnncore.config import TrainConfig
from rnncore.instruments import INSTRUMENTS
from rnncore.json_arrays import array
from rnncore.registry import load_plugins
from rnncore.runs.store.snapshots import read_snapshot
from rnncore.runs.store.store import Store
from tests.support.toy_plugin import write_toy
from tests.support.trained import GROUP, run_id, train_into

RNN = {
    "data": {"kind": "task", "seq_len": 6},
    "model": {"hidden_size": 4, "num_layers": 2},
    "steps": 4,
    "eval_every": 2,
}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    write_toy(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    load_plugins("toy", pages=True)
    yield
    for registry in (INSTRUMENTS, FIGURES):
        del registry._entries["toy"]
    for name in [name for name in sys.modules if name.split(".")[0] == "toy"]:
        del sys.modules[name]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "runs.sqlite")
    yield store
    store.close()


@pytest.mark.usefixtures("toy")
def test_it_is_measured_and_stored(store: Store) -> None:
    [(trainer, records)] = train_into(store, [TrainConfig.model_validate(RNN)], ["toy"])

    assert [record.step for record in records if record.snapshot] == [1, 2, 4]
    stored = read_snapshot(store, run_id(0))
    assert stored is not None
    found = array(stored["toy"]["mean"])  # (L, T)
    inputs = torch.from_numpy(trainer.dataset.validation.inputs)
    states = torch.nn.RNN(2, 4, 2, batch_first=True)
    states.load_state_dict(trainer.model.recurrent.state_dict())
    with torch.no_grad():
        np.testing.assert_allclose(found[1], states(inputs)[0].abs().mean((0, 2)).numpy(), rtol=1e-5)
    assert found.shape == (2, 6)
    assert [snapshot["toy"] is None for snapshot in run_snapshots(store, store.group(GROUP)[0], 1)] == [False] * 3


@pytest.mark.usefixtures("toy")
def test_runs_that_it_is_not_for_go_without(store: Store) -> None:
    train_into(store, [TrainConfig.model_validate(RNN | {"model": {"cell": "gru", "hidden_size": 4}})], ["toy"])

    stored = read_snapshot(store, run_id(0))
    assert stored is not None
    assert stored["toy"] is None


@pytest.mark.usefixtures("toy")
def test_its_figure_stands_after_the_others_and_says_what_fills_it() -> None:
    drawn = drawing([Run("a"), Run("b")])

    for figures in drawn["figures"].values():
        assert list(figures)[-1] == "toy"
        assert [trace["meta"] for trace in figures["toy"]["data"]] == [
            {"fill": "part", "run": run, "path": "toy.mean", "at": ["layer"]} for run in (0, 1)
        ]
    assert drawn["about"]["toy"]["shows"] == {"part": "toy", "kind": None}


def test_without_the_plugin_nothing_of_it_is_left() -> None:
    assert "toy" not in FIGURES
    assert "toy" not in INSTRUMENTS
