"""Figure: what the network answers on the validation set, where answers are classes."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures import fills
from dashboard.figures.figure import Figure, Rule, Shown, Sources
from dashboard.figures.look import Run, maps


def build(runs: Sequence[Run], theme: str) -> go.Figure:
    """Confusion matrix of each run over the validation set: share of each true class that got each answer."""
    figure = maps(runs, theme)
    for index in range(len(runs)):
        figure.data[index].update(
            meta=fills.special("confusion", index, "predictions"),
            hovertemplate="true %{y}, answered %{x}: %{text}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    figure.update_layout(coloraxis={"cmin": 0, "cmax": 1, "colorbar": {"tickformat": ".0%"}})
    figure.update_xaxes(title="answer", type="category", automargin=True, tickangle=None)
    figure.update_yaxes(type="category", autorange="reversed")
    figure.update_yaxes(title="truth", automargin=True, col=1)
    return figure


CONFUSION = Figure(
    key="confusion",
    title="Predictions",
    subtitle="confusion matrix on the validation set at step {step}",
    help="Heatmaps, one per run: confusion matrix on the validation set",
    build=build,
    reads=Sources(parts=("predictions",)),
    steps=False,
    shows=Shown("predictions", "classification"),
    rules=(Rule.NAMES_LEFT, Rule.MAP_GRID),
)
