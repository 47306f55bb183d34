"""The sidebar: widgets whose ranges and help texts come from the config models, and the draft config they make.

A widget's key is the path of its field ("model.hidden_size"), so a config can be read from the sidebar and put back.
Widget limits are a courtesy: `TrainConfig` checks everything again.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dashboard import uploads
from rnncore.config import (
    BundledData,
    CsvData,
    TaskData,
    TrainConfig,
)
from rnncore.data import SERIES, TASKS

COMPARE = "compare"
_START = "controls.start"
SOURCE = "data.kind"
SOURCES = {"task": "Synthetic", "bundled": "Real", "csv": "My CSV"}
CELLS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
LOSSES = {
    "auto": "As the data calls for",
    "mse": "Mean squared error",
    "mae": "Mean absolute error",
    "huber": "Huber",
    "bce": "Binary cross-entropy",
    "cross_entropy": "Cross-entropy",
}
CLIPS = {"off": "Off", "norm": "By norm"}

# What the page opens with: a plain RNN on the adding problem whose gradients explode without clipping.
DEFAULT = TrainConfig()
_DATA_MODELS: dict[str, type[BaseModel]] = {"task": TaskData, "bundled": BundledData, "csv": CsvData}


def sidebar() -> dict[str, Any]:
    """Draw the controls of an experiment and return the draft config as a nested dict, not yet validated."""
    _open_with(DEFAULT)
    with st.container(key="controls-data"):
        st.subheader("Data")
        _data()
    st.subheader("Network")
    _choice("model.cell", "Cell", CELLS, segmented=True)
    left, right = st.columns(2)
    with left:
        _number("model.hidden_size", "Hidden units")
    with right:
        _number("model.num_layers", "Layers")
    st.subheader("Training")
    _choice("loss", "Loss", LOSSES)
    left, right = st.columns(2)
    with left:
        _choice("optimizer.name", "Optimiser", OPTIMIZERS)
        _number("steps", "Steps", step=100)
        _number("seed", "Seed")
    with right:
        _number("optimizer.learning_rate", "Learning rate", step=0.001, fmt="%.6g")
        _number("batch_size", "Batch size")
    st.subheader("Clipping")
    st.toggle(
        "Compare with and without clipping",
        key=COMPARE,
        help="Train two runs with the same seed and the same batches; clipping is the only difference.",
        persist_state="session",
    )
    left, right = st.columns(2)
    with left:
        clips = {key: word for key, word in CLIPS.items() if key != "off"} if st.session_state[COMPARE] else CLIPS
        _choice("clip.method", "Method", clips)
    with right:
        _number("clip.threshold", "Threshold", step=0.1, fmt="%.6g", disabled=st.session_state["clip.method"] == "off")
    return draft()


def draft() -> dict[str, Any]:
    """Return the config that the widgets stand for, as a nested dict."""
    kind = st.session_state[SOURCE]
    config: dict[str, Any] = {}
    for path in _paths():
        if path in st.session_state and (not path.startswith("data.") or _belongs(path, kind)):
            _put(config, path, st.session_state[path])
    if kind == "csv":
        config["data"]["file"] = uploads.current_file_id() or ""
    return config


def untouched() -> bool:
    """Tell whether this session's controls have not been drawn yet."""
    return SOURCE not in st.session_state


def open_with(config: TrainConfig, *, compare: bool) -> None:
    """Put a config back into the widgets, for instance that of a run found by its address."""
    for path, value in _flatten(config.model_dump()):
        st.session_state[path] = value
    st.session_state[COMPARE] = compare
    if compare and config.clip.method == "off":
        st.session_state["clip.method"] = "norm"


def request_start() -> None:
    """Ask the lab page to train, at its next run, what the controls then say; `start_requested` answers once."""
    st.session_state[_START] = True


def start_requested() -> bool:
    """Tell, once, whether another page asked for training."""
    return bool(st.session_state.pop(_START, False))


