"""Figure: how far the gates are open."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures import fills
from dashboard.figures.figure import Figure, Rule, Shown, Sources
from dashboard.figures.look import PALETTES, Run
from rnncore.cells import CELLS

DASHES = {"solid": "solid", "dash": "dashed", "dot": "dotted", "dashdot": "dash-dotted", "longdash": "long-dashed"}


def build(runs: Sequence[Run], theme: str) -> go.Figure:
    """Mean activation of each gate over the timestep: 1 lets everything through, 0 nothing."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        for place, (gate, dash) in enumerate(zip(CELLS[run.cell].gates, DASHES, strict=False)):
            figure.add_scatter(
                name=f"{run.label}, {gate.title}",
                meta=fills.part(index, "gates.mean", "layer", place),
                mode="lines",
                line={"color": palette.runs[index], "width": 1.8, "dash": dash},
                hovertemplate="%{y:.3f}",
            )
    figure.update_yaxes(range=[0, 1], autorange=False)
    figure.update_xaxes(title="timestep t")
    return figure


def which_is_which(runs: Sequence[Run]) -> str:
    """Return the gates of each cell on the board by how they are drawn: 'GRU: solid reset, dashed update'."""
    cells = [cell for key, cell in CELLS.items() if cell.gates and any(run.cell == key for run in runs)]
    return "; ".join(
        f"{cell.title}: "
        + ", ".join(
            f"{dash} {gate.title.removesuffix(' gate')}"
            for dash, gate in zip(DASHES.values(), cell.gates, strict=False)
        )
        for cell in cells
    )


GATES = Figure(
    key="gates",
    title="Gates",
    subtitle="mean activation at step {step}: 1 is open, 0 is closed",
    help="Line chart: mean activation of the gates over the timesteps",
    build=build,
    reads=Sources(parts=("gates",)),
    steps=False,
    shows=Shown("gates"),
    applies=lambda run: bool(CELLS[run.cell].gates),
    aside=which_is_which,
    rules=(Rule.SAME_SO_FAR,),
)
