"""The settings of a stored run."""

from pydantic import ValidationError

from rnncore.config import TrainConfig
from rnncore.errors import ConfigError
from rnncore.runs.store.store import StoredRun


def config_of(run: StoredRun) -> TrainConfig:
    """Return a run's settings. Raises ConfigError where they cannot be read; what it recorded still can."""
    try:
        return TrainConfig.model_validate(run.config)
    except ValidationError as error:
        raise ConfigError(
            f"The settings of the run '{run.label}' cannot be read: they are damaged, or they name something that a "
            "plugin brought which is not there now."
        ) from error
