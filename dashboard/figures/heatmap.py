"""Figure: the gradient through time and training, a map for each run."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures import fills
from dashboard.figures.figure import Figure, Option, Pace, Rule, Sources
from dashboard.figures.look import Run, maps
from dashboard.figures.profile import CELL, HIDDEN, has_cell_state


def build(runs: Sequence[Run], theme: str) -> go.Figure:
    """log10 of the per-timestep gradient norm over timestep x training step, one map per run, one colour scale."""
    figure = maps(runs, theme)
    for index, run in enumerate(runs):
        figure.data[index].update(
            meta=fills.profile_map(index, HIDDEN, instead={"cell": CELL} if has_cell_state(run) else None),
            hovertemplate="step %{customdata}, t = %{y}: 10<sup>%{z:.2f}</sup><extra></extra>",
        )
    figure.update_layout(coloraxis={"colorbar": {"tickprefix": "10<sup>", "ticksuffix": "</sup>"}})
    figure.update_xaxes(title="training step")
    figure.update_yaxes(title="timestep t", col=1)
    return figure


HEATMAP = Figure(
    key="heatmap",
    title="Gradient through time and training",
    subtitle="log<sub>10</sub> ‖∂L/∂h<sub>t</sub>‖",
    help="Heatmaps, one per run: gradient norm by timestep and training step, on one colour scale",
    build=build,
    reads=Sources(profiles=(HIDDEN, CELL)),
    pace=Pace(4, 3),
    options=(
        Option(
            "cell",
            "Cell state c",
            False,
            "Show the gradient with respect to the LSTM's cell state instead of h.",
            applies=has_cell_state,
        ),
    ),
    rules=(Rule.LAG_ROWS, Rule.MAP_GRID, Rule.SHARED_COLOURS, Rule.RECORDING_COST),
)
