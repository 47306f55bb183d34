"""Groups: runs to be compared, as a list of configurations and the settings in which they differ; known here alone.

Twins, what "Try it" adds to a board, runs that were laid together, and whatever else stands side by side are such
groups. What the page, the link, the report and the history say of them follows from the settings that differ.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dashboard.experiment.relevance import relevant
from dashboard.experiment.setting_paths import values
from dashboard.experiment.setting_words import change_words, setting_name, setting_words
from dashboard.experiment.twins import twins
from dashboard.experiment.words import clip_words, data_words, label
from rnncore.cells import CELLS
from rnncore.config import TaskData, TrainConfig
from rnncore.data import TASKS

MOST = 6  # runs of a group: as many as a board shows
MOST_NAMED = 3  # settings that differ which are named, where there is little room; others are counted

_DATA = "data"  # stands for all of the data, where they are of different kinds
_CELL = ("model.cell", "model.nonlinearity")


@dataclass(frozen=True)
class Group:
    """Runs that are compared. configs: their settings, as on the board; the first is the one that others part from."""

    configs: tuple[TrainConfig, ...]

    @cached_property
    def differs(self) -> tuple[str, ...]:
        """Paths of the settings in which the runs differ, of those that mean something; "data": another kind of data.

        A setting counts where two runs for which it means something say different things for it.
        """
        tables = [meaning(config) for config in self.configs]
        paths = dict.fromkeys(path for table in tables for path in table)
        found = [path for path in paths if _several([table[path] for table in tables if path in table])]
        if "data.kind" not in found:
            return tuple(found)
        return (_DATA, *(path for path in found if not path.startswith("data.")))

    @cached_property
    def matched(self) -> bool:
        """Whether there are several runs, of one seed: the step at which they part is then worth a mark."""
        return len(self.configs) > 1 and len({config.seed for config in self.configs}) == 1

    @cached_property
    def experiment(self) -> tuple[TrainConfig, bool]:
        """The experiment that the controls can say: a config, and whether it is compared with its unclipped twin.

        It is the first run that is clipped and whose twin is there too, else the first run alone.
        """
        tables = list(map(meaning, self.configs))
        for config in self.configs:
            if config.clip.method != "off" and meaning(twins(config)[1]) in tables:
                return config, True
        return self.configs[0], False

    @cached_property
    def others(self) -> tuple[TrainConfig, ...]:
        """The runs beside that experiment."""
        config, compare = self.experiment
        own = [meaning(each) for each in (twins(config) if compare else [config])]
        left = []
        for each in self.configs:
            if meaning(each) in own:
                own.remove(meaning(each))
            else:
                left.append(each)
        return tuple(left)

    def labels(self, given: Sequence[str] = ()) -> list[str]:
        """Return what the runs are called: by what tells them apart, each different.

        given: what they were called when they were started. A preset's, a lesson's or a person's names stay as long as
        they tell the runs apart; names that say the clipping alone stay as long as the clipping alone differs.
        """
        if len(self.configs) == 1:
            return list(given) or [label(self.configs[0])]
        by_clip = all(path.startswith("clip.") for path in self.differs)
        plain = any(name == label(config) for name, config in zip(given, self.configs, strict=False))
        if given and len(set(given)) == len(given) and (by_clip or not plain):
            return list(given)
        return _numbered([", ".join(words) for words in map(self._features, self.configs)])

    def words(self) -> str:
        """Return by what the runs differ: "learning rate and seed"; '' where nothing differs."""
        names = list(dict.fromkeys(map(_difference_name, self.differs)))
        if len(names) > MOST_NAMED:
            names[MOST_NAMED:] = [f"{len(names) - MOST_NAMED} more"]
        return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)

    def _features(self, config: TrainConfig) -> list[str]:
        """Return what of a run differs from the others, in words, the weightiest first."""
        table = meaning(config)
        found: list[str] = []
        paths = set(self.differs)
        if paths & {_DATA, "data.task", "data.name", "data.files"}:
            found.append(data_words({"data": config.data.model_dump()}))
            paths -= {_DATA, "data.task", "data.name", "data.files", "data.seq_len"}
        if paths & set(_CELL):
            found.append(_cell_words(config, with_nonlinearity="model.nonlinearity" in paths))
            paths -= set(_CELL)
        rest = [setting_words(path, table[path]) for path in self.differs if path in paths and path in table
                and not path.startswith("clip.")]  # fmt: skip
        clip = [clip_words(config)] if any(path.startswith("clip.") for path in paths) else []
        return found + rest + clip or [label(config)]


def changes_in_words(before: TrainConfig, after: TrainConfig) -> list[str]:
    """Return how one configuration becomes another, setting by setting: ["learning rate 0.1 → 0.01"]."""
    group = Group((before, after))
    old, new = meaning(before), meaning(after)
    found: list[str] = []
    for path in group.differs:
        if path == _DATA:
            found.append(f"{data_words({'data': before.data.model_dump()})} → "
                         f"{data_words({'data': after.data.model_dump()})}")  # fmt: skip
        elif path.startswith("clip."):
            found.append(f"{clip_words(before)} → {clip_words(after)}")
        else:
            found.append(change_words(path, old.get(path), new.get(path)))
    return list(dict.fromkeys(found))


def difference(base: TrainConfig, other: TrainConfig) -> dict[str, Any]:
    """Return the changes that make `other` of `base`, for `rnncore.changes.changed`; of other data all is told."""
    old, new = base.model_dump(mode="json"), other.model_dump(mode="json")
    changes: dict[str, Any] = {}
    for name, value in new.items():
        if value == old[name]:
            continue
        nested = isinstance(value, Mapping) and (name != _DATA or value["kind"] == old[name]["kind"])
        changes[name] = {key: each for key, each in value.items() if each != old[name].get(key)} if nested else value
    return changes


def meaning(config: TrainConfig) -> dict[str, Any]:
    """Return path -> value of the settings of a run that mean something."""
    known = dict(values(config))
    if isinstance(config.data, TaskData):  # what is left empty there has a value of the task's own
        known |= {f"data.{name}": known[f"data.{name}"] or own for name, own in TASKS[config.data.task].knobs.items()}
    return {path: value for path, value in known.items() if relevant(path, known.get)}


def _several(found: Sequence[Any]) -> bool:
    return any(value != found[0] for value in found[1:])


def _cell_words(config: TrainConfig, with_nonlinearity: bool) -> str:
    cell = CELLS[config.model.cell]
    chosen = with_nonlinearity and len(cell.nonlinearities) > 1
    return f"{'ReLU' if config.model.nonlinearity == 'relu' else config.model.nonlinearity} {cell.title}" if chosen \
        else cell.title  # fmt: skip


def _difference_name(path: str) -> str:
    if path.startswith("clip."):
        return "clipping"
    return "data" if path in (_DATA, "data.files") else setting_name(path)


def _numbered(names: Sequence[str]) -> list[str]:
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return numbered
