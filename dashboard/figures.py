"""The figures of the board, designed once: plotly specs whose traces say by `meta` which measured column fills them.

The live board (static/board.js), static pages and exports all draw these specs. A trace's `meta` is
`{"run": index, "x": column, "y": column}` (or `"z"` for heatmaps); whoever draws fills in the arrays of that run.
This module knows plotly and never streamlit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme. `runs`: the twins' two colours (Okabe-Ito hues, told apart by colour-blind eyes)."""

    runs: tuple[str, ...]
    text: str
    muted: str
    grid: str
    threshold: str
    hover: str


PALETTES = {
    "light": Palette(("#0067b1", "#c4500c"), "#1d2433", "#5a6478", "#e4e8f0", "#5a6478", "#ffffff"),
    "dark": Palette(("#62b2f5", "#f59a57"), "#e6e9f0", "#a3adc0", "#2a3240", "#a3adc0", "#1c222d"),
}
HEATMAP_COLORS = "Viridis"


@dataclass(frozen=True, slots=True)
class Run:
    """What a figure has to know of a run before it has data: its name in words and its clipping threshold."""

    label: str
    threshold: float | None = None
    cell: str = "rnn"


def board(runs: Sequence[Run], theme: str) -> dict[str, go.Figure]:
    """Return the figures of the live board for up to two runs, by name, in the order they are shown."""
    return {
        "loss": loss_figure(runs, theme),
        "grad_norm": grad_norm_figure(runs, theme),
        "profile": profile_figure(runs, theme),
        "heatmap": heatmap_figure(runs, theme),
    }


def loss_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """Training loss of every step (line) and validation loss (line with markers), with the baselines to beat."""
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
            opacity=0.55,
            hovertemplate="step %{x}: %{y:.4g}",
        )
        figure.add_scatter(
            name=run.label,
            meta={"run": index, "x": "val_step", "y": "val_loss"},
            mode="lines+markers",
            line={"color": color, "width": 2.5},
            marker={"size": 5, "symbol": ("circle", "diamond")[index % 2]},
            hovertemplate="step %{x}: %{y:.4g}",
        )
    for index in range(2):  # filled when the run's data are known; hidden until then
        figure.add_scatter(
            name="baseline",
            meta={"baseline": index},
            mode="lines+text",
            textposition="top left",
            textfont={"size": 11, "color": palette.muted},
            showlegend=False,
            visible=False,
            line={"color": palette.muted, "width": 1.2, "dash": ("dash", "dot")[index]},
            hovertemplate="%{y:.4g}",
        )
    _style(figure, theme, "Loss", "thin: each training step, thick: validation; log scale")
    figure.update_yaxes(type="log", exponentformat="power", nticks=5)
    figure.update_xaxes(title="training step")
    return figure


def grad_norm_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """Global L2 norm of the parameter gradient before clipping, with the clipping threshold as a line."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        figure.add_scatter(
            name=run.label,
            meta={"run": index, "x": "step", "y": "grad_norm"},
            mode="lines",
            line={"color": palette.runs[index], "width": 1.4},
            hovertemplate="step %{x}: %{y:.3g}",
        )
    for threshold in dict.fromkeys(run.threshold for run in runs if run.threshold is not None):
        figure.add_hline(
            threshold,
            line={"color": palette.threshold, "width": 1.2, "dash": "dash"},
            annotation={
                "text": f"threshold {threshold:g}",
                "font": {"size": 12, "color": palette.threshold},
                "bgcolor": palette.hover,
                "opacity": 0.9,
            },
            annotation_position="top right",
        )
    _style(figure, theme, "Gradient norm", "all parameters, before clipping; log scale")
    figure.update_yaxes(type="log", exponentformat="power", nticks=5)
    figure.update_xaxes(title="training step")
    return figure


def profile_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """Norm of the total gradient dL/dh_t over the timestep t at one training step; for an LSTM dL/dc_t too."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        color = palette.runs[index]
        figure.add_scatter(
            name=run.label,
            meta={"run": index, "x": "t", "y": "hidden_grad_norm"},
            mode="lines",
            line={"color": color, "width": 2.5},
            customdata=[],
            hovertemplate="t = %{x}: %{customdata}",
        )
        if run.cell == "lstm":
            figure.add_scatter(
                name=f"{run.label}, c",
                showlegend=False,
                meta={"run": index, "x": "t", "y": "cell_grad_norm"},
                mode="lines",
                line={"color": color, "width": 1.6, "dash": "dot"},
                customdata=[],
                hovertemplate="t = %{x}: %{customdata}",
            )
    cells = "; dotted: ‖∂L/∂c<sub>t</sub>‖" if any(run.cell == "lstm" for run in runs) else ""
    _style(figure, theme, "Gradient through time", f"‖∂L/∂h<sub>t</sub>‖ at the latest step{cells}; log scale")
    figure.update_yaxes(type="log", exponentformat="power", nticks=5)
    figure.update_xaxes(title="timestep t (the loss is at the right end)", rangemode="normal")
    return figure


