"""Figure: loss over the training steps, with the baselines to beat and the metric on the validation set."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures import fills
from dashboard.figures.figure import Figure, Option, Rule, Sources
from dashboard.figures.look import PALETTES, Run


def build(runs: Sequence[Run], theme: str) -> go.Figure:
    """Training loss of every step (thin) and validation loss (thick, markers), with the baselines to beat."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        figure.add_scatter(
            name=f"{run.label}, training",
            meta=fills.column(index, "train_loss"),
            mode="lines",
            line={"color": palette.runs[index], "width": 1},
            opacity=0.75,
            hovertemplate="%{y:.4g}",
        )
    for index, run in enumerate(runs):
        figure.add_scatter(
            name=f"{run.label}, validation",
            meta=fills.evaluations(index, "val_loss"),
            mode="lines+markers",
            line={"color": palette.runs[index], "width": 2.5},
            marker={"size": 5, "symbol": ("circle", "diamond")[index % 2]},
            hovertemplate="%{y:.4g}",
        )
    for place in range(2):  # filled when the run's data are known; not drawn until then
        figure.add_scatter(
            name="baseline",
            meta=fills.baseline(place),
            mode="lines",
            line={"color": palette.muted, "width": 1.2, "dash": ("dash", "dot")[place]},
            hoverinfo="skip",
        )
    for index, run in enumerate(runs):
        figure.add_scatter(
            name=f"{run.label}, metric",
            meta=fills.metric(index, option="metric"),
            mode="lines",
            yaxis="y2",
            line={"color": palette.runs[index], "width": 1.5, "dash": "dot"},
            hovertemplate="%{y:.4g}",
        )
    figure.update_yaxes(type="log", exponentformat="power", nticks=5)
    figure.update_xaxes(title="training step")
    figure.update_layout(
        yaxis2={"overlaying": "y", "side": "right", "showgrid": False, "tickmode": "auto", "nticks": 5}
    )
    return figure


LOSS = Figure(
    key="loss",
    title="Loss",
    subtitle="of each training step",
    help="Line chart: loss over the training steps",
    build=build,
    reads=Sources(columns=("train_loss",), evaluations=("val_loss", "val_metric")),
    options=(
        Option("log", "Log scale", True, "Show the loss on a logarithmic axis."),
        Option(
            "metric",
            "Metric (dotted, right axis)",
            False,
            "Accuracy, or the error in the data's own units, on the validation set.",
            measured="val_metric",
        ),
    ),
    rules=(
        Rule.LOG_AXIS,
        Rule.VALIDATION_WORDS,
        Rule.METRIC_AXIS,
        Rule.LINE_NAMES,
        Rule.SAME_SO_FAR,
        Rule.ROOM_AHEAD,
        Rule.MARKS,
    ),
)
