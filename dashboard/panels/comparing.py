"""The sidebar's "Compare": what the runs differ by, its values as chips, and equal parameter counts on request.

The experiment's own value is always one of the chips: where its control changes, that chip changes too, and where the
chip is taken away, the control takes the first one left.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import streamlit as st
from pydantic import ValidationError

from dashboard.experiment.compare_by import CLIPPING, COMPARE_BY, NOTHING, key_for, other_fields, path_of, varied_by
from dashboard.experiment.comparison import HIDDEN, Comparison, Said, Sizes, counts, runs_of
from dashboard.experiment.groups import MOST, Group, meaning
from dashboard.experiment.setting_paths import values
from dashboard.experiment.setting_values import VALUES, choices, suggestions, text_of, value_of
from dashboard.experiment.setting_words import setting_name
from dashboard.experiment.text import escape
from dashboard.panels import fields, uploads
from rnncore.config import TrainConfig, UploadData
from rnncore.errors import ConfigError
from rnncore.words import many

COMPARE, CHOSEN_FIELD, SAME_SIZE = "compare", "compare.field", "compare.same_size"
_SHOWN_FOR = "compare.shown_for"  # setting, the experiment's own value as text, and the experiment
# What belongs to a cell or to its initial weights, and goes back to its default where a ready comparison is chosen.
_NETWORK = ("model.cell", "model.nonlinearity", "init.scheme", "init.chrono", "init.forget_bias", "omega")
_LEFT_OVER = "compare.left_over"  # what the controls were opened with, where they cannot say all of its runs


def open_with(said: Said) -> None:
    """Put a comparison into the controls, whose other controls have been filled."""
    state, comparison, config = st.session_state, said.comparison, said.config
    state[COMPARE], state[SAME_SIZE] = comparison.by, comparison.same_size
    state.pop(_SHOWN_FOR, None)
    state[_LEFT_OVER] = said if said.others else None
    if path := comparison.field:
        state[CHOSEN_FIELD] = path
        state[VALUES] = [text_of(path, value) for value in comparison.values]
        state[_SHOWN_FOR] = (path, text_of(path, meaning(config)[path]), config)


def compares_clipping() -> bool:
    """Tell whether a run without clipping trains beside the one that the controls say."""
    return bool(st.session_state.get(COMPARE) == CLIPPING)


def comparing(draft: Mapping[str, Any], sizes: Sizes | None) -> None:
    """Draw the controls of a comparison. draft: what the other controls say. sizes: of the data, None: not known."""
    try:
        config = TrainConfig.model_validate(draft)
    except ValidationError:
        config = None
    by = _by(config)
    if by in (NOTHING, CLIPPING) or config is None:
        return
    if COMPARE_BY[by].any:
        _field(config)
    path = _path(by, config)
    if path is None:
        return
    if path not in varied_by(config):
        st.caption(escape(f"{_label(path)} means nothing beside the other settings, so nothing is compared."))
        return
    _chips(path, config)
    _parameters(path, config, sizes)


def said(config: TrainConfig) -> Comparison:
    """Return what the controls say. Raises ConfigError: a value cannot be read."""
    state = st.session_state
    by = state.get(COMPARE, NOTHING)
    if by in (NOTHING, CLIPPING):
        return Comparison(by)
    path = _path(by, config)
    if path is None or path not in varied_by(config):
        return Comparison()
    own = meaning(config)[path]
    found = [own, *(value_of(path, text, config) for text in state.get(VALUES, ()))]
    return Comparison(by, path, tuple(dict.fromkeys(found)), bool(state.get(SAME_SIZE)) and path != HIDDEN)


def runs(config: TrainConfig, sizes: Sizes | None) -> tuple[TrainConfig, ...]:
    """Return the runs that Train starts. Raises ConfigError.

    They are those of the comparison and, while the controls still say what they were opened with, what was left over.
    """
    comparison = said(config)
    left: Said | None = st.session_state.get(_LEFT_OVER)
    over = left.others if left is not None and (left.config, left.comparison) == (config, comparison) else ()
    return (*runs_of(config, comparison, sizes), *over)[:MOST]


def _by(config: TrainConfig | None) -> str:
    """Draw the choice of what to compare by; only what there is in this experiment."""
    state = st.session_state
    offered = [
        key
        for key, entry in COMPARE_BY.items()
        if not entry.paths or config is None or path_of(entry, config) or state.get(COMPARE) == key
    ]
    if state.get(COMPARE) not in offered:
        state[COMPARE] = NOTHING
    return st.selectbox(
        "Compare", offered, key=COMPARE, format_func=lambda key: COMPARE_BY[key].title,
        help="Runs side by side, with the same seed and the same batches: what is compared is the only difference. "
        + COMPARE_BY[state[COMPARE]].help,
        label_visibility="collapsed", persist_state="session", on_change=_take_ready,
    )  # fmt: skip


def _take_ready() -> None:
    """Where a ready comparison was chosen, put its values into the chips and the usual network into the controls."""
    state, entry = st.session_state, COMPARE_BY[st.session_state[COMPARE]]
    if not entry.ready:
        return
    (path,), own = entry.paths, entry.ready[0]
    usual = TrainConfig.model_validate({"model": {"cell": own}})
    for name, value in values(usual):
        if name in _NETWORK and name in state:
            state[name] = value
    state[COMPARE], state[VALUES], state[_SHOWN_FOR] = key_for(path), list(entry.ready), (path, own, usual)


def _path(by: str, config: TrainConfig) -> str | None:
    """Return the setting that is compared, None where there is none."""
    entry = COMPARE_BY[by]
    if not entry.any:
        return path_of(entry, config)
    chosen: str | None = st.session_state.get(CHOSEN_FIELD)
    return chosen


def _field(config: TrainConfig) -> None:
    """Draw the choice among the fields that no entry of `COMPARE_BY` has to itself."""
    state = st.session_state
    offered = other_fields(config)
    if state.get(CHOSEN_FIELD) not in (None, *offered):
        offered.append(state[CHOSEN_FIELD])
    st.selectbox(
        "Field", offered, index=None, key=CHOSEN_FIELD, format_func=_label, placeholder="Choose a field",
        persist_state="session",
    )  # fmt: skip


def _chips(path: str, config: TrainConfig) -> None:
    own = text_of(path, meaning(config)[path])
    _keep_up(path, own, config)
    known = choices(path, config)
    options = [text_of(path, value) for value in _on_page(path, known)] if known else st.session_state[VALUES]
    words = fields.WIDGETS.get(_widget(path))
    titles = {text_of(path, value): title for value, title in words.words.items()} if words else {}
    options = list(dict.fromkeys([*options, *st.session_state[VALUES]]))
    fields.chips(
        VALUES, f"Values of {setting_name(path)}", options, titles, most=MOST, typed=known is None,
        on_change=_chips_changed, help="The first run has the value of the control itself. "
        + ("Type a number to add it." if known is None else "Choose as many as you like, up to six."),
    )  # fmt: skip
    if len(st.session_state[VALUES]) < 2:
        st.caption("Add a value: one alone has nothing to be compared with.")


def _on_page(path: str, known: Sequence[Any]) -> list[Any]:
    """Return the choices that the setting's own control offers with these data."""
    widget = fields.WIDGETS.get(_widget(path))
    return [value for value in known if value in widget.words] if widget and widget.words else list(known)