def heatmap_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """log10 of the per-timestep gradient norm over timestep x training step, one map per run, one colour scale."""
    palette = PALETTES[theme]
    figure = make_subplots(
        rows=1,
        cols=len(runs),
        shared_yaxes=True,
        horizontal_spacing=0.05,
        subplot_titles=[run.label for run in runs],
    )
    for index in range(len(runs)):
        figure.add_heatmap(
            meta={"run": index, "x": "profile_step", "y": "t", "z": "hidden_grad_norm"},
            coloraxis="coloraxis",
            hovertemplate="step %{x}, t = %{y}: 10^%{z:.2f}<extra></extra>",
            hoverongaps=False,
            row=1,
            col=index + 1,
        )
    _style(
        figure, theme, "Gradient through time and training", "log<sub>10</sub> ‖∂L/∂h<sub>t</sub>‖; one colour scale"
    )
    for annotation, color in zip(figure.layout.annotations, palette.runs, strict=False):
        annotation.update(font={"size": 12, "color": color}, yanchor="bottom", y=1.0)
    figure.update_layout(
        showlegend=False,
        margin={"t": 66, "b": 44},
        coloraxis={
            "colorscale": HEATMAP_COLORS,
            "colorbar": {
                "thickness": 12,
                "outlinewidth": 0,
                "tickprefix": "10<sup>",
                "ticksuffix": "</sup>",
                "tickfont": {"color": palette.muted, "size": 11},
            },
        },
    )
    figure.update_xaxes(title="training step", showgrid=False)
    figure.update_yaxes(showgrid=False)
    figure.update_yaxes(title="timestep t", col=1)
    return figure


def _style(figure: go.Figure, theme: str, title: str, subtitle: str) -> None:
    palette = PALETTES[theme]
    axis: dict[str, Any] = {
        "gridcolor": palette.grid,
        "linecolor": palette.grid,
        "zeroline": False,
        "automargin": True,
        "tickfont": {"color": palette.muted, "size": 12},
        "title": {"font": {"color": palette.muted, "size": 12}, "standoff": 6},
    }
    figure.update_layout(
        template="none",
        title={
            "text": f"<b>{title}</b><br><span style='font-size:12px;color:{palette.muted}'>{subtitle}</span>",
            "x": 0,
            "xref": "container",
            "pad": {"l": 10},
            "yref": "container",
            "y": 0.965,
            "yanchor": "top",
            "font": {"size": 14, "color": palette.text},
        },
        font={"color": palette.text, "size": 12},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 56, "r": 14, "t": 54, "b": 64},
        height=320,
        legend={
            "orientation": "h",
            "x": 0.5,
            "xanchor": "center",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "font": {"size": 12},
        },
        hovermode="closest",
        hoverlabel={"bgcolor": palette.hover, "font": {"color": palette.text}, "bordercolor": palette.muted},
        uirevision="constant",  # zoom, pan and hidden traces survive every update
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": palette.muted, "activecolor": palette.text},
    )
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
