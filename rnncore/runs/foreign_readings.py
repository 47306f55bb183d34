"""What a reading that comes from another program must be like before a page draws it."""

import math
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from rnncore.reading import Layer, Panel, Reading
from rnncore.words import visible

MAX_TEXT = 600  # characters
MAX_NAMES = 100  # of an axis
MAX_LAYERS = 12  # of a panel
MAX_LINES = 10  # levels and marks
KINDS = ("line", "points", "bars", "map")
_MARKUP = re.compile(r"</?su[bp]>|<extra></extra>")  # what our own titles and hovers have


def plain(text: str, most: int = MAX_TEXT) -> str:
    """Return a text of any program as `check_texts` lets it pass: without markup, and of at most so many characters."""
    shown = visible(text).replace("<", "‹")
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def check_texts(found: Reading) -> None:
    """Raise ValueError for text that is long, has characters that are not seen, or markup beyond our own."""
    for text in _texts((found.said, found.notes, found.undefined, list(found.arrays), found.panels)):
        if len(text) > MAX_TEXT:
            raise ValueError(f"a text of {len(text):,} characters is above the {MAX_TEXT} allowed")
        if visible(text) != text or "<" in _MARKUP.sub("", text):
            raise ValueError(f"the text {visible(text)[:60]!r} has characters or markup that are not allowed")


def check_layers(found: Reading) -> None:
    """Raise ValueError for a panel that its arrays do not fit."""
    for panel in found.panels:
        lines = len(panel.levels) + len(panel.marks)
        names = max(len(panel.x.names), len(panel.y.names))
        if not 1 <= len(panel.layers) <= MAX_LAYERS or lines > MAX_LINES or names > MAX_NAMES or panel.letters:
            raise ValueError(f"panel {panel.key!r}: it has too many layers, lines or names, or letters")
        numbers = [place for place, _ in (*panel.levels, *panel.marks)]
        scale = () if panel.scale is None else (panel.scale.low, panel.scale.high, panel.scale.middle)
        if not all(math.isfinite(each) for each in (*numbers, *scale) if each is not None):
            raise ValueError(f"panel {panel.key!r}: a place that is not finite")
        for layer in panel.layers:
            if not _fits(found, panel, layer):
                raise ValueError(f"panel {panel.key!r}: the arrays of a layer {layer.kind!r} do not fit one another")


def _fits(found: Reading, panel: Panel, layer: Layer) -> bool:
    shapes = {name: values.shape for name, values in found.arrays.items()}
    x, y = shapes.get(layer.x), shapes.get(layer.y)
    if layer.kind not in KINDS or x is None or y is None or len(x) != 1 or len(y) != 1 or not (x[0] and y[0]):
        return False
    if layer.place is not None and not 0 <= layer.place <= MAX_LAYERS:
        return False
    if layer.kind == "map":
        return shapes.get(layer.z) == (*y, *x) and panel.scale is not None
    return x == y and (not layer.color or shapes.get(layer.color) == x)


def _texts(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, tuple | list):
        for each in part:
            yield from _texts(each)
    elif is_dataclass(part):
        for each in fields(part):
            yield from _texts(getattr(part, each.name))
