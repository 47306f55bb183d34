"""A comparison: what the runs are compared by, as the sidebar says it; its runs, and what it was from its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError

from dashboard.experiment.compare_by import CLIPPING, NOTHING, key_for, varied_by
from dashboard.experiment.groups import MOST, Group, meaning
from dashboard.experiment.relevance import relevant
from dashboard.experiment.setting_paths import defaults, values
from dashboard.experiment.setting_values import VALUES
from dashboard.experiment.setting_words import setting_name, value_words
from dashboard.experiment.twins import are_twins, twins
from rnncore.checks import fitting_losses
from rnncore.choices import AUTO, READOUTS
from rnncore.config import BundledData, TaskData, TrainConfig, UploadData, explain
from rnncore.data import load_dataset
from rnncore.data.dataset import TargetKind
from rnncore.errors import ConfigError
from rnncore.sizes import hidden_size_like, parameter_count
from rnncore.words import many

HIDDEN = "model.hidden_size"


class Sizes(NamedTuple):
    """What data give a network and want of it."""

    input_size: int
    output_size: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What runs are compared by.

    by: key of `COMPARE_BY`. field: path of the setting that differs, '' where it is none. values: what it is in each
    run; the experiment's own value is always one of them. same_size: hidden sizes are chosen so that all have as nearly
    as many parameters as the first.
    """

    by: str = NOTHING
    field: str = ""
    values: tuple[Any, ...] = ()
    same_size: bool = False


ONE_RUN = Comparison()
WITH_AND_WITHOUT_CLIPPING = Comparison(CLIPPING)


class Said(NamedTuple):
    """What the controls can say of a group of runs: an experiment, its comparison, and the runs that are left over."""

    config: TrainConfig
    comparison: Comparison
    others: tuple[TrainConfig, ...] = ()


def runs_of(config: TrainConfig, comparison: Comparison, sizes: Sizes | None = None) -> tuple[TrainConfig, ...]:
    """Return the runs of a comparison, at most six: the experiment's own first, the same seed in all but seeds.

    sizes: of the data, without which hidden sizes stay as they are. Raises ConfigError: a value does not fit.
    """
    if comparison.by == CLIPPING:
        return tuple(twins(config))
    found = [config]
    if comparison.field in varied_by(config):
        for value in comparison.values:
            run = varied(config, comparison.field, value)
            if all(meaning(run) != meaning(each) for each in found):
                found.append(run)
    if comparison.same_size and sizes is not None:
        found = [config, *(resized(run, config, sizes) for run in found[1:])]
    return tuple(found[:MOST])


def said_of(configs: Sequence[TrainConfig]) -> Said:
    """Return what the controls can say of runs, so that `runs_of` gives them again where they are one comparison."""
    group = Group(tuple(configs))
    config, compared = group.experiment
    if are_twins(configs) and compared:
        return Said(config, WITH_AND_WITHOUT_CLIPPING)
    first = configs[0]
    for same_size in (False, True):
        paths = [path for path in group.differs if not (same_size and path == HIDDEN)]
        if len(configs) == 1 or len(paths) != 1 or paths[0] not in varied_by(first):
            continue
        own = [meaning(each).get(paths[0]) for each in configs]
        comparison = Comparison(key_for(paths[0]), paths[0], tuple(own), same_size)
        if _are_the_runs(configs, comparison):
            return Said(first, comparison)
    return Said(config, WITH_AND_WITHOUT_CLIPPING if compared else ONE_RUN, group.others)


def sent_as(configs: Sequence[TrainConfig]) -> tuple[TrainConfig, bool, tuple[TrainConfig, ...]]:
    """Return runs as a link holds them (`dashboard.experiment.share.encode`): in their order, twins by their flag."""
    said = said_of(configs)
    if said.comparison.field:
        return said.config, False, tuple(configs[1:])
    return said.config, said.comparison.by == CLIPPING, said.others


def varied(config: TrainConfig, path: str, value: Any) -> TrainConfig:
    """Return an experiment with one setting changed, as if that had been chosen for it in the sidebar.

    What means nothing beside it goes back to its default, and a read-out or a loss that does not fit other data to one
    that does. Raises ConfigError.
    """
    table = dict(values(config)) | {path: value}
    usual = defaults(config.data.kind)
    for _ in range(2):  # what goes back may take the meaning of something else away
        table = {each: said if relevant(each, table.get) else usual.get(each, said) for each, said in table.items()}
    try:
        run = TrainConfig.model_validate(_nested(table))
    except ValidationError as error:
        raise ConfigError(f"{VALUES}: {explain(error).removeprefix(f'{path}: ')}") from None
    return _fitted(run) if path.startswith("data.") else run


def resized(run: TrainConfig, like: TrainConfig, sizes: Sizes) -> TrainConfig:
    """Return a run with the hidden size at which it has as nearly as many parameters as another."""
    return _with_hidden(run, hidden_size_like(like.model, run.model, *sizes))


def counts(configs: Sequence[TrainConfig], sizes: Sizes) -> list[int]:
    """Return the number of parameters of each run."""
    return [parameter_count(config.model, *sizes) for config in configs]


def sizes_of(data: TaskData | BundledData | UploadData) -> Sizes | None:
    """Return the sizes of data that ship with the product; None of files."""
    return None if isinstance(data, UploadData) else _facts(data)[0]


def comparison_words(said: Said) -> str:
    """Return what is compared, in a few words: "twins", "learning rate 0.1, 0.01"."""
    path, many_runs = said.comparison.field, len(said.others)
    if path:
        listed = ", ".join(value_words(path, value) for value in said.comparison.values)
        same = ", of one size" if said.comparison.same_size else ""
        return f"{setting_name(path)} {listed}{same}"
    words = "twins" if said.comparison.by == CLIPPING else "one run"
    return f"{words} and {many(many_runs, 'more run')}" if many_runs else words


def _are_the_runs(configs: Sequence[TrainConfig], comparison: Comparison) -> bool:
    sizes = sizes_of(configs[0].data) if comparison.same_size else None
    try:
        runs = runs_of(configs[0], comparison, sizes)
    except ConfigError:
        return False
    if comparison.same_size and sizes is None:  # of files: their sizes are not known here
        runs = tuple(_with_hidden(run, each.model.hidden_size) for run, each in zip(runs, configs, strict=False))
    return [meaning(run) for run in runs] == [meaning(config) for config in configs]


def _with_hidden(run: TrainConfig, hidden_size: int) -> TrainConfig:
    return run.model_copy(update={"model": run.model.model_copy(update={"hidden_size": hidden_size})})


def _fitted(run: TrainConfig) -> TrainConfig:
    if isinstance(run.data, UploadData):
        return run
    _, per_step, target = _facts(run.data)
    if READOUTS[run.model.readout].per_step != per_step:
        readout = next(key for key, each in READOUTS.items() if each.per_step == per_step)
        run = run.model_copy(update={"model": run.model.model_copy(update={"readout": readout})})
    fits = run.loss == AUTO.key or run.loss in fitting_losses(target)
    return run if fits else run.model_copy(update={"loss": AUTO.key})


@lru_cache(maxsize=64)
def _facts(data: TaskData | BundledData) -> tuple[Sizes, bool, TargetKind]:
    dataset = load_dataset(data)
    return Sizes(dataset.input_size, dataset.output_size), dataset.per_step, dataset.target


def _nested(table: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for path, value in table.items():
        group, dot, name = path.partition(".")
        (fields.setdefault(group, {}) if dot else fields)[name if dot else group] = value
    return fields
