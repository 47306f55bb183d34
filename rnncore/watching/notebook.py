"""A lab in a notebook: one piece of HTML, without scripts or a server, that is put in place of the last one."""

import math
import sys
import time
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from rnncore.watching.record import Floats, Profile, WatchRecord

if TYPE_CHECKING:
    from rnncore.watching.lab import Lab

PACE_S = 0.5  # between two drawings
MOST_MODULES = 6  # that are drawn
WIDTH, HEIGHT, LEFT, BOTTOM = 360, 150, 44, 22  # of a chart, in pixels
COLOURS = ("#0067b1", "#c4500c", "#00795a", "#a8467f", "#7a6a00", "#4b4f58", "#5b4fc4", "#a02c2c")
DASHES = ("", "5 3")  # of the two directions
COLUMNS, ROWS = 40, 24  # of a map: steps and timesteps
SCALE = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))  # viridis
NO_NOTEBOOK = "live() draws in a notebook; in a script, figure() draws, and watch(model, name=...) shows it in the app"
STYLE = "font:12px system-ui,sans-serif;color:inherit"


def html(lab: "Lab") -> str:
    """Return what is known of a lab so far: the newest numbers, and for each module its profile and its map."""
    if not lab.records:
        words = "Nothing is recorded yet." if lab.modules else " ".join(lab.notes)
        return f'<div style="{STYLE}">{escape(words)}</div>'
    newest = lab.records[-1]
    names = list(dict.fromkeys(name for each in lab.records[-COLUMNS:] for name in each.profiles))
    drawn = "".join(_module(name, lab.records) for name in names[:MOST_MODULES])
    return f'<div style="{STYLE}"><div style="margin:4px 0"><b>{escape(_numbers(newest))}</b></div>{drawn}</div>'


class Live:
    """Draws a lab anew when it has recorded something, in the place where it was drawn first."""

    def __init__(self, lab: "Lab") -> None:
        """Draw it where the notebook is now. Raises RuntimeError outside a notebook."""
        self._lab, self._drawn_at = lab, time.monotonic()
        self._draw = _place()
        self._draw(_Html(html(lab)))

    def __call__(self, record: WatchRecord) -> None:
        """Draw, unless that has just been done."""
        if time.monotonic() - self._drawn_at >= PACE_S:
            self.draw()

    def draw(self) -> None:
        """Draw it as it stands."""
        self._drawn_at = time.monotonic()
        self._draw(_Html(html(self._lab)))


