"""Settings in words, as the pages call them: what they are called, what is said for them, and how that changes."""

from collections.abc import Mapping
from typing import Any, Protocol

from dashboard.experiment.text import short_powers
from rnncore.cells import CELLS
from rnncore.choices import AUTO, CLIP_METHODS, INITIALIZATIONS, LOSSES, OPTIMIZERS, READOUTS, SCHEDULES
from rnncore.data import SERIES, TASKS
from rnncore.mistakes import MISTAKES
from rnncore.words import shorten


class Titled(Protocol):
    """An entry that says what the pages call it."""

    @property
    def title(self) -> str:
        """What the pages call it."""
        ...


# Where the pages call a setting otherwise than by the last part of its path.
_NAMES = {
    "data.kind": "source",
    "data.name": "series",
    "data.seq_len": "sequence length",
    "data.val_fraction": "validation share",
    "model.num_layers": "layers",
    "model.hidden_size": "hidden units",
    "model.nonlinearity": "non-linearity",
    "model.readout": "read-out",
    "model.bound_weights": "bounded recurrent weights",
    "init.scheme": "initial recurrent weights",
    "init.std": "standard deviation",
    "init.chrono": "chrono biases",
    "init.forget_bias": "forget-gate bias",
    "optimizer.name": "optimiser",
    "optimizer.nesterov": "Nesterov momentum",
    "schedule.name": "learning-rate schedule",
    "schedule.decay": "decay factor",
    "schedule.decay_steps": "steps per decay factor",
    "schedule.final_fraction": "final share of the learning rate",
    "schedule.warmup_steps": "warm-up steps",
    "clip.method": "clipping",
    "clip.percentile": "percentile of past norms",
    "clip.agc_factor": "largest share of the weight norm",
    "truncation": "truncated backpropagation",
    "omega": "Omega regulariser",
    "flossing.exponents": "exponents of gradient flossing",
    "flossing.steps": "updates of flossing",
    "flossing.every": "steps between flossing",
    "flossing.learning_rate": "learning rate of flossing",
    "eval_every": "steps between validations",
    "profile_every": "steps between profiles",
    "dtype": "precision",
}
# The settings that are a choice from a registry, whose titles say what was chosen.
CHOICES: dict[str, Mapping[str, Titled]] = {
    "data.task": TASKS,
    "data.name": SERIES,
    "model.cell": CELLS,
    "model.readout": READOUTS,
    "init.scheme": INITIALIZATIONS,
    "loss": {AUTO.key: AUTO, **LOSSES},
    "mistake": MISTAKES,
    "optimizer.name": OPTIMIZERS,
    "schedule.name": SCHEDULES,
    "clip.method": CLIP_METHODS,
}
# What is said for these needs no name before it.
_SPEAK = ("data.kind", "data.task", "data.name", "model.cell", "optimizer.name", "mistake")
_OFF = ("truncation", "early_stopping", "flossing.every")  # empty means that there is none; elsewhere: a default


def setting_name(path: str) -> str:
    """Return what the pages call a setting, as it stands inside a sentence: "learning rate"."""
    return _NAMES.get(path, path.rpartition(".")[2].replace("_", " "))


def value_words(path: str, value: Any) -> str:
    """Return what is said for a setting: "LSTM", "0.01", "on"."""
    entries = CHOICES.get(path, {})
    if isinstance(value, str) and value in entries:
        return entries[value].title
    if value is None:
        return "off" if path in _OFF else "default"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return short_powers(f"{value:g}")
    if isinstance(value, tuple | list):
        return shorten(", ".join(str(getattr(each, "name", each)) for each in value) or "none")
    return shorten(str(value).replace("_", " ") or "none")


def setting_words(path: str, value: Any) -> str:
    """Return a setting with what is said for it: "learning rate 0.01", "LSTM", "read-out: Mean over time"."""
    said = value_words(path, value)
    if path in _SPEAK:
        return said
    return f"{setting_name(path)}{':' if isinstance(value, str) else ''} {said}"


def change_words(path: str, before: Any, after: Any) -> str:
    """Return how a setting changes: "learning rate 0.1 → 0.01", "read-out: Last step → Mean over time"."""
    colon = ":" if isinstance(before, str) or isinstance(after, str) else ""
    return f"{setting_name(path)}{colon} {value_words(path, before)} → {value_words(path, after)}"
