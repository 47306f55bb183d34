"""The teacher's side of a class in the lab: the button that opens one, and the bar while it is open.

All that the bar does with the class it asks of the API itself; the page is asked only to train and to show runs.
"""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from dashboard.experiment.varying import varied_most
from dashboard.experiment.words import in_words
from dashboard.lessons import Lesson
from dashboard.panels import lesson_card
from dashboard.server import services
from dashboard.server.assets import asset_url
from dashboard.server.guard import is_loopback
from dashboard.server.keys import watch_address
from dashboard.server.qr import qr_svg
from dashboard.server.workspace import workspace_id
from rnncore.classes.school import ClassIsFull, Classroom
from rnncore.config import TrainConfig
from rnncore.runs.store.keys import WATCH_KEY
from rnncore.runs.store.store import StoredRun

_KEY = "class-bar"
_FRESH = "class.fresh"  # the class has been opened just now: its code is shown
_PROBLEM = "class.problem"

_LOADER = """
export default function ({ data, parentElement, setTriggerValue }) {
  let cleanup = null
  let gone = false
  import(new URL(data.module, document.baseURI).href).then((bar) => {
    const page = {
      train: (choice) => setTriggerValue("train", choice),
      open: (run) => setTriggerValue("run", run),
      closed: () => setTriggerValue("closed", true),
    }
    if (!gone) cleanup = bar.mount(parentElement, data, page)
  })
  return () => {
    gone = true
    if (cleanup) cleanup()
  }
}
"""

_bar = st.components.v2.component(
    "rnn_gradient_lab_class",
    html=f'<link rel="stylesheet" href="{asset_url("class_bar.css")}">',
    js=_LOADER,
    isolate_styles=False,
)


def open_button(opened: Callable[[], None]) -> None:
    """Draw the button that opens a class; nothing where this workspace has one open. opened: called when it has."""
    if _room() is None:
        words = "Students follow this page on their own devices."
        st.button("Open a class", key="class.open", help=words, on_click=_open, args=(opened,))
        if problem := st.session_state.get(_PROBLEM):
            st.text(problem)


def class_bar(shown: Sequence[StoredRun], address: str, config: TrainConfig | None, lesson: Lesson | None) -> None:
    """Draw the bar of the class that this workspace has open, if any.

    shown: the runs on the board, and `address`, by which the page's address names them. config: what the controls say,
    None where that is not valid. lesson: the one that is open.
    """
    room = _room()
    if room is None:
        return
    page = _address(room.code)
    data: dict[str, Any] = {
        "module": asset_url("class_bar.js"),
        "lessons": asset_url("lessons.json"),
        "settings": asset_url("settings.json"),
        "code": room.code,
        "fresh": st.session_state.pop(_FRESH, False),
        "address": page,
        "local": is_loopback(urlsplit(page).hostname or ""),
        "qr": qr_svg(page),
        "runs": watch_address(address) if shown else None,
        "lesson": lesson.key if lesson else None,
        "predicting": lesson_card.predicts_first(),
        "poll": poll_of(lesson) if lesson else None,
        "handout": _handout(config),
    }
    _bar(key=_KEY, data=data, on_train_change=_train, on_run_change=_show_run, on_closed_change=_ignore)


def asked(lesson: Lesson | None) -> bool:
    """Tell whether a lesson's question was put to a class that is open here."""
    room = _room()
    poll = room.state.poll if room else None
    return poll is not None and lesson is not None and poll.poll.question == lesson.question


def has_class() -> bool:
    """Tell whether this workspace has a class open."""
    return _room() is not None


def poll_of(lesson: Lesson) -> dict[str, Any]:
    """Return a lesson's question as the API takes it (`PUT /api/classes/CODE/poll`)."""
    return {"question": lesson.question, "choices": list(lesson.choices), "right": lesson.right}


def _room() -> Classroom | None:
    return services.school().of_teacher(workspace_id())


def _open(opened: Callable[[], None]) -> None:
    try:
        services.school().open(workspace_id())
    except ClassIsFull as error:
        st.session_state[_PROBLEM] = str(error)
        return
    st.session_state[_FRESH] = True
    opened()


def _address(code: str) -> str:
    """Return the address that students type."""
    page = urlsplit(st.context.url or "")
    return f"{page.scheme or 'http'}://{page.netloc or 'localhost'}{page.path.rstrip('/')}/class/{code}"


def _handout(config: TrainConfig | None) -> dict[str, Any] | None:
    if config is None:
        return None
    return {"config": config.model_dump(mode="json"), "task": in_words(config)[:300], "paths": varied_most(config)}


def _train() -> None:
    """Train the open lesson; what the class has chosen most counts as its prediction."""
    lesson, choice = lesson_card.current(), st.session_state[_KEY].train
    if lesson is not None and isinstance(choice, int) and 0 <= choice < len(lesson.choices):
        lesson_card.commit(lesson, choice)


def _show_run() -> None:
    """Show a student's run in place of what is on the board."""
    run = st.session_state[_KEY].run
    if isinstance(run, str) and WATCH_KEY.fullmatch(run):
        st.query_params.clear()
        st.query_params["run"] = run


def _ignore() -> None:
    """Run the page again: the class is closed."""
