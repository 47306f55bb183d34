"""A study as the pages say it: axes are called as the controls are, and what is chosen from a registry by its title."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from dashboard.experiment.setting_words import setting_name, value_words
from rnncore.studies.axis import Axis
from rnncore.studies.config import StudyConfig
from rnncore.studies.outcome import CellOutcome


def axis_words(name: str, field: str) -> str:
    """Return what a page calls an axis of a study: its own name, or that of the setting."""
    return name or setting_name(field)


def in_words(study: StudyConfig, outcomes: Sequence[CellOutcome]) -> tuple[StudyConfig, list[CellOutcome]]:
    """Return a study and what came out of its cells, with axes and values in words; for figures and tables alone.

    The names and labels that a study brings stay as they are, and so do numbers, which figures put on a scale.
    """
    names = _headings(study.axes)
    axes = tuple(
        axis.model_copy(update={"name": name, "labels": _labels(axis)})
        for axis, name in zip(study.axes, names, strict=True)
    )
    cells = list(itertools.product(*(axis.shown for axis in axes)))
    told = [replace(each, values=dict(zip(names, cells[each.index], strict=True))) for each in outcomes]
    return study.model_copy(update={"axes": axes}), told


def _headings(axes: Sequence[Axis]) -> list[str]:
    """Return what each axis is called, with the setting's path where two would be called the same."""
    names = [axis.name or _capital(setting_name(axis.field)) for axis in axes]
    return [
        f"{name} ({axis.field})" if names.count(name) > 1 and axis.field else name
        for name, axis in zip(names, axes, strict=True)
    ]


def _labels(axis: Axis) -> tuple[str, ...] | None:
    """Return what the values are called; None where all are numbers, or where two would be called the same."""
    if axis.labels is not None:
        return axis.labels
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in axis.numbers):
        return None
    words = tuple(value_words(axis.field, value) for value in axis.numbers)
    return words if len(set(words)) == len(words) else None


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
