"""Snapshots: when they are taken, that taking them changes nothing, and their way over the wire."""

import json
import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from rnncore import train
from rnncore.codec import pack
from rnncore.engine import train as engine_train
from rnncore.json_arrays import floats
from rnncore.records import Record
from rnncore.snapshot import Snapshot
from tests.support import training
from tests.support.wire import unpack

config = partial(training.config, steps=7)


def test_snapshots_come_with_the_evaluations_and_only_with_them() -> None:
    records = list(train(config()))
    assert [r.step for r in records if r.snapshot] == [1, 3, 6, 7]
    assert [r.step for r in records if r.val_loss is not None] == [1, 3, 6, 7]


@pytest.mark.parametrize(
    "model",
    [{}, {"cell": "lstm", "num_layers": 2, "dropout": 0.5}, {"cell": "gru", "readout": "attention"}],
    ids=["rnn", "lstm with dropout", "gru with attention"],
)
def test_taking_them_changes_nothing(model: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with_snapshots, random_state = list(train(config(model=model))), torch.get_rng_state()

    class Without:
        def __init__(self, *_: Any) -> None: ...
        def backward(self, *_: Any) -> str:
            return "none"

        def finish(self, *_: Any) -> None: ...

    monkeypatch.setattr(engine_train, "SnapshotTaker", Without)
    without = list(train(config(model=model)))
    assert torch.equal(random_state, torch.get_rng_state())
    for a, b in zip(with_snapshots, without, strict=True):
        assert replace(a, elapsed_s=0, snapshot=None).to_json() == replace(b, elapsed_s=0).to_json()


def test_twins_whose_threshold_is_never_reached_have_the_same_snapshots() -> None:
    clipped = train(config(clip={"method": "norm", "threshold": 1e9}))
    for a, b in zip(train(config()), clipped, strict=True):
        assert a.snapshot == b.snapshot
    assert next(train(config())).snapshot != next(train(config(seed=1))).snapshot


def test_a_step_that_diverges_has_none() -> None:
    *_, last = train(config(optimizer={"name": "sgd", "learning_rate": 100}, model={"nonlinearity": "relu"}, steps=200,
                            eval_every=1))  # fmt: skip
    assert last.diverged
    assert last.snapshot is None


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": {"cell": "lstm", "num_layers": 2}},
        {"data": {"kind": "task", "task": "temporal_order", "seq_len": 12}, "model": {"cell": "gru"}},
        {"data": {"kind": "task", "task": "lorenz", "seq_len": 8}, "model": {"readout": "mean"}},
        {"data": {"kind": "task", "task": "delayed_recall", "seq_len": 8, "delay": 2},
         "model": {"readout": "every_step"}},
        {"model": {"readout": "attention"}, "dtype": "float64"},
    ],
    ids=["regression", "lstm", "multiclass", "lorenz", "binary per step", "attention"],
)  # fmt: skip
def test_records_with_snapshots_survive_the_wire(changes: dict[str, Any]) -> None:
    records = list(train(config(**changes, profile_every=2)))
    again = unpack(*pack(records))
    assert [record.snapshot for record in again] == [record.snapshot for record in records]
    np.testing.assert_array_equal(again[-1].hidden_grad_norm, records[-1].hidden_grad_norm)
    assert "snapshot" not in records[0].to_json()


def test_json_is_strict_where_numbers_are_not_finite() -> None:
    snapshot = next(train(config())).snapshot
    assert snapshot is not None
    norms = snapshot.parameters.gradient_norm.copy()
    norms[0], norms[1] = math.nan, 1e-200
    attention = np.array([math.nan, math.inf, 1e-40], np.float32)
    parameters = replace(snapshot.parameters, gradient_norm=norms).to_json()
    odd = Snapshot({**snapshot, "parameters": parameters, "attention": floats(attention)})
    value = json.loads(odd.to_bytes(), parse_constant=lambda name: pytest.fail(name))
    assert value["parameters"]["gradient_norm"][:2] == [None, 1e-200]
    again = Snapshot.from_bytes(odd.to_bytes())
    np.testing.assert_array_equal(again.parameters.gradient_norm, norms)
    np.testing.assert_array_equal(again.attention, attention)


def test_a_record_without_a_snapshot_has_none_after_the_wire() -> None:
    record = Record(1, 0, 0.1, 0.1, 1.0, 1.0, 0.1)
    assert unpack(*pack([record]))[0].snapshot is None
