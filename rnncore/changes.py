"""A configuration with some of its fields changed: what a remedy, a twin or an axis of a study asks for."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rnncore.config import TrainConfig, explain
from rnncore.errors import ConfigError


def changed(config: TrainConfig, changes: Mapping[str, Any]) -> TrainConfig:
    """Return `config` with `changes` in it: a partial configuration as JSON has it, nested, merged field by field.

    Where the data become another kind ({"data": {"kind": ...}}), nothing of the former data remains. Raises
    ConfigError, one sentence, where the result is no valid configuration.
    """
    try:
        return TrainConfig.model_validate(merged(config.model_dump(mode="json"), changes))
    except ValidationError as error:
        raise ConfigError(explain(error)) from None


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with `changes` in them, nested, field by field."""
    result = dict(values)
    for name, change in changes.items():
        before = result.get(name)
        if isinstance(change, Mapping) and isinstance(before, Mapping) and _same_kind(before, change):
            result[name] = merged(before, change)
        else:
            result[name] = dict(change) if isinstance(change, Mapping) else change
    return result


def _same_kind(values: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
    return "kind" not in changes or changes["kind"] == values.get("kind")
