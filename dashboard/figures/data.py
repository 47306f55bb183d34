"""Pictures of data: a few sequences as the network sees them, and series as they are in the file."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from dashboard.figures.look import PALETTES, Palette, texts
from rnncore.traces import HEATMAP_COLORS

MAX_LINES = 6  # inputs drawn as lines; more become a map
MAX_STEPS = 1_000  # timesteps drawn of one sequence
MAX_POINTS = 1_000  # points drawn of one series
_FEW_POINTS = 40  # of a small picture, which are marked as well
_ROW, _EDGES = 128, 84  # pixels


def sequences_figure(
    inputs: NDArray[np.float32],
    targets: NDArray[Any],
    lengths: NDArray[np.int64] | None,
    marks: NDArray[np.bool_],
    theme: str,
    class_names: Sequence[str] = (),
    input_names: Sequence[str] = (),
) -> go.Figure:
    """Draw sequences one below the other: inputs as lines or as a map, targets as diamonds, relevant steps as rings.

    inputs: (B, T, F). targets: (B, O) or (B,) for whole sequences, (B, T, O) or (B, T) for every step. lengths: (B,)
    valid steps. marks: (B, T). Names are shown as text; without input_names (F,) inputs go by number.
    """
    B, _, F = inputs.shape
    names = texts(input_names or [f"input {number + 1}" for number in range(F)])
    palette = PALETTES[theme]
    words = [_answer(target, class_names) if _whole(targets) else "" for target in targets]
    titles = [f"Sequence {row + 1}{f': the answer is {word}' if word else ''}" for row, word in enumerate(words)]
    figure = make_subplots(rows=B, cols=1, shared_xaxes=True, subplot_titles=titles, vertical_spacing=0.25 / B)
    for row in range(B):
        steps = min(int(lengths[row]) if lengths is not None else inputs.shape[1], MAX_STEPS)
        shown = inputs[row, :steps]  # (steps, F)
        place: dict[str, Any] = {"row": row + 1, "col": 1}
        time = np.arange(1, steps + 1)
        symbols = F > 2 and set(np.unique(shown)) <= {0.0, 1.0}
        as_map = symbols or F > MAX_LINES
        if as_map:
            figure.add_heatmap(
                x=time, y=names if input_names else None, z=shown.T, colorscale=HEATMAP_COLORS, showscale=False,
                hovertemplate="step %{x}, %{y}" if input_names else "step %{x}, input %{y}", name="", **place
            )  # fmt: skip
            ring = shown.argmax(1)
        else:
            for number in range(F):
                color = palette.runs[number % len(palette.runs)]
                figure.add_scatter(
                    x=time, y=shown[:, number], mode="lines", name=names[number], legendgroup=f"i{number}",
                    showlegend=row == 0, line={"color": color, "width": 1.5}, hovertemplate="%{y:.3g}", **place
                )  # fmt: skip
            ring = shown[:, 0]
        here = np.flatnonzero(marks[row, :steps])
        figure.add_scatter(
            x=time[here], y=ring[here], mode="markers", name="decides the answer", legendgroup="marks",
            showlegend=row == 0 and bool(marks.any()), hoverinfo="skip",
            marker={"symbol": "circle-open", "size": 12, "color": palette.alert, "line": {"width": 2}}, **place
        )  # fmt: skip
        if not (_whole(targets) and (as_map or class_names)):  # else the title says it
            _targets(figure, targets[row], steps, _whole(targets), row, palette)
    figure.update_xaxes(title="timestep", row=B, col=1)
    return styled(figure, palette, B)


def series_figure(values: NDArray[np.float64], names: Sequence[str], theme: str, x_title: str = "row") -> go.Figure:
    """Draw the columns of values (T, C) below one another, thinned so that the extremes stay. Names are text."""
    palette = PALETTES[theme]
    count = min(values.shape[1], MAX_LINES)
    titles = texts(names[:count], 60)
    figure = make_subplots(rows=count, cols=1, shared_xaxes=True, subplot_titles=titles, vertical_spacing=0.25 / count)
    for number in range(count):
        places = decimate(values[:, number])
        figure.add_scatter(
            x=places + 1, y=values[places, number], mode="lines", line={"color": palette.runs[0], "width": 1.3},
            hovertemplate="%{y:.4g}<extra></extra>", showlegend=False, row=number + 1, col=1,
        )  # fmt: skip
    figure.update_xaxes(title=x_title, row=count, col=1)
    return styled(figure, palette, count)


def glance_figure(values: NDArray[np.float64], names: Sequence[str], theme: str) -> go.Figure:
    """Draw one column of values (T, C) so small that it shows what a sequence would be, no more. Names are text."""
    palette = PALETTES[theme]
    places = decimate(values[:, 0], 200)
    figure = go.Figure(
        go.Scatter(
            x=places + 1, y=values[places, 0], mode="lines+markers" if len(places) < _FEW_POINTS else "lines",
            line={"color": palette.runs[0], "width": 1.3}, marker={"size": 4},
        )
    )  # fmt: skip
    figure.update_xaxes(title=f"timesteps of '{texts([names[0]])[0]}'", showgrid=False, nticks=4)
    figure.update_yaxes(visible=False)
    styled(figure, palette, 1)
    return figure.update_layout(height=110, margin={"l": 4, "r": 4, "t": 4, "b": 34}, showlegend=False)


def decimate(values: NDArray[np.float64], points: int = MAX_POINTS) -> NDArray[np.int64]:
    """Return the places (K,), K <= points, of the smallest and the largest value of each stretch of values (N,)."""
    if len(values) <= points:
        return np.arange(len(values))
    filled = np.nan_to_num(values, nan=float(np.nanmean(values)) if np.isfinite(values).any() else 0.0)
    borders = np.linspace(0, len(values), points // 2 + 1).astype(int)
    ends = [(a + part.argmin(), a + part.argmax()) for a, b in pairwise(borders) for part in [filled[a:b]]]
    return np.unique(np.array(ends, np.int64))


def _whole(targets: NDArray[Any]) -> bool:
    """Whether there is one target per sequence: (B,) classes or (B, O) numbers, not (B, T) classes or (B, T, O)."""
    return targets.ndim == 1 or (targets.ndim == 2 and targets.dtype.kind == "f")


def _answer(target: Any, class_names: Sequence[str]) -> str:
    values = np.atleast_1d(target)
    if class_names and len(values) == 1:
        return f"'{texts([class_names[int(values[0])]])[0]}'"
    return ", ".join(f"{value:.3g}" for value in values[:4])


def _targets(figure: go.Figure, target: Any, steps: int, whole: bool, row: int, palette: Palette) -> None:
    """Draw numbers as diamonds behind the end, targets of every step as diamonds where they belong."""
    values = np.atleast_1d(target)
    x = np.full(len(values), steps + 1) if whole else np.arange(1, steps + 1)
    y = values if whole or values.ndim == 1 else values[:, 0]
    figure.add_scatter(
        x=x, y=y[: len(x)], mode="markers", name="answer" if whole else "answer at each step", legendgroup="targets",
        showlegend=row == 0, hovertemplate="%{y:.3g}", row=row + 1, col=1,
        marker={"symbol": "diamond", "size": 8 if whole else 5, "color": palette.text,
                "line": {"color": palette.hover, "width": 1}},
    )  # fmt: skip


def styled(figure: go.Figure, palette: Palette, rows: int) -> go.Figure:
    """Give a figure of `rows` rows the look of pictures of data."""
    small = {"color": palette.muted, "size": 11}
    figure.update_layout(
        template="none",
        font={"color": palette.text, "size": 12},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 44, "r": 8, "t": 26, "b": 56},
        height=_ROW * rows + _EDGES,
        legend={"orientation": "h", "x": 0.5, "xanchor": "center", "yref": "container", "y": 0, "yanchor": "bottom"},
        hoverlabel={"bgcolor": palette.hover, "font": {"color": palette.text}, "bordercolor": palette.muted},
    )
    figure.update_annotations(font={"size": 12, "color": palette.text}, x=0, xanchor="left")
    axis = {"gridcolor": palette.grid, "zeroline": False, "automargin": True, "tickfont": small}
    figure.update_xaxes(**axis, title_font=small, title_standoff=4)
    figure.update_yaxes(**axis, nticks=4)
    return figure
