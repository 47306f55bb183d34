"""Waiting for what another process brings about."""

import time
from collections.abc import Callable
from typing import Any


def wait(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Return the condition's first true value; fail when it has none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return value
