"""Figures of the gradient through time: one profile, and all of them over training."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures.look import PALETTES, Run, maps


def profile_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """Norm of the total gradient dL/dh_t over the timestep t at one training step; for an LSTM dL/dc_t too."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        lines = [
            (run.label, "hidden_grad_norm", None, 2.5, "solid"),
            (f"{run.label}, direct part", "direct_grad_norm", "direct", 1.3, "dash"),
            (f"{run.label}, half-life fit", "fit", "fit", 1.1, "longdash"),
        ]
        if run.cell == "rnn":
            lines.append((f"{run.label}, bound", "bound", "bound", 1.1, "dot"))
        if run.cell == "lstm":
            lines.insert(1, (f"{run.label}, cell c", "cell_grad_norm", "cell", 1.6, "dot"))
        if run.clipped:
            lines.append((f"{run.label}, scaled by the clip coefficient", "scaled", "scaled", 1.3, "dashdot"))
        for name, column, option, width, dash in lines:
            meta = {"run": index, "x": "t", "y": column} | ({"option": option} if option else {})
            figure.add_scatter(
                name=name,
                meta=meta,
                mode="lines",
                showlegend=option is None,
                line={"color": palette.runs[index], "width": width, "dash": dash},
                hovertemplate="%{y:.2e}",
            )
    figure.update_yaxes(type="log", exponentformat="power", nticks=7)
    figure.update_xaxes(title="timestep t", rangemode="normal")
    return figure


def heatmap_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """log10 of the per-timestep gradient norm over timestep x training step, one map per run, one colour scale."""
    figure = maps(runs, theme)
    for index in range(len(runs)):
        figure.data[index].update(
            meta={"run": index, "x": "profile_step", "y": "t", "z": "hidden_grad_norm"},
            hovertemplate="step %{customdata}, t = %{y}: 10<sup>%{z:.2f}</sup><extra></extra>",
        )
    figure.update_layout(coloraxis={"colorbar": {"tickprefix": "10<sup>", "ticksuffix": "</sup>"}})
    bottom = -(-len(runs) // 3)  # maps stand three in a row
    figure.update_xaxes(title="training step", row=bottom)
    figure.update_yaxes(title="timestep t", col=1)
    return figure
