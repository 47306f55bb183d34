"""Checks of a configuration against its data, torch-free, so that the page and the engine refuse the same things."""

from rnncore.choices import AUTO, LOSSES, READOUTS
from rnncore.config import TrainConfig
from rnncore.data.dataset import TARGET_WORDS, Described, TargetKind
from rnncore.data.mistakes import check_mistake
from rnncore.errors import not_allowed
from rnncore.flossing import check_flossing
from rnncore.key_of import either
from rnncore.mistakes import MISTAKES
from rnncore.words import many


def fitting_losses(target: TargetKind) -> list[str]:
    """Return the losses that fit a kind of target; the first one is what "auto" means."""
    return [key for key, loss in LOSSES.items() if target in loss.targets]


def check_loss(name: str, dataset: Described) -> None:
    """Raise ConfigError unless the loss `name` ("auto" always does) fits the kind of target of `dataset`."""
    fitting = fitting_losses(dataset.target)
    if name != AUTO.key and name not in fitting:
        why = f"with the data {dataset.name!r}, which has {TARGET_WORDS[dataset.target]}"
        raise not_allowed("loss", name, why, either((AUTO.key, *fitting)))


def resolve_loss(name: str, dataset: Described) -> str:
    """Return the loss that `name` means for `dataset`: "auto" is the first fitting one. Raises ConfigError."""
    check_loss(name, dataset)
    return fitting_losses(dataset.target)[0] if name == AUTO.key else name


def timesteps_of(config: TrainConfig, dataset: Described) -> int:
    """Return how many timesteps the network reads at most: those of the longest sequence, unless a mistake is made."""
    mistake = MISTAKES[config.mistake]
    if mistake.swaps_axes:
        return min(config.batch_size, dataset.train_size or config.batch_size)
    return dataset.seq_len * (mistake.times_longer if dataset.mistake != config.mistake else 1)


def check_run(config: TrainConfig, dataset: Described) -> None:
    """Raise ConfigError, one sentence, if `config` cannot run or makes no sense on `dataset`."""
    check_loss(config.loss, dataset)
    if dataset.mistake != config.mistake:  # it is still to be made
        check_mistake(config.mistake, dataset)
    readout = config.model.readout
    if READOUTS[readout].per_step != dataset.per_step:
        targets = "a target at every timestep" if dataset.per_step else "one target per sequence"
        why = f"with the data {dataset.name!r}, which has {targets}"
        fitting = either(key for key, each in READOUTS.items() if each.per_step == dataset.per_step)
        raise not_allowed("model.readout", readout, why, fitting)
    timesteps = timesteps_of(config, dataset)
    if config.truncation is not None and config.truncation > timesteps:
        why = f"with sequences of {many(timesteps, 'timestep')}"
        raise not_allowed("truncation", config.truncation, why, f"1 to {timesteps:,}, or empty")
    check_flossing(config, timesteps)
    if config.schedule.warmup_steps > config.steps:
        why = f"in a run of {many(config.steps, 'step')}"
        raise not_allowed("schedule.warmup_steps", config.schedule.warmup_steps, why, f"0 to {config.steps:,}")
