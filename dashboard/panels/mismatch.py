"""Where the controls no longer say what the board shows: that it is so, and one click either way."""

from collections.abc import Iterator, Sequence
from typing import Any

import streamlit as st

from dashboard.experiment.comparison import Said, comparison_words, said_of
from dashboard.experiment.setting_paths import values
from dashboard.experiment.text import escape
from dashboard.experiment.words import data_words
from dashboard.panels import controls
from dashboard.panels.fields import WIDGETS, relevant
from rnncore.config import TrainConfig
from rnncore.words import many

MOST_NAMED = 2  # settings that are named, others are counted
Difference = tuple[str, str]  # what the board shows and what the controls say, in words


def mismatch_notice(shown: Sequence[TrainConfig], chosen: Sequence[TrainConfig]) -> bool:
    """Say how the runs on the board differ from what the controls say, if they do; tell whether they do.

    shown: those that the controls can have said, so without what "Try it" added. chosen: what Train would start, none
    where that cannot be: then nothing is said here.
    """
    if not shown or not chosen:
        return False
    board, controlled = said_of(shown), said_of(chosen)
    found = list(_differences(board, controlled))
    if not found:
        return False
    more = len(found) - MOST_NAMED
    others = f" ({many(more, 'more difference')})" if more > 0 else ""
    on_board, in_controls = (", ".join(side) for side in zip(*found[:MOST_NAMED], strict=True))
    st.caption(escape(f"The board shows: {on_board}; the controls say: {in_controls}{others}."), width="stretch")
    st.button("Train what they say", key="mismatch.train", on_click=controls.request_start)
    st.button(
        "Back to the board's", key="mismatch.back", on_click=controls.open_with, args=(board,),
        help="Set the controls to what the board shows.",
    )  # fmt: skip
    return True


def _differences(board: Said, chosen: Said) -> Iterator[Difference]:
    other, own = dict(values(board.config)), dict(values(chosen.config))
    data_apart = other["data.kind"] != own["data.kind"] or own["data.kind"] == "upload"
    if data_apart and board.config.data != chosen.config.data:
        yield (
            data_words({"data": board.config.data.model_dump()}),
            data_words({"data": chosen.config.data.model_dump()}),
        )
    for path, said in own.items():
        of_data = path.startswith("data.")
        if (of_data and data_apart) or said == other.get(path) or not (path in WIDGETS and relevant(path)):
            continue
        yield _words(path, other.get(path)), _words(path, said)
    if _compared(board) != _compared(chosen):
        yield comparison_words(board), comparison_words(chosen)


def _compared(said: Said) -> tuple[str, str, tuple[Any, ...], bool, int]:
    """Return what is compared beside the experiment's own value, which is a difference of its own."""
    own = said.comparison
    return own.by, own.field, own.values[1:], own.same_size, len(said.others)


def _words(path: str, said: Any) -> str:
    """Return a setting in words: what was chosen from a list by its title, numbers with their label."""
    widget = WIDGETS[path]
    if said in widget.words:
        return f"{widget.label} {widget.words[said]}" if isinstance(said, bool) else widget.words[said]
    return f"{widget.label} {f'{said:g}' if isinstance(said, int | float) else 'empty' if said is None else said}"
