"""The open lesson on the lab page: its question, the learner's prediction, and only then what happens.

The address names the lesson, and once the learner has committed the choice (`?lesson=vanishing&predicted=2`, counted
from 1): a reload keeps both, and a teacher can hand the lesson out.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from pydantic import ValidationError

from dashboard.experiment.comparison import Said, said_of
from dashboard.lessons import LESSONS, Lesson, LessonRun
from dashboard.lessons.glossary import TERMS
from dashboard.panels import comparing, controls
from dashboard.panels.microscope import START
from dashboard.panels.theme import on_primary
from rnncore.config import TrainConfig
from rnncore.errors import ConfigError
from rnncore.words import many

PARAMETER = "lesson"
PREDICTED = "predicted"
PREDICT_FIRST = "The lesson waits for your prediction: commit it, and its runs start."
_TAKEN = "lessons.taken"


def open_lesson(lesson: Lesson) -> None:
    """Go to the lab page with this lesson's experiment in the controls. For other pages; ends their script run."""
    controls.open_with(_said(lesson))
    st.switch_page("screens/lab.py", query_params={PARAMETER: lesson.key})


def open_from_address() -> None:
    """Put the experiment of the lesson that the address names into the controls, before they are drawn."""
    lesson = current()
    if lesson is not None:
        controls.open_with(_said(lesson))


def taken(lesson: Lesson) -> bool:
    """Tell whether the learner has committed to a prediction in this session."""
    return lesson.key in st.session_state.get(_TAKEN, ())


def prediction(lesson: Lesson) -> int | None:
    """Return the index of the choice that the address says was committed; None where it says none of this lesson's."""
    said = st.query_params.get(PREDICTED, "")
    places = [str(number) for number in range(1, len(lesson.choices) + 1)]
    return places.index(said) if said in places else None


def answered() -> Lesson | None:
    """Return the open lesson once a prediction has been committed, else None."""
    lesson = current()
    return lesson if lesson is not None and prediction(lesson) is not None else None


def predicts_first() -> bool:
    """Tell whether a lesson is open whose prediction is still to be made: nothing trains before that."""
    return current() is not None and answered() is None


def current() -> Lesson | None:
    """Return the lesson that the address names, None where there is none of that name."""
    return LESSONS.get(st.query_params.get(PARAMETER, ""))


def runs_of(config: TrainConfig) -> Sequence[LessonRun]:
    """Return the runs to start while a lesson is open, named as in it; `config` is what the controls say.

    The controls stand for the lesson's first run. What the learner changes in them holds for the second one too, except
    the fields in which the two differ. Empty where something else is compared than in the lesson, where the second run
    makes no sense with the change, or the only run is changed: then the controls alone count.
    """
    lesson = current()
    if lesson is None or lesson.compare or not _compares_as(lesson, config):
        return ()
    first, *others = lesson.runs
    if not others:
        return (first,) if config == first.config else ()
    (second,) = others
    own, other, chosen = (_leaves(each) for each in (first.config, second.config, config))
    differs = {path for path in own if own[path] != other[path]}
    merged: dict[str, Any] = {}
    for (section, name), value in (chosen | {path: other[path] for path in differs}).items():
        if name:
            merged.setdefault(section, {})[name] = value
        else:
            merged[section] = value
    try:
        partner = LessonRun(second.label, TrainConfig.model_validate(merged))
    except ValidationError:
        return ()
    changed = any(chosen[path] != own[path] for path in differs)
    return LessonRun("your settings" if changed else first.label, config), partner


def _said(lesson: Lesson) -> Said:
    return said_of([run.config for run in lesson.runs])


def _compares_as(lesson: Lesson, config: TrainConfig) -> bool:
    """Tell whether the controls compare by what tells the lesson's runs apart; the first run's value may be another."""
    own = _said(lesson).comparison
    try:
        chosen = comparing.said(config)
    except ConfigError:
        return False
    return (chosen.by, chosen.field, chosen.same_size) == (own.by, own.field, own.same_size) and (
        chosen.values[1:] == own.values[1:]
    )


