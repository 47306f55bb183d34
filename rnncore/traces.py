"""Lines and maps of gradients through time as plotly's JSON has them, wherever they are drawn; no plotly is needed."""

from typing import Any

Trace = dict[str, Any]

# Okabe-Ito hues, told apart by colour-blind eyes, on light ground.
LINES = ("#0067b1", "#c4500c", "#00795a", "#a8467f", "#7a6a00", "#4b4f58")
HEATMAP_COLORS = "Viridis"
TIMESTEP, TRAINING_STEP = "timestep t", "training step"


def profile_line(name: str, color: str, *, width: float = 2.5, dash: str = "solid", **more: Any) -> Trace:
    """Return the line of a profile over the timesteps: norms on an axis of `profile_axis`."""
    line = {"color": color, "width": width, "dash": dash}
    return {"type": "scatter", "name": name, "mode": "lines", "line": line, "hovertemplate": "%{y:.2e}", **more}


def profile_axis() -> dict[str, Any]:
    """Return the axis of norms: logarithmic, with powers of ten."""
    return {"type": "log", "exponentformat": "power", "nticks": 7}


def profile_map(**more: Any) -> Trace:
    """Return the map of log10 of profiles over training step (x) and timestep (y)."""
    hover = "step %{customdata}, t = %{y}: 10<sup>%{z:.2f}</sup><extra></extra>"
    return {"type": "heatmap", "hoverongaps": False, "hovertemplate": hover, **more}


def power_ticks() -> dict[str, Any]:
    """Return the colour bar's ticks of such a map: powers of ten."""
    return {"tickprefix": "10<sup>", "ticksuffix": "</sup>"}
