"""The lessons, in teaching order: `LESSONS` maps each one's key to it. Every claim in them is tested."""

from dashboard.lessons import clipping, gates, problem, training
from dashboard.lessons.lesson import Lesson, LessonRun

__all__ = ["LESSONS", "SECTIONS", "Lesson", "LessonRun"]

LESSONS: dict[str, Lesson] = {
    lesson.key: lesson for module in (problem, clipping, gates, training) for lesson in module.LESSONS
}
SECTIONS: tuple[str, ...] = tuple(dict.fromkeys(lesson.section for lesson in LESSONS.values()))
