"""What is wrong with the controls: said beside the control that it is about, in the words of its label."""

import re

import streamlit as st
from pydantic import ValidationError
from streamlit.delta_generator import DeltaGenerator

from dashboard.experiment.text import escape
from dashboard.panels.fields import UPLOAD, WIDGETS, say_at
from rnncore.config import explain_each

_NAMED = re.compile(r"([a-z_]+(?:\.[a-z_]+)*): (.*)", re.DOTALL)  # how every sentence about a field begins
_QUOTED = re.compile(r"'([a-z_]+)'")
_EMPTY = "None is not allowed"


def show_problems(error: Exception, beside_train: DeltaGenerator) -> None:
    """Say what is wrong beside the controls that it is about, what is about none of them beside Train.

    Beside Train stands also which controls these are, since some are folded away.
    """
    sentences = explain_each(error) if isinstance(error, ValidationError) else [str(error)]
    places = []
    for sentence in sentences:
        path = _path(sentence)
        if path is None or not say_at(path, in_labels(sentence)):
            beside_train.error(escape(sentence), icon=":material/error:")
            return
        widget = WIDGETS[path]
        places.append(f"{widget.label} (under {widget.place})" if widget.place else widget.label)
    beside_train.warning(escape(f"To be corrected: {', '.join(places)}."))


def in_labels(sentence: str) -> str:
    """Return a sentence about a field with the words of its control: its label, and the titles of its choices."""
    path = _path(sentence)
    if path is None:
        return sentence
    said = sentence.partition(": ")[2].replace(_EMPTY, "a value is needed")
    value, word, allowed = said.partition("; allowed: ")
    return f"{WIDGETS[path].label}: {_chosen(path, value, 1)}{word}{_chosen(path, allowed)}"


def _chosen(path: str, text: str, most: int = 0) -> str:
    """Return a text with the words of a control in place of the keys in quotes; most: the first ones only, 0 = all."""
    words = WIDGETS[path].words
    return _QUOTED.sub(lambda found: f"'{words.get(found[1], found[1])}'", text, most)


def _path(sentence: str) -> str | None:
    """Return the path of the control that a sentence is about, None where it names none that is on the page."""
    named = _NAMED.fullmatch(sentence)
    if named is None:
        return None
    name = named[1].removeprefix("data.")
    places = (UPLOAD + name, f"data.{name}") if st.session_state.get("data.kind") == "upload" else (f"data.{name}",)
    return next((path for path in (named[1], *places) if path in WIDGETS), None)
