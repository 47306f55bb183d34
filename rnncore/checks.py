"""Checks of a configuration against its data, torch-free, so that the page and the engine refuse the same things."""

from typing import Protocol

from rnncore.choices import AUTO, LOSSES, READOUTS
from rnncore.config import TrainConfig
from rnncore.data.dataset import TargetKind
from rnncore.errors import not_allowed
from rnncore.key_of import either
from rnncore.words import many

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


def fitting_losses(target: TargetKind) -> list[str]:
    """Return the losses that fit a kind of target; the first one is what "auto" means."""
    return [key for key, loss in LOSSES.items() if target in loss.targets]


def check_loss(name: str, dataset: Described) -> None:
    """Raise ConfigError unless the loss `name` ("auto" always does) fits the kind of target of `dataset`."""
    fitting = fitting_losses(dataset.target)
    if name != AUTO.key and name not in fitting:
        why = f"with the data {dataset.name!r}, which has {_TARGET_WORDS[dataset.target]}"
        raise not_allowed("loss", name, why, either((AUTO.key, *fitting)))


def resolve_loss(name: str, dataset: Described) -> str:
    """Return the loss that `name` means for `dataset`: "auto" is the first fitting one. Raises ConfigError."""
    check_loss(name, dataset)
    return fitting_losses(dataset.target)[0] if name == AUTO.key else name


def check_run(config: TrainConfig, dataset: Described) -> None:
    """Raise ConfigError, one sentence, if `config` cannot run or makes no sense on `dataset`."""
    check_loss(config.loss, dataset)
    readout = config.model.readout
    if READOUTS[readout].per_step != dataset.per_step:
        targets = "a target at every timestep" if dataset.per_step else "one target per sequence"
        why = f"with the data {dataset.name!r}, which has {targets}"
        fitting = either(key for key, each in READOUTS.items() if each.per_step == dataset.per_step)
        raise not_allowed("model.readout", readout, why, fitting)
    if config.truncation is not None and config.truncation > dataset.seq_len:
        why = f"with sequences of {many(dataset.seq_len, 'timestep')}"
        raise not_allowed("truncation", config.truncation, why, f"1 to {dataset.seq_len:,}, or empty")
    if config.schedule.warmup_steps > config.steps:
        why = f"in a run of {many(config.steps, 'step')}"
        raise not_allowed("schedule.warmup_steps", config.schedule.warmup_steps, why, f"0 to {config.steps:,}")
