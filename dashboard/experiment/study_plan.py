"""A study put together from what a page asks for: fields, values as text, seeds, a criterion."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from dashboard.experiment import setting_paths
from dashboard.experiment.setting_words import setting_name, value_words
from rnncore.config import TrainConfig
from rnncore.errors import ConfigError
from rnncore.studies.config import StudyConfig, read_study

# The fields that are asked for most come first; the others follow by their path.
_FIRST = ("model.cell", "optimizer.learning_rate", "data.seq_len", "model.hidden_size", "init.scheme", "clip.method",
          "clip.threshold", "optimizer.name", "init.forget_bias", "model.num_layers")  # fmt: skip
_NEVER = ("seed", "data.kind", "device")
CRITERIA = {
    "none": "No criterion",
    "times_baseline": "Validation loss below ... times the best simple answer",
    "below": "Validation loss below ...",
    "metric": "Metric on the validation set below ...",
}


def fields_of(base: TrainConfig) -> dict[str, str]:
    """Return path and name of every field that can be varied, those that are asked for most first."""
    paths = [path for path in setting_paths.defaults(base.data.kind) if path not in _NEVER]
    order = [path for path in _FIRST if path in paths] + sorted(path for path in paths if path not in _FIRST)
    names = {path: setting_name(path) for path in order}
    shared = Counter(names.values())
    return {path: f"{name} ({path})" if shared[name] > 1 else name for path, name in names.items()}


def parsed(text: str) -> list[Any]:
    """Return the values in a text with commas or spaces between them: numbers, true, false, null, and words."""
    parts = [part.strip() for part in text.replace(";", ",").split(",")]
    if len(parts) == 1:
        parts = text.split()
    values = []
    for part in parts:
        if part:
            try:
                values.append(json.loads(part))
            except ValueError:
                values.append(part.strip("'\""))
    return values


def planned(
    base: TrainConfig, axes: Sequence[tuple[str, str]], seeds: int, criterion: str, bound: float, batched: bool = False
) -> StudyConfig:
    """Return the study that was put together. axes: path and text of the values. Raises ConfigError, one sentence."""
    body: dict[str, Any] = {
        "base": base,
        "axes": [{"field": path, "values": parsed(text)} for path, text in axes],
        "seeds": seeds,
        "batched": batched,
    }
    empty = next((path for path, text in axes if not parsed(text)), None)
    if empty is not None:
        raise ConfigError(f"{empty}: name at least one value, with commas between several")
    if criterion == "times_baseline":
        body["success"] = {"times_baseline": bound}
    elif criterion != "none":
        body["success"] = {"metric": "val_metric" if criterion == "metric" else "val_loss", "below": bound}
    return read_study(body)


def base_words(base: TrainConfig, path: str) -> str:
    """Return what a field of the base is set to, in words."""
    value: Any = base
    for name in path.split("."):
        value = getattr(value, name, None)
    return value_words(path, value)
