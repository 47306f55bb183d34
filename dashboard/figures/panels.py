"""The pictures of readings: what an instrument on demand says of its panels becomes plotly figures."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import diverging, sample_colorscale, sequential

from dashboard.figures.look import PALETTES, Palette, styled, texts
from rnncore.on_demand import choice_in_words
from rnncore.reading import Layer, Numbers, Panel, Reading, Scale

_VIRIDIS = [[index / 9, color] for index, color in enumerate(sequential.Viridis)]
_BLUE_RED = [[index / 10, color] for index, color in enumerate(diverging.RdBu_r)]
_POWER = re.compile(r"(?<![\w.])(\d[\d.]*)e(-?\d+)\b")  # 3.3e6, as readings write numbers
_LEVEL = 6  # letters of a name that stands level below an axis
SOLID = {"surface"}  # kinds that only the whole plotly.js draws


def drawn(reading: Reading, theme: str, color: int = 0, flat: bool = False) -> dict[str, Any]:
    """Return a reading as pages draw it, `ReadingAnswer` of static/instruments.d.ts.

    flat: without the surfaces of which there is a map too; where that is all, the small plotly.js can draw it.
    """
    if flat:
        mapped = {layer.z for panel in reading.panels for layer in panel.layers if layer.kind == "map"}
        panels = tuple(panel for panel in reading.panels if not _surfaces(panel) or not _surfaces(panel) <= mapped)
        reading = replace(reading, panels=panels)
    return {
        "instrument": reading.instrument,
        "step": reading.step,
        "seconds": reading.seconds,
        "choice": choice_in_words(reading.chosen),
        "said": list(reading.said),
        "notes": list(reading.notes),
        "undefined": reading.undefined,
        "pictures": pictures(reading, theme, color),
    }


def _surfaces(panel: Panel) -> set[str]:
    return {layer.z for layer in panel.layers if layer.kind in SOLID}


def pictures(reading: Reading, theme: str, color: int = 0) -> list[dict[str, Any]]:
    """Return the panels of a reading as JSON: key, title, help, and `spec`, a plotly figure.

    color: place of the run's colour in the palette. slices: whether pointing at its map draws a row and a column.
    letters: the characters of a text, its rows in `spec.rows`, instead of a figure.
    """
    small = reading.thinned()
    return [_picture(panel, small.arrays, theme, color) for panel in small.panels]


def _picture(panel: Panel, arrays: Mapping[str, Numbers], theme: str, color: int) -> dict[str, Any]:
    about = {
        "key": panel.key,
        "title": panel.title,
        "help": panel.help,
        "slices": panel.slices,
        "whole": any(layer.kind in SOLID for layer in panel.layers),
        "rolls": any(layer.kind == "path" for layer in panel.layers),
    }
    if panel.letters:
        rows = arrays[panel.layers[0].z]
        return about | {"letters": list(panel.letters), "rows": [[_known(each) for each in row] for row in rows]}
    return about | {"spec": _figure(panel, arrays, theme, color)}


def _known(value: float) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None


def _figure(panel: Panel, arrays: Mapping[str, Numbers], theme: str, color: int) -> dict[str, Any]:
    palette = PALETTES[theme]
    figure = go.Figure()
    for layer in panel.layers:
        _DRAW[layer.kind](figure, layer, arrays, panel, palette, color)
    for axis, update in ((panel.x, figure.update_xaxes), (panel.y, figure.update_yaxes)):
        update(title=axis.title, type="log" if axis.log else "linear", exponentformat="power")
        if axis.low is not None:
            update(range=[axis.low, None])
        if axis.names:
            update(tickvals=list(range(1, len(axis.names) + 1)), ticktext=texts(axis.names, 22), automargin=True)
    if any(len(name) > _LEVEL for name in panel.x.names):
        figure.update_xaxes(
            tickangle=-30, ticklabeloverflow="allow"
        )  # they end at their place, so that the last one has room too
    if panel.x.equal or panel.y.equal:
        figure.update_yaxes(scaleanchor="x", scaleratio=1)
    note = {"font": {"size": 11, "color": palette.muted}, "bgcolor": palette.hover, "opacity": 0.85}
    for place, name in panel.levels:
        at = np.log10(place) if panel.y.log else place  # plotly's annotations count in decades there
        figure.add_shape(type="line", xref="paper", x0=0, x1=1, y0=place, y1=place, line=_thin(palette))
        figure.add_annotation(
            xref="paper", x=1, y=at, text=name, showarrow=False, xanchor="right", yanchor="bottom", **note
        )
    ends = np.concatenate([np.ravel(arrays[layer.x]) for layer in panel.layers]) if panel.marks else np.zeros(1)
    for number, (place, name) in enumerate(panel.marks):
        at = np.log10(place) if panel.x.log else place
        name = _POWER.sub(r"\1×10<sup>\2</sup>", name).replace("<sup>-", "<sup>−")  # as the axis writes them
        beyond = place > (ends.min() + ends.max()) / 2  # then its name has more room on the left
        figure.add_shape(type="line", yref="paper", y0=0, y1=1, x0=place, x1=place, line=_thin(palette))
        figure.add_annotation(
            yref="paper", y=1 - 0.08 * number, x=at, text=name, showarrow=False, yanchor="top",
            xanchor="right" if beyond else "left", **note,
        )  # fmt: skip
    if panel.circle:
        figure.add_shape(type="circle", x0=-1, x1=1, y0=-1, y1=1, line={"color": palette.muted, "width": 1})
    if sum(bool(layer.name) for layer in panel.layers) > 1:
        legend = {"orientation": "h", "yref": "container", "y": 1, "yanchor": "top", "x": 0, "font": {"size": 11}}
        figure.update_layout(showlegend=True, legend=legend, barmode="group")
    spec = styled(figure, theme)
    spec["layout"]["margin"] |= {"t": 22}
    if "scene" in spec["layout"]:
        spec["layout"]["margin"] |= {"l": 0, "r": 16, "b": 0}
    if any(trace["type"] in ("bar", "heatmap") for trace in spec["data"]):
        spec["layout"]["hovermode"] = "closest"
    return spec


def _thin(palette: Palette) -> dict[str, Any]:
    return {"color": palette.muted, "width": 1, "dash": "dot"}


def _tone(layer: Layer, palette: Palette, color: int) -> str:
    if layer.place is not None:
        return palette.runs[layer.place % len(palette.runs)]
    run = palette.runs[color % len(palette.runs)]
    return {"run": run, "muted": palette.muted, "alert": palette.alert}[layer.tone]


def _line(
    figure: go.Figure, layer: Layer, arrays: Mapping[str, Numbers], panel: Panel, palette: Palette, color: int
) -> None:
    y = np.ravel(arrays[layer.y])
    alone = np.isfinite(y).sum() == 1  # a line of one point is none
    figure.add_scatter(
        x=arrays[layer.x],
        y=np.where(np.isfinite(y), y, np.nan),
        name=layer.name,
        mode="lines+markers" if alone else "lines",
        line={"color": _tone(layer, palette, color), "dash": layer.dash, "width": 2},
        **_hover(layer),
    )


def _path(
    figure: go.Figure, layer: Layer, arrays: Mapping[str, Numbers], panel: Panel, palette: Palette, color: int
) -> None:
    """A way, and a ball at its end that can roll along it (`roll` in static/readings.js), flat or on a surface."""
    tone, names = _tone(layer, palette, color), [layer.x, layer.y]
    solid = any(each.kind in SOLID for each in panel.layers)
    names += [layer.z] if solid else []
    ways = dict(zip("xyz", (arrays[name] for name in names), strict=False))
    ball = {axis: values[-1:] for axis, values in ways.items()}
    add = figure.add_scatter3d if solid else figure.add_scatter
    edge = {"color": palette.text, "width": 1}
    add(**ways, name=layer.name, mode="lines", line={"color": tone, "width": 4 if solid else 2}, hoverinfo="name")
    add(**ball, name=layer.name, mode="markers", showlegend=False, meta={"fill": "ball"}, hoverinfo="name",
        marker={"color": tone, "size": 5 if solid else 10, "line": edge})  # fmt: skip


def _surface(
    figure: go.Figure, layer: Layer, arrays: Mapping[str, Numbers], panel: Panel, palette: Palette, color: int
) -> None:
    z = arrays[layer.z].astype(np.float32)
    colours = _scale(panel.scale, palette, "c") if panel.scale else {}
    colours["showscale"] = False  # the third axis has the same numbers
    known = np.where(np.isfinite(z), z, np.nan)
    figure.add_surface(x=arrays[layer.x], y=arrays[layer.y], z=known, opacity=0.9, **colours, **_hover(layer))
    look = {"gridcolor": palette.grid, "color": palette.muted, "backgroundcolor": "rgba(0,0,0,0)",
            "tickfont": {"size": 11}}  # fmt: skip
    titles = {"xaxis": panel.x.title, "yaxis": panel.y.title, "zaxis": panel.scale.title if panel.scale else ""}
    scene: dict[str, Any] = {
        name: look | {"title": {"text": title, "font": {"size": 12}}} for name, title in titles.items()
    }
    figure.update_layout(scene=scene | _VIEW)


def _points(
    figure: go.Figure, layer: Layer, arrays: Mapping[str, Numbers], panel: Panel, palette: Palette, color: int
) -> None:
    marker = {"size": 7, "color": _tone(layer, palette, color)}
    figure.add_scatter(
        x=arrays[layer.x], y=arrays[layer.y], name=layer.name, mode="markers", marker=marker, **_hover(layer)
    )


def _bars(
    figure: go.Figure, layer: Layer, arrays: Mapping[str, Numbers], panel: Panel, palette: Palette, color: int
) -> None:
    marker: dict[str, Any] = {"line": {"width": 0}, "color": _tone(layer, palette, color)}
    more = {}
    if layer.color and panel.scale:
        marker["color"] = _shades(arrays[layer.color], panel.scale, palette)
        figure.add_scatter(  # the scale; of bars with numbers for colours plotly.js complains in the console
            x=[None], y=[None], mode="markers", hoverinfo="skip", showlegend=False,
            marker={"color": [0.0], "showscale": True} | _scale(panel.scale, palette, "c"),
        )  # fmt: skip
        more = {"customdata": [f"{v:.2f}" if np.isfinite(v) else "not defined" for v in arrays[layer.color]]}
    figure.add_bar(x=arrays[layer.x], y=arrays[layer.y], name=layer.name, marker=marker, **more, **_hover(layer))
    figure.update_layout(bargap=0.1)


def _shades(values: Numbers, scale: Scale, palette: Palette) -> list[str]:
    """Return the colours of numbers on a scale that says where it ends; grey where there is no number."""
    if scale.low is None or scale.high is None:
        raise ValueError("scale: it takes both ends to colour bars")
    low, high = scale.low, scale.high
    colours = sequential.Viridis if scale.middle is None else diverging.RdBu_r
    places = np.clip((np.nan_to_num(values, nan=low) - low) / (high - low), 0.0, 1.0)
    found = sample_colorscale(colours, places.tolist())
    return [shade if known else palette.muted for shade, known in zip(found, np.isfinite(values), strict=True)]


def _map(
    figure: go.Figure, layer: Layer, arrays: Mapping[str, Numbers], panel: Panel, palette: Palette, color: int
) -> None:
    z = arrays[layer.z].astype(np.float32)
    figure.add_heatmap(
        x=arrays[layer.x],
        y=arrays[layer.y],
        z=np.where(np.isfinite(z), z, np.nan),
        name=layer.name,
        hoverongaps=False,
        **(_scale(panel.scale, palette, "z") if panel.scale else {}),
        **_hover(layer),
    )


def _scale(scale: Scale, palette: Palette, axis: str) -> dict[str, Any]:
    """Return the colours of bars (axis "c") or maps ("z")."""
    bar = {"title": {"text": scale.title, "side": "right"}, "thickness": 12, "outlinewidth": 0,
           "tickfont": {"color": palette.muted, "size": 11}}  # fmt: skip
    ends = {f"{axis}min": scale.low, f"{axis}max": scale.high, f"{axis}mid": scale.middle}
    known = {name: value for name, value in ends.items() if value is not None}
    return {"colorscale": _VIRIDIS if scale.middle is None else _BLUE_RED, "colorbar": bar, **known}


def _hover(layer: Layer) -> dict[str, Any]:
    return {"hovertemplate": layer.hover} if layer.hover else {}


_VIEW = {  # so near that a box is filled, and so far that the axes have their titles
    "camera": {"eye": {"x": 1.5, "y": 1.5, "z": 0.95}, "center": {"x": 0, "y": 0, "z": -0.2}},
    "aspectmode": "manual",
    "aspectratio": {"x": 1.22, "y": 1.22, "z": 0.85},
}
_Draw = Callable[[go.Figure, Layer, Mapping[str, Numbers], Panel, Palette, int], None]
_DRAW: dict[str, _Draw] = {
    "line": _line, "path": _path, "points": _points, "bars": _bars, "map": _map, "surface": _surface,
}  # fmt: skip
