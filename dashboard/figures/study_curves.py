"""Small curves of a study's cells: the validation loss over training, a panel each."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from plotly.subplots import make_subplots

from dashboard.figures.look import PALETTES, styled, texts
from dashboard.figures.study import Number, called, tint
from rnncore.studies.config import StudyConfig
from rnncore.studies.outcome import CellOutcome, quantile

MOST_PANELS = 36  # of one figure
MOST_POWERS = 4  # of ten, on the axis of a small curve
PANEL_PX = 150


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
                x=steps + steps[::-1], y=high + low[::-1], fill="toself", fillcolor=tint(colour), line={"width": 0},
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
    return "<br>".join(texts([called(title, value) for title, value in cell.values.items()], 24)) or "all seeds"


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
