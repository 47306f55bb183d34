"""What a figure of the board is, in one object: its words, what it reads, its pace, options and rules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import plotly.graph_objects as go

from dashboard.figures.look import Run
from rnncore.registry import Choice


class Rule(StrEnum):
    """What static/rules.js does to a figure once its traces are filled; the value is the name of the function there."""

    LOG_AXIS = "logAxis"  # the option "log" turns the y axis into a logarithmic one and back
    LAG_AXIS = "lagAxis"  # the option "lag" counts timesteps back from the loss
    LAG_ROWS = "lagRows"  # rows of maps are lags from each sequence's own end where sequences are of unequal length
    SPLIT_STRIP = "splitStrip"  # below the gradient its factors, step by step, while their option is on
    METRIC_AXIS = "metricAxis"  # the right axis is there while its option is on, and named by the metric, in its units
    LINE_NAMES = "lineNames"  # names and values of horizontal lines, below the figure
    FLOOR_ZEROS = "floorZeros"  # an exact 0 has a place below everything else
    SHARED_COLOURS = "sharedColours"  # one range of colours for all maps; after MAP_GRID, which makes room
    ANSWER_AXES = "answerAxes"  # axes of answers: over time, over the steps of one sequence, or against the targets
    NAMES_LEFT = "namesLeft"  # room for the longest name on the y axis
    MAP_GRID = "mapGrid"  # names, numbers and gaps of maps fit the card; after NAMES_LEFT
    VALIDATION_WORDS = "validationWords"  # which line is the training and which the validation, where there are both
    CLIPPING_SHARE = "clippingShare"  # how often clipping acted lately, in words
    RECORDING_COST = "recordingCost"  # what recording the profiles costs, in words
    SAME_SO_FAR = "sameSoFar"  # two runs that coincide are both to be seen, and are said to
    STEPS_AHEAD = "stepsAhead"  # maps whose axis of training steps grows as those of lines do
    ROOM_AHEAD = "roomAhead"  # axes that grow in steps, so that most refreshes move the lines alone
    MARKS = "marks"  # vertical marks at training steps, named above; after ROOM_AHEAD, whose axis they stand on
    THROUGH_TIME = "throughTime"  # what vanishes and what explodes against the value at t = T; after ROOM_AHEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a figure reads of a run.

    columns: of every training step (`rnncore.records.SCALARS`). evaluations: columns of the steps with an evaluation.
    profiles: arrays over layers and timesteps (`rnncore.records.PROFILES`). parts: of a snapshot
    (`rnncore.instruments`).
    """

    columns: tuple[str, ...] = ()
    evaluations: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """While training a figure is drawn at each `every`-th refresh, at those that leave the remainder `offset`."""

    every: int = 1
    offset: int = 0


SNAPSHOT_PACE = Pace(4)  # one figure at a time: they take longer to draw than lines


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of a snapshot that a figure shows; `kind`: only where the part says that it is of this kind."""

    part: str
    kind: str | None = None


def every_run(run: Run) -> bool:
    """Tell that a figure or an option is for every run."""
    return True


def no_words(runs: Sequence[Run]) -> str:
    """Return no words."""
    return ""


@dataclass(frozen=True, slots=True)
class Option:
    """A choice that a reader has in a figure: key, words, whether it is on at first, and a sentence that explains.

    applies: for which runs there is something to choose; it is offered where one of them is on the board. measured: a
    column of evaluations without which it is not offered either.
    """

    key: str
    label: str
    on: bool
    help: str
    applies: Callable[[Run], bool] = every_run
    measured: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(Choice):
    """A figure of the board. `help` is its alternative text, for those who do not see it.

    subtitle: may hold {step}, which the board replaces by the step shown.
    build: runs and theme -> traces and axes; each trace's `meta` says what fills it, see `dashboard.figures.fills`.
    reads: all that its traces are filled from.
    steps: whether its x axis is the training step: the cursor runs there. If not, it shows one step and travels.
    shows: the part of a snapshot that it shows; it is on the board as soon as a run has that part.
    pace: None: each refresh, or once in a while after a new snapshot.
    applies: for which runs it has anything to show; it is on the board where one of them is.
    aside: words beside the runs' names below it.
    """

    subtitle: str
    build: Callable[[Sequence[Run], str], go.Figure]
    reads: Sources
    steps: bool = True
    shows: Shown | None = None
    pace: Pace | None = None
    applies: Callable[[Run], bool] = every_run
    options: tuple[Option, ...] = ()
    rules: tuple[Rule, ...] = ()
    aside: Callable[[Sequence[Run]], str] = no_words

    @property
    def alt(self) -> str:
        """Its alternative text."""
        return self.help

    def about(self, runs: Sequence[Run]) -> Mapping[str, Any]:
        """Return what the board's script has to know of the figure beside its traces and axes, JSON-ready."""
        pace = self.pace or (SNAPSHOT_PACE if self.shows else Pace())
        return {
            "title": self.title,
            "subtitle": self.subtitle,
            "alt": self.help,
            "aside": self.aside(runs),
            "steps": self.steps,
            "shows": self.shows and {"part": self.shows.part, "kind": self.shows.kind},
            "pace": [pace.every, pace.offset],
            "applies": any(map(self.applies, runs)),
            "rules": list(self.rules),
            "options": [
                {
                    "key": option.key,
                    "label": option.label,
                    "on": option.on,
                    "help": option.help,
                    "applies": any(map(option.applies, runs)),
                    "measured": option.measured,
                }
                for option in self.options
            ],
        }
