"""The lessons, in teaching order: `LESSONS` maps each one's key to it. Every claim in them is tested."""

from dashboard.lessons.cells import LESSONS as CELLS
from dashboard.lessons.clipping import LESSONS as CLIPPING
from dashboard.lessons.gates import LESSONS as GATES
from dashboard.lessons.lesson import Lesson, LessonRun
from dashboard.lessons.problem import LESSONS as PROBLEM
from dashboard.lessons.training import LESSONS as TRAINING

__all__ = ["LESSONS", "SECTIONS", "Lesson", "LessonRun"]

LESSONS: dict[str, Lesson] = {lesson.key: lesson for lesson in (*PROBLEM, *CLIPPING, *GATES, *CELLS, *TRAINING)}
SECTIONS: tuple[str, ...] = tuple(dict.fromkeys(lesson.section for lesson in LESSONS.values()))
