"""What a lesson is: a question, runs that answer it, and a few sentences that say exactly what they show."""

from dataclasses import dataclass
from typing import Any

from dashboard.experiment.groups import Group
from dashboard.figures.show import AS_USUAL, Show
from rnncore.config import TrainConfig


@dataclass(frozen=True, slots=True)
class LessonRun:
    """One run of a lesson, with the name it gets in the figures."""

    label: str
    config: TrainConfig


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson; `LESSONS` holds them in teaching order. Texts are markdown with $formulas$, never a user's.

    key: stable, used in addresses. section: the heading it stands under. teaser: its question in one short line.
    choices: possible predictions. right: index of the one that comes true. answer: what happens, one sentence.
    sentences: why, with the measured order of magnitude. look: where to look on the board, in order. change: what to
    change next, and what then happens. seeds: the tests assert what is said here for the seeds 0 to seeds - 1. runs:
    one, or two side by side. terms: entries of the glossary that help. show: what the board shows first, so that it is
    in view below the text. microscope: the network of the microscope that does the same in small, a key of STARTS in
    `dashboard/static/micro_starts.js`.
    """

    key: str
    section: str
    title: str
    teaser: str
    question: str
    choices: tuple[str, ...]
    right: int
    answer: str
    sentences: tuple[str, ...]
    look: tuple[str, ...]
    change: tuple[str, ...]
    source: str
    seeds: int
    runs: tuple[LessonRun, ...]
    terms: tuple[str, ...] = ()
    show: Show = AS_USUAL
    microscope: str = ""

    @property
    def config(self) -> TrainConfig:
        """The config that goes into the controls: that of the first run."""
        return self.runs[0].config

    @property
    def compare(self) -> bool:
        """Whether the runs are twins: a clipped one, then the same without clipping."""
        return Group(tuple(run.config for run in self.runs)).experiment == (self.config, True)


# The gradient through time before any training, and beside it the loss.
AT_THE_START = Show(first=("profile", "loss"), step=1)
# The length of the updates beside that of the gradients.
WITH_UPDATES = Show(options=("grad_norm.update",))


def run(label: str, base: TrainConfig | None = None, **changes: Any) -> LessonRun:
    """Return a run whose config is `base` with the fields in `changes`; nested models take a dict of their fields.

    `run("LSTM", CONFIG, model={"cell": "lstm"})` keeps the other fields of `CONFIG.model`. Raises ValidationError.
    """
    fields = (base or TrainConfig()).model_dump()
    for name, value in changes.items():
        fields[name] = {**fields[name], **value} if isinstance(value, dict) else value
    return LessonRun(label, TrainConfig.model_validate(fields))


def twins(clipped: LessonRun) -> tuple[LessonRun, LessonRun]:
    """Return a clipped run and the same without clipping."""
    return clipped, run("not clipped", clipped.config, clip={"method": "off"})
