"""The cards of the presets as HTML, their pictures as inline SVG of recorded profiles."""

from collections.abc import Sequence
from html import escape

from dashboard.experiment.presets import PRESETS, Preset, pictures

WIDTH, HEIGHT = 132, 46
_MARGIN = 4
_LEAST_DECADES = 3.0  # up and down from the ratio 1, so that a level line looks level


def cards_html() -> str:
    """Return a card for every preset: a button with picture, title and sentence.

    `data-preset` is its key; `data-asks` is there where something is to be chosen before it can train.
    """
    return f'<div class="presets" role="group" aria-label="Presets">{"".join(map(_card, PRESETS.values()))}</div>'


def picture_svg(profiles: Sequence[Sequence[float]]) -> str:
    """Return profiles (of each run log10 of g[t] / g[T], t = 1 to T) over a dashed line at the ratio 1."""
    reach = max([_LEAST_DECADES, *(abs(value) for profile in profiles for value in profile)])
    middle = HEIGHT / 2
    lines = []
    for run, profile in enumerate(profiles):
        apart = (WIDTH - 2 * _MARGIN) / (len(profile) - 1)
        points = " ".join(
            f"{_MARGIN + place * apart:.1f},{middle - value / reach * (middle - _MARGIN):.1f}"
            for place, value in enumerate(profile)
        )
        lines.append(f'<polyline class="run{run}" points="{points}"/>')
    level = f'<line class="level" x1="0" x2="{WIDTH}" y1="{middle}" y2="{middle}"/>'
    return _svg(level + "".join(lines), stretched=True)


def _card(preset: Preset) -> str:
    picture = picture_svg(pictures()[preset.key]) if preset.configs else _svg(_FILE)
    asks = "" if preset.configs else " data-asks"
    return (
        f'<button type="button" data-preset="{escape(preset.key)}"{asks}>{picture}'
        f"<strong>{escape(preset.title)}</strong><span>{escape(preset.help)}</span></button>"
    )


def _svg(content: str, *, stretched: bool = False) -> str:
    """Return a picture; a stretched one is as wide as its card."""
    ratio = ' preserveAspectRatio="none"' if stretched else ""
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}"{ratio} aria-hidden="true" focusable="false">{content}</svg>'


# An arrow that goes up from a tray.
_FILE = '<path class="file" d="M66 31V10M58 17l8-8 8 8M48 28v10h36V28"/>'
