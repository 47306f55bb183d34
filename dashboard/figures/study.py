"""Figures of a study: one quantity over its axes as lines or as a map, and small curves of every cell."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from plotly.subplots import make_subplots

from dashboard.figures.look import PALETTES, styled, texts
from rnncore.studies.axis import Axis
from rnncore.studies.config import StudyConfig
from rnncore.studies.outcome import CellOutcome, quantile
from rnncore.traces import HEATMAP_COLORS

MOST_PANELS = 36  # small curves of one figure
MOST_LINES = 12
MOST_POWERS = 4  # of ten, on the axis of a small curve
PANEL_PX, MAP_ROW_PX = 150, 34

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
        subplot_titles=[] if panels == [None] else texts([_called(study.axes[2].title, each) for each in panels]),
    )  # fmt: skip
    places, ticks = _scale(study)
    names = [None] if len(study.axes) < 2 else study.axes[1].shown[:MOST_LINES]
    named = texts([_text(name) for name in names]) if names != [None] else [shown.title]
    for column, panel in enumerate(panels, start=1):
        for index, name in enumerate(names):
            colour = palette.runs[index % len(palette.runs)]
            cells = [each for each in outcomes if _is(study, each, 1, name) and _is(study, each, 2, panel)]
            known = [(place, cell) for place, cell in zip(places, cells, strict=False) if shown.value(cell) is not None]
            x = [place for place, _ in known]
            band = [(place, shown.low(cell), shown.high(cell)) for place, cell in known if shown.low(cell) is not None]
            if band and joined:
                figure.add_scatter(
                    x=[place for place, _, _ in band] + [place for place, _, _ in reversed(band)],
                    y=[high for _, _, high in band] + [low for _, low, _ in reversed(band)],
                    fill="toself", fillcolor=_tint(colour), line={"width": 0}, hoverinfo="skip", showlegend=False,
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


def map_figure(study: StudyConfig, outcomes: Sequence[CellOutcome], quantity: str, theme: str) -> dict[str, Any]:
    """Draw a quantity as a map over the first two axes, a panel for each value of the third."""
    shown = QUANTITIES[quantity]
    panels = study.axes[2].shown if len(study.axes) > 2 else [None]
    figure = make_subplots(
        rows=1, cols=len(panels), shared_yaxes=True, horizontal_spacing=0.04,
        subplot_titles=[] if panels == [None] else texts([_called(study.axes[2].title, each) for each in panels]),
    )  # fmt: skip
    across, down = study.axes[0].shown, study.axes[1].shown
    for column, panel in enumerate(panels, start=1):
        cells = [each for each in outcomes if _is(study, each, 2, panel)]
        grid: list[list[Number]] = [[None] * len(across) for _ in down]
        written = [[""] * len(across) for _ in down]
        for cell in cells:
            place = across.index(cell.values[study.axes[0].title]), down.index(cell.values[study.axes[1].title])
            value = shown.value(cell)
            grid[place[1]][place[0]] = value
            written[place[1]][place[0]] = "" if value is None else f"{value:.0%}" if shown.percent else f"{value:.3g}"
        crowded = len(across) > 12
        figure.add_heatmap(
            z=grid, x=texts([_text(each) for each in across]), y=texts([_text(each) for each in down]), text=written,
            texttemplate="" if crowded else "%{text}", coloraxis="coloraxis", xgap=2, ygap=2,
            hovertemplate="%{x}, %{y}: %{text}<extra></extra>", row=1, col=column,
        )  # fmt: skip
    figure.update_xaxes(type="category", title=texts([study.axes[0].title])[0])
    figure.update_yaxes(type="category", col=1, title=texts([study.axes[1].title])[0])
    scale: dict[str, Any] = {"colorscale": HEATMAP_COLORS, "colorbar": {"thickness": 12, "outlinewidth": 0}}
    if shown.percent:
        scale |= {"cmin": 0, "cmax": 1, "colorbar": scale["colorbar"] | {"tickformat": ".0%"}}
    figure.update_layout(coloraxis=scale)
    spec = styled(figure, theme)
    spec["layout"] |= {
        "height": 120 + max(3, len(down)) * MAP_ROW_PX, "uirevision": quantity,
        "margin": {"l": 90, "r": 14, "t": 34, "b": 50},
    }  # fmt: skip
    return spec


def curves_figure(
    study: StudyConfig, outcomes: Sequence[CellOutcome], curves: Mapping[int, Mapping[str, Any]], theme: str
) -> dict[str, Any]:
    """Draw small curves of the validation loss, one panel per cell: median over the seeds, with quartiles.

    curves: of each run by its number, as `RunSummary.curve`. The first `MOST_PANELS` cells are drawn.
    """
    palette, seeds = PALETTES[theme], len(study.seeds)
    drawn = list(outcomes)[:MOST_PANELS]
    columns = min(len(drawn), _columns(study))
    rows = -(-len(drawn) // columns)
    figure = make_subplots(
        rows=rows, cols=columns, shared_xaxes=True, shared_yaxes="all", horizontal_spacing=0.02,
        vertical_spacing=min(0.16, 0.5 / rows), subplot_titles=[cell_name(each) for each in drawn],
    )  # fmt: skip
    seen: list[float] = []
    for index, cell in enumerate(drawn):
        row, column = index // columns + 1, index % columns + 1
        found = [curves[number]["curve"] for number in range(cell.index * seeds, (cell.index + 1) * seeds)
                 if number in curves]  # fmt: skip
        steps, middle, low, high = _over_seeds(found)
        colour = palette.runs[0]
        seen.extend(value for value in (*low, *high, cell.baseline) if value)
        if steps:
            figure.add_scatter(
                x=steps + steps[::-1], y=high + low[::-1], fill="toself", fillcolor=_tint(colour), line={"width": 0},
                hoverinfo="skip", mode="lines", row=row, col=column,
            )  # fmt: skip
        figure.add_scatter(
            x=steps, y=middle, mode="lines", line={"color": colour, "width": 1.6},
            hovertemplate="step %{x:,}: %{y:.3g}<extra></extra>", row=row, col=column,
        )  # fmt: skip
        if cell.baseline is not None:
            line = {"color": palette.muted, "dash": "dot", "width": 1}
            figure.add_hline(y=cell.baseline, line=line, row=row, col=column)
    decades = math.log10(max(seen) / min(seen)) if seen else 1.0
    dtick = "D2" if decades < 1 else math.ceil(decades / MOST_POWERS)
    figure.update_yaxes(type="log", dtick=dtick, exponentformat="power")
    figure.update_xaxes(nticks=3)
    figure.update_annotations(font={"size": 10, "color": palette.text})
    spec = styled(figure, theme)
    spec["layout"] |= {
        "height": 60 + rows * PANEL_PX, "hovermode": "closest", "margin": {"l": 50, "r": 10, "t": 44, "b": 34},
    }  # fmt: skip
    return spec


def cell_name(cell: CellOutcome) -> str:
    """Return a cell's values as the title of its panel, a line each."""
    return "<br>".join(texts([_called(title, value) for title, value in cell.values.items()], 24)) or "all seeds"


