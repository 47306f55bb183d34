"""Twins: two runs that differ by the clip alone, so that whatever parts them is the clip's doing.

They are the usual group (`dashboard.experiment.groups`).
"""

from collections.abc import Sequence

from rnncore.config import TrainConfig


def twins(config: TrainConfig) -> Sequence[TrainConfig]:
    """Return the clipped run and its twin without clipping: same seed, same batches, clip the only difference."""
    return config, config.model_copy(update={"clip": config.clip.model_copy(update={"method": "off"})})


def are_twins(configs: Sequence[TrainConfig]) -> bool:
    """Tell whether runs are two that differ by the clip alone: the step at which they part is then worth a mark."""
    return len(configs) == 2 and configs[0].model_copy(update={"clip": configs[1].clip}) == configs[1]
