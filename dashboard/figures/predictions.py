"""Figure: what the network answers on validation sequences, where answers are numbers."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures import fills
from dashboard.figures.figure import Figure, Rule, Shown, Sources
from dashboard.figures.look import PALETTES, Run


def build(runs: Sequence[Run], theme: str) -> go.Figure:
    """Answers of each run in the data's own units: over time beside the targets, or against them."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        symbol, size = (("circle", 4), ("circle-open", 7))[index % 2]  # both are seen where they coincide
        figure.add_scatter(
            name=run.label,
            meta=fills.special("answers", index, "predictions"),
            mode="lines",
            line={"color": palette.runs[index], "width": 1.8},
            marker={"color": palette.runs[index], "size": size, "symbol": symbol},
            hovertemplate="%{y:.4g}",
        )
    figure.add_scatter(
        name="target",
        meta=fills.special("truth", 0, "predictions"),
        mode="markers",
        line={"color": palette.muted, "width": 1.2, "dash": "dash"},
        marker={"color": palette.text, "size": 4},
        hovertemplate="%{y:.4g}",
    )
    return figure


PREDICTIONS = Figure(
    key="predictions",
    title="Predictions",
    subtitle="at step {step}, on validation sequences",
    help="Chart: targets of validation sequences and the runs' answers, over time or against one another",
    build=build,
    reads=Sources(parts=("predictions",)),
    steps=False,
    shows=Shown("predictions", "regression"),
    rules=(Rule.ANSWER_AXES, Rule.SAME_SO_FAR),
)
