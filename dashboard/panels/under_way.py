"""Runs of this workspace that are under way when the page opens or Train is pressed: open them, stop them, or queue."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from dashboard.experiment.comparison import said_of
from dashboard.experiment.configs import known_configs
from dashboard.experiment.text import escape
from dashboard.experiment.words import data_words, model_words, status_word
from dashboard.panels import controls
from dashboard.panels.theme import on_primary
from dashboard.server import services
from dashboard.server.workspace import workspace_id
from rnncore.config import TrainConfig
from rnncore.errors import ConfigError
from rnncore.runs.limits import Load, check_start
from rnncore.runs.scheduler import ControlError, UnknownRun
from rnncore.runs.store.keys import watch_key
from rnncore.runs.store.store import StoredRun
from rnncore.runs.watched_forms import is_watched
from rnncore.words import many

STOP, QUEUE = "stop", "queue"
_ANSWER = "under_way.answer"
_STOP_FIRST = "under_way.stop_first"
Start = Sequence[StoredRun]  # runs that were started together


def may_start(pressed: bool) -> bool:
    """Tell whether to start what the controls say; ask first, in a dialog, where other runs are under way."""
    answer = st.session_state.pop(_ANSWER, None)
    if answer is None and pressed and (starts := _unfinished()):
        _ask(starts)
        return False
    st.session_state[_STOP_FIRST] = answer == STOP
    return pressed or answer is not None


def make_room(configs: Sequence[TrainConfig]) -> None:
    """Stop what is under way, if that was the answer and these runs could start then. Raises LimitError."""
    if not st.session_state.pop(_STOP_FIRST, False):
        return
    scheduler = services.scheduler()
    check_start(configs, Load(0, 0), scheduler.settings)
    for start in _unfinished():
        with suppress(ControlError, UnknownRun):  # it has ended meanwhile
            scheduler.stop(start[0].group)


def offer_to_open() -> None:
    """Say that a run is still training, with a button that opens it; nothing where none is."""
    starts = _unfinished()
    if not starts:
        return
    newest = starts[-1]
    others = f" ({many(len(starts) - 1, 'other')} under History)" if len(starts) > 1 else ""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"A run is still training: {escape(_words(newest))}{others}.", width="stretch")
        st.button("Open it", key="under_way.open", on_click=_open, args=(newest,))


@st.dialog("A run is still training")
def _ask(starts: Sequence[Start]) -> None:
    if _ANSWER in st.session_state:  # a button of this dialog was pressed
        st.rerun()
    for start in starts:
        st.markdown(escape(_words(start)))
    them = "that run" if len(starts) == 1 else "them all"
    label = on_primary(f"Stop {them} and train this")
    st.button(label, key="under_way.stop", type="primary", width="stretch", on_click=_answer, args=(STOP,))
    st.button("Queue it", key="under_way.queue", width="stretch", on_click=_answer, args=(QUEUE,))
    st.caption("What is stopped is kept, and can be continued. What is queued trains as soon as there is room.")


def _answer(answer: str) -> None:
    st.session_state[_ANSWER] = answer


def _open(start: Start) -> None:
    st.query_params["run"] = watch_key(start[0].group)
    try:
        configs = known_configs(start)
    except ConfigError:
        return  # the board says so
    if configs:
        controls.open_with(said_of(configs))


def _unfinished() -> list[Start]:
    """Return the starts of this workspace that have a run under way here, the newest last."""
    starts: dict[str, list[StoredRun]] = {}
    for run in services.scheduler().store.unfinished(workspace_id()):
        if not is_watched(run.config):  # which takes no place here
            starts.setdefault(run.group, []).append(run)
    return list(starts.values())


def _words(start: Start) -> str:
    first = start[0]
    labels = " and ".join(run.label for run in start)
    how_far = f"step {first.step:,} of {first.steps:,}" if first.step else status_word(first.status)
    return f"{data_words(first.config)}, {model_words(first.config)}, {labels}: {how_far}"
