"""The list of lessons: each with its question; opening one puts its experiment into the lab."""

import streamlit as st

from dashboard.lessons import LESSONS, SECTIONS, Lesson
from dashboard.panels.lesson_card import open_lesson, taken


def main() -> None:
    """Draw the list, section by section, as many side by side as there is room for."""
    st.header("Lessons", anchor=False)
    with st.container(width=720):
        st.markdown(
            "Each lesson asks a question and waits for your prediction; then it trains for a few seconds and says "
            "what to look at. They build on one another, but any one can be taken alone."
        )
    with st.container(horizontal=True, gap="large"):
        for section in SECTIONS:
            with st.container(width=540):
                st.subheader(section, anchor=False)
                for number, lesson in enumerate(LESSONS.values(), 1):
                    if lesson.section == section:
                        _row(number, lesson)


def _row(number: int, lesson: Lesson) -> None:
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", key=f"lesson-{lesson.key}"):
        st.markdown(f"**{number}. {lesson.title}**  \n{lesson.teaser}", width="stretch")
        if taken(lesson):
            st.caption("predicted", width="content")
        if st.button("Open", key=f"open-{lesson.key}", help=f"Open the lesson “{lesson.title}” in the lab"):
            open_lesson(lesson)


main()
