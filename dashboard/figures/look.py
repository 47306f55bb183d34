"""What all figures share: what they know of a run, both themes' colours, their axes and their maps."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Self

import plotly.graph_objects as go
from plotly.colors import sequential
from plotly.subplots import make_subplots

from rnncore.choices import CLIP_METHODS
from rnncore.config import TrainConfig
from rnncore.runs.watched_forms import is_reverse
from rnncore.traces import LINES
from rnncore.words import shorten


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme. `runs`: twins have the first two (Okabe-Ito hues, told apart by colour-blind eyes).

    explodes, vanishes: tints of areas. caps: of maps, for values below and above the range of their colours.
    """

    runs: tuple[str, ...]
    text: str
    muted: str
    grid: str
    alert: str
    hover: str
    explodes: str
    vanishes: str
    caps: tuple[str, str]


PALETTES = {
    "light": Palette(
        LINES,
        "#1d2433", "#5a6478", "#e4e8f0", "#b3261e", "#ffffff",
        "rgba(214,60,40,0.10)", "rgba(60,90,190,0.08)", ("#111111", "#e0218a"),
    ),
    "dark": Palette(
        ("#62b2f5", "#f59a57", "#3ccf9f", "#e58cbf", "#e0cd4a", "#c3c8d2"),
        "#e6e9f0", "#a3adc0", "#2a3240", "#ff8f85", "#1c222d",
        "rgba(255,110,90,0.12)", "rgba(110,140,255,0.10)", ("#000000", "#ff4fa8"),
    ),
}  # fmt: skip

_SCALE = [[index / 9, color] for index, color in enumerate(sequential.Viridis)]
MAPS_IN_A_ROW = 3
_LINE_PX, _NAME_PX = 10, 24  # above lines; above maps for each line of the runs' names, which stand there
_NAMES = str.maketrans("<>", "‹›")  # names of runs stand in plotly's texts, which know some markup


@dataclass(frozen=True, slots=True)
class Run:
    """What a figure has to know of a run before it has data: its name in words and its clipping.

    threshold: of the gradient's norm, None where there is none. clipped: `ClipConfig.shortens`. reverse: it is the
    reverse direction of a watched module, whose gradient travels towards t = T.
    """

    label: str
    threshold: float | None = None
    cell: str = "rnn"
    clipped: bool = False
    reverse: bool = False

    @classmethod
    def of(cls, label: str, config: TrainConfig) -> Self:
        """Return what is to be known of a run of this name and configuration."""
        threshold = config.clip.threshold if CLIP_METHODS[config.clip.method].limits_norm else None
        return cls(label.translate(_NAMES), threshold, config.model.cell, config.clip.shortens)

    @classmethod
    def watched(cls, label: str, config: Mapping[str, Any]) -> Self:
        """Return the same of a watched run; config: what the store has in place of one, which names the cell."""
        return cls(label.translate(_NAMES), None, str(config["model"]["cell"]), reverse=is_reverse(config))


def texts(names: Iterable[str], width: int = 30) -> list[str]:
    """Return the user's names as plotly shows them as text: without markup, short, and each different."""
    seen: Counter[str] = Counter()
    shown = []
    for name in names:
        short = shorten(name, width)
        seen[short] += 1
        shown.append(escape(short if seen[short] == 1 else f"{short} ({seen[short]})", quote=False))
    return shown


def maps(runs: Sequence[Run], theme: str) -> go.Figure:
    """One heatmap per run on a shared colour scale, three in a row, the run's name above each."""
    palette = PALETTES[theme]
    columns = min(len(runs), MAPS_IN_A_ROW)
    figure = make_subplots(
        rows=-(-len(runs) // columns),
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.05,
        vertical_spacing=0.3,
        subplot_titles=[_wrapped(run.label, *((26, 2) if columns < MAPS_IN_A_ROW else (18, 3))) for run in runs],
    )
    for index in range(len(runs)):
        figure.add_heatmap(coloraxis="coloraxis", hoverongaps=False, row=index // columns + 1, col=index % columns + 1)
    for annotation, color in zip(figure.layout.annotations, palette.runs, strict=False):
        annotation.update(font={"size": 12, "color": color})
    colorbar = {"thickness": 12, "outlinewidth": 0, "tickfont": {"color": palette.muted, "size": 11}}
    figure.update_layout(coloraxis={"colorscale": _SCALE, "colorbar": colorbar}, meta={"columns": columns})
    figure.update_xaxes(showgrid=False, nticks=4, tickangle=0)
    figure.update_yaxes(showgrid=False)
    return figure


def styled(figure: go.Figure, theme: str) -> dict[str, Any]:
    """Return a figure with the look that all share; on its JSON, since plotly checks every value set on a figure.

    The card around it says title and names: neither title nor legend is drawn.
    """
    palette = PALETTES[theme]
    spec: dict[str, Any] = json.loads(figure.to_json())
    layout = {"xaxis": {}, "yaxis": {}} | spec["layout"]
    layout.pop("template", None)
    for name, axis in layout.items():
        if name.startswith(("xaxis", "yaxis")):
            title = {"font": {"color": palette.muted, "size": 12}, "standoff": 6} | axis.get("title", {})
            look = {
                "gridcolor": palette.grid,
                "linecolor": palette.grid,
                "zeroline": False,
                "showspikes": False,
                "tickfont": {"color": palette.muted, "size": 12},
            }
            if name.startswith("yaxis"):
                look["ticklabeloverflow"] = "allow"  # there is room for them: plotly need not measure each
            layout[name] = look | axis | {"title": title}
    is_map = any(trace["type"] == "heatmap" for trace in spec["data"])
    names = [note["text"].count("<br>") + 1 for note in layout.get("annotations", ())] if is_map else []
    top = _NAME_PX * max([1.0, *(0.8 * lines for lines in names)]) if is_map else _LINE_PX
    spec["layout"] = {
        "showlegend": False,  # plotly would lay one out at every update
        "font": {"color": palette.text, "size": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest" if is_map else "x unified",
        "hoverlabel": {"bgcolor": palette.hover, "font": {"color": palette.text}, "bordercolor": palette.muted},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": palette.muted, "activecolor": palette.text},
        **layout,
        "margin": {"l": 56, "r": 14, "t": top, "b": 40} | layout.get("margin", {}),
    }
    return spec


def _wrapped(label: str, width: int, lines: int) -> str:
    return "<br>".join(textwrap.wrap(label, width, max_lines=lines, placeholder=" …"))
