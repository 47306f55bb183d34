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
    """Return the file that can draw all of a drawing (`figures.drawing`) and of the readings beside it, if any."""
    specs = [spec for figures in drawing["figures"].values() for spec in figures.values()]
    read = [picture for reading in drawing.get("readings", ()) for picture in reading["light"]["pictures"]]
    specs += [picture["spec"] for picture in read if "spec" in picture]
    kinds = {trace.get("type", "scatter") for spec in specs for trace in spec["data"]}
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
