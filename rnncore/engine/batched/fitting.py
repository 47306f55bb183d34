"""Which runs can train as one batched model."""

from collections.abc import Sequence

from rnncore.alike import in_common
from rnncore.config import TrainConfig
from rnncore.engine.devices import choose_device


def alike(configs: Sequence[TrainConfig]) -> bool:
    """Tell whether runs differ in nothing but seed, initial weights, and numbers of optimiser, clipping and dropout."""
    if not configs:
        return False
    first = in_common(configs[0])
    return choose_device(configs[0])[0] == "cpu" and all(in_common(config) == first for config in configs[1:])
