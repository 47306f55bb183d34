"""Where the controls no longer say what the board shows: that it is so, and one click either way."""

from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from dashboard.experiment.groups import Group
from dashboard.experiment.setting_paths import values
from dashboard.experiment.text import escape
from dashboard.experiment.words import data_words
from dashboard.panels import controls
from dashboard.panels.fields import WIDGETS, relevant
from rnncore.config import TrainConfig
from rnncore.words import many

MOST_NAMED = 2  # settings that are named, others are counted
Difference = tuple[str, str]  # what the board shows and what the controls say, in words


def mismatch_notice(shown: Sequence[TrainConfig], config: TrainConfig | None) -> bool:
    """Say how the runs on the board differ from what the controls say, if they do; tell whether they do.

    shown: those that the controls can have said, so without what "Try it" added. config: what the controls say, None
    where that cannot be: then nothing is said here.
    """
    if not shown or config is None:
        return False
    board, compare = Group(tuple(shown)).experiment
    found = list(_differences(board, compare, config))
    if not found:
        return False
    more = len(found) - MOST_NAMED
    others = f" ({many(more, 'more difference')})" if more > 0 else ""
    on_board, in_controls = (", ".join(side) for side in zip(*found[:MOST_NAMED], strict=True))
    st.caption(escape(f"The board shows: {on_board}; the controls say: {in_controls}{others}."), width="stretch")
    st.button("Train what they say", key="mismatch.train", on_click=controls.request_start)
    st.button(
        "Back to the board's", key="mismatch.back", on_click=controls.open_with, args=(board,),
        kwargs={"compare": compare}, help="Set the controls to what the board shows.",
    )  # fmt: skip
    return True


def _differences(board: TrainConfig, compare: bool, config: TrainConfig) -> Iterator[Difference]:
    other, own = dict(values(board)), dict(values(config))
    data_apart = other["data.kind"] != own["data.kind"] or own["data.kind"] == "upload"
    if data_apart and board.data != config.data:
        yield data_words({"data": board.data.model_dump()}), data_words({"data": config.data.model_dump()})
    for path, said in own.items():
        of_data = path.startswith("data.")
        if (of_data and data_apart) or said == other.get(path) or not (path in WIDGETS and relevant(path)):
            continue
        yield _words(path, other.get(path)), _words(path, said)
    if compare != bool(st.session_state[controls.COMPARE]):
        yield ("twins", "one run") if compare else ("no comparison", "twins with and without clipping")


def _words(path: str, said: Any) -> str:
    """Return a setting in words: what was chosen from a list by its title, numbers with their label."""
    widget = WIDGETS[path]
    if said in widget.words:
        return f"{widget.label} {widget.words[said]}" if isinstance(said, bool) else widget.words[said]
    return f"{widget.label} {f'{said:g}' if isinstance(said, int | float) else 'empty' if said is None else said}"
