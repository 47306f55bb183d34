"""A configuration as a flat table: every setting by its path, as "model.cell"."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from rnncore.config import DataConfig, TrainConfig

DATA_MODELS: dict[str, type[BaseModel]] = {
    model.model_fields["kind"].default: model for model in get_args(get_args(DataConfig)[0])
}


def values(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield path and value of every field, groups taken apart."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from values(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


@cache
def defaults(kind: str) -> Mapping[str, Any]:
    """Return path -> default of every field that has one, with this kind of data."""
    own = {path: value for path, value in values(TrainConfig()) if not path.startswith("data.")}
    fields = DATA_MODELS[kind].model_fields.items()
    return own | {f"data.{name}": info.default for name, info in fields if not info.is_required()}