class _Html:
    """What a notebook shows of an object with this method."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_html_(self) -> str:
        return self._text


def _place() -> Any:
    """Return a function that shows something in place of what it has shown before."""
    marimo = sys.modules.get("marimo")
    if marimo is not None and marimo.running_in_notebook():
        return lambda shown: marimo.output.replace(marimo.Html(shown._repr_html_()))
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        raise RuntimeError(NO_NOTEBOOK)
    handle, shown_before = ipython.display.DisplayHandle(), False

    def draw(shown: _Html) -> None:
        nonlocal shown_before
        (handle.update if shown_before else handle.display)(shown)
        shown_before = True

    return draw


def _numbers(record: WatchRecord) -> str:
    known = {
        "loss": record.loss,
        "gradient norm": record.grad_norm,
        "after clipping": record.clipped_norm if (record.clip_coef or 1.0) < 1 else None,
        "update norm": record.update_norm,
        "learning rate": record.learning_rate,
    }
    parts = [f"{name} {value:.4g}" for name, value in known.items() if value is not None]
    return ", ".join([f"step {record.step:,}", *parts])


def _module(name: str, records: Sequence[WatchRecord]) -> str:
    own = [(each.step, each.profiles[name]) for each in records if name in each.profiles]
    step, profile = own[-1]
    title = f"{name or 'the model'}: mean over the batch of |dL/dh(t)| at step {step:,}"
    axis = "steps before the end of each sequence" if profile.ragged else "timestep"
    return (
        f'<div style="display:inline-block;vertical-align:top;margin-right:16px"><div>{escape(title)}</div>'
        f"{_chart(profile, axis)}{_legend(profile)}</div>"
        f'<div style="display:inline-block;vertical-align:top"><div>the same over training, layer 1</div>'
        f"{_map([(step, each) for step, each in own if each.hidden.shape[1] == profile.hidden.shape[1]])}</div><br>"
    )


def _chart(profile: Profile, axis: str) -> str:
    """Lines over the timesteps, one for each layer and direction, and circles for initial states; logarithmic."""
    logs, starts = _logs(profile.hidden), profile.initial_states
    known = np.append(logs, [math.log10(value) for value, _ in starts.values()])
    finite = known[np.isfinite(known)]
    if not finite.size:
        return "<div>No gradient arrives.</div>"
    low, high = math.floor(finite.min()), math.ceil(finite.max())
    high = high if high > low else low + 1
    T = logs.shape[1]
    before = int(any(not reverse for _, reverse in starts.values()))
    after = int(any(reverse for _, reverse in starts.values()))
    slot = (WIDTH - LEFT) / (before + T + after)
    xs = LEFT + (np.arange(T) + before + 0.5) * slot
    lines = []
    for row, values in enumerate(logs):
        ys = 6 + (high - values) / (high - low) * (HEIGHT - BOTTOM - 6)
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True) if math.isfinite(y))
        dash = DASHES[row % profile.directions]
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{_colour(row, profile)}" stroke-width="1.6"'
            f' stroke-dasharray="{dash}"/>'
        )
    names = profile.row_names()
    for row, (value, reverse) in starts.items():
        x = xs[-1] + slot if reverse else xs[0] - slot
        y = 6 + (high - math.log10(value)) / (high - low) * (HEIGHT - BOTTOM - 6)
        lines.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="none" stroke="{_colour(row, profile)}"'
            f' stroke-width="1.4"><title>{escape(names[row])}, initial state: {value:.2e}</title></circle>'
        )
    ticks = "".join(
        f'<text x="{LEFT - 6}" y="{6 + (high - each) / (high - low) * (HEIGHT - BOTTOM - 6) + 4:.1f}"'
        f' text-anchor="end">1e{each}</text>'
        for each in sorted({low, (low + high) // 2, high})
    )
    ends = (f"{T - 1} before", "end") if profile.ragged else ("1", str(T))
    return _svg(
        f"gradient over {axis}",
        f'{"".join(lines)}{ticks}<text x="{LEFT + before * slot:.1f}" y="{HEIGHT - 6}">{ends[0]}</text>'
        f'<text x="{WIDTH - after * slot:.1f}" y="{HEIGHT - 6}" text-anchor="end">{ends[1]}</text>'
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">{axis}</text>',
    )


def _map(own: Sequence[tuple[int, Profile]]) -> str:
    """Steps from left to right, timesteps upwards, the logarithm of the gradient as a colour."""
    chosen = [own[place] for place in sorted({*np.linspace(0, len(own) - 1, min(COLUMNS, len(own))).astype(int)})]
    logs = np.stack([_logs(profile.hidden)[0] for _, profile in chosen])  # (steps, T)
    T = logs.shape[1]
    rows = np.unique(np.linspace(0, T - 1, min(ROWS, T)).round().astype(int))
    finite = logs[np.isfinite(logs)]
    if not finite.size:
        return ""
    low, span = float(finite.min()), float(np.ptp(finite)) or 1.0
    w, h = (WIDTH - LEFT) / len(chosen), (HEIGHT - BOTTOM - 6) / len(rows)
    cells = "".join(
        f'<rect x="{LEFT + column * w:.1f}" y="{HEIGHT - BOTTOM - (place + 1) * h:.1f}" width="{w + 0.3:.1f}"'
        f' height="{h + 0.3:.1f}" fill="{_shade((value - low) / span)}"/>'
        for column, values in enumerate(logs)
        for place, value in enumerate(values[rows])
        if math.isfinite(value)
    )
    words = f"colours from 1e{low:.1f} to 1e{low + span:.1f}"
    return _svg(
        f"gradient over training steps and timesteps, {words}",
        f'<g shape-rendering="crispEdges">{cells}</g>'
        f'<text x="{LEFT}" y="{HEIGHT - 6}">step {chosen[0][0]:,} to {chosen[-1][0]:,}; {words}</text>'
        f'<text x="{LEFT - 6}" y="{HEIGHT - BOTTOM}" text-anchor="end">1</text>'
        f'<text x="{LEFT - 6}" y="16" text-anchor="end">{T}</text>',
    )


def _legend(profile: Profile) -> str:
    rows = profile.row_names()
    start = "○ the initial state" if profile.initial_states else ""
    if len(rows) == 1:
        return f"<div>{start}</div>"
    marks = [("—", "- -")[row % profile.directions] for row in range(len(rows))]
    words = (
        f'<span style="color:{_colour(row, profile)}">{marks[row]} {escape(name)}</span>'
        for row, name in enumerate(rows)
    )
    return f"<div>{' '.join((*words, start)).strip()}</div>"


def _svg(label: str, content: str) -> str:
    return (
        f'<svg role="img" aria-label="{escape(label)}" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' font-size="11" fill="currentColor">{content}</svg>'
    )


def _logs(values: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs: Floats = np.log10(values)
    return logs


def _colour(row: int, profile: Profile) -> str:
    return COLOURS[row // profile.directions % len(COLOURS)]


def _shade(share: float) -> str:
    place = min(max(share, 0.0), 1.0) * (len(SCALE) - 1)
    low = min(int(place), len(SCALE) - 2)
    mixed = (a + (b - a) * (place - low) for a, b in zip(SCALE[low], SCALE[low + 1], strict=True))
    return "#" + "".join(f"{round(each):02x}" for each in mixed)
