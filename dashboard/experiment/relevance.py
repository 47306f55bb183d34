"""Which settings mean something beside the others: the rest is neither shown, nor sent, nor compared."""

from collections.abc import Callable, Mapping
from typing import Any

from dashboard.experiment.setting_paths import DATA_MODELS
from rnncore.cells import CELLS, Cell
from rnncore.choices import CLIP_METHODS, INITIALIZATIONS, OPTIMIZERS, SCHEDULES, Configured
from rnncore.data import SERIES, TASKS

Said = Callable[[str], Any]  # what is said for a setting, by its path
KIND = "data.kind"

# Group of settings -> where it says which entry of which registry it is for: see `Configured.fields`.
_GROUPS: dict[str, tuple[str, Mapping[str, Configured]]] = {
    "init": ("init.scheme", INITIALIZATIONS),
    "optimizer": ("optimizer.name", OPTIMIZERS),
    "schedule": ("schedule.name", SCHEDULES),
    "clip": ("clip.method", CLIP_METHODS),
}


def _cell(said: Said) -> Cell:
    return CELLS[said("model.cell")]


def _smooth(said: Said) -> bool:
    """Tell whether the states change smoothly, as gradient flossing needs it."""
    return len(_cell(said).nonlinearities) == 1 or said("model.nonlinearity") != "relu"


def _flosses(said: Said) -> bool:
    return _smooth(said) and bool(said("flossing.exponents"))


_RULES: dict[str, Callable[[Said], bool]] = {
    "model.nonlinearity": lambda said: len(_cell(said).nonlinearities) > 1,
    "model.bound_weights": lambda said: _cell(said).held is not None,
    "model.dropout": lambda said: (said("model.num_layers") or 1) > 1,
    "init.scheme": lambda said: _cell(said).takes_schemes,
    "init.spectral_radius": lambda said: _cell(said).takes_schemes,
    "init.std": lambda said: _cell(said).takes_schemes,
    "init.chrono": lambda said: bool(_cell(said).chrono),
    "init.forget_bias": lambda said: _cell(said).forget_block is not None and not said("init.chrono"),
    "optimizer.nesterov": lambda said: bool(said("optimizer.momentum")),
    "omega": lambda said: _cell(said).omega,
    "flossing.exponents": _smooth,
    "flossing.steps": _flosses,
    "flossing.every": _flosses,
    "flossing.learning_rate": _flosses,
}


_OF_WINDOWS = ("window", "horizon", "stride")


def _cuts_windows(said: Said) -> bool:
    """Tell whether sequences are windows cut from series; whole ones have no window."""
    if said(KIND) == "bundled":
        return SERIES[said("data.name")].layout == "series"
    return said(KIND) != "upload" or said("data.window") is not None or said("data.layout") in ("auto", "series")


def relevant(path: str, said: Said) -> bool:
    """Tell whether a setting means anything beside what is `said` for the others."""
    if path.startswith("data."):
        name, kind = path.removeprefix("data."), said(KIND)
        if name in ("seq_len", "delay", "symbols"):
            return bool(kind == "task" and name in TASKS[said("data.task")].knobs)
        if name in _OF_WINDOWS and not _cuts_windows(said):
            return False
        return kind in DATA_MODELS and name in DATA_MODELS[kind].model_fields
    rule = _RULES.get(path)
    return _belongs(path, said) and (rule is None or rule(said))


def _belongs(path: str, said: Said) -> bool:
    """Tell whether a setting belongs to the chosen entry of its group, or to no entry in particular."""
    group, _, name = path.partition(".")
    if group not in _GROUPS:
        return True
    chosen, entries = _GROUPS[group]
    return name in entries[said(chosen)].fields or not any(name in entry.fields for entry in entries.values())