def _open_with(config: TrainConfig) -> None:
    if untouched():
        open_with(config, compare=True)
    for model in _DATA_MODELS.values():  # the fields of the kinds of data that are not chosen
        for name, field in model.model_fields.items():
            if not field.is_required():
                st.session_state.setdefault(f"data.{name}", field.default)
    st.session_state.setdefault("data.name", "sunspots")
    st.session_state.setdefault("data.task", "adding")


def _data() -> None:
    _choice(SOURCE, "Source", SOURCES, segmented=True, label_visibility="collapsed")
    kind = st.session_state[SOURCE]
    if kind == "task":
        task = TASKS[st.session_state["data.task"]]
        _choice("data.task", "Task", {name: each.title for name, each in TASKS.items()}, help=task.description)
        _number("data.seq_len", "Sequence length", placeholder=f"{task.default_length} (the task's own)")
        return
    if kind == "bundled":
        series = SERIES[st.session_state["data.name"]]
        titles = {name: each.title for name, each in SERIES.items()}
        _choice("data.name", "Series", titles, help=f"{series.description} Source: {series.source}")
    else:
        uploads.choose_file()
    left, right = st.columns(2)
    with left:
        _number("data.window", "Window")
    with right:
        _number("data.horizon", "Horizon")
    _number("data.val_fraction", "Validation share", step=0.05, fmt="%.2f")


def _choice(path: str, label: str, options: Mapping[str, str], *, segmented: bool = False, **kwargs: Any) -> None:
    """A choice among a registry's keys, shown in words."""
    if st.session_state.get(path) not in options:
        st.session_state[path] = next(iter(options))
    common: dict[str, Any] = {"key": path, "help": _help(path), "format_func": options.__getitem__} | kwargs
    if segmented:
        st.segmented_control(label, list(options), required=True, width="stretch", persist_state="session", **common)
    else:
        st.selectbox(label, list(options), persist_state="session", **common)


def _number(path: str, label: str, *, step: float | None = None, fmt: str | None = None, **kwargs: Any) -> None:
    """A number within the limits that the config model sets; empty where the field may be None."""
    field = _field(path)
    whole = int in (field.annotation, *get_args(field.annotation))
    cast = int if whole else float
    settings: dict[str, Any] = {kind: cast(value) for kind, value in _limits(field).items()}
    settings |= {"key": path, "help": _help(path), "step": cast(step or 1), "format": fmt, "persist_state": "session"}
    if st.session_state.get(path) is None:
        settings["value"] = None
    st.number_input(label, **settings, **kwargs)


def _limits(field: FieldInfo) -> dict[str, float]:
    limits: dict[str, float] = {}
    for rule in field.metadata:
        for name, kind in (("ge", "min_value"), ("gt", "min_value"), ("le", "max_value"), ("lt", "max_value")):
            value = getattr(rule, name, None)
            if value is not None:
                limits[kind] = value
    return limits


def _help(path: str) -> str | None:
    return "Where the sequences come from." if path == SOURCE else _field(path).description


@cache
def _field(path: str) -> FieldInfo:
    return dict(_fields(TrainConfig))[path]


@cache
def _paths() -> tuple[str, ...]:
    return (SOURCE, *(path for path, _ in _fields(TrainConfig)))


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if name == "data":
            for kind in _DATA_MODELS.values():
                yield from ((path, info) for path, info in _fields(kind, "data.") if path != SOURCE)
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _fields(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _belongs(path: str, kind: str) -> bool:
    return path.removeprefix("data.") in _DATA_MODELS[kind].model_fields


def _flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _put(config: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        config = config.setdefault(parent, {})
    config[name] = value


def twins(config: TrainConfig) -> Sequence[TrainConfig]:
    """Return the clipped run and its twin without clipping: same seed, same batches, clip the only difference."""
    return config, config.model_copy(update={"clip": config.clip.model_copy(update={"method": "off"})})


def label(config: TrainConfig) -> str:
    """Return the run's name in words, by what tells twins apart."""
    clip = config.clip
    return {"off": "not clipped", "norm": f"clipped at {clip.threshold:g}"}[clip.method]
