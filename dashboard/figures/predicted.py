"""The picture of predictions on a file: a line beside what the file says, or how often each class is predicted."""

from typing import Any

import plotly.graph_objects as go

from dashboard.figures.data import styled
from dashboard.figures.look import PALETTES, texts


def predicted_figure(picture: dict[str, Any], theme: str) -> go.Figure:
    """Draw a picture of `rnncore.data.prediction.Prediction`. Names are text."""
    palette = PALETTES[theme]
    y_title = texts([picture["y_title"]])[0]
    if picture["kind"] == "bars":
        figure = go.Figure(
            go.Bar(x=texts(picture["classes"]), y=picture["counts"], marker={"color": palette.runs[0]},
                   hovertemplate="%{x}: %{y:,}<extra></extra>")
        )  # fmt: skip
        figure.update_xaxes(type="category")
    else:
        figure = go.Figure()
        if any(value is not None for value in picture["actual"]):
            figure.add_scatter(
                x=picture["x"], y=picture["actual"], mode="lines", name="in the file",
                line={"color": palette.muted, "width": 1.3}, hovertemplate="%{y:.5g}",
            )  # fmt: skip
        figure.add_scatter(
            x=picture["x"], y=picture["predicted"], mode="lines" if len(picture["x"]) > 1 else "markers",
            name="predicted", line={"color": palette.runs[0], "width": 1.6}, hovertemplate="%{y:.5g}",
        )  # fmt: skip
        figure.update_xaxes(title=texts([picture["x_title"]])[0])
    styled(figure, palette, 2)
    figure.update_yaxes(title=y_title, title_font={"color": palette.muted, "size": 11})
    return figure.update_layout(title={"text": texts([picture["title"]])[0], "font": {"size": 12}, "x": 0})
