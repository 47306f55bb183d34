"""Where a run computes, and why."""

from typing import Any

import pytest

from rnncore import TrainConfig
from rnncore.engine.devices import SMALL, available_devices, choose_device
from rnncore.errors import ConfigError


def config(**changes: Any) -> TrainConfig:
    return TrainConfig.model_validate(changes)


BIG = {"model": {"cell": "lstm", "hidden_size": 512}, "batch_size": 64}


def test_the_cpu_is_always_there_and_comes_last() -> None:
    assert available_devices()[-1] == "cpu"


def test_auto_on_a_machine_without_accelerator() -> None:
    assert choose_device(config(**BIG), ["cpu"]) == ("cpu", "This machine has no accelerator that torch can use.")


@pytest.mark.parametrize(("accelerator", "word"), [("cuda", "CUDA"), ("mps", "Apple Metal")])
def test_auto_takes_the_cpu_for_small_models_and_says_why(accelerator: str, word: str) -> None:
    device, reason = choose_device(config(), [accelerator, "cpu"])
    assert device == "cpu"
    assert reason.startswith("The model is small: 32,768 multiply-adds per timestep")
    assert word in reason
    device, reason = choose_device(config(**BIG), [accelerator, "cpu"])
    assert device == accelerator
    assert f"{64 * 4 * 512**2:,}" in reason
    assert SMALL > 32_768


def test_auto_does_not_take_mps_for_float64() -> None:
    assert choose_device(config(**BIG, dtype="float64"), ["mps", "cpu"])[0] == "cpu"
    assert choose_device(config(**BIG, dtype="float64"), ["cuda", "mps", "cpu"])[0] == "cuda"


def test_a_device_is_taken_as_named() -> None:
    for device in ("cpu", "cuda", "mps"):
        assert choose_device(config(device=device), ["cuda", "mps", "cpu"])[0] == device


@pytest.mark.parametrize(
    ("changes", "available", "message"),
    [
        ({"device": "cuda"}, ["cpu"], "device: 'cuda' is not allowed on this machine, which has no such device; "
         "allowed: 'auto' or 'cpu'"),
        ({"device": "mps", "dtype": "float64"}, ["mps", "cpu"], "dtype: 'float64' is not allowed on the device 'mps', "
         "which computes in float32 only; allowed: 'float32'"),
    ],
)  # fmt: skip
def test_a_device_that_cannot_serve_is_refused(changes: dict[str, Any], available: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        choose_device(config(**changes), available)
    assert str(error.value) == message
