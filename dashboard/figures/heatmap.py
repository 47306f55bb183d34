"""Figure: the gradient through time and training, a map for each run."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures import fills
from dashboard.figures.figure import Figure, Option, Pace, Rule, Sources
from dashboard.figures.look import Run, maps
from dashboard.figures.profile import CELL, HIDDEN, has_cell_state
from rnncore.traces import TIMESTEP, TRAINING_STEP, power_ticks, profile_map


def build(runs: Sequence[Run], theme: str) -> go.Figure:
    """log10 of the per-timestep gradient norm over timestep x training step, one map per run, one colour scale."""
    figure = maps(runs, theme)
    for index, run in enumerate(runs):
        meta = fills.profile_map(index, HIDDEN, instead={"cell": CELL} if has_cell_state(run) else None)
        figure.data[index].update(profile_map(meta=meta))
    figure.update_layout(coloraxis={"colorbar": power_ticks()})
    figure.update_xaxes(title=TRAINING_STEP)
    figure.update_yaxes(title=TIMESTEP, col=1)
    return figure


HEATMAP = Figure(
    key="heatmap",
    title="Gradient through time and training",
    subtitle="log<sub>10</sub> ‖∂L/∂h<sub>t</sub>‖",
    help="Heatmaps, one per run: gradient norm by timestep and training step, on one colour scale",
    build=build,
    reads=Sources(profiles=(HIDDEN, CELL)),
    pace=Pace(2, 1),
    options=(
        Option(
            "cell",
            "Cell state c",
            False,
            "Show the gradient with respect to the LSTM's cell state instead of h.",
            applies=has_cell_state,
        ),
    ),
    rules=(Rule.STEPS_AHEAD, Rule.LAG_ROWS, Rule.MAP_GRID, Rule.SHARED_COLOURS, Rule.RECORDING_COST),
)
