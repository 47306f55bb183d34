"""Which runs can train as one batched model."""

from collections.abc import Sequence
from typing import Any

from rnncore.choices import CLIP_METHODS
from rnncore.config import TrainConfig
from rnncore.engine.devices import choose_device

# What each run does by itself: its fields may differ. Everything else makes the shapes and the common steps.
_OWN = {"seed", "init", "optimizer", "schedule", "omega"}
_OWN_PARTS = {"clip": {"threshold", "percentile", "agc_factor"}, "model": {"dropout"}}


def alike(configs: Sequence[TrainConfig]) -> bool:
    """Tell whether runs differ in nothing but seed, initial weights, and numbers of optimiser, clipping and dropout."""
    if not configs:
        return False
    first = _common(configs[0])
    return choose_device(configs[0])[0] == "cpu" and all(_common(config) == first for config in configs[1:])


def _common(config: TrainConfig) -> dict[str, Any]:
    """Return what runs must have in common."""
    fields = config.model_dump(exclude=_OWN)
    for part, own in _OWN_PARTS.items():
        fields[part] = {name: value for name, value in fields[part].items() if name not in own}
    fields["optimizer"] = config.optimizer.name
    fields["in_recursion"] = CLIP_METHODS[config.clip.method].in_recursion
    del fields["clip"]["method"]
    return fields
