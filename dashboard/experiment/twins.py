"""Twins: two runs that differ by the clip alone, so that whatever parts them is the clip's doing."""

from collections.abc import Sequence

from rnncore.config import TrainConfig


def twins(config: TrainConfig) -> Sequence[TrainConfig]:
    """Return the clipped run and its twin without clipping: same seed, same batches, clip the only difference."""
    return config, config.model_copy(update={"clip": config.clip.model_copy(update={"method": "off"})})


def are_twins(configs: Sequence[TrainConfig]) -> bool:
    """Tell whether runs are two that differ by the clip alone: the step at which they part is then worth a mark."""
    return len(configs) == 2 and configs[0].model_copy(update={"clip": configs[1].clip}) == configs[1]


def experiment_of(configs: Sequence[TrainConfig]) -> tuple[TrainConfig, bool]:
    """Return the experiment that runs on one board stand for, for a link or the controls.

    It is a config and whether that is compared with its twin without clipping: the clipped one of such twins, in
    whatever order they are given, else the first run alone.
    """
    if are_twins(configs):
        clipped = [config for config in configs if config.clip.method != "off"]
        if len(clipped) == 1:
            return clipped[0], True
    return configs[0], False
