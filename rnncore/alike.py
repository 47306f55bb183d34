"""Which runs have one shape, so that they can train side by side as one batched model; torch-free."""

from typing import Any

from rnncore.choices import CLIP_METHODS
from rnncore.config import TrainConfig

# What each run does by itself: its fields may differ. Everything else makes the shapes and the common steps.
_OWN = {"seed", "init", "optimizer", "schedule", "omega"}
_OWN_PARTS = {"clip": {"threshold", "percentile", "agc_factor"}, "model": {"dropout"}}


def in_common(config: TrainConfig) -> dict[str, Any]:
    """Return what a run must have in common with those that train beside it in one batched model.

    Left out are the seed, the initial weights, and the numbers of optimiser, schedule, clipping and regularisers.
    """
    fields = config.model_dump(exclude=_OWN)
    for part, own in _OWN_PARTS.items():
        fields[part] = {name: value for name, value in fields[part].items() if name not in own}
    fields["optimizer"] = config.optimizer.name
    fields["in_recursion"] = CLIP_METHODS[config.clip.method].in_recursion
    del fields["clip"]["method"]
    return fields
