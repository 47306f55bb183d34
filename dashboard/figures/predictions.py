"""Figure: what the network answers on validation sequences, where answers are numbers."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures import fills
from dashboard.figures.figure import Figure, Rule, Shown, Sources
from dashboard.figures.look import PALETTES, Run


def build(runs: Sequence[Run], theme: str) -> go.Figure:
    """Targets of validation sequences and what each run answers, in the scale that the network sees."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        figure.add_scatter(
            name=run.label,
            meta=fills.part(index, "predictions.outputs"),
            mode="lines",
            line={"color": palette.runs[index], "width": 1.8},
            hovertemplate="%{y:.3g}",
        )
    figure.add_scatter(
        name="target",
        meta=fills.part(0, "predictions.targets"),
        mode="markers",
        marker={"color": palette.text, "size": 4},
        hovertemplate="%{y:.3g}",
    )
    figure.update_xaxes(title="validation sequence")
    return figure


PREDICTIONS = Figure(
    key="predictions",
    title="Predictions",
    subtitle="on validation sequences at step {step}, as the network sees them",
    help="Line chart: targets of validation sequences and the runs' answers",
    build=build,
    reads=Sources(parts=("predictions",)),
    steps=False,
    shows=Shown("predictions", "regression"),
    rules=(Rule.FIRST_SEQUENCE, Rule.SAME_SO_FAR),
    aside=lambda runs: "dots: target",
)
