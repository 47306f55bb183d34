"""Checks of a configuration against its data, torch-free, so that the page and the engine refuse the same things."""

from collections.abc import Sequence
from typing import Protocol

from rnncore.config import TrainConfig
from rnncore.data.dataset import TargetKind
from rnncore.errors import not_allowed

# Losses that fit each kind of target; the first one is what "auto" means.
FITTING_LOSSES: dict[TargetKind, tuple[str, ...]] = {
    "regression": ("mse", "mae", "huber"),
    "binary": ("bce",),
    "multiclass": ("cross_entropy",),
}
_TARGET_WORDS: dict[TargetKind, str] = {
    "regression": "a continuous target",
    "binary": "a yes/no target",
    "multiclass": "a target of several classes",
}


class Described(Protocol):
    """What a run is checked against: a `SequenceDataset`, or the summary of one."""

    @property
    def name(self) -> str:
        """What the data are called."""
        ...

    @property
    def target(self) -> TargetKind:
        """What kind of target they have."""
        ...

    @property
    def per_step(self) -> bool:
        """Whether there is a target at every timestep."""
        ...

    @property
    def seq_len(self) -> int:
        """Timesteps of the longest sequence."""
        ...


def check_loss(name: str, dataset: Described) -> None:
    """Raise ConfigError unless the loss `name` ("auto" always does) fits the kind of target of `dataset`."""
    fitting = FITTING_LOSSES[dataset.target]
    if name != "auto" and name not in fitting:
        why = f"with the data {dataset.name!r}, which has {_TARGET_WORDS[dataset.target]}"
        raise not_allowed("loss", name, why, _either(("auto", *fitting)))


def resolve_loss(name: str, dataset: Described) -> str:
    """Return the loss that `name` means for `dataset`: "auto" is the first fitting one. Raises ConfigError."""
    check_loss(name, dataset)
    return FITTING_LOSSES[dataset.target][0] if name == "auto" else name


def check_run(config: TrainConfig, dataset: Described) -> None:
    """Raise ConfigError, one sentence, if `config` cannot run or makes no sense on `dataset`."""
    check_loss(config.loss, dataset)
    readout = config.model.readout
    if dataset.per_step and readout != "every_step":
        why = f"with the data {dataset.name!r}, which has a target at every timestep"
        raise not_allowed("model.readout", readout, why, "'every_step'")
    if not dataset.per_step and readout == "every_step":
        why = f"with the data {dataset.name!r}, which has one target per sequence"
        raise not_allowed("model.readout", readout, why, "'last', 'mean' or 'attention'")
    if config.truncation is not None and config.truncation > dataset.seq_len:
        why = f"with sequences of {dataset.seq_len:,} timesteps"
        raise not_allowed("truncation", config.truncation, why, f"1 to {dataset.seq_len:,}, or empty")
    if config.schedule.warmup_steps > config.steps:
        why = f"in a run of {config.steps:,} steps"
        raise not_allowed("schedule.warmup_steps", config.schedule.warmup_steps, why, f"0 to {config.steps:,}")


def _either(names: Sequence[str]) -> str:
    quoted = [repr(name) for name in names]
    return " or ".join((", ".join(quoted[:-1]), quoted[-1])) if len(quoted) > 1 else quoted[0]
