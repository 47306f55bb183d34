"""Figure: the gradient through time at one training step."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures import fills
from dashboard.figures.figure import Figure, Option, Pace, Rule, Sources
from dashboard.figures.look import PALETTES, Run
from rnncore.cells import CELLS
from rnncore.traces import TIMESTEP, profile_axis, profile_line

MIN_DECADES = 2  # of the y axis: what hardly changes is not to look as if it did
HIDDEN, CELL, DIRECT = "hidden_grad_norm", "cell_grad_norm", "direct_grad_norm"


def build(runs: Sequence[Run], theme: str) -> go.Figure:
    """Norm of the total gradient dL/dh_t over the timestep t at one training step; dL/dc_t too, where there is a c."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for side, color in (("above", palette.explodes), ("below", palette.vanishes)):
        figure.add_scatter(
            name=side, meta=fills.zone(side), mode="none", fill="toself", fillcolor=color, hoverinfo="skip"
        )
    for index, run in enumerate(runs):
        for name, fill, width, dash in _lines(index, run):
            figure.add_trace(profile_line(name, palette.runs[index], width=width, dash=dash, meta=fill))
    for index in range(len(runs)):
        figure.add_scatter(
            name="ratio 1",
            meta=fills.profile_end(index, HIDDEN),
            mode="lines",
            line={"color": palette.runs[index], "width": 1, "dash": "dot"},
            hoverinfo="skip",
        )
    for index, run in enumerate(runs):
        if splits(run):
            for name, place, opacity in (("units", "saturation.units", 0.95), ("weights", "saturation.weights", 0.4)):
                figure.add_bar(
                    name=f"{run.label}, {name}",
                    meta=fills.split(index, place, option="split"),
                    marker={"color": palette.runs[index], "opacity": opacity, "line": {"width": 0}},
                    offsetgroup=str(index),
                    yaxis="y3",
                )
    figure.update_yaxes(profile_axis())
    ratios = {"overlaying": "y", "matches": "y", "side": "right", "type": "log", "showgrid": False}
    strip = {"anchor": "x", "title": "log₁₀ factor", "zeroline": True, "nticks": 3}
    figure.update_layout(yaxis2=ratios, yaxis3=strip, margin={"t": 24, "r": 56}, meta={"decades": MIN_DECADES})
    figure.update_layout(barmode="relative", bargap=0.15)
    figure.update_xaxes(title=TIMESTEP, rangemode="normal")
    return figure


def _lines(index: int, run: Run) -> list[tuple[str, fills.Fill, float, str]]:
    """Return name, fill, width and dash of each line of a run."""
    lines = [(run.label, fills.profile(index, HIDDEN), 2.5, "solid")]
    if has_cell_state(run):
        lines.append((f"{run.label}, cell c", fills.profile(index, CELL, option="cell"), 1.6, "dot"))
    direct = fills.profile(index, DIRECT, gaps=True, option="direct")
    lines.append((f"{run.label}, direct part", direct, 1.3, "dash"))
    fitted = fills.profile(index, HIDDEN, fit=True, option="fit")
    lines.append((f"{run.label}, half-life fit", fitted, 1.1, "longdash"))
    if is_bounded(run):
        lines.append((f"{run.label}, bound", fills.special("bound", index, "sigma_max", option="bound"), 1.1, "dot"))
    if run.clipped:
        scaled = fills.profile(index, HIDDEN, times="clip_coef", option="scaled")
        lines.append((f"{run.label}, scaled by the clip coefficient", scaled, 1.3, "dashdot"))
    return lines


def has_cell_state(run: Run) -> bool:
    """Tell whether there is a second state c_t, with a gradient of its own."""
    return CELLS[run.cell].has_cell_state


def is_bounded(run: Run) -> bool:
    """Tell whether the largest singular value of W_hh bounds the gradient."""
    return CELLS[run.cell].bounded


def splits(run: Run) -> bool:
    """Tell whether it is measured what units and weights do to the gradient."""
    return CELLS[run.cell].steps_back


PROFILE = Figure(
    key="profile",
    title="Gradient through time",
    subtitle="‖∂L/∂h<sub>t</sub>‖ at step {step}",
    help="Line chart: norm of the gradient of the loss with respect to the hidden state over the timesteps, at "
    "one training step; it vanishes where it falls below its value at the last timestep, and explodes where it rises "
    "above it",
    build=build,
    reads=Sources(columns=("clip_coef",), profiles=(HIDDEN, CELL, DIRECT), parts=("sigma_max", "saturation")),
    steps=False,
    pace=Pace(2),
    options=(
        Option("lag", "Over the lag T − t", False, "Count timesteps backwards from the loss."),
        Option(
            "cell",
            "Cell state c (dotted)",
            True,
            "Gradient with respect to the LSTM's cell state c.",
            applies=has_cell_state,
        ),
        Option("direct", "Direct part (dashed)", False, "What reaches h_t without passing through later timesteps."),
        Option(
            "bound",
            "Bound (dotted)",
            False,
            "What the largest singular value of W_hh lets through at most.",
            applies=is_bounded,
        ),
        Option(
            "split",
            "Units and weights (bars)",
            False,
            "How each step back changes the gradient: solid bars are due to the units (saturation, gates), pale ones "
            "to the weights; below 0 they shrink it.",
            applies=splits,
        ),
        Option("fit", "Half-life fit (long dashes)", False, "Straight line fitted to the logarithm of the profile."),
        Option(
            "scaled",
            "Scaled by the clip coefficient",
            False,
            "The profile times this step's clip coefficient: clipping shrinks the update, not dL/dh_t itself.",
            applies=lambda run: run.clipped,
        ),
    ),
    rules=(Rule.SPLIT_STRIP, Rule.FLOOR_ZEROS, Rule.LAG_AXIS, Rule.SAME_SO_FAR, Rule.ROOM_AHEAD, Rule.THROUGH_TIME),
)
