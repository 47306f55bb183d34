"""Figure: where the attention read-out looks."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures import fills
from dashboard.figures.figure import Figure, Rule, Shown, Sources
from dashboard.figures.look import PALETTES, Run


def build(runs: Sequence[Run], theme: str) -> go.Figure:
    """Mean attention weight of each timestep over the validation sequences."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        figure.add_scatter(
            name=run.label,
            meta=fills.part(index, "attention"),
            mode="lines",
            line={"color": palette.runs[index], "width": 2},
            hovertemplate="%{y:.3g}",
        )
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(title="timestep t")
    return figure


ATTENTION = Figure(
    key="attention",
    title="Attention",
    subtitle="mean weight of each timestep at step {step}",
    help="Line chart: mean attention weight of each timestep",
    build=build,
    reads=Sources(parts=("attention",)),
    steps=False,
    shows=Shown("attention"),
    rules=(Rule.SAME_SO_FAR,),
)
