"""What figures of a study show of its cells, and in which shapes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rnncore.studies.config import StudyConfig
from rnncore.studies.outcome import CellOutcome

Number = float | None


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a figure shows of a cell.

    low, high: ends of the band. log: whether its axis is logarithmic. percent: it is a share. needs_success: it means
    something only where the study says what counts as a success. chance: whether the best simple answer has it too.
    """

    title: str
    help: str
    value: Callable[[CellOutcome], Number]
    low: Callable[[CellOutcome], Number]
    high: Callable[[CellOutcome], Number]
    log: bool = False
    percent: bool = False
    needs_success: bool = False
    chance: bool = False


def _median(name: str, title: str, help: str, **more: Any) -> Quantity:
    return Quantity(
        title,
        help,
        lambda cell: cell.medians[name],
        lambda cell: cell.low[name],
        lambda cell: cell.high[name],
        **more,
    )


def _share(flow: str, title: str, help: str) -> Quantity:
    nothing: Callable[[CellOutcome], Number] = lambda cell: None  # noqa: E731
    return Quantity(title, help, lambda cell: cell.share(flow), nothing, nothing, percent=True)


QUANTITIES: dict[str, Quantity] = {
    "success": Quantity(
        "Success rate",
        "Share of the runs that succeeded, with Wilson's 95 % interval. A diverged run is no success.",
        lambda cell: cell.success_rate,
        lambda cell: cell.success_interval[0] if cell.success_interval else None,
        lambda cell: cell.success_interval[1] if cell.success_interval else None,
        percent=True,
        needs_success=True,
    ),
    "loss": _median(
        "final_val_loss",
        "Final validation loss",
        "Median over the seeds of the validation loss at the last step, with quartiles. Runs"
        " without a finite loss are left out.",
        log=True,
        chance=True,
    ),
    "half_life": _median(
        "half_life",
        "Half-life",
        "Median over the seeds of the timesteps in which the gradient halves on its way back through time, at the end"
        " of training; runs whose gradient does not shrink are left out.",
        log=True,
    ),
    "vanishing": _share(
        "vanishing",
        "Vanishing",
        "Share of the runs whose gradient vanishes through time at the end of training: below a thousandth at the"
        " first timestep.",
    ),
    "exploding": _share(
        "exploding",
        "Exploding",
        "Share of the runs whose gradient explodes through time at the end of training: above a thousand times at the"
        " first timestep.",
    ),
    "steps": _median(
        "steps_to_success",
        "Steps to success",
        "Median over the runs that succeeded of the first step at which the criterion held.",
        log=True,
        needs_success=True,
    ),
}


def offered(study: StudyConfig) -> list[str]:
    """Return the quantities that mean something for a study."""
    return [key for key, each in QUANTITIES.items() if study.success is not None or not each.needs_success]


def shapes_of(study: StudyConfig) -> list[str]:
    """Return the kinds of figure that a study has: "lines", "map", "curves"."""
    return ["lines", "map", "curves"] if len(study.axes) > 1 else ["lines", "curves"]


def in_place(study: StudyConfig, cell: CellOutcome, axis: int, value: Any) -> bool:
    """Tell whether a cell has a value of an axis by its place, or the study has no such axis."""
    return axis >= len(study.axes) or cell.values[study.axes[axis].title] == value


def called(title: str, value: Any) -> str:
    """Return a value with the name of its axis, where it does not speak for itself."""
    return text_of(value) if isinstance(value, str) else f"{title} {text_of(value)}"


def text_of(value: Any) -> str:
    """Return a value as it is written on an axis."""
    return value if isinstance(value, str) else json.dumps(value)


def tint(colour: str) -> str:
    """Return a colour (#rrggbb) as that of a band."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"
