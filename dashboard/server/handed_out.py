"""Runs that a student starts in the lab with what a teacher has handed out: they belong on the wall, too."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.experiment.configs import config_of
from dashboard.server import services
from rnncore.classes.school import ClassError, NotInClass, UnknownClass
from rnncore.classes.state import Handout
from rnncore.config import TrainConfig
from rnncore.runs.store.store import StoredRun

logger = logging.getLogger(__name__)


def put_on_walls(workspace: str, runs: Sequence[StoredRun]) -> None:
    """Show the first of a workspace's new runs that is what was handed out, in each of its classes."""
    for room in services.school().of_student(workspace):
        given = room.state.handout
        own = given and next((run for run in runs if is_handed_out(config_of(run), given.handout)), None)
        if own:
            try:
                services.school().put_on_wall(room.code, workspace, own.id)
            except (UnknownClass, NotInClass, ClassError):
                logger.info("a run is not shown on a wall: the class is closed or has changed meanwhile")


def is_handed_out(config: TrainConfig, handout: Handout) -> bool:
    """Tell whether a config is what was handed out, whatever it says for the setting that is to be varied."""
    own, given = config.model_dump(mode="json"), handout.whole().config
    return _without(own, handout.vary) == _without(given, handout.vary)


def _without(config: Mapping[str, Any], path: str | None) -> dict[str, Any]:
    name, _, rest = (path or "").partition(".")
    if name not in config:
        return dict(config)
    if not rest:
        return {key: value for key, value in config.items() if key != name}
    return {**config, name: _without(config[name], rest)}