def _over_seeds(curves: Sequence[Mapping[str, Any]]) -> tuple[list[int], list[Number], list[Number], list[Number]]:
    """Return steps, median and quartiles of the validation losses that are finite at each step."""
    at: dict[int, list[float]] = {}
    for curve in curves:
        for step, loss in zip(curve["step"], curve["val_loss"], strict=True):
            if loss is not None:
                at.setdefault(step, []).append(loss)
    steps = sorted(at)
    columns = [sorted(at[step]) for step in steps]
    return (
        steps,
        [median(each) for each in columns],
        [quantile(each, 0.25) for each in columns],
        [quantile(each, 0.75) for each in columns],
    )


def _columns(study: StudyConfig) -> int:
    """Return how many panels stand side by side: those of the last axis, where these are few."""
    last = len(study.axes[-1].shown) if study.axes else 1
    return last if 1 < last <= 6 else 4


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


def _is(study: StudyConfig, cell: CellOutcome, axis: int, value: Any) -> bool:
    return axis >= len(study.axes) or cell.values[study.axes[axis].title] == value


def _scale(study: StudyConfig) -> tuple[list[Any], dict[str, Any]]:
    """Return where the values of the first axis stand, and how its axis is drawn: logarithmic where they grow so.

    All of them have their place from the start, so that what is drawn stays where it is as further runs end.
    """
    if not study.axes:
        return ["all seeds"], {"type": "category"}
    numbers = values = study.axes[0].shown
    if not _numbers(study.axes[0]):
        names = texts([_text(value) for value in values])
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


def _called(title: str, value: Any) -> str:
    return _text(value) if isinstance(value, str) else f"{title} {_text(value)}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _tint(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"
