"""What all figures share: the runs' colours in both themes, and the maps' colour scale."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots


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
    """What a figure has to know of a run before it has data: its name in words and its clipping.

    threshold: of the gradient's norm, None where there is none. clipped: `ClipConfig.shortens`.
    """

    label: str
    threshold: float | None = None
    cell: str = "rnn"
    clipped: bool = False


def maps(runs: Sequence[Run], theme: str) -> go.Figure:
    """One heatmap per run on a shared colour scale, three in a row, the run's name above each."""
    palette = PALETTES[theme]
    columns = min(len(runs), 3)
    figure = make_subplots(
        rows=-(-len(runs) // columns),
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.05,
        vertical_spacing=0.3,
        subplot_titles=[_wrapped(run.label, *((26, 2) if columns < 3 else (18, 3))) for run in runs],
    )
    for index in range(len(runs)):
        figure.add_heatmap(coloraxis="coloraxis", hoverongaps=False, row=index // columns + 1, col=index % columns + 1)
    for annotation, color in zip(figure.layout.annotations, palette.runs, strict=False):
        annotation.update(font={"size": 12, "color": color})
    colorbar = {"thickness": 12, "outlinewidth": 0, "tickfont": {"color": palette.muted, "size": 11}}
    figure.update_layout(showlegend=False, coloraxis={"colorscale": HEATMAP_COLORS, "colorbar": colorbar})
    figure.update_xaxes(showgrid=False, nticks=4, tickangle=0)
    figure.update_yaxes(showgrid=False)
    return figure


def _wrapped(label: str, width: int, lines: int) -> str:
    return "<br>".join(textwrap.wrap(label, width, max_lines=lines, placeholder=" …"))
