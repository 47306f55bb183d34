"""Figure: how large the elements of each parameter's gradient are."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures import fills
from dashboard.figures.figure import Figure, Rule, Shown, Sources
from dashboard.figures.look import Run, maps


def build(runs: Sequence[Run], theme: str) -> go.Figure:
    """Where the gradient's elements lie: per parameter the share of its elements in each power of ten."""
    figure = maps(runs, theme)
    for index in range(len(runs)):
        figure.data[index].update(
            meta=fills.special("histogram", index, "parameters"),
            hovertemplate="%{y}, |g| %{x}: %{z:.1%}<br>%{text}<extra></extra>",
            ygap=2,
        )
    figure.update_layout(coloraxis={"cmin": 0, "cmax": 1, "colorbar": {"tickformat": ".0%"}})
    figure.update_xaxes(title="|g|, power of ten", type="category")
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


PARAMETERS = Figure(
    key="parameters",
    title="Parameter gradients",
    subtitle="share of each parameter's elements by size, at step {step}",
    help="Heatmaps, one per run: distribution of the gradient's elements of each parameter over powers of ten",
    build=build,
    reads=Sources(parts=("parameters",)),
    steps=False,
    shows=Shown("parameters"),
    rules=(Rule.NAMES_LEFT, Rule.MAP_GRID),
)
