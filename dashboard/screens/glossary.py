"""The glossary page: all terms with their formulas, a field to find one, and where each is used."""

import streamlit as st

from dashboard.lessons import LESSONS
from dashboard.lessons.glossary import all_terms
from dashboard.lessons.term import Term
from dashboard.panels.lesson_card import open_lesson
from rnncore.on_demand import ON_DEMAND


def main() -> None:
    """Draw the terms that contain what is searched for."""
    with st.container(width=760):
        st.header("Glossary", anchor=False)
        wanted = st.text_input("Find a term", placeholder="for example: clipping", max_chars=60).strip().lower()
        terms = dict(sorted(all_terms().items(), key=lambda each: each[0].lower()))
        found = {name: term for name, term in terms.items() if wanted in name.lower()}
        if not found:
            found = {name: term for name, term in terms.items() if wanted in term.text.lower()}
        if not found:
            st.caption("There is no such term here.")
        formulas = any(term.formula for term in found.values())
        with st.container(key="with-formulas" if formulas else None):  # see first_frame.py
            for name, term in found.items():
                _term(name, term)


def _term(name: str, term: Term) -> None:
    st.subheader(name)
    st.markdown(term.text)
    if term.formula:
        st.latex(term.formula)
    instruments = [each.title for each in ON_DEMAND.values() if name in each.terms]
    if instruments:
        st.caption(f"Under Instruments on the board: {'; '.join(instruments)}.")
    lessons = [lesson for lesson in LESSONS.values() if name in lesson.terms]
    if lessons:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.caption("Lessons:", width="content")
            for lesson in lessons:
                if st.button(lesson.title, key=f"{name}.{lesson.key}", type="tertiary"):
                    open_lesson(lesson)


main()