def _keep_up(path: str, own: str, config: TrainConfig) -> None:
    """Let the chips follow the experiment: suggestions for another setting, its own value among them always."""
    state = st.session_state
    before: tuple[str, str, TrainConfig] | None = state.get(_SHOWN_FOR)
    kept: list[str] = [_tidy(path, text, config) for text in state.get(VALUES) or ()]
    if before is None or before[0] != path:
        kept = [text_of(path, value) for value in suggestions(path, meaning(config)[path], config)]
    elif before[1] != own and own not in kept:
        kept = [own if text == before[1] else text for text in kept]
    state[VALUES] = list(dict.fromkeys([*([] if own in kept else [own]), *kept]))[:MOST]
    state[_SHOWN_FOR] = (path, own, config)


def _tidy(path: str, text: str, config: TrainConfig) -> str:
    try:
        return text_of(path, value_of(path, text, config))
    except ConfigError:
        return text


def _chips_changed() -> None:
    """Where the experiment's own chip was taken away, let its control take the first one left."""
    path, own, config = st.session_state[_SHOWN_FOR]
    left = [_tidy(path, text, config) for text in st.session_state[VALUES]]
    if not left or own in left:
        return
    with suppress(ConfigError):
        value = value_of(path, left[0], config)
        if isinstance(config.data, UploadData) and path.startswith("data."):
            uploads.choose(path.removeprefix("data."), value)
        else:
            st.session_state[path] = value


def _parameters(path: str, config: TrainConfig, sizes: Sizes | None) -> None:
    """Offer equal parameter counts where they differ, and say what the networks are then."""
    if sizes is None or path.startswith("data.") or path == HIDDEN:
        return
    try:
        comparison = said(config)
        plain = runs_of(config, comparison)
        if len(set(counts(plain, sizes))) == 1:
            return
        st.toggle(
            "Match the parameter counts", key=SAME_SIZE, persist_state="session",
            help="Choose the hidden size of each run so that all have as nearly as many parameters as the first.",
        )  # fmt: skip
        found = runs_of(config, said(config), sizes)
    except ConfigError:
        return  # said beside the chips once it is asked for
    names = Group(plain).labels()
    told = [
        f"{name}: {many(run.model.hidden_size, 'unit')}, {count:,} parameters"
        for name, run, count in zip(names, found, counts(found, sizes), strict=True)
    ]
    st.caption("  \n".join(map(escape, told)))


def _widget(path: str) -> str:
    """Return the key of a setting's own control."""
    own = fields.UPLOAD + path.removeprefix("data.")
    return own if path.startswith("data.") and own in fields.WIDGETS and fields.value(fields.KIND) == "upload" else path


def _label(path: str) -> str:
    name = setting_name(path)
    return name[0].upper() + name[1:]
