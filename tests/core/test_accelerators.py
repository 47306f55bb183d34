"""Runs on an accelerator, where there is one: every choice of the lab gives there what it gives on the CPU."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from rnncore.cells import CELLS
from rnncore.choices import CLIP_METHODS, INITIALIZATIONS, OPTIMIZERS, READOUTS
from rnncore.data import load_dataset
from rnncore.engine.inspection import Inspection
from rnncore.engine.instruments import flow_matrix, from_torch, lyapunov_spectrum, state_sensitivity, step_contributions
from rnncore.engine.train import Trainer
from rnncore.engine.verify import verify
from rnncore.on_demand import ON_DEMAND
from tests.support.accelerators import DEVICES, on_accelerators
from tests.support.training import assert_same_runs, config, random_dataset

PARTS = ("train_loss", "grad_norm", "clip_coef", "update_norm", "val_loss", "val_metric")
PROFILES = ("hidden_grad_norm", "direct_grad_norm", "cell_grad_norm")


def precision(device: str) -> tuple[str, float]:
    """Return the precision of a device in which runs are compared, and within what they agree."""
    return ("float32", 2e-3) if device == "mps" else ("float64", 1e-7)


def assert_as_on_the_cpu(device: str, dataset: Any = None, **changes: Any) -> None:
    dtype, within = precision(device)
    runs = [list(Trainer(config(**changes, dtype=dtype, device=each), dataset).records()) for each in ("cpu", device)]
    assert len(runs[0]) == len(runs[1])
    for wanted, found in zip(*runs, strict=True):
        for name in PARTS:
            ours, theirs = getattr(wanted, name), getattr(found, name)
            assert (ours is None) == (theirs is None)
            assert ours is None or theirs == pytest.approx(ours, rel=within, abs=1e-9), name
        for name in PROFILES:
            ours, theirs = getattr(wanted, name), getattr(found, name)
            assert (ours is None) == (theirs is None)
            if ours is not None:
                np.testing.assert_allclose(theirs, ours, rtol=max(within, 1e-5), atol=1e-12)
        assert (wanted.snapshot is None) == (found.snapshot is None)
        if wanted.snapshot is not None:
            parts = [each.snapshot.to_json() for each in (wanted, found)]
            assert [[key for key, part in each.items() if part] for each in parts[:1]] == [
                [key for key, part in each.items() if part] for each in parts[1:]
            ]
            json.dumps(parts[1], allow_nan=False)


@on_accelerators
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("ragged", [False, True])
def test_cells(device: str, cell: str, ragged: bool) -> None:
    for nonlinearity in CELLS[cell].nonlinearities:
        model = {"cell": cell, "num_layers": 2, "nonlinearity": nonlinearity}
        assert_as_on_the_cpu(device, random_dataset(ragged=ragged), model=model)


@on_accelerators
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("key", CLIP_METHODS)
def test_clip_methods(device: str, key: str, cell: str) -> None:
    assert_as_on_the_cpu(device, clip={"method": key, "threshold": 0.1}, model={"cell": cell})


@on_accelerators
@pytest.mark.parametrize("key", OPTIMIZERS)
def test_optimizers(device: str, key: str) -> None:
    assert_as_on_the_cpu(device, optimizer={"name": key}, model={"cell": "lstm"})


@on_accelerators
@pytest.mark.parametrize("key", READOUTS)
@pytest.mark.parametrize("target", ["regression", "binary", "multiclass"])
def test_readouts_and_targets(device: str, key: str, target: Any) -> None:
    data = random_dataset(target, per_step=key == "every_step", ragged=True)
    assert_as_on_the_cpu(device, data, model={"cell": "gru", "readout": key})


@on_accelerators
@pytest.mark.parametrize("key", INITIALIZATIONS)
def test_initializations(device: str, key: str) -> None:
    assert_as_on_the_cpu(device, init={"scheme": key}, model={"cell": "rnn"})


@on_accelerators
@pytest.mark.parametrize(
    "options",
    [
        {"truncation": 2}, {"omega": 0.1}, {"early_stopping": 1}, {"loss": "mae"},
        {"optimizer": {"name": "adam", "weight_decay": 0.01}}, {"model": {"cell": "lstm"}, "truncation": 2},
        {"flossing": {"steps": 3, "exponents": 2}}, {"model": {"cell": "indrnn", "bound_weights": True}},
    ],
)  # fmt: skip
def test_further_options(device: str, options: dict[str, Any]) -> None:
    assert_as_on_the_cpu(device, **options)


@on_accelerators
@pytest.mark.parametrize("cell", CELLS)
def test_a_continued_run_is_the_same(device: str, cell: str) -> None:
    model = {"cell": cell, "num_layers": 2, "dropout": 0.3}
    whole = list(Trainer(config(model=model, device=device)).records())
    first = Trainer(config(model=model, device=device))
    records = first.records()
    begun = [next(records) for _ in range(3)]
    second = Trainer(config(model=model, device=device))
    second.load_state_dict(first.state_dict())
    assert_same_runs(whole, [*begun, *second.records()])
    assert json.dumps(first.state_dict()["values"])


@on_accelerators
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_in_single_precision(device: str, cell: str) -> None:
    """As exact as float32 is: not in the ten bits that matrix products are made of where a card is allowed to."""
    model = {"cell": cell, "num_layers": 2, "hidden_size": 48}
    runs = [
        next(Trainer(config(model=model, dtype=dtype, device=each)).records())
        for dtype, each in (("float64", "cpu"), ("float32", device))
    ]
    np.testing.assert_allclose(runs[1].hidden_grad_norm, runs[0].hidden_grad_norm, rtol=1e-4)


@on_accelerators
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("key", ON_DEMAND)
def test_readings(device: str, cell: str, key: str) -> None:
    dtype, within = precision(device)
    found = []
    for each in ("cpu", device):
        chosen = config(
            model={"cell": cell, "readout": "every_step"}, device=each, dtype=dtype,
            data={"kind": "task", "task": "delayed_recall", "seq_len": 8, "delay": 3}, optimizer={"name": "adam"},
        )  # fmt: skip
        found.append(Inspection(chosen, load_dataset(chosen.data)).read(key, 4))
    assert found[1].undefined == found[0].undefined
    for name, ours in found[0].arrays.items():
        if name not in ("eigenvalue_real", "eigenvalue_imaginary"):
            np.testing.assert_allclose(found[1].arrays[name], ours, rtol=1e-5 if within < 1e-5 else 1e-2, atol=1e-6)
    assert len(found[1].said) == len(found[0].said)
    found[1].to_bytes()


@on_accelerators
@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_instruments_of_modules(device: str, kind: type[nn.RNNBase]) -> None:
    if device == "mps":
        pytest.skip("MPS knows no float64")
    torch.manual_seed(0)
    net, readout, x = kind(3, 5, 2).double(), nn.Linear(5, 2).double(), torch.randn(4, 9, 3, dtype=torch.float64)
    y = torch.randn(4, 9, 2, dtype=torch.float64)

    def read(place: str) -> list[Any]:
        model = from_torch(net.to(place), readout.to(place), every_step=True)
        given, wanted = x.to(place), y.to(place)
        sensitivity = state_sensitivity(model, given)[0]
        rest = lyapunov_spectrum(model, given), step_contributions(model, given, wanted)
        return [flow_matrix(model, given, wanted), sensitivity, *rest]

    for ours, theirs in zip(read("cpu"), read(device), strict=True):
        np.testing.assert_allclose(*(torch.as_tensor(each).cpu() for each in (theirs, ours)), rtol=1e-5, atol=1e-8)


@pytest.mark.skipif(not DEVICES, reason="neither CUDA nor MPS is available here")
def test_a_machine_with_an_accelerator_is_still_exact_on_its_cpu() -> None:
    assert all(check.passed for check in verify(10, seed=3))
