"""A quantity of a study over its first axis: a line for each value of the second, a panel of the third."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

from plotly.subplots import make_subplots

from dashboard.figures.look import PALETTES, styled, texts
from dashboard.figures.study import QUANTITIES, Number, Quantity, called, in_place, text_of, tint
from rnncore.studies.axis import Axis
from rnncore.studies.config import StudyConfig
from rnncore.studies.outcome import CellOutcome

MOST_LINES = 12


def lines_figure(study: StudyConfig, outcomes: Sequence[CellOutcome], quantity: str, theme: str) -> dict[str, Any]:
    """Draw a quantity over the first axis of numbers: a line for each value of the next axis, a panel of the third.

    Where no axis has numbers, there is nothing between two values: points with the ends of their bands, no lines.
    """
    palette, shown, study = PALETTES[theme], QUANTITIES[quantity], _numbers_first(study)
    height = _y_axis(shown, outcomes)
    joined = not study.axes or _numbers(study.axes[0])
    panels = study.axes[2].shown if len(study.axes) > 2 else [None]
    figure = make_subplots(
        rows=1, cols=len(panels), shared_yaxes=True, horizontal_spacing=0.04,
        subplot_titles=[] if panels == [None] else texts([called(study.axes[2].title, each) for each in panels]),
    )  # fmt: skip
    places, ticks = _scale(study)
    names = [None] if len(study.axes) < 2 else study.axes[1].shown[:MOST_LINES]
    named = texts([text_of(name) for name in names]) if names != [None] else [shown.title]
    for column, panel in enumerate(panels, start=1):
        for index, name in enumerate(names):
            colour = palette.runs[index % len(palette.runs)]
            cells = [each for each in outcomes if in_place(study, each, 1, name) and in_place(study, each, 2, panel)]
            known = [(place, cell) for place, cell in zip(places, cells, strict=False) if shown.value(cell) is not None]
            x = [place for place, _ in known]
            band = [(place, shown.low(cell), shown.high(cell)) for place, cell in known if shown.low(cell) is not None]
            if band and joined:
                figure.add_scatter(
                    x=[place for place, _, _ in band] + [place for place, _, _ in reversed(band)],
                    y=[high for _, _, high in band] + [low for _, low, _ in reversed(band)],
                    fill="toself", fillcolor=tint(colour), line={"width": 0}, hoverinfo="skip", showlegend=False,
                    mode="lines", legendgroup=str(index), row=1, col=column,
                )  # fmt: skip
            figure.add_scatter(
                x=x, y=[shown.value(cell) for _, cell in known], name=named[index],
                mode="lines+markers" if joined else "markers", offsetgroup=str(index),
                error_y=None if joined else _ends(shown, [cell for _, cell in known]),
                legendgroup=str(index), showlegend=column == 1 and names != [None],
                line={"color": colour, "width": 2, "dash": ("solid", "dash")[index // len(palette.runs) % 2]},
                marker={"size": 7}, customdata=[[cell.index] for _, cell in known],
                hovertemplate=f"%{{y:{'.0%' if shown.percent else '.3g'}}}<extra>{named[index]}</extra>",
                row=1, col=column,
            )  # fmt: skip
        chance = _chance(outcomes) if shown.chance else None
        if chance is not None:
            line = {"color": palette.muted, "dash": "dot", "width": 1.5}
            figure.add_hline(y=chance, line=line, row=1, col=column)
            figure.add_annotation(
                text="best simple answer", font={"color": palette.muted, "size": 11}, showarrow=False, x=1,
                xref="x domain", xanchor="right", y=math.log10(chance) if height.get("type") == "log" else chance,
                yanchor="bottom", row=1, col=column,
            )  # fmt: skip
    axis = texts([study.axes[0].title])[0] if study.axes else ""
    figure.update_xaxes(title=axis, **ticks)
    figure.update_yaxes(**height)
    figure.update_yaxes(title=shown.title, col=1)
    spec = styled(figure, theme)
    spec["layout"] |= {
        "showlegend": True, "hovermode": "closest", "height": 380, "uirevision": quantity,
        "scattermode": "overlay" if joined else "group", "scattergap": 0.7,
        "legend": {"orientation": "h", "y": -0.22, "title": {"text": _legend_title(study)}},
        "margin": {"l": 64, "r": 14, "t": 34 if panels != [None] else 12, "b": 90},
    }  # fmt: skip
    return spec


def _numbers(axis: Axis) -> bool:
    """Tell whether an axis has numbers on which there is a between."""
    values = axis.shown
    return len(values) > 1 and all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)


def _numbers_first(study: StudyConfig) -> StudyConfig:
    """Return a study with an axis of numbers as the first one, if it has any."""
    axes = sorted(study.axes, key=lambda axis: not _numbers(axis))  # else in their order
    return study.model_copy(update={"axes": tuple(axes)})


def _ends(shown: Quantity, cells: Sequence[CellOutcome]) -> dict[str, Any]:
    """Return the ends of the bands as bars of points."""
    above, below = [], []
    for cell in cells:
        value, low, high = shown.value(cell), shown.low(cell), shown.high(cell)
        above.append(0.0 if value is None or high is None else high - value)
        below.append(0.0 if value is None or low is None else value - low)
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.5, "width": 5}


def _scale(study: StudyConfig) -> tuple[list[Any], dict[str, Any]]:
    """Return where the values of the first axis stand, and how its axis is drawn: logarithmic where they grow so.

    All of them have their place from the start, so that what is drawn stays where it is as further runs end.
    """
    if not study.axes:
        return ["all seeds"], {"type": "category"}
    numbers = values = study.axes[0].shown
    if not _numbers(study.axes[0]):
        names = texts([text_of(value) for value in values])
        return names, {
            "type": "category", "categoryorder": "array", "categoryarray": names, "range": [-0.3, len(names) - 0.7],
        }  # fmt: skip
    wide = min(numbers) > 0 and max(numbers) / min(numbers) >= 8
    ends = [math.log10(each) if wide else each for each in (min(numbers), max(numbers))]
    room = 0.04 * (ends[1] - ends[0])
    ticks: dict[str, Any] = {"type": "log" if wide else "linear", "range": [ends[0] - room, ends[1] + room]}
    if len(values) <= 12:
        ticks |= {"tickvals": values, "ticktext": [f"{value:g}" for value in values]}
    return values, ticks


def _y_axis(shown: Quantity, outcomes: Sequence[CellOutcome]) -> dict[str, Any]:
    if shown.percent:
        return {"range": [-0.04, 1.04], "tickformat": ".0%"}
    values = [value for cell in outcomes if (value := shown.value(cell)) is not None]
    return {"type": "log", "exponentformat": "power"} if shown.log and values and min(values) > 0 else {}


def _chance(outcomes: Sequence[CellOutcome]) -> Number:
    """Return the loss of the best simple answer where it is about the same for all cells."""
    losses = [cell.baseline for cell in outcomes if cell.baseline is not None]
    return median(losses) if losses and max(losses) <= 1.25 * min(losses) else None


def _legend_title(study: StudyConfig) -> str:
    return texts([study.axes[1].title])[0] if len(study.axes) > 1 else ""
