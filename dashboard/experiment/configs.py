"""The settings of a stored run; a run that trains in a program of its user has none here."""

from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from dashboard.experiment.groups import Group
from rnncore.config import TrainConfig
from rnncore.errors import ConfigError
from rnncore.runs.store.store import StoredRun
from rnncore.runs.watched_forms import is_watched


def config_of(run: StoredRun) -> TrainConfig:
    """Return a run's settings. Raises ConfigError where there are none or they cannot be read."""
    if is_watched(run.config):
        raise ConfigError(f"'{run.label}' trains in a program of its own, whose settings are not known here.")
    try:
        return TrainConfig.model_validate(run.config)
    except ValidationError as error:
        raise ConfigError(
            f"The settings of the run '{run.label}' cannot be read: they are damaged, or they name something that a "
            "plugin brought which is not there now."
        ) from error


def known_configs(runs: Iterable[StoredRun]) -> list[TrainConfig]:
    """Return the settings of those runs that have some here. Raises ConfigError where these cannot be read."""
    return [config_of(run) for run in runs if not is_watched(run.config)]


def labels_of(runs: Sequence[StoredRun]) -> list[str]:
    """Return what runs are called side by side; a run without settings here has its own name."""
    configs = known_configs(runs)
    own = [run.label for run in runs if not is_watched(run.config)]
    labels = iter(Group(tuple(configs)).labels(own) if configs else ())
    return [run.label if is_watched(run.config) else next(labels) for run in runs]
