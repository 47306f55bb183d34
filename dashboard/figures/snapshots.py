"""Figures of the network at one step: what it answers, its parameters' gradients, its gates and its attention."""

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.figures.look import PALETTES, Run, maps

GATES = {"lstm": ("input gate", "forget gate", "output gate"), "gru": ("reset gate", "update gate")}


def predictions_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """Targets of validation sequences and what each run answers, in the scale that the network sees."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        figure.add_scatter(
            name=run.label,
            meta={"run": index, "x": "place", "y": "outputs"},
            mode="lines",
            line={"color": palette.runs[index], "width": 1.8},
            hovertemplate="%{y:.3g}",
        )
    figure.add_scatter(
        name="target",
        meta={"run": 0, "x": "place", "y": "targets"},
        mode="markers",
        marker={"color": palette.text, "size": 4},
        hovertemplate="%{y:.3g}",
    )
    figure.update_xaxes(title="validation sequence")
    return figure


def confusion_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """Confusion matrix of each run over the validation set: share of each true class that got each answer."""
    figure = maps(runs, theme)
    for index in range(len(runs)):
        figure.data[index].update(
            meta={"run": index, "z": "confusion"},
            hovertemplate="true %{y}, answered %{x}: %{text}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    figure.update_layout(coloraxis={"cmin": 0, "cmax": 1, "colorbar": {"tickformat": ".0%"}})
    figure.update_xaxes(title="answer", type="category")
    figure.update_yaxes(type="category", autorange="reversed")
    figure.update_yaxes(title="truth", col=1)
    return figure


def parameters_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """Where the gradient's elements lie: per parameter the share of its elements in each power of ten."""
    figure = maps(runs, theme)
    for index in range(len(runs)):
        figure.data[index].update(
            meta={"run": index, "z": "histogram"},
            hovertemplate="%{y}, |g| %{x}: %{z:.1%}<br>%{text}<extra></extra>",
            ygap=2,
        )
    figure.update_layout(coloraxis={"cmin": 0, "cmax": 1, "colorbar": {"tickformat": ".0%"}})
    figure.update_xaxes(title="|g|, power of ten", type="category")
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


def gates_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """Mean activation of each gate over the timestep: 1 lets everything through, 0 nothing."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        for place, (gate, dash) in enumerate(zip(GATES.get(run.cell, ()), ("solid", "dash", "dot"), strict=False)):
            figure.add_scatter(
                name=f"{run.label}, {gate}",
                meta={"run": index, "x": "t", "y": "gates", "gate": place},
                mode="lines",
                line={"color": palette.runs[index], "width": 1.8, "dash": dash},
                hovertemplate="%{y:.3f}",
            )
    figure.update_yaxes(range=[0, 1], autorange=False)
    figure.update_xaxes(title="timestep t")
    return figure


def attention_figure(runs: Sequence[Run], theme: str) -> go.Figure:
    """Mean attention weight of each timestep over the validation sequences."""
    palette = PALETTES[theme]
    figure = go.Figure()
    for index, run in enumerate(runs):
        figure.add_scatter(
            name=run.label,
            meta={"run": index, "x": "t", "y": "attention"},
            mode="lines",
            line={"color": palette.runs[index], "width": 2},
            hovertemplate="%{y:.3g}",
        )
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(title="timestep t")
    return figure
