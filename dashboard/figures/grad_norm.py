"""Figure: norm of the parameter gradient over the training steps."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures import fills
from dashboard.figures.figure import Figure, Option, Rule, Sources
from dashboard.figures.look import PALETTES, Run


def build(runs: Sequence[Run], theme: str) -> go.Figure:
    """Global L2 norm of the parameter gradient before and after clipping, the threshold, and the update's norm."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        color = palette.runs[index]
        figure.add_scatter(
            name=run.label,
            meta=fills.column(index, "grad_norm"),
            mode="lines",
            line={"color": color, "width": 1.3},
            opacity=0.9,
            hovertemplate="%{y:.3g}",
        )
        more = [
            ("update", fills.column(index, "update_norm", option="update"), "dash"),
            ("learning rate", fills.column(index, "learning_rate", option="rate"), "dashdot"),
        ]
        if run.clipped:
            after = fills.column(index, "grad_norm", times="clip_coef", option="after")
            more.insert(0, ("after clipping", after, "dot"))
        for words, fill, dash in more:
            figure.add_scatter(
                name=f"{run.label}, {words}",
                meta=fill,
                mode="lines",
                line={"color": color, "width": 1.1, "dash": dash},
                hovertemplate="%{y:.3g}",
            )
    thresholds = {run.threshold: index for index, run in reversed(list(enumerate(runs))) if run.threshold is not None}
    for value, index in thresholds.items():
        figure.add_scatter(
            name="threshold",
            meta=fills.threshold(index, value),
            mode="lines",
            line={"color": palette.muted, "width": 1.2, "dash": "dash", "shape": "hv"},
            hoverinfo="skip",
        )
    figure.update_yaxes(type="log", exponentformat="power", nticks=6)
    figure.update_xaxes(title="training step")
    return figure


GRAD_NORM = Figure(
    key="grad_norm",
    title="Gradient norm",
    subtitle="before clipping",
    help="Line chart: global gradient norm before clipping over the training steps, with the threshold",
    build=build,
    reads=Sources(columns=("grad_norm", "clip_coef", "update_norm", "learning_rate")),
    options=(
        Option(
            "after",
            "After clipping (dotted)",
            False,
            "The norm that the optimiser gets to see.",
            applies=lambda run: run.clipped,
        ),
        Option("update", "Update (dashed)", False, "L2 norm of the change that the optimiser made."),
        Option("rate", "Learning rate (dash-dot)", False, "The learning rate of each step, the schedule in it."),
    ),
    rules=(Rule.CLIPPING_SHARE, Rule.LINE_NAMES, Rule.SAME_SO_FAR, Rule.ROOM_AHEAD, Rule.MARKS),
)
