"""The figures of the board, designed once: plotly specs whose traces say by `meta` which measured column fills them.

The live board (static/), static pages and exports all draw these specs. A trace's `meta` is `{"run": index, "x": name,
"y": name}` (`"z"` for heatmaps), with `"option": key` if it is shown only while that option of its figure is on;
whoever draws fills in the arrays of that run. This module knows plotly and never streamlit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

MAX_RUNS = 6


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme. `runs`: twins have the first two (Okabe-Ito hues, told apart by colour-blind eyes)."""

    runs: tuple[str, ...]
    text: str
    muted: str
    grid: str
    alert: str
    hover: str


PALETTES = {
    "light": Palette(
        ("#0067b1", "#c4500c", "#00795a", "#a8467f", "#7a6a00", "#4b4f58"),
        "#1d2433", "#5a6478", "#e4e8f0", "#b3261e", "#ffffff",
    ),
    "dark": Palette(
        ("#62b2f5", "#f59a57", "#3ccf9f", "#e58cbf", "#e0cd4a", "#c3c8d2"),
        "#e6e9f0", "#a3adc0", "#2a3240", "#ff8f85", "#1c222d",
    ),
}  # fmt: skip
HEATMAP_COLORS = "Viridis"


@dataclass(frozen=True, slots=True)
class Run:
    """What a figure has to know of a run before it has data: its name in words and its clipping threshold."""

    label: str
    threshold: float | None = None
    cell: str = "rnn"
    clipped: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """A choice that a reader has in a figure: key, words, whether it is on at first, and a sentence that explains."""

    key: str
    label: str
    on: bool
    help: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure's words and its builder. `steps`: whether its x axis is the training step (the cursor runs there)."""

    title: str
    subtitle: str
    alt: str
    build: Callable[[Sequence[Run], str], go.Figure]
    steps: bool = True
    options: tuple[Option, ...] = field(default=())


def board(runs: Sequence[Run], theme: str) -> dict[str, go.Figure]:
    """Return the figures of the board for up to six runs, by name, in the order they are shown."""
    built = {}
    for name, figure in FIGURES.items():
        built[name] = figure.build(runs, theme)
        _style(built[name], theme, figure)
    return built


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
            opacity=0.6,
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
            mode="lines+text",
            textposition="top left",
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
            annotation={"text": f"threshold {threshold:g}", "font": {"size": 11, "color": palette.muted}},
            annotation_position="top right",
        )
    figure.update_yaxes(type="log", exponentformat="power", nticks=6)
    figure.update_xaxes(title="training step")
    return figure


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
                customdata=[],
                hovertemplate="%{customdata}",
            )
    figure.update_yaxes(type="log", exponentformat="power", nticks=7)
    figure.update_xaxes(title="timestep t", rangemode="normal")
    return figure


def heatmap_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """log10 of the per-timestep gradient norm over timestep x training step, one map per run, one colour scale."""
    palette = PALETTES[theme]
    columns = min(len(runs), 3)
    figure = make_subplots(
        rows=-(-len(runs) // columns),
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.05,
        vertical_spacing=0.3,
        subplot_titles=[run.label for run in runs],
    )
    for index in range(len(runs)):
        figure.add_heatmap(
            meta={"run": index, "x": "profile_step", "y": "t", "z": "hidden_grad_norm"},
            coloraxis="coloraxis",
            hovertemplate="step %{x}, t = %{y}: 10<sup>%{z:.2f}</sup><extra></extra>",
            hoverongaps=False,
            row=index // columns + 1,
            col=index % columns + 1,
        )
    for annotation, color in zip(figure.layout.annotations, palette.runs, strict=False):
        annotation.update(font={"size": 12, "color": color})
    figure.update_layout(
        showlegend=False,
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


LOG = Option("log", "Log scale", True, "Show the loss on a logarithmic axis.")
FIGURES: dict[str, Figure] = {
    "loss": Figure(
        "Loss",
        "thin: each training step, thick: validation",
        "Line chart: training and validation loss over the training steps",
        loss_figure,
        options=(LOG,),
    ),
    "grad_norm": Figure(
        "Gradient norm",
        "all parameters, before clipping",
        "Line chart: global gradient norm before clipping over the training steps, with the threshold",
        grad_norm_figure,
        options=(
            Option("after", "After clipping (dotted)", False, "The norm that the optimiser gets to see."),
            Option("update", "Update (dashed)", False, "L2 norm of the change that the optimiser made."),
        ),
    ),
    "profile": Figure(
        "Gradient through time",
        "‖∂L/∂h<sub>t</sub>‖ at step {step}",
        "Line chart: norm of the gradient of the loss by the hidden state over the timesteps, at one training step",
        profile_figure,
        steps=False,
        options=(
            Option("lag", "Over the lag T − t", False, "Count timesteps backwards from the loss."),
            Option("cell", "Cell state c (dotted)", True, "Gradient by the LSTM's cell state, its second highway."),
            Option(
                "direct", "Direct part (dashed)", False, "What reaches h_t without passing through later timesteps."
            ),
            Option(
                "fit", "Half-life fit (long dashes)", False, "Straight line fitted to the logarithm of the profile."
            ),
            Option(
                "scaled",
                "Scaled by the clip coefficient",
                False,
                "The profile times this step's clip coefficient: clipping shrinks the update, not dL/dh_t itself.",
            ),
        ),
    ),
    "heatmap": Figure(
        "Gradient through time and training",
        "log<sub>10</sub> ‖∂L/∂h<sub>t</sub>‖, one colour scale",
        "Heatmaps, one per run: gradient norm by timestep and training step, on one colour scale",
        heatmap_figure,
        options=(Option("cell", "Cell state c", False, "Show the gradient by the LSTM's cell state instead of h."),),
    ),
}


def _style(figure: go.Figure, theme: str, words: Figure) -> None:
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
            "text": f"<b>{words.title}</b><br>"
            f"<span style='font-size:12px;color:{palette.muted}'>{words.subtitle}</span>",
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
        height=340,
        legend={
            "orientation": "h",
            "x": 0.5,
            "xanchor": "center",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "font": {"size": 12},
        },
        hovermode="closest" if words.build is heatmap_figure else "x unified",
        hoverlabel={"bgcolor": palette.hover, "font": {"color": palette.text}, "bordercolor": palette.muted},
        uirevision="constant",  # zoom, pan and hidden traces survive every update
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": palette.muted, "activecolor": palette.text},
    )
    figure.update_xaxes(**axis, showspikes=False)
    figure.update_yaxes(**axis)
