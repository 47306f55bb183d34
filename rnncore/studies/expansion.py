"""The cells of a study: every combination of its axes' values, with the configuration of each run."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnncore.changes import changed, merged
from rnncore.checks import check_run
from rnncore.config import TrainConfig
from rnncore.data.dataset import DataError, Described
from rnncore.errors import ConfigError
from rnncore.studies.config import StudyConfig
from rnncore.studies.success import Success

Describe = Callable[[TrainConfig], Described]


@dataclass(frozen=True, slots=True)
class StudyCell:
    """One combination of values. values: by the axis's title, as a table shows them. config: with the base's seed."""

    index: int
    values: dict[str, Any]
    config: TrainConfig
    seeds: tuple[int, ...]

    @property
    def configs(self) -> list[TrainConfig]:
        """The configurations of the cell's runs, one per seed."""
        return [self.seeded(place) for place in range(len(self.seeds))]

    def seeded(self, place: int) -> TrainConfig:
        """Return the configuration of the run with the seed at a place."""
        return self.config.model_copy(update={"seed": self.seeds[place]})


def cells_of(study: StudyConfig) -> list[StudyCell]:
    """Return the cells, the last axis varying fastest. Raises ConfigError where a combination is no configuration."""
    choices = [list(zip(axis.shown, map(axis.change, axis.numbers), strict=True)) for axis in study.axes]
    cells = []
    for index, chosen in enumerate(itertools.product(*choices)):
        values = {axis.title: shown for axis, (shown, _) in zip(study.axes, chosen, strict=True)}
        changes: dict[str, Any] = {}
        for _, change in chosen:
            changes = merged(changes, change)
        try:
            config = changed(study.base, changes)
        except ConfigError as error:
            raise ConfigError(_of_cell(values, error)) from None
        cells.append(StudyCell(index, values, config, study.seeds))
    return cells


def check_cells(cells: Sequence[StudyCell], describe: Describe, success: Success | None = None) -> None:
    """Raise ConfigError or DataError, one sentence, if a cell cannot run on its data, or is the same as another one.

    describe: says what a configuration's data are; it is asked once for data that are the same. success: what is to
    count as one, which the data have to allow.
    """
    known: dict[tuple[str, str], Described] = {}
    seen: dict[str, StudyCell] = {}
    for cell in cells:
        config = cell.config
        same = seen.setdefault(config.model_dump_json(), cell)
        if same is not cell:
            both = f"{in_words(same.values)} and {in_words(cell.values)}"
            raise ConfigError(f"axes: {both} are the same runs; name each value once")
        key = (config.data.model_dump_json(), config.mistake)
        try:
            if key not in known:
                known[key] = describe(config)
            check_run(config, known[key])
            _check_success(success, known[key])
        except (ConfigError, DataError) as error:
            raise type(error)(_of_cell(cell.values, error)) from None


def _check_success(success: Success | None, data: Described) -> None:
    if success is not None and success.metric == "val_metric" and data.metric is None:
        raise ConfigError(
            f"success.metric: 'val_metric' is not allowed with the data '{data.name}', which have no metric; allowed:"
            " 'val_loss' or 'train_loss'"
        )


def _of_cell(values: Mapping[str, Any], error: Exception) -> str:
    """Return a sentence that says of which cell it is, unless it names the one value that a cell has already."""
    told = str(error)
    if not values or (len(values) == 1 and told.startswith(f"{next(iter(values))}: ")):
        return told
    return f"{in_words(values)}: {told}"


def in_words(values: Mapping[str, Any]) -> str:
    """Return a cell's values as text: "model.cell 'lstm', data.seq_len 50"."""
    return ", ".join(f"{title} {value!r}" for title, value in values.items())