def _leaves(config: TrainConfig) -> dict[tuple[str, str], Any]:
    """Return the fields of a config by section and name; the data are one field, since their kinds differ in fields."""
    leaves: dict[tuple[str, str], Any] = {}
    for section, content in config.model_dump().items():
        if isinstance(content, dict) and section != "data":
            leaves |= {(section, name): value for name, value in content.items()}
        else:
            leaves[section, ""] = content
    return leaves


def lesson_card(*, teaches: bool = False, asked: bool = False) -> None:
    """Draw the open lesson, or nothing. The answer stays hidden until a prediction has been committed.

    teaches: whether a class is open here. asked: whether it was asked the lesson's question.
    """
    lesson = current()
    if lesson is None:
        if PARAMETER in st.query_params:
            st.info("This address names a lesson that does not exist; the list is on the page Lessons.")
        return
    with st.container(border=True, gap="xsmall", key="lesson-card"):
        _head(lesson)
        chosen = prediction(lesson)
        if chosen is None:
            _ask(lesson, teaches)
        else:
            _tell(lesson, chosen, asked)


def _head(lesson: Lesson) -> None:
    keys = list(LESSONS)
    place = keys.index(lesson.key)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{lesson.title}**", width="stretch")
        st.caption(f"Lesson {place + 1} of {len(keys)}", width="content")
        if place + 1 < len(keys) and st.button("Next", key="lesson-next", type="tertiary"):
            _turn_to(LESSONS[keys[place + 1]])
        if st.button("Close", key="lesson-close", type="tertiary"):
            for name in (PARAMETER, PREDICTED):
                st.query_params.pop(name, None)
            st.rerun()


def _turn_to(lesson: Lesson) -> None:
    st.query_params.clear()
    open_lesson(lesson)


def _ask(lesson: Lesson, teaches: bool) -> None:
    """Ask for a prediction and, once it is committed, start the runs."""
    st.markdown(lesson.question)
    if teaches:
        st.caption("“Ask the class” puts this question to everybody; what most predict then counts as the prediction.")
    with st.form(f"lesson-{lesson.key}", border=False):
        places = range(len(lesson.choices))
        key = f"lesson.{lesson.key}.prediction"
        chosen = st.radio("Predict first", places, None, lesson.choices.__getitem__, key=key)
        if not st.form_submit_button(on_primary("Commit and train"), type="primary"):
            return
    if chosen is None:
        st.caption("Predict something first: a wrong guess teaches more than none.")
        return
    commit(lesson, chosen)
    st.rerun()


def commit(lesson: Lesson, chosen: int) -> None:
    """Take a prediction, and ask for the lesson's runs."""
    st.query_params[PREDICTED] = str(chosen + 1)
    st.session_state[_TAKEN] = {*st.session_state.get(_TAKEN, ()), lesson.key}
    controls.open_with(_said(lesson))
    controls.request_start()


def _tell(lesson: Lesson, chosen: int, asked: bool) -> None:
    """Show what happens and why, in few lines, so that the curves stay in view."""
    happens, look, change, about = st.tabs(["What happens", "Look at", "Change next", "Question and terms"])
    with happens.container(gap="xsmall"):
        outcome = "That is what happens." if chosen == lesson.right else "It turns out differently."
        who = "Most of the class" if asked else "You"
        st.caption(f"{who} predicted: {lesson.choices[chosen]}. {outcome}")
        st.markdown(f"**{lesson.answer}** {' '.join(lesson.sentences)}")
    with look:
        st.markdown(_items(lesson.look))
        if lesson.microscope:
            label = "The same in a network of two units, product by product"
            st.page_link("screens/microscope.py", label=label, query_params={START: lesson.microscope})
    change.markdown(_items(lesson.change))
    with about:
        st.markdown(lesson.question)
        with st.container(horizontal=True, vertical_alignment="center"):
            for name in lesson.terms:
                with st.popover(name, type="tertiary"):
                    st.markdown(TERMS[name].text)
                    if TERMS[name].formula:
                        st.latex(TERMS[name].formula)
        st.caption(f"Source: {lesson.source}. Tested over {many(lesson.seeds, 'seed')}.")


def _items(sentences: Sequence[str]) -> str:
    return "\n".join(f"{number}. {sentence}" for number, sentence in enumerate(sentences, 1))
