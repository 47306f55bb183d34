"""The figures of the board, designed once: plotly specs whose traces say by `meta` which measured column fills them.

The live board (static/), static pages and exports all draw these specs. A trace's `meta` is `{"run": index, "x": name,
"y": name}` (`"z"` for heatmaps), with `"option": key` if it is shown only while that option of its figure is on;
whoever draws fills in the arrays of that run. This module knows plotly and never streamlit.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from dashboard.figures.look import PALETTES, Palette, Run
from dashboard.figures.snapshots import (
    attention_figure,
    confusion_figure,
    gates_figure,
    parameters_figure,
    predictions_figure,
)
from dashboard.figures.through_time import heatmap_figure, profile_figure
from dashboard.figures.training import grad_norm_figure, loss_figure

__all__ = ["FIGURES", "MAX_RUNS", "PALETTES", "Figure", "Option", "Palette", "Run", "board"]

MAX_RUNS = 6


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


def board(runs: Sequence[Run], theme: str) -> dict[str, dict[str, Any]]:
    """Return the figures of the board for up to six runs, by name, in the order they are shown, as plotly JSON."""
    return {name: _styled(figure.build(runs, theme), theme, figure) for name, figure in FIGURES.items()}


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
        "before clipping",
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
            Option("bound", "Bound (dotted)", False, "What the largest singular value of W_hh lets through at most."),
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
    "predictions": Figure(
        "Predictions",
        "on validation sequences at step {step}, as the network sees them",
        "Line chart: targets of validation sequences and the runs' answers",
        predictions_figure,
        steps=False,
    ),
    "confusion": Figure(
        "Predictions",
        "confusion matrix on the validation set at step {step}",
        "Heatmaps, one per run: confusion matrix on the validation set",
        confusion_figure,
        steps=False,
    ),
    "parameters": Figure(
        "Parameter gradients",
        "share of each parameter's elements by size, at step {step}",
        "Heatmaps, one per run: distribution of the gradient's elements of each parameter over powers of ten",
        parameters_figure,
        steps=False,
    ),
    "gates": Figure(
        "Gates",
        "mean activation at step {step}: 1 is open, 0 is closed",
        "Line chart: mean activation of the gates over the timesteps",
        gates_figure,
        steps=False,
    ),
    "attention": Figure(
        "Attention",
        "mean weight of each timestep at step {step}",
        "Line chart: mean attention weight of each timestep",
        attention_figure,
        steps=False,
    ),
}


def _styled(figure: go.Figure, theme: str, words: Figure) -> dict[str, Any]:
    """Return the figure with the look that all share; on its JSON, since plotly checks every value set on a figure."""
    palette = PALETTES[theme]
    spec: dict[str, Any] = json.loads(figure.to_json())
    layout = {"xaxis": {}, "yaxis": {}} | spec["layout"]
    for name, axis in layout.items():
        if name.startswith(("xaxis", "yaxis")):
            title = {"font": {"color": palette.muted, "size": 12}, "standoff": 6} | axis.get("title", {})
            look = {
                "gridcolor": palette.grid,
                "linecolor": palette.grid,
                "zeroline": False,
                "automargin": True,
                "showspikes": False,
                "tickfont": {"color": palette.muted, "size": 12},
            }
            layout[name] = look | axis | {"title": title}
    title = {
        "text": f"<b>{words.title}</b><br><span style='font-size:12px;color:{palette.muted}'>{words.subtitle}</span>",
        "x": 0,
        "xref": "container",
        "pad": {"l": 10},
        "yref": "container",
        "y": 0.965,
        "yanchor": "top",
        "font": {"size": 14, "color": palette.text},
    }
    legend = {
        "orientation": "h",
        "x": 0.5,
        "xanchor": "center",
        "yref": "container",
        "y": 0,
        "yanchor": "bottom",
        "font": {"size": 12},
    }
    layout.pop("template", None)
    spec["layout"] = {
        "title": title,
        "font": {"color": palette.text, "size": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "height": 340,
        "legend": legend,
        "hovermode": "closest" if any(trace["type"] == "heatmap" for trace in spec["data"]) else "x unified",
        "hoverlabel": {"bgcolor": palette.hover, "font": {"color": palette.text}, "bordercolor": palette.muted},
        "uirevision": "constant",  # zoom, pan and hidden traces survive every update
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": palette.muted, "activecolor": palette.text},
        **layout,
        "margin": {"l": 56, "r": 14, "t": 54, "b": 64} | layout.get("margin", {}),
    }
    return spec
