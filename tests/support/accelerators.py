"""The accelerators of this machine, and the mark of tests that need one."""

from typing import Any

import pytest

from rnncore.engine.devices import available_devices

DEVICES = [name for name in available_devices() if name != "cpu"]


def on_accelerators(test: Any) -> Any:
    """Run a test on each, as its argument `device`; skip it where there is none."""
    test = pytest.mark.parametrize("device", DEVICES or ["an accelerator"])(test)
    return pytest.mark.skipif(not DEVICES, reason="neither CUDA nor MPS is available here")(test)
