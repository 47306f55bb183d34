"""Which plotly.js draws a page: a small one with the traces of the board, or the whole one where that lacks any.

The small one is built from the same version (`.ci/plotly`); it is a quarter of the bytes, and read in a tenth of the
time.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import plotly

SMALL = Path(__file__).parents[1] / "vendored" / "plotly.min.js"
WHOLE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def plotly_js(drawing: Mapping[str, Any]) -> Path:
    """Return the file that can draw all of a drawing (`figures.drawing`); figures of a plugin may hold any trace."""
    themes = drawing["figures"].values()
    kinds = {trace.get("type", "scatter") for figures in themes for spec in figures.values() for trace in spec["data"]}
    return SMALL if kinds <= small_draws() else WHOLE


@cache
def small_draws() -> frozenset[str]:
    """Return the kinds of traces in the small one, as its first line names them."""
    with SMALL.open(encoding="utf-8") as file:
        first = file.readline()
    found = re.search(r"traces: ([\w, ]+);", first)
    if found is None:
        raise ValueError(f"{SMALL.name}: its first line does not name its traces, but says {first[:120]!r}")
    return frozenset(found[1].split(", "))
