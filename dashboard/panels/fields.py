"""Widgets for config fields: ranges and help texts come from the config models, keys are the fields' paths.

"model.hidden_size" is both the path of a field and the key of its widget, so a config can be read from the page and
put back. Widget limits are a courtesy: `TrainConfig` checks everything again.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dashboard.experiment import relevance
from dashboard.experiment.text import escape
from rnncore.config import BundledData, TaskData, TrainConfig, UploadData
from rnncore.registry import Choice

KIND = relevance.KIND
DATA_MODELS: dict[str, type[BaseModel]] = {"task": TaskData, "bundled": BundledData, "upload": UploadData}
UPLOAD = "upload."  # its widgets show what was found in the files; `dashboard.panels.uploads` keeps what was chosen


@dataclass(frozen=True, slots=True)
class Widget:
    """How a field is called on the page. place: what it is folded away under, ''; words: key -> what the page shows."""

    label: str
    place: str
    words: Mapping[Any, str]


WIDGETS: dict[str, Widget] = {}  # by path: what has been drawn or, where it means nothing beside the others, left out
_folded_under = ContextVar("folded_under", default="")
_SLOTS = "fields.slots"  # of this run of the script: path -> place below its widget


@contextmanager
def folded(title: str) -> Iterator[None]:
    """Draw fields that most experiments leave as they are under a title that opens them."""
    token = _folded_under.set(title)
    try:
        with st.expander(title):
            yield
    finally:
        _folded_under.reset(token)


def begin() -> None:
    """Forget the widgets of the last run of the script."""
    st.session_state[_SLOTS] = {}


def say_at(path: str, sentence: str) -> bool:
    """Write a problem below the widget of a field; tell whether that is on the page."""
    slot = st.session_state.get(_SLOTS, {}).get(path)
    if slot is not None:
        slot.error(escape(sentence))
    return slot is not None


def _note(path: str, label: str, words: Mapping[Any, str] | None = None) -> bool:
    """Remember how a field is called, and tell whether to draw it."""
    WIDGETS[path] = Widget(label, _folded_under.get(), words or {})
    return relevant(path)


def _below(path: str) -> None:
    st.session_state.setdefault(_SLOTS, {})[path] = st.empty()


def value(path: str) -> Any:
    """Return what the widget of a field says."""
    return st.session_state.get(path)


def relevant(path: str) -> bool:
    """Tell whether a field means anything beside what the other widgets say."""
    if path.startswith(UPLOAD):
        return bool(value(KIND) == "upload")
    return relevance.relevant(path, value)


def choice(
    path: str,
    label: str,
    options: Mapping[str, str],
    *,
    segmented: bool = False,
    listed: Sequence[str] | None = None,
    **kwargs: Any,
) -> None:
    """A choice among keys, shown in words. listed: those that the widget lists, all by default."""
    if not _note(path, label, options):
        return
    _keep_within(path, options)
    settings: dict[str, Any] = {"key": path, "help": help_of(path), "persist_state": "session"}
    settings |= {"format_func": options.__getitem__} | kwargs
    if segmented:
        st.segmented_control(label, list(listed or options), required=True, width="stretch", **settings)
    else:
        st.selectbox(label, list(listed or options), **settings)
    _below(path)


def entry(
    path: str,
    label: str,
    entries: Mapping[str, Choice],
    *,
    segmented: bool = False,
    listed: Sequence[str] | None = None,
) -> None:
    """A choice among the entries of a registry, with the help sentence of the chosen one. listed: as of `choice`."""
    titles = {key: each.title for key, each in entries.items()}
    if _note(path, label, titles):
        _keep_within(path, entries)
        told = f"{help_of(path)} {entries[value(path)].help}"
        choice(path, label, titles, segmented=segmented, listed=listed, help=told)


def _keep_within(path: str, options: Mapping[str, Any]) -> None:
    if value(path) not in options:
        st.session_state[path] = next(iter(options))


def number(
    path: str, label: str, *, step: float | None = None, fmt: str | None = None, key: str = "", **kwargs: Any
) -> None:
    """A number within the limits that the config model sets; empty where the field may be None.

    key: of the widget where it is not the path, because it stands a second time on the page.
    """
    if not _note(path, label):
        return
    field = field_of(path)
    cast = int if int in (field.annotation, *get_args(field.annotation)) else float
    settings: dict[str, Any] = {kind: cast(limit) for kind, limit in _limits(field).items()}
    key = key or path
    settings |= {"key": key, "help": help_of(path), "step": cast(step or 1), "format": fmt, "persist_state": "session"}
    if value(key) is None:
        settings["value"] = None
    st.number_input(label, **settings, **kwargs)
    if key == path:
        _below(path)


def switch(path: str, label: str) -> None:
    """A yes or no."""
    if _note(path, label, {True: "on", False: "off"}):
        st.toggle(label, key=path, help=help_of(path), persist_state="session")
        _below(path)


def chips(
    path: str, label: str, options: Sequence[str], words: Mapping[str, str], *, most: int, typed: bool, **kwargs: Any
) -> None:
    """Several values, each a chip, shown in words. typed: whether others than the options can be typed in."""
    if _note(path, label):
        settings: dict[str, Any] = {"key": path, "max_selections": most, "accept_new_options": typed} | kwargs
        settings |= {"format_func": lambda text: words.get(text, text), "persist_state": "session"}
        st.multiselect(label, options, **settings)
        _below(path)


def help_of(path: str) -> str | None:
    """Return the one-sentence help of a field."""
    return "Where the sequences come from." if path == KIND else field_of(path).description


def draft() -> dict[str, Any]:
    """Return the config that the widgets stand for, as a nested dict, not yet validated."""
    config: dict[str, Any] = {"data": {"kind": value(KIND)}}
    for path in _fields():
        if path in st.session_state and relevant(path) and not path.startswith(UPLOAD):
            *parents, name = path.split(".")
            node = config
            for parent in parents:
                node = node.setdefault(parent, {})
            node[name] = st.session_state[path]
    return config


def fill(config: TrainConfig) -> None:
    """Put a config into the widgets; fields of the kinds of data that it does not use get their defaults.

    Of a user's files only the kind is put there: see `dashboard.panels.uploads`.
    """
    for path, field in _fields().items():
        if not field.is_required() and not path.startswith(UPLOAD):
            st.session_state[path] = field.get_default(call_default_factory=True)
    st.session_state["data.name"], st.session_state["data.task"] = "sunspots", "adding"
    own = config.data.kind in ("task", "bundled")
    for path, content in _flatten(config.model_dump(exclude=None if own else {"data"})):
        st.session_state[path] = content
    st.session_state[KIND] = config.data.kind if own else "upload"


def exchange(old: TrainConfig, new: TrainConfig) -> None:
    """Put all of `new` but its data into the widgets, if they still hold all of `old` but its data."""
    if all(value(path) == content for path, content in _flatten(old.model_dump(exclude={"data"}))):
        for path, content in _flatten(new.model_dump(exclude={"data"})):
            st.session_state[path] = content


@cache
def _fields() -> dict[str, FieldInfo]:
    return dict(_walk(TrainConfig))


def field_of(path: str) -> FieldInfo:
    """Return the pydantic field at a path."""
    return _fields()[path]


def _walk(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if name == "data":
            for kind, own in DATA_MODELS.items():
                place = UPLOAD if kind == "upload" else "data."
                yield from ((path, info) for path, info in _walk(own, place) if path != f"{place}kind")
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _walk(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, content in config.items():
        if isinstance(content, Mapping):
            yield from _flatten(content, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", content


def _limits(field: FieldInfo) -> dict[str, float]:
    limits: dict[str, float] = {}
    for rule in field.metadata:
        for name, kind in (("ge", "min_value"), ("gt", "min_value"), ("le", "max_value"), ("lt", "max_value")):
            limit = getattr(rule, name, None)
            if limit is not None:
                limits[kind] = limit
    return limits
