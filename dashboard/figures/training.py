"""Figures over the training steps: loss and gradient norm."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures.look import PALETTES, Run


def loss_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """Training loss of every step (thin) and validation loss (thick, markers), with the baselines to beat."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        color = palette.runs[index]
        figure.add_scatter(
            name=f"{run.label}, training",
            meta={"run": index, "x": "step", "y": "train_loss"},
            mode="lines",
            showlegend=False,
            line={"color": color, "width": 1},
            opacity=0.75,
            hovertemplate="%{y:.4g}",
        )
    for index, run in enumerate(runs):
        figure.add_scatter(
            name=f"{run.label}, validation",
            meta={"run": index, "x": "val_step", "y": "val_loss"},
            mode="lines+markers",
            line={"color": palette.runs[index], "width": 2.5},
            marker={"size": 5, "symbol": ("circle", "diamond")[index % 2]},
            hovertemplate="%{y:.4g}",
        )
    for index in range(2):  # filled when the run's data are known; hidden until then
        figure.add_scatter(
            name="baseline",
            meta={"baseline": index},
            mode="lines",
            textfont={"size": 11, "color": palette.muted},
            showlegend=False,
            visible=False,
            line={"color": palette.muted, "width": 1.2, "dash": ("dash", "dot")[index]},
            hoverinfo="skip",
        )
    figure.update_yaxes(type="log", exponentformat="power", nticks=5)
    figure.update_xaxes(title="training step")
    return figure


def grad_norm_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """Global L2 norm of the parameter gradient before and after clipping, the threshold, and the update's norm."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        color = palette.runs[index]
        figure.add_scatter(
            name=run.label,
            meta={"run": index, "x": "step", "y": "grad_norm"},
            mode="lines",
            line={"color": color, "width": 1.3},
            opacity=0.9,
            hovertemplate="%{y:.3g}",
        )
        for option, column, words, dash in (
            ("after", "clipped_norm", "after clipping", "dot"),
            ("update", "update_norm", "update", "dash"),
        ):
            if option == "after" and not run.clipped:
                continue
            figure.add_scatter(
                name=f"{run.label}, {words}",
                meta={"run": index, "x": "step", "y": column, "option": option},
                mode="lines",
                visible=False,
                showlegend=False,
                line={"color": color, "width": 1.1, "dash": dash},
                hovertemplate="%{y:.3g}",
            )
    for threshold in dict.fromkeys(run.threshold for run in runs if run.threshold is not None):
        figure.add_hline(
            threshold,
            line={"color": palette.muted, "width": 1.2, "dash": "dash"},
        )
        figure.add_annotation(
            text=f"threshold {threshold:g}",
            font={"size": 11, "color": palette.muted, "shadow": ", ".join(4 * [f"0 0 3px {palette.hover}"])},
            x=1,
            xref="paper",
            xanchor="right",
            y=math.log10(threshold),  # unlike a shape's, an annotation's place on a log axis is the logarithm
            yanchor="bottom",
            showarrow=False,
        )
    figure.update_yaxes(type="log", exponentformat="power", nticks=6)
    figure.update_xaxes(title="training step")
    return figure
