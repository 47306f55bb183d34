"""The lessons' questions as HTML, for pages without Streamlit, which read no markdown: formulas become MathML."""

import re
from html import escape

from latex2mathml.converter import convert

from dashboard.lessons import LESSONS

_FORMULA = re.compile(r"\$([^$]+)\$")


def questions() -> dict[str, dict[str, str | list[str]]]:
    """Return for each lesson, by its key, `title`, `question`, `choices` and `answer`, all of them HTML.

    text: the question as the lesson has it, by which it is known in a poll.
    """
    return {
        key: {
            "text": lesson.question,
            "title": html(lesson.title),
            "question": html(lesson.question),
            "choices": [html(choice) for choice in lesson.choices],
            "answer": html(lesson.answer),
        }
        for key, lesson in LESSONS.items()
    }


def html(text: str) -> str:
    """Return a lesson's text as HTML: what stands between dollar signs as MathML, everything else as it is."""
    parts = _FORMULA.split(text)  # every second one is a formula
    return "".join(convert(part) if place % 2 else escape(part) for place, part in enumerate(parts))
