"""A lab as a plotly figure: of each module the newest profile, and the map of the whole run.

The one place of rnncore that imports plotly, and only in the call.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnncore.traces import (
    HEATMAP_COLORS,
    LINES,
    TIMESTEP,
    TRAINING_STEP,
    Trace,
    power_ticks,
    profile_axis,
    profile_line,
    profile_map,
)
from rnncore.watching.record import Floats, Profile, WatchRecord

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_CELLS = 200_000  # numbers of a map; of more records every second, third ... is drawn, the newest always
ROW_PX, ABOVE_PX, BELOW_PX = 300, 90, 60
LEGEND_PX, ACROSS = 20, 3  # height of a line of the legend, and entries that it has on a narrow page


def figure_of(records: Sequence[WatchRecord], sample: int | None = None) -> "go.Figure":
    """Return the figure of some records, one row per module; sample: how many sequences were looked at, None all."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    newest = {name: (each.step, profile) for each in records for name, profile in each.profiles.items()}
    if not newest:
        figure = go.Figure()
        figure.update_layout(title="Nothing is recorded yet", height=ROW_PX)
        return figure
    titles = [title for name, (step, profile) in newest.items() for title in _titles(name, step, profile)]
    figure = make_subplots(rows=len(newest), cols=2, subplot_titles=titles, horizontal_spacing=0.1)
    for row, (name, (_, profile)) in enumerate(newest.items(), start=1):
        for trace in lines(profile):
            name_in_legend = trace["name"] if len(newest) == 1 else f"{name}: {trace['name']}"
            figure.add_trace(trace | {"showlegend": True, "name": name_in_legend}, row=row, col=1)
        for trace in initial_states(profile):
            figure.add_trace(trace, row=row, col=1)
        figure.add_trace(step_map(records, name) | {"coloraxis": "coloraxis"}, row=row, col=2)
        figure.update_yaxes(profile_axis() | {"title": "‖∂L/∂h<sub>t</sub>‖"}, row=row, col=1)
        figure.update_yaxes(title=_across(profile), row=row, col=2)
        figure.update_xaxes(title=_across(profile), row=row, col=1)
        figure.update_xaxes(title=TRAINING_STEP, row=row, col=2)
    legend = LEGEND_PX * math.ceil(sum(bool(trace.showlegend) for trace in figure.data) / ACROSS)
    figure.update_layout(
        coloraxis={"colorscale": HEATMAP_COLORS, "colorbar": power_ticks()},
        title="Gradient through time" + (f", first {sample} sequences of each batch" if sample else ""),
        height=ABOVE_PX + ROW_PX * len(newest) + BELOW_PX + legend,
        margin={"t": ABOVE_PX, "b": BELOW_PX + legend},
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"},
        template="plotly_white",
    )
    return figure


def lines(profile: Profile) -> list[Trace]:
    """Return the lines of a profile: solid for h, dotted for c, dashed for the direct part of h."""
    traces = []
    place = _places(profile)
    kinds = [("", profile.hidden, 2.5, "solid"), (", cell c", profile.cell, 1.6, "dot")]
    kinds.append((", direct part", profile.direct, 1.3, "dash"))
    floor = _floor([profile.start, *(values for _, values, _, _ in kinds if values is not None)])
    for row, name in enumerate(profile.row_names()):
        for suffix, values, width, dash in kinds:
            if values is None:
                continue
            own = values[row]
            shown = np.where(own == 0, floor, own) if suffix != ", direct part" else np.where(own == 0, np.nan, own)
            said = ["exactly 0" if each == 0 else f"{each:.2e}" for each in own]
            traces.append(
                profile_line(name + suffix, LINES[row % len(LINES)], width=width, dash=dash)
                | {"x": place, "y": _json(shown), "customdata": said, "hovertemplate": "%{customdata}"}
            )
    return traces


def initial_states(profile: Profile) -> list[Trace]:
    """Return a circle for the gradient of each row's initial state h, beside the timestep that it is read at."""
    place, names, traces = _places(profile), profile.row_names(), []
    for row, (value, reverse) in profile.initial_states.items():
        at = place[-1] + 1 if reverse else place[0] - 1
        color = LINES[row % len(LINES)]
        traces.append(
            profile_line(f"{names[row]}, initial state", color)
            | {"mode": "markers", "marker": {"symbol": "circle-open", "color": color, "size": 9}}
            | {"x": [at], "y": [value], "showlegend": False}
        )
    return traces


def step_map(records: Sequence[WatchRecord], name: str) -> Trace:
    """Return the map of a module's last layer, forward direction: log10 of its norms, aligned at the ends."""
    own = [(each.step, each.profiles[name]) for each in records if name in each.profiles]
    width = max(profile.hidden.shape[1] for _, profile in own)
    stride = math.ceil(len(own) * width / MOST_CELLS)
    own = own[::-1][::stride][::-1]
    columns = []
    for _, profile in own:
        values = profile.hidden[-profile.directions]
        with np.errstate(divide="ignore"):
            logs = np.log10(values)
        columns.append(np.pad(logs, (width - len(logs), 0), constant_values=np.nan))
    steps = [step for step, _ in own]
    return profile_map(
        x=steps,
        y=_places(own[-1][1], width),
        z=[_json(each) for each in np.stack(columns, 1)],
        customdata=[steps] * width,
    )


def _titles(name: str, step: int, profile: Profile) -> tuple[str, str]:
    """Return what stands above a module's profile and above its map."""
    of = f"{name}: " if name else ""
    layer = f", layer {profile.layers}" if profile.layers > 1 else ""
    layer += ", forward direction" if profile.directions > 1 else ""
    return f"{of}step {step:,}", f"{of}log<sub>10</sub> ‖∂L/∂h<sub>t</sub>‖{layer}"


def _across(profile: Profile) -> str:
    return "timesteps before each sequence's end" if profile.ragged else TIMESTEP


def _places(profile: Profile, width: int | None = None) -> list[int]:
    T = width or profile.hidden.shape[1]
    return list(range(1 - T, 1)) if profile.ragged else list(range(1, T + 1))


def _floor(parts: Sequence[Floats]) -> float:
    """Return where an exact 0 stands: a decade below everything else."""
    positive = np.concatenate([values[np.isfinite(values) & (values > 0)] for values in parts])
    return float(positive.min()) / 10 if positive.size else 1.0


def _json(values: Floats) -> list[Any]:
    return [float(each) if math.isfinite(each) else None for each in values]
