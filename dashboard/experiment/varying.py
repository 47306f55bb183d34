"""The settings that a class may vary: what a page without Streamlit must know to offer one of them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dashboard.experiment.relevance import relevant
from dashboard.experiment.setting_paths import DATA_MODELS, values
from dashboard.experiment.setting_words import CHOICES, setting_name
from rnncore.config import TrainConfig

# Not for a class: what is chosen for the data as a whole, how it is measured, on which device, and how long it takes.
_OTHERS = ("data.kind", "data.name", "data.task", "data.layout", "dtype", "device", "profile_every", "eval_every")
# Where the last part of a path says too little by itself.
_NAMES = {"clip.threshold": "clip threshold", "data.delay": "delay of the task", "data.symbols": "number of symbols"}
HUGE = 1e9  # a limit that nobody reaches is not told
FIRST = ("clip.threshold", "optimizer.learning_rate", "model.hidden_size", "model.cell")  # what is varied most


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `path` in a config, its `name` in words, and what may be said for it.

    kind: "number", "choice" or "switch". whole: whether numbers are whole. allowed: which numbers, in words. choices:
    key and title of each choice. optional: whether it may be empty.
    """

    path: str
    name: str
    kind: str
    whole: bool = False
    allowed: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    optional: bool = False


@cache
def settings() -> dict[str, dict[str, Any]]:
    """Return all settings that a class may vary, as JSON-ready dicts by their paths (`Setting`)."""
    found = (_setting(path, field) for path, field in _fields(TrainConfig))
    return {setting.path: asdict(setting) for setting in found if setting}


def varied_most(config: TrainConfig) -> list[str]:
    """Return the paths of the settings of a config that can be varied, those first that are varied most."""
    said = dict(values(config))
    names = [path for path in said if path in settings() and relevant(path, said.get)]
    return sorted(names, key=lambda path: FIRST.index(path) if path in FIRST else len(FIRST))


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if name == "data":  # the numbers of synthetic tasks and bundled series; files have columns of their own
            for kind in ("task", "bundled"):
                yield from _fields(DATA_MODELS[kind], "data.")
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _setting(path: str, field: FieldInfo) -> Setting | None:
    """Return what is to be known of a field, None where a class cannot vary it."""
    if path in _OTHERS:
        return None
    name, kinds = _NAMES.get(path, setting_name(path)), get_args(field.annotation) or (field.annotation,)
    optional = type(None) in kinds
    if titles := {key: each.title for key, each in CHOICES.get(path, {}).items()}:
        return Setting(path, name, "choice", choices=tuple(titles.items()), optional=optional)
    if get_origin(field.annotation) is Literal:
        return Setting(path, name, "choice", choices=tuple((key, str(key)) for key in get_args(field.annotation)))
    if bool in kinds:
        return Setting(path, name, "switch")
    if int in kinds or float in kinds:
        whole = int in kinds
        return Setting(path, name, "number", whole, _allowed(field, whole, optional), optional=optional)
    return None


def _allowed(field: FieldInfo, whole: bool, optional: bool) -> str:
    """Return which numbers a field takes, e.g. "a whole number from 1 to 8"."""
    parts = ["a whole number" if whole else "a number"]
    for rule in field.metadata:
        for name, words in (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below")):
            limit = getattr(rule, name, None)
            if limit is not None and abs(limit) < HUGE:
                parts.append(f"{words} {limit:,}")
    return " ".join(parts) + (", or nothing for the default" if optional else "")
