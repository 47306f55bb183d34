"""The values that a setting can have: its choices, how a value is written and read, and which to try beside one."""

from collections.abc import Sequence
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from dashboard.experiment.setting_words import CHOICES, value_words
from dashboard.experiment.text import short_powers
from rnncore.cells import CELLS
from rnncore.config import TrainConfig, explain
from rnncore.errors import ConfigError

VALUES = "compare.values"  # names the values of a comparison in sentences
_FIXED = ("data.kind", "data.part", "data.layout", "data.delimiter", "data.decimal", "data.header")
_SUGGESTED = 2  # values beside the experiment's own
_LARGEST, _SMALLEST = ("le", "lt"), ("ge", "gt")


def field_of(path: str, config: TrainConfig) -> FieldInfo:
    """Return the pydantic field of a setting of this experiment."""
    model: BaseModel = config
    *groups, name = path.split(".")
    for group in groups:
        model = getattr(model, group)
    return type(model).model_fields[name]


def can_vary(path: str, config: TrainConfig) -> bool:
    """Tell whether a setting is a choice, a number or a switch: a comparison can give it several values."""
    return path not in _FIXED and (choices(path, config) is not None or is_number(path, config))


def is_number(path: str, config: TrainConfig) -> bool:
    """Tell whether a setting is a number, which may also be left empty."""
    kinds = {kind for kind in _kinds(field_of(path, config)) if kind is not NoneType}
    return bool(kinds) and kinds <= {int, float}


def choices(path: str, config: TrainConfig) -> list[Any] | None:
    """Return what a setting can be, None where it is a number or a text."""
    if path in CHOICES:
        return list(CHOICES[path])
    field = field_of(path, config)
    if get_origin(field.annotation) is Literal:
        return list(get_args(field.annotation))
    return [False, True] if field.annotation is bool else None


def text_of(path: str, value: Any) -> str:
    """Return a value as it is written: "lstm", "0.008", "on", "off" where it is empty."""
    if value is None or isinstance(value, bool):
        return value_words(path, value)
    return short_powers(f"{value:.12g}") if isinstance(value, float) else str(value)


def value_of(path: str, text: str, config: TrainConfig) -> Any:
    """Return the value that a text stands for. Raises ConfigError, a sentence about the values of the comparison."""
    field, text = field_of(path, config), text.strip()
    if NoneType in _kinds(field) and text == text_of(path, None):
        return None
    known = choices(path, config)
    if known is not None:
        for value in known:
            if text_of(path, value) == text:
                return value
        raise ConfigError(f"{VALUES}: {text[:60]!r} is not allowed; allowed: {', '.join(map(repr, known))}")
    try:
        return _validated(field, text)
    except ValidationError:
        raise ConfigError(f"{VALUES}: {_what_is_allowed(path, text, config)}") from None


def suggestions(path: str, own: Any, config: TrainConfig) -> list[Any]:
    """Return values to compare `own` with; none where nothing can be known, as beside an empty one."""
    known = choices(path, config)
    if known is not None:
        if path == "model.cell":  # those that the page lists at once
            return [value for value in known if value != own and not CELLS[value].further]
        return [value for value in known if value != own][:_SUGGESTED]
    if own is None:
        return []
    if path == "seed":
        steps: Sequence[float] = (own + 1, own + 2)
    elif isinstance(own, int):
        steps = (own // 2, own * 2)
    else:
        steps = (float(f"{own / 10:.6g}"), float(f"{own * 10:.6g}"))
    return [value for value in steps if value != own and _is_allowed(path, value, config)]


def _is_allowed(path: str, value: Any, config: TrainConfig) -> bool:
    try:
        _validated(field_of(path, config), value)
    except ValidationError:
        return False
    return True


def _kinds(field: FieldInfo) -> tuple[Any, ...]:
    return get_args(field.annotation) or (field.annotation,)


def _validated(field: FieldInfo, value: Any) -> Any:
    return TypeAdapter(field.rebuild_annotation()).validate_python(value)


def _what_is_allowed(path: str, text: str, config: TrainConfig) -> str:
    """Return the sentence of the configuration itself about a value, without the name of the setting."""
    fields: dict[str, Any] = config.model_dump()
    *groups, name = path.split(".")
    place = fields
    for group in groups:
        place = place[group]
    place[name] = text
    try:
        TrainConfig.model_validate(fields)
    except ValidationError as error:
        return explain(error).partition(": ")[2]
    return f"{text[:60]!r} cannot be read"
