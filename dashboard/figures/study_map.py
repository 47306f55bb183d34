"""A quantity of a study as a map over its first two axes."""

from collections.abc import Sequence
from typing import Any

from plotly.subplots import make_subplots

from dashboard.figures.look import styled, texts
from dashboard.figures.study import QUANTITIES, Number, called, in_place, text_of
from rnncore.studies.config import StudyConfig
from rnncore.studies.outcome import CellOutcome
from rnncore.traces import HEATMAP_COLORS

ROW_PX = 34


def map_figure(study: StudyConfig, outcomes: Sequence[CellOutcome], quantity: str, theme: str) -> dict[str, Any]:
    """Draw a quantity as a map over the first two axes, a panel for each value of the third."""
    shown = QUANTITIES[quantity]
    panels = study.axes[2].shown if len(study.axes) > 2 else [None]
    figure = make_subplots(
        rows=1, cols=len(panels), shared_yaxes=True, horizontal_spacing=0.04,
        subplot_titles=[] if panels == [None] else texts([called(study.axes[2].title, each) for each in panels]),
    )  # fmt: skip
    across, down = study.axes[0].shown, study.axes[1].shown
    for column, panel in enumerate(panels, start=1):
        cells = [each for each in outcomes if in_place(study, each, 2, panel)]
        grid: list[list[Number]] = [[None] * len(across) for _ in down]
        written = [[""] * len(across) for _ in down]
        for cell in cells:
            place = across.index(cell.values[study.axes[0].title]), down.index(cell.values[study.axes[1].title])
            value = shown.value(cell)
            grid[place[1]][place[0]] = value
            written[place[1]][place[0]] = "" if value is None else f"{value:.0%}" if shown.percent else f"{value:.3g}"
        crowded = len(across) > 12
        figure.add_heatmap(
            z=grid, x=texts([text_of(each) for each in across]), y=texts([text_of(each) for each in down]),
            text=written, texttemplate="" if crowded else "%{text}", coloraxis="coloraxis", xgap=2, ygap=2,
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
        "height": 120 + max(3, len(down)) * ROW_PX, "uirevision": quantity,
        "margin": {"l": 90, "r": 14, "t": 34, "b": 50},
    }  # fmt: skip
    return spec
